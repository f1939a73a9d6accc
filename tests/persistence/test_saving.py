"""Snapshots: when they are taken, what happens when they cannot be, and that a stop at any step loses none."""

import os
import signal

import pytest

from pyredis.clock import ManualClock
from pyredis.engine.execution import gates
from pyredis.persistence.background import Background
from pyredis.persistence.disk import Disk
from pyredis.persistence.saving import Saving
from tests.oracle import wait_for
from tests.persistence.disks import Crash, MemoryDisk
from tests.persistence.engines import Session, digest, engine_on

STARTED = b"+Background saving started\r\n"
SCHEDULED = b"+Background saving scheduled\r\n"
IN_PROGRESS = b"-ERR Background save already in progress\r\n"
MISCONF = b"-MISCONF Redis is configured to save RDB snapshots"
COMMANDS = [
    ("SET", "a", "1"),
    ("RPUSH", "l", "x", "y", "z"),
    ("HSET", "h", "f", "v"),
    ("EXPIRE", "h", "100"),
    ("SELECT", "3"),
    ("ZADD", "z", "1", "m"),
    ("XADD", "s", "1-1", "f", "v"),
    ("FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return 1 end)"),
]


@pytest.fixture
def folder(tmp_path):
    return tmp_path


@pytest.fixture
def disk():
    return MemoryDisk()


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def start(folder, disk, clock):
    """A session of an engine that saves snapshots only."""

    def start(save='""', **parameters):
        return Session(engine_on(disk, folder, clock, appendonly="no", save=save, **parameters))

    return start


def filled(session):
    for words in COMMANDS:
        assert not session(*words).startswith(b"-"), words
    session("SELECT", "0")
    return digest(session.engine)


def field(session, name):
    text = session("INFO", "persistence").decode()
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line).get(name)


def finish(session):
    """Let the snapshot in the background end."""
    session.engine.cron()
    wait_for(lambda: session.engine[Background].poll() or not session.engine[Saving].active)


def later(session, clock, seconds):
    clock.advance(seconds * 1000)
    session.engine.cron()


# SAVE and BGSAVE


