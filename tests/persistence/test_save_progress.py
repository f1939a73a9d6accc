"""What INFO tells of a save while it goes on, and of the memory it took."""

import os
import sys

import pytest

from pyredis.clock import ManualClock
from pyredis.persistence.background import Background
from pyredis.persistence.disk import Disk
from tests.oracle import wait_for
from tests.persistence.disks import MemoryDisk
from tests.persistence.engines import Session, engine_on

RESTING = {
    "current_cow_peak": "0",
    "current_cow_size": "0",
    "current_cow_size_age": "0",
    "current_fork_perc": "0.00",
    "current_save_keys_processed": "0",
    "current_save_keys_total": "0",
}


def fields(session):
    text = session("INFO", "persistence").decode()
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)


def current(session):
    return {name: value for name, value in fields(session).items() if name.startswith("current_")}


def session_on(disk, folder, clock=None):
    session = Session(engine_on(disk, folder, clock, appendonly="no", save='""', **{"enable-debug-command": "yes"}))
    session("DEBUG", "POPULATE", "2000")
    return session


def test_without_a_save_there_is_nothing_to_tell(tmp_path):
    assert current(session_on(MemoryDisk(), tmp_path)) == RESTING


@pytest.mark.parametrize("command", ["BGSAVE", "BGREWRITEAOF"])
def test_keys_are_counted_while_the_server_writes(tmp_path, command):
    session = session_on(MemoryDisk(), tmp_path, ManualClock())
    session("CONFIG", "SET", "rdb-key-save-delay", "100")
    session(command)
    seen = []
    for _ in range(1000):
        if not session.engine[Background].active:
            break
        told = current(session)
        assert told["current_save_keys_total"] == "2000"
        assert told["current_fork_perc"] == f"{int(told['current_save_keys_processed']) / 20:.2f}"
        seen.append(int(told["current_save_keys_processed"]))
        session.engine.cron()
    assert seen[0] == 0
    assert seen == sorted(seen)
    assert 0 < seen[-1] <= 2000
    assert current(session) == RESTING


def test_save_counts_nothing_beside_a_rewrite(tmp_path):
    session = session_on(MemoryDisk(), tmp_path, ManualClock())
    session("BGREWRITEAOF")
    assert session("SAVE") == b"+OK\r\n"
    assert current(session)["current_save_keys_processed"] == "0"


def test_a_save_that_cannot_begin_is_none(tmp_path, monkeypatch):
    session = session_on(Disk(), tmp_path)

    def fork():
        raise OSError("no more processes")

    monkeypatch.setattr(os, "fork", fork, raising=False)
    session.engine[Background].forks_allowed = True
    assert session("BGSAVE") == b"-ERR\r\n"
    assert current(session) == RESTING
    assert fields(session)["rdb_last_bgsave_status"] == "err"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what processes share")
@pytest.mark.parametrize("killed", [False, True])
def test_a_child_tells_how_far_it_is_and_what_it_took(tmp_path, killed):
    session = session_on(Disk(), tmp_path)
    background = session.engine[Background]
    background.forks_allowed = True
    session("CONFIG", "SET", "rdb-key-save-delay", "100")
    session("BGSAVE")
    try:
        wait_for(lambda: 0 < int(current(session)["current_save_keys_processed"]) <= 2000)
        told = current(session)
        assert told["current_save_keys_total"] == "2000"
        assert int(told["current_cow_peak"]) >= int(told["current_cow_size"]) > 0
        assert fields(session)["rdb_last_cow_size"] == "0"
        if not killed:
            wait_for(lambda: background.poll() or not background.active)
    finally:
        background.kill()
    assert current(session) == RESTING
    assert int(fields(session)["rdb_last_cow_size"]) >= int(told["current_cow_size"])
    assert fields(session)["aof_last_cow_size"] == "0"
