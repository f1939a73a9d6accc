"""Who gets a snapshot, which way, and with whom."""

import pytest

from pyredis.engine.execution import gates
from pyredis.engine.roster import Clients
from pyredis.replication.full_sync import FullSyncs
from pyredis.replication.replicas import Replicas
from pyredis.testing import Caller
from tests.replication.wires import Watched

CAPABLE = ("REPLCONF", "capa", "eof", "capa", "psync2")


class Asking:
    """A master, and those who ask it for everything."""

    def __init__(self, folder, **parameters):
        self.watched = Watched(folder, **parameters)
        self.watched.run("SET k v", "SET other v", "FUNCTION FLUSH")

    def ask(self, *commands):
        caller = Caller(self.watched.simulation.host("asking"), ("m", 6379))
        for words in commands:
            caller.send(*words)
            self.watched.simulation.run_for(3)
        return caller

    def states(self):
        return [replica.state.shown for replica in self.watched.master.engine[Replicas].attached.values()]

    @property
    def snapshots(self):
        return sum("Starting BGSAVE for SYNC" in line for line in self.watched.master.kept.lines)

    def run_for(self, ms):
        self.watched.simulation.run_for(ms)


@pytest.mark.parametrize(
    ("diskless", "said", "form"),
    [
        ("yes", [CAPABLE], b"$EOF:"),
        ("yes", [], b"$"),
        ("no", [CAPABLE], b"$"),
        ("no", [CAPABLE, ("REPLCONF", "rdb-filter-only", "functions")], b"$EOF:"),
    ],
)
def test_which_way(tmp_path, diskless, said, form):
    asking = Asking(tmp_path, repl_diskless_sync=diskless)
    caller = asking.ask(*said, ("PSYNC", "?", "-1"))
    asking.run_for(1000)
    line, _, payload = caller.said.removeprefix(b"+OK\r\n" * len(said)).lstrip(b"\n").partition(b"\r\n")
    assert line.startswith(b"+FULLRESYNC ")
    payload = payload.lstrip(b"\n")
    assert payload.startswith(form)
    assert payload.startswith(b"$EOF:") is (form == b"$EOF:")
    assert (b"other" in payload) is (len(said) < 2)


def test_sync_has_no_line_of_its_own(tmp_path):
    asking = Asking(tmp_path, repl_diskless_sync="no")
    caller = asking.ask(("SYNC",))
    asking.run_for(1000)
    assert caller.said.lstrip(b"\n").startswith(b"$")
    asking.watched.run("INCR n")
    asking.run_for(10)
    assert caller.said.endswith(b"INCR\r\n$1\r\nn\r\n")


def test_those_who_come_within_the_delay_share_a_snapshot(tmp_path):
    asking = Asking(tmp_path, repl_diskless_sync_delay="3")
    first = asking.ask(CAPABLE, ("PSYNC", "?", "-1"))
    asking.run_for(2000)
    second = asking.ask(CAPABLE, ("PSYNC", "?", "-1"))
    assert (asking.snapshots, asking.states()) == (0, ["wait_bgsave"] * 2)
    asking.run_for(1500)
    assert (asking.snapshots, asking.states()) == (1, ["online"] * 2)
    assert first.said.replace(b"\n", b"") == second.said.replace(b"\n", b"")


def test_no_more_are_waited_for_than_told(tmp_path):
    asking = Asking(tmp_path, repl_diskless_sync_delay="60", repl_diskless_sync_max_replicas="2")
    asking.ask(CAPABLE, ("PSYNC", "?", "-1"))
    asking.run_for(1000)
    assert asking.snapshots == 0
    asking.ask(CAPABLE, ("PSYNC", "?", "-1"))
    asking.run_for(500)
    assert asking.snapshots == 1


def test_a_file_that_is_being_written_is_shared_with_who_can_do_as_much(tmp_path):
    asking = Asking(tmp_path, repl_diskless_sync="no", rdb_key_save_delay="0")
    one = asking.ask(CAPABLE)
    others = [asking.ask(CAPABLE), asking.ask()]
    for caller in (one, *others):
        caller.send("PSYNC", "?", "-1")
    asking.run_for(2)
    asking.run_for(2000)
    assert asking.states() == ["online"] * 3
    assert all(caller.said.count(b"+FULLRESYNC") == 1 for caller in (one, *others))


def test_who_wants_the_dataset_alone_gets_no_stream(tmp_path):
    asking = Asking(tmp_path, repl_diskless_sync="no")
    caller = asking.ask(("REPLCONF", "rdb-only", "1"), ("SYNC",))
    asking.run_for(1000)
    said = caller.said
    asking.watched.run("INCR n")
    asking.run_for(1000)
    assert (caller.said, caller.gone) == (said, True)


def test_a_filter_needs_a_mark(tmp_path):
    asking = Asking(tmp_path)
    caller = asking.ask(("REPLCONF", "rdb-filter-only", "functions"), ("SYNC",))
    assert caller.said == b"+OK\r\n-ERR Filtered replica requires EOF capability\r\n"


def test_a_snapshot_that_fails_is_asked_for_again(tmp_path):
    watched = Watched(tmp_path, repl_diskless_sync="no")
    watched.run("SET k v", f"CONFIG SET dbfilename x{'y' * 250}")  # longer than a file's name may be, with `temp-`
    replica = watched.replica()
    watched.simulation.run_for(5000)
    assert not watched.in_step(replica)
    watched.run("CONFIG SET dbfilename m.rdb")
    watched.settle(replica)


def test_half_a_script_s_effects_are_no_snapshot(tmp_path):
    """One that overruns is put aside between two of its commands, and has sent nothing yet."""
    asking = Asking(tmp_path)
    engine = asking.watched.master.engine
    engine[FullSyncs].request(engine[Replicas].introduced(engine[Clients].connect()))
    engine.gates |= gates.BUSY
    asking.run_for(1500)
    assert asking.snapshots == 0
    engine.gates &= ~gates.BUSY
    engine.freed()
    assert asking.snapshots == 1