@pytest.mark.parametrize("command", ["SAVE", "BGSAVE"])
def test_what_was_saved_is_there_at_the_next_start(start, clock, command):
    session = start()
    before = filled(session)
    later(session, clock, 7)
    assert session(command) in (b"+OK\r\n", STARTED)
    finish(session)
    assert field(session, "rdb_changes_since_last_save") == "0"
    assert session("LASTSAVE") == b":%d\r\n" % (clock.now_ms() // 1000)
    assert field(session, "rdb_saves") == "1"
    session("SET", "later", "lost")
    again = start()
    assert digest(again.engine) == before
    assert again("FCALL", "f", "0") == b":1\r\n"
    assert field(again, "rdb_changes_since_last_save") == "0"
    assert field(again, "rdb_last_load_keys_loaded") == "5"


def test_lastsave_is_the_start_while_nothing_was_saved(start, clock):
    session = start()
    at = clock.now_ms() // 1000
    clock.advance(5000)
    assert session("LASTSAVE") == b":%d\r\n" % at


def test_a_snapshot_is_of_the_moment_it_was_asked_for(start):
    session = start()
    before = filled(session)
    session("BGSAVE")
    session("SET", "a", "changed")
    session("DEL", "l")
    session("RPUSH", "new", "x")
    finish(session)
    assert field(session, "rdb_changes_since_last_save") == "3"
    assert digest(start().engine) == before


def test_one_at_a_time(start):
    session = start()
    filled(session)
    assert session("BGSAVE") == STARTED
    assert field(session, "rdb_bgsave_in_progress") == "1"
    assert session("BGSAVE") == session("BGSAVE", "SCHEDULE") == session("SAVE") == IN_PROGRESS
    finish(session)
    assert field(session, "rdb_bgsave_in_progress") == "0"
    assert field(session, "rdb_last_bgsave_status") == "ok"
    assert session("BGSAVE") == STARTED


def test_beside_a_rewrite_it_waits(start):
    session = start()
    filled(session)
    assert session("BGREWRITEAOF").startswith(b"+Background append only file rewriting started")
    assert session("BGSAVE").startswith(b"-ERR Another child process is active (AOF?): can't BGSAVE right now.")
    assert session("BGSAVE", "SCHEDULE") == SCHEDULED
    wait_for(lambda: session.engine.cron() or not session.engine[Background].active)
    assert field(session, "rdb_saves") == "1"
    assert session("LASTSAVE") != b":0\r\n"


def test_in_a_transaction_it_waits_for_the_next_cron(start):
    session = start()
    filled(session)
    session("MULTI")
    session("BGSAVE")
    assert session("EXEC") == b"*1\r\n" + SCHEDULED
    assert field(session, "rdb_bgsave_in_progress") == "0"
    session.engine.cron()
    assert field(session, "rdb_bgsave_in_progress") == "1"


def test_counters_go_back_by_resetstat(start):
    session = start()
    session("SAVE")
    assert field(session, "rdb_saves") == "1"
    session("CONFIG", "RESETSTAT")
    assert field(session, "rdb_saves") == "0"


# Save points


@pytest.mark.parametrize(("changes", "seconds"), [(1, 101), (10, 11)])
def test_save_points(start, clock, changes, seconds):
    session = start(save="100 1 10 10")
    for at in range(changes):
        session("SET", f"key{at}", "v")
    later(session, clock, seconds - 1)
    assert field(session, "rdb_bgsave_in_progress") == "0"
    later(session, clock, 1)
    assert field(session, "rdb_bgsave_in_progress") == "1"
    finish(session)
    assert field(session, "rdb_changes_since_last_save") == "0"
    later(session, clock, 1000)
    assert field(session, "rdb_saves") == "1"


def test_no_save_points_no_snapshot(start, clock):
    session = start()
    session("SET", "a", "1")
    later(session, clock, 10_000)
    assert field(session, "rdb_saves") == "0"


# Failure


def test_writes_are_refused_until_a_save_succeeds(start, disk, clock):
    session = start(save="100 1")
    session("SET", "a", "1")
    disk.space = 10
    session("BGSAVE")
    finish(session)
    assert field(session, "rdb_last_bgsave_status") == "err"
    assert session("SET", "a", "2").startswith(MISCONF)
    assert session("PING").startswith(MISCONF)
    assert session("EVAL", "return redis.call('set', KEYS[1], 1)", "1", "a").startswith(MISCONF)
    assert session("EVAL", "#!lua\nreturn redis.call('set', KEYS[1], 1)", "1", "a").startswith(MISCONF)
    assert session("EVAL", "return redis.call('get', KEYS[1])", "1", "a") == session("GET", "a") == b"$1\r\n1\r\n"
    assert not [path for path in disk.files if path.name.startswith("temp")]
    disk.space = None
    later(session, clock, 5)
    assert field(session, "rdb_bgsave_in_progress") == "0"  # the retry waits
    session("BGSAVE")
    finish(session)
    assert field(session, "rdb_last_bgsave_status") == "ok"
    assert session("SET", "a", "2") == b"+OK\r\n"


@pytest.mark.parametrize("words", [("stop-writes-on-bgsave-error", "no"), ("save", "")])
def test_writes_go_on_where_the_configuration_says_so(start, disk, words):
    session = start(save="100 1")
    disk.space = 10
    session("BGSAVE")
    finish(session)
    assert session("SET", "a", "2").startswith(MISCONF)
    session("CONFIG", "SET", *words)
    assert session("SET", "a", "2") == b"+OK\r\n"
    assert session("PING") == b"+PONG\r\n"


def test_a_save_that_failed_is_tried_again_after_five_seconds(start, disk, clock):
    session = start(save="10 1")
    session("SET", "a", "1")
    disk.space = 10
    later(session, clock, 11)
    finish(session)
    assert field(session, "rdb_last_bgsave_status") == "err"
    disk.space = None
    later(session, clock, 5)
    assert field(session, "rdb_bgsave_in_progress") == "0"
    later(session, clock, 1)
    assert field(session, "rdb_bgsave_in_progress") == "1"
    finish(session)
    assert session("SET", "a", "2") == b"+OK\r\n"


def test_a_save_that_fails_says_so_and_leaves_the_last_one(start, disk):
    session = start()
    before = filled(session)
    session("SAVE")
    session("SET", "a", "changed")
    disk.space = 10
    assert session("SAVE") == b"-ERR\r\n"
    assert session("SET", "b", "1") == b"+OK\r\n"  # it is in the background that errors count
    assert field(session, "rdb_changes_since_last_save") == "2"
    disk.space = None
    assert digest(start().engine) == before


@pytest.mark.parametrize("command", ["SAVE", "BGSAVE"])
@pytest.mark.parametrize("power_cut", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_a_stop_at_any_step_leaves_a_whole_snapshot(folder, clock, command, after, power_cut):
    """The old one or the new one, and the new one from the answer of SAVE on."""
    stop, seen = 0, []
    while True:
        stop += 1
        disk = MemoryDisk()
        session = Session(engine_on(disk, folder, clock, appendonly="no", save='""'))
        session("SET", "a", "old")
        session("SAVE")
        old, new = digest(session.engine), filled(session)
        disk.stop_at, disk.after, disk.steps = stop, after, 0
        try:
            session(command)
            finish(session)
        except Crash:
            pass
        found = digest(engine_on(disk.restarted(power_cut=power_cut), folder, clock, appendonly="no"))
        assert found in (old, new)
        seen.append(found == new)
        if not disk.stopped:
            break
    assert seen == sorted(seen), "what is new never becomes old again"
    assert seen[-1]
    assert len(seen) >= 5


# FLUSHALL


def test_flushall_with_save_points_saves_that_there_is_nothing(start):
    session = start(save="1000 1000")
    filled(session)
    session("SAVE")
    session("FLUSHALL")
    assert field(session, "rdb_changes_since_last_save") == "0"
    assert field(session, "rdb_saves") == "1"
    assert start()("DBSIZE") == b":0\r\n"


def test_flushall_without_leaves_the_snapshot(start):
    session = start()
    before = filled(session)
    session("SAVE")
    session("FLUSHALL")
    assert digest(start().engine) == before


def test_flushall_ends_a_snapshot_in_the_background(start, disk):
    session = start()
    filled(session)
    session("BGSAVE")
    session("FLUSHALL")
    assert field(session, "rdb_bgsave_in_progress") == "0"
    finish(session)
    assert not disk.files
    assert session("SET", "a", "1") == b"+OK\r\n"


# The end of the server


@pytest.mark.parametrize(
    ("points", "save", "saved"),
    [('""', None, False), ("100 1", None, True), ('""', True, True), ("100 1", False, False)],
)
def test_the_last_snapshot(start, points, save, saved):
    session = start(save=points)
    before = filled(session)
    assert session.engine[Saving].before_exit(save, False)
    assert (digest(start().engine) == before) == saved


def test_where_it_cannot_be_saved_only_force_ends_it(start, disk):
    session = start(save="100 1")
    filled(session)
    disk.space = 10
    assert not session.engine[Saving].before_exit(None, False)
    assert session.engine[Saving].before_exit(None, True)
    assert session.engine[Saving].before_exit(False, False)


def test_while_loading_there_is_nothing_to_save(start, disk):
    session = start(save="100 1")
    session.engine.gates |= gates.LOADING
    assert session.engine[Saving].before_exit(True, False)
    assert not disk.files


# A forked child


@pytest.fixture
def forking(tmp_path):
    if not hasattr(os, "fork"):
        pytest.skip("there is no fork here")
    session = Session(engine_on(Disk(), tmp_path, appendonly="no", save='"900 1"'))
    session.engine[Background].forks_allowed = True
    yield session
    session.engine[Background].kill()


def test_a_child_writes_what_was(forking, tmp_path):
    before = filled(forking)
    assert forking("BGSAVE") == STARTED
    forking("SET", "a", "changed")
    finish(forking)
    assert digest(engine_on(Disk(), tmp_path, appendonly="no")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["dump.rdb"]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGKILL, "err"), (signal.SIGUSR1, "ok")])
def test_a_child_that_is_killed_leaves_nothing(forking, tmp_path, number, status):
    """Ended by SIGUSR1 it was on purpose, which is no failure."""
    before = filled(forking)
    forking("SAVE")
    forking("CONFIG", "SET", "rdb-key-save-delay", "10000000")
    forking("SET", "a", "changed")
    assert forking("BGSAVE") == STARTED
    os.kill(forking.engine[Background].pid, number)
    finish(forking)
    assert field(forking, "rdb_last_bgsave_status") == status
    assert forking("SET", "a", "2").startswith(MISCONF if status == "err" else b"+OK")
    assert [path.name for path in tmp_path.iterdir()] == ["dump.rdb"]
    assert digest(engine_on(Disk(), tmp_path, appendonly="no")) == before


def test_flushall_kills_the_child(forking, tmp_path):
    filled(forking)
    forking("CONFIG", "SET", "save", "", "rdb-key-save-delay", "10000000")
    forking("BGSAVE")
    forking("FLUSHALL")
    assert field(forking, "rdb_bgsave_in_progress") == "0"
    assert list(tmp_path.iterdir()) == []
