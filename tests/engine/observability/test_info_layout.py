"""INFO: names and order of all fields, and who gives them."""

from pathlib import Path

from pytest import mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.config.store import Config
from pyredis.engine.execution import gates
from pyredis.engine.observability.info import Info
from pyredis.engine.observability.info_layout import LAYOUT
from pyredis.engine.roster import Clients
from pyredis.persistence.dataset_loading import Loading
from tests.observed import ask

RECORDED = Path(__file__).with_name("info_fields.txt")
"""What INFO everything and INFO debug named before components brought their own fields."""


def names(*parameters, loading=False):
    """Titles and field names, in order."""
    config = Config()
    config.load_lines("\n".join(parameters), None)
    engine = build_engine(config, clock=ManualClock(1_000_000), seed=1)
    client = engine[Clients].connect()
    ask(client, "SET a 1 PX 100", "GET a", "NOSUCH")
    if loading:
        engine[Loading].enter()
    text = ask(client, "INFO everything", "INFO debug").decode()
    lines = [line for line in text.split("\r\n") if line and line[0] != "$"]
    return [line if line[0] == "#" else line.partition(":")[0] for line in lines]


def test_names_and_order():
    assert names() == RECORDED.read_text().split("\n")[:-1]


@mark.parametrize(
    ("parameters", "loading", "more", "after"),
    [
        (
            ("appendonly yes",),
            False,
            "aof_current_size aof_base_size aof_pending_rewrite aof_buffer_length aof_pending_bio_fsync "
            "aof_delayed_fsync",
            "module_fork_last_cow_size",
        ),
        (
            (),
            True,
            "loading_start_time loading_total_bytes loading_rdb_used_mem loading_loaded_bytes loading_loaded_perc "
            "loading_eta_seconds",
            "module_fork_last_cow_size",
        ),
    ],
)
def test_names_that_come_and_go(parameters, loading, more, after):
    plain, found = names(), names(*parameters, loading=loading)
    at = plain.index(after) + 1
    assert found == plain[:at] + more.split() + plain[at:]


def test_no_field_has_two_owners():
    """A value that another would take the place of is written for nothing."""
    engine = build_engine(seed=1)
    engine.gates |= gates.LOADING
    for title, sections in engine.info._sections.items():
        given = [name for section in sections for name in section()]
        assert len(given) == len({*given}), title
        assert not {name for name in given if LAYOUT.get(title, {}).get(name) is not None}


def test_what_nobody_gives_is_left_out():
    info = Info()
    assert b"used_memory" not in info.render(["memory"])
    assert info.render(["clients"]) == b"# Clients\r\n"
    info.add("Memory", lambda: {"later": 1, "used_memory": 2})
    assert info.render(["memory"]).startswith(b"# Memory\r\nused_memory:2\r\nmem_replica_full_sync_buffer:0\r\n")
    assert info.render(["memory"]).endswith(b"later:1\r\n")
