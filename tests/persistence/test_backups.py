"""Backups: which snapshots stay, how many, and starting from one."""

import errno
import os

import pytest

from pyredis.clock import ManualClock
from pyredis.config.store import Config, ConfigError
from pyredis.persistence.background import Background
from pyredis.persistence.backups import restore
from pyredis.persistence.disk import Disk
from tests.oracle import wait_for
from tests.persistence.engines import Session, digest, engine_on

EMPTY = "0" * 40
NOTHING = b"REDIS0003\xff"  # a snapshot of that


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def start(tmp_path, clock):
    def start(folder="data", **parameters):
        path = tmp_path / folder
        path.mkdir(exist_ok=True)
        given = {"appendonly": "no", "save": '""', "backup-dir": "kept", **parameters}
        return Session(engine_on(Disk(), path, clock, **given))

    return start


def backups(tmp_path):
    return sorted(path.name for path in (tmp_path / "data" / "kept").glob("*"))


def saved(session, command="SAVE"):
    assert not session(command).startswith(b"-")
    session.engine.cron()
    wait_for(lambda: session.engine[Background].poll() or not session.engine[Background].active)


# Keeping them


@pytest.mark.parametrize("command", ["SAVE", "BGSAVE"])
def test_each_snapshot_stays_under_its_time(start, clock, tmp_path, command):
    session = start()
    session("SET", "a", "1")
    clock.set(1_767_323_045_006)
    saved(session, command)
    session("SET", "a", "2")
    clock.advance(1)
    saved(session, command)
    names = ["dump-20260102T030405.006Z.rdb", "dump-20260102T030405.007Z.rdb"]
    assert backups(tmp_path) == names
    for name, value in zip(names, (b"1", b"2"), strict=True):
        folder = tmp_path / value.decode()
        folder.mkdir()
        (folder / "dump.rdb").write_bytes((tmp_path / "data" / "kept" / name).read_bytes())
        assert start(value.decode())("GET", "a") == b"$1\r\n%b\r\n" % value


def test_no_more_than_wanted_are_kept_and_nothing_else_goes(start, clock, tmp_path):
    session = start(**{"backup-keep": "3"})
    (tmp_path / "data" / "kept").mkdir()
    mine = ["another-20200101T000000.000Z.rdb", "dump-mine.rdb", "notes"]
    for name in mine:
        (tmp_path / "data" / "kept" / name).write_bytes(b"mine")
    for _ in range(5):
        clock.advance(1000)
        saved(session)
    latest = [f"dump-20231114T22132{second}.000Z.rdb" for second in (3, 4, 5)]
    assert backups(tmp_path) == sorted(mine + latest)


def test_what_was_not_asked_for_makes_no_backup(start, tmp_path):
    session = start(save="1000 1000")
    session("SET", "a", "1")
    session("FLUSHALL")
    session("CONFIG", "SET", "enable-debug-command", "yes")
    session("DEBUG", "RELOAD")
    assert (tmp_path / "data" / "dump.rdb").exists()
    assert backups(tmp_path) == []


def test_without_a_folder_there_are_none(start, tmp_path):
    saved(start(**{"backup-dir": '""'}))
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["dump.rdb"]


def test_a_backup_that_fails_does_not_fail_the_save(start, tmp_path, caplog):
    session = start()
    (tmp_path / "data" / "kept").write_bytes(b"a file, no folder")
    assert session("SAVE") == b"+OK\r\n"
    assert "Keeping a backup in" in caplog.text


def test_it_is_copied_where_there_are_no_links(start, tmp_path, monkeypatch):
    def link(source, target):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    saved(start())
    (kept,) = backups(tmp_path)
    assert (tmp_path / "data" / "kept" / kept).read_bytes() == (tmp_path / "data" / "dump.rdb").read_bytes()


# The way back


def config_for(folder, **parameters):
    folder.mkdir(exist_ok=True)
    config = Config()
    config.load_lines("\n".join([f'dir "{folder}"', *(f"{name} {value}" for name, value in parameters.items())]), None)
    return config


@pytest.fixture
def source(start, tmp_path):
    """The folder of a server that keeps backups, and the digest of the one it kept."""
    session = start()
    session("SET", "a", "1")
    session("RPUSH", "l", "x")
    saved(session)
    before = digest(session.engine)
    session("SET", "a", "2")
    (tmp_path / "data" / "dump.rdb").unlink()
    return tmp_path / "data", before


def only_backup(folder):
    return next((folder / "kept").iterdir())


