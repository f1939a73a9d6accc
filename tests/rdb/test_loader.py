"""What the log tells of a file that is loaded."""

import logging
from pathlib import Path

import pytest

from pyredis.log_levels import VERBOSE
from pyredis.persistence.dataset_loading import LoadingFailed
from tests.persistence.disks import MemoryDisk
from tests.persistence.engines import Session, engine_on

DATA = Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def heard(caplog):
    caplog.set_level(VERBOSE, logger="pyredis")


def started(data, folder, **parameters):
    disk = MemoryDisk()
    disk.put(folder / "dump.rdb", data)
    return Session(engine_on(disk, folder, appendonly="no", **parameters))


def test_keys_without_elements_are_passed_over_and_named(tmp_path, caplog):
    session = started((DATA / "corrupt_empty_keys.rdb").read_bytes(), tmp_path)
    assert session("DBSIZE") == b":0\r\n"
    skipped = [line for line in caplog.messages if line.startswith("rdbLoadObject skipping empty key: ")]
    assert len(skipped) == 9
    assert skipped[0].endswith(": set")
    assert any(line.endswith("keys expired: 0, empty keys skipped: 9.") for line in caplog.messages)


def test_a_fault_is_told_with_file_place_and_reason(tmp_path, caplog):
    with pytest.raises(LoadingFailed):
        started((DATA / "corrupt_ziplist.rdb").read_bytes(), tmp_path)
    first, *rest = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert first.startswith(f"Internal error in RDB reading of {tmp_path / 'dump.rdb'} at byte 488: Hash ziplist")
    assert rest[0] == f"[offset 0] Checking RDB file {tmp_path / 'dump.rdb'}"
    assert "--- RDB ERROR DETECTED ---" in rest
    assert rest[-1] == "Terminating server after rdb file reading failure."


def test_a_wrong_checksum_is_told(tmp_path, caplog):
    data = b"REDIS0010\0\1k\1v\xff" + b"foobar00"
    with pytest.raises(LoadingFailed):
        started(data, tmp_path)
    assert any("RDB CRC error" in line for line in caplog.messages)
    assert started(data, tmp_path, rdbchecksum="no")("GET", "k") == b"$1\r\nv\r\n"


def test_a_bad_payload_of_restore_is_told_to_who_wants_to_know(tmp_path, caplog):
    session = started(b"REDIS0003\xff", tmp_path, **{"enable-debug-command": "yes"})
    session("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1")
    assert session("RESTORE", "k", "0", b"\x0d\1x\x0a\0" + bytes(8)) == b"-ERR Bad data format\r\n"
    (told,) = [record for record in caplog.records if "Hash ziplist integrity check failed" in record.getMessage()]
    assert told.levelno == VERBOSE
