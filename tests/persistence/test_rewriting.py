"""BGREWRITEAOF: the log gets a new base, and is whole at every step of that."""

import errno
import os
import signal
from itertools import pairwise

import pytest

from pyredis.clock import Clock, ManualClock
from pyredis.persistence.append_log import OFF, ON, WAITING
from pyredis.persistence.background import Background
from pyredis.persistence.disk import Disk
from pyredis.persistence.rewriting import Rewriting
from tests.oracle import wait_for
from tests.persistence.disks import Crash, MemoryDisk
from tests.persistence.engines import Session, digest, engine_on, log_of

STARTED = b"+Background append only file rewriting started\r\n"
MINUTE = 60_000


def settled(engine):
    """Let what is at work in the background end."""
    background = engine[Background]
    for _ in range(20):
        if background.active:
            background.poll()
    assert not background.active


def manifest(disk, folder):
    return disk.files[folder / "appendonlydir" / "appendonly.aof.manifest"].data.decode().splitlines()


def names(disk):
    return sorted(path.name for path in disk.files)


def field(session, name):
    text = session("INFO", "persistence").decode()
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line).get(name)


def life(session):
    """Writes before, during and after two rewrites and a switch off and on again."""
    engine = session.engine
    yield session("RPUSH", "l", "1", "2")
    yield session("BGREWRITEAOF")
    yield session("INCR", "n")
    yield settled(engine)
    yield session("INCR", "n")
    yield session("CONFIG", "SET", "aof-use-rdb-preamble", "no")
    yield session("BGREWRITEAOF")
    yield session("SET", "s", "x")
    yield settled(engine)
    yield session("INCR", "n")