@pytest.mark.parametrize("appendonly", ["yes", "no"])
@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_snapshot_becomes_the_dataset(source, tmp_path, start, appendonly, what):
    folder, before = source
    restore(
        config_for(tmp_path / "new", appendonly=appendonly),
        Disk(),
        only_backup(folder) if what == "file" else folder / "kept",
    )
    session = start("new", appendonly=appendonly)
    assert digest(session.engine) == before
    session("SET", "later", "1")
    if appendonly == "yes":
        assert start("new", appendonly="yes")("GET", "later") == b"$1\r\n1\r\n"


def test_of_several_snapshots_the_newest_is_taken_unless_one_has_the_right_name(source, tmp_path, start):
    folder, before = source
    older = folder / "kept" / "zz.rdb"
    older.write_bytes(NOTHING)
    os.utime(older, (1, 1))
    restore(config_for(tmp_path / "new"), Disk(), folder / "kept")
    assert digest(start("new").engine) == before
    older.rename(folder / "kept" / "dump.rdb")
    restore(config_for(tmp_path / "other"), Disk(), folder / "kept")
    assert (tmp_path / "other" / "dump.rdb").read_bytes() == NOTHING


@pytest.mark.parametrize("inner", ["", "appendonlydir"])
def test_a_log_becomes_the_log(tmp_path, start, inner):
    session = start("logged", appendonly="yes")
    for words in (("SET", "a", "1"), ("INCR", "a"), ("RPUSH", "l", "x")):
        session(*words)
    restore(config_for(tmp_path / "new", appendonly="yes"), Disk(), tmp_path / "logged" / inner)
    assert digest(start("new", appendonly="yes").engine) == digest(session.engine) != EMPTY


def test_a_log_without_appendonly_is_refused(tmp_path, start):
    start("logged", appendonly="yes")("SET", "a", "1")
    with pytest.raises(ConfigError, match="is an append-only log, and appendonly is off"):
        restore(config_for(tmp_path / "new", appendonly="no"), Disk(), tmp_path / "logged")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("appendonly", ["yes", "no"])
@pytest.mark.parametrize("present", ["dump.rdb", "appendonlydir/appendonly.aof.manifest"])
def test_nothing_is_put_where_a_dataset_is(source, tmp_path, present, appendonly):
    config = config_for(tmp_path / "new", appendonly=appendonly)
    there = tmp_path / "new" / present
    there.parent.mkdir(exist_ok=True)
    there.write_bytes(b"mine")
    with pytest.raises(ConfigError, match="is there already"):
        restore(config, Disk(), only_backup(source[0]))
    assert there.read_bytes() == b"mine"
    assert [path for path in (tmp_path / "new").rglob("*") if path.is_file()] == [there]


def test_where_there_is_nothing_to_restore_it_says_so(tmp_path):
    (tmp_path / "empty").mkdir()
    config = config_for(tmp_path / "new")
    with pytest.raises(ConfigError, match="there is neither a log nor a snapshot in"):
        restore(config, Disk(), tmp_path / "empty")
    with pytest.raises(ConfigError, match="No such file"):
        restore(config, Disk(), tmp_path / "absent.rdb")
    assert list((tmp_path / "new").iterdir()) == []


def test_a_broken_manifest_is_refused(tmp_path):
    folder = tmp_path / "broken"
    folder.mkdir()
    (folder / "appendonly.aof.manifest").write_bytes(b"nonsense\n")
    with pytest.raises(ConfigError, match="Cannot restore"):
        restore(config_for(tmp_path / "new", appendonly="yes"), Disk(), folder)


def test_a_log_with_a_file_missing_is_refused(tmp_path, start):
    start("logged", appendonly="yes")("SET", "a", "1")
    (tmp_path / "logged" / "appendonlydir" / "appendonly.aof.1.incr.aof").unlink()
    with pytest.raises(ConfigError, match="No such file"):
        restore(config_for(tmp_path / "new", appendonly="yes"), Disk(), tmp_path / "logged")
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("appendonly", ["yes", "no"])
def test_a_broken_snapshot_is_refused_with_its_place(source, tmp_path, appendonly):
    backup = only_backup(source[0])
    backup.write_bytes(backup.read_bytes()[:-12])
    with pytest.raises(ConfigError, match=r"Cannot restore .*rdb, at byte \d+: Unexpected EOF reading RDB file"):
        restore(config_for(tmp_path / "new", appendonly=appendonly), Disk(), backup)
    assert list((tmp_path / "new").iterdir()) == []