@pytest.mark.parametrize("power_cut", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_a_stop_at_any_step_of_a_rewrite_loses_nothing(tmp_path, after, power_cut):
    stop = 0
    while True:
        stop += 1
        disk = MemoryDisk(stop_at=stop, after=after)
        answered, running = [], True
        try:
            session = Session(engine_on(disk, tmp_path))
            answered.append(digest(session.engine))
            for _ in life(session):
                answered.append(digest(session.engine))
            running = False
        except Crash:
            answered.append(digest(session.engine) if answered else b"0" * 40)
        if not running:
            break
        found = engine_on(disk.restarted(power_cut=power_cut), tmp_path)
        assert digest(found) in answered[-2:], stop
        again = Session(found)
        again("SET", "after", "all")
        again("BGREWRITEAOF")
        settled(found)
        assert digest(engine_on(found[Disk].restarted(power_cut=True), tmp_path)) == digest(found)
    assert stop > 60


@pytest.mark.parametrize("power_cut", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_a_stop_while_it_is_switched_on_leaves_what_was_before_or_what_is_new(tmp_path, after, power_cut):
    stop = 0
    while True:
        stop += 1
        disk = MemoryDisk()
        session = Session(engine_on(disk, tmp_path))
        session("SET", "old", "1")
        session("CONFIG", "SET", "appendonly", "no")
        old = digest(session.engine)
        session("SET", "unlogged", "1")
        disk.stop_at, disk.after = disk.steps + stop, after
        state, new = OFF, []
        try:
            session("CONFIG", "SET", "appendonly", "yes")
            session("SET", "logged", "1")
            new.append(digest(session.engine))
            settled(session.engine)
            state = log_of(session.engine).state
            session("SET", "more", "1")
        except Crash:
            new.append(digest(session.engine))
        else:
            break
        found = digest(engine_on(disk.restarted(power_cut=power_cut), tmp_path))
        assert found in (new if state is ON else [old, *new]), stop
    assert stop > 12
    assert log_of(session.engine).state is ON


def test_the_files_of_a_rewrite(tmp_path):
    disk = MemoryDisk()
    session = Session(engine_on(disk, tmp_path))
    session("SET", "a", "1")
    assert session("BGREWRITEAOF") == STARTED
    assert session("BGREWRITEAOF").startswith(b"-ERR Background append only file rewriting already in progress")
    assert manifest(disk, tmp_path) == [
        "file appendonly.aof.1.base.rdb seq 1 type b",
        "file appendonly.aof.1.incr.aof seq 1 type i",
        "file appendonly.aof.2.incr.aof seq 2 type i",
    ]
    settled(session.engine)
    assert names(disk) == ["appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof", "appendonly.aof.manifest"]
    assert field(session, "aof_last_bgrewrite_status") == "ok"


def test_history_stays_while_that_is_wanted(tmp_path):
    disk = MemoryDisk()
    session = Session(engine_on(disk, tmp_path, aof_disable_auto_gc="yes"))
    session("BGREWRITEAOF")
    settled(session.engine)
    assert "file appendonly.aof.1.base.rdb seq 1 type h" in manifest(disk, tmp_path)
    assert "appendonly.aof.1.incr.aof" in names(disk)
    session("CONFIG", "SET", "aof-disable-auto-gc", "no")
    assert names(disk) == ["appendonly.aof.2.base.rdb", "appendonly.aof.2.incr.aof", "appendonly.aof.manifest"]


def test_a_rewrite_that_fails_costs_an_increment(tmp_path):
    disk = MemoryDisk()
    session = Session(engine_on(disk, tmp_path, appendfsync="everysec"))
    session("SET", "a", "1")
    session("BGREWRITEAOF")
    disk.space = 0
    settled(session.engine)
    disk.space = None
    assert field(session, "aof_last_bgrewrite_status") == "err"
    assert field(session, "aof_rewrites_consecutive_failures") == "1"
    session("SET", "b", "1")
    assert "appendonly.aof.1.base.rdb" in names(disk)
    assert not [name for name in names(disk) if name.startswith("temp")]
    assert digest(engine_on(disk.restarted(power_cut=False), tmp_path)) == digest(session.engine)


def test_switched_off_a_rewrite_makes_a_base_alone(tmp_path):
    disk = MemoryDisk()
    session = Session(engine_on(disk, tmp_path))
    session("CONFIG", "SET", "appendonly", "no")
    session("SET", "a", "1")
    session("BGREWRITEAOF")
    settled(session.engine)
    assert manifest(disk, tmp_path) == ["file appendonly.aof.2.base.rdb seq 2 type b"]
    assert digest(engine_on(disk.restarted(power_cut=True), tmp_path)) == digest(session.engine)


def test_what_comes_before_the_first_base_is_begun_anew_when_that_fails(tmp_path):
    disk = MemoryDisk()
    session = Session(engine_on(disk, tmp_path, appendonly="no", appendfsync="everysec"))
    session("SET", "a", "1")
    session("CONFIG", "SET", "appendonly", "yes")
    assert log_of(session.engine).state is WAITING
    session("SET", "b", "1")
    disk.space = 0
    settled(session.engine)
    assert "temp-appendonly.aof.incr" not in names(disk)
    disk.space = None
    session("SET", "c", "1")
    session.engine.cron()
    settled(session.engine)
    assert log_of(session.engine).state is ON
    session("SET", "d", "1")
    assert digest(engine_on(disk.restarted(power_cut=False), tmp_path)) == digest(session.engine)


def test_inside_a_transaction_it_is_put_off(tmp_path):
    disk = MemoryDisk()
    session = Session(engine_on(disk, tmp_path))
    session.send([("MULTI",), ("INCR", "n"), ("BGREWRITEAOF",), ("INCR", "n")])
    assert b"+Background append only file rewriting scheduled" in session("EXEC")
    session.engine.cron()
    settled(session.engine)
    assert "appendonly.aof.2.base.rdb" in names(disk)
    assert digest(engine_on(disk.restarted(power_cut=False), tmp_path)) == digest(session.engine)


def test_it_begins_by_itself_and_waits_longer_after_failures(tmp_path):
    clock, disk = ManualClock(), MemoryDisk()
    limits = {"auto_aof_rewrite_min_size": "1kb", "auto_aof_rewrite_percentage": "100"}
    engine = engine_on(disk, tmp_path, clock, appendfsync="everysec", **limits)
    session = Session(engine)
    session("SET", "a", "x" * 2000)
    engine.cron()
    assert engine[Background].active
    settled(engine)
    session("SET", "a", "y" * 5000)
    starts = []
    for second in range(20 * 60):
        engine.cron()
        if engine[Background].active:
            starts.append(second)
            disk.space = 0
            settled(engine)
            disk.space = None
        clock.advance(1000)
    gaps = [after - before for before, after in pairwise(starts)]
    assert [round(gap / 60) for gap in gaps] == [0, 0, 1, 2, 4, 8]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_that_is_killed_leaves_nothing(tmp_path):
    engine = engine_on(None, tmp_path, Clock(), rdb_key_save_delay="10000000")
    engine[Background].forks_allowed = True
    session = Session(engine)
    session("SET", "a", "1")
    try:
        assert session("BGREWRITEAOF") == STARTED
        os.kill(engine[Background].pid, signal.SIGKILL)
        wait_for(lambda: engine[Background].poll() or not engine[Background].active)
        assert field(session, "aof_last_bgrewrite_status") == "err"
        assert not list(tmp_path.glob("temp*"))
        session("CONFIG", "SET", "rdb-key-save-delay", "0")
        assert session("BGREWRITEAOF") == STARTED
        session("INCR", "n")
        wait_for(lambda: engine[Background].poll() or not engine[Background].active)
        assert field(session, "aof_last_bgrewrite_status") == "ok"
        assert digest(engine_on(None, tmp_path)) == digest(engine)
    finally:
        engine[Background].kill()


def test_switching_it_off_ends_the_rewrite_without_complaint(tmp_path):
    disk = MemoryDisk()
    session = Session(engine_on(disk, tmp_path))
    session("BGREWRITEAOF")
    session("CONFIG", "SET", "appendonly", "no")
    assert not session.engine[Background].active
    assert session.engine[Rewriting].failures == 0
    assert session.engine.gates == 0


def test_without_its_folder_it_cannot_be_switched_on(tmp_path):
    class Full(MemoryDisk):
        def make_folder(self, path):
            raise OSError(errno.ENOSPC, "No space left on device")

    session = Session(engine_on(Full(), tmp_path, appendonly="no"))
    reply = session("CONFIG", "SET", "appendonly", "yes")
    assert reply.endswith(b"Unable to turn on AOF. Check server logs.\r\n")
    assert session("CONFIG", "GET", "appendonly").endswith(b"no\r\n")
    assert log_of(session.engine).state is OFF
