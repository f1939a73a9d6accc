"""What a server loads when it starts, and what it refuses to start with."""

import contextlib
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.clock import ManualClock
from pyredis.engine.execution import gates
from pyredis.persistence.dataset import Dataset
from pyredis.persistence.dataset_loading import Loading, LoadingFailed
from pyredis.protocol.encoder import encode_command as encoded
from pyredis.testing import RedisServer
from tests.machines import sequences
from tests.oracle import RawClient
from tests.persistence.corpus import COMMANDS
from tests.persistence.disks import Crash, MemoryDisk
from tests.persistence.engines import Session, digest, engine_on, log_of

SET = encoded((b"SET", b"foo", b"hello"))
INCR = encoded((b"INCR", b"n"))
MULTI, EXEC = encoded((b"MULTI",)), encoded((b"EXEC",))


@pytest.fixture
def logged(caplog):
    """The lines of the server's log."""
    caplog.set_level(logging.INFO, "pyredis")
    logging.getLogger("pyredis").propagate = True
    return lambda: [record.getMessage() for record in caplog.records]


def disk_with(folder, *increments, base=None, manifest=None, log=None):
    disk = MemoryDisk()
    increments = increments if log is None else (log,)
    lines = []
    if base is not None:
        disk.put(folder / "appendonlydir" / "appendonly.aof.1.base.rdb", base)
        lines.append("file appendonly.aof.1.base.rdb seq 1 type b\n")
    for seq, data in enumerate(increments, 1):
        disk.put(folder / "appendonlydir" / f"appendonly.aof.{seq}.incr.aof", data)
        lines.append(f"file appendonly.aof.{seq}.incr.aof seq {seq} type i\n")
    text = "".join(lines) if manifest is None else manifest
    disk.put(folder / "appendonlydir" / "appendonly.aof.manifest", text.encode())
    return disk


def snapshot(folder, *commands):
    session = Session(engine_on(MemoryDisk(), folder, appendonly="no"))
    session.send(commands)
    return b"".join(session.engine[Dataset].rdb_chunks(aof_base=True))


def get(engine, key):
    return Session(engine)("GET", key)


def test_base_and_increments_are_loaded_in_order(tmp_path, logged):
    base = snapshot(tmp_path, ("SET", "a", "1"), ("SET", "gone", "1", "PXAT", "1000"))
    disk = disk_with(tmp_path, encoded((b"APPEND", b"a", b"2")), b"", encoded((b"APPEND", b"a", b"3")), base=base)
    engine = engine_on(disk, tmp_path)
    assert get(engine, "a") == b"$3\r\n123\r\n"
    assert engine.keyspace.dirty == 0
    assert not engine.gates & gates.LOADING
    assert "DB loaded from base file appendonly.aof.1.base.rdb: 0.000 seconds" in logged()
    Session(engine)("APPEND", "a", "4")
    assert get(engine_on(disk.restarted(power_cut=True), tmp_path), "a") == b"$4\r\n1234\r\n"


def test_a_log_begins_with_a_base(tmp_path):
    disk = MemoryDisk()
    engine_on(disk, tmp_path)
    assert sorted(path.name for path in disk.files) == [
        "appendonly.aof.1.base.rdb",
        "appendonly.aof.1.incr.aof",
        "appendonly.aof.manifest",
    ]


def test_without_a_log_the_rdb_file_is_loaded(tmp_path, logged):
    disk = MemoryDisk()
    disk.put(tmp_path / "dump.rdb", snapshot(tmp_path, ("SET", "a", "1")))
    assert get(engine_on(disk, tmp_path, appendonly="no"), "a") == b"$1\r\n1\r\n"
    assert get(engine_on(disk, tmp_path, appendonly="yes"), "a") == b"$-1\r\n", "as in Redis the log alone counts"
    disk = MemoryDisk()
    disk.put(tmp_path / "dump.rdb", snapshot(tmp_path, ("SET", "a", "1"))[:-3])
    with pytest.raises(LoadingFailed):
        engine_on(disk, tmp_path, appendonly="no")
    assert any(line.startswith("Internal error in RDB reading") for line in logged())


@pytest.mark.parametrize(("extra", "kept"), [(INCR[:-1], b""), (MULTI + INCR + INCR, b""), (MULTI, b"")])
def test_a_short_end_is_cut_off_if_that_is_allowed(tmp_path, logged, extra, kept):
    disk = disk_with(tmp_path, INCR, SET + extra)
    engine = engine_on(disk, tmp_path)
    assert disk.files[tmp_path / "appendonlydir" / "appendonly.aof.2.incr.aof"].data == SET
    assert get(engine, "n") == b"$1\r\n1\r\n"
    assert f"!!! Truncating the AOF appendonly.aof.2.incr.aof at offset {len(SET)} !!!" in logged()
    disk = disk_with(tmp_path, INCR, SET + extra)
    with pytest.raises(LoadingFailed):
        engine_on(disk, tmp_path, aof_load_truncated="no")
    assert any(line.startswith("Unexpected end of file reading the append only file app") for line in logged())
    assert disk.files[tmp_path / "appendonlydir" / "appendonly.aof.2.incr.aof"].data == SET + extra


def test_only_the_last_file_may_be_short(tmp_path, logged):
    disk = disk_with(tmp_path, SET[:-1], INCR)
    with pytest.raises(LoadingFailed):
        engine_on(disk, tmp_path)
    assert "Fatal error: the truncated file is not the last file" in logged()
    with pytest.raises(LoadingFailed):
        engine_on(disk, tmp_path)


CORRUPT = [
    ({"log": SET + b"!!!"}, "Bad file format reading the append only file appendonly.aof.1.incr.aof"),
    (
        {"log": encoded((b"BLA",)) + SET},
        "Unknown command 'BLA' reading the append only file appendonly.aof.1.incr.aof",
    ),
    ({"log": SET, "manifest": ""}, "Found an empty AOF manifest"),
    ({"log": SET, "manifest": "file a seq 1 type i\n"}, "Unable to obtain the AOF file a length. stat: No such file"),
    ({"log": SET, "base": b"REDIS0010"}, "Error reading the RDB base file appendonly.aof.1.base.rdb"),
    ({"log": SET, "base": b"REDIS9999xxxxxxxxx"}, "Error reading the RDB base file appendonly.aof.1.base.rdb"),
]


@pytest.mark.parametrize(("files", "line"), CORRUPT)
def test_what_is_corrupt_is_refused(tmp_path, logged, files, line):
    disk = disk_with(tmp_path, **files)
    with pytest.raises(LoadingFailed):
        engine_on(disk, tmp_path)
    assert any(found.startswith(line) for found in logged()), logged()


def test_the_file_of_an_old_server_is_taken_over(tmp_path):
    disk = MemoryDisk()
    disk.put(tmp_path / "appendonly.aof", snapshot(tmp_path, ("SET", "a", "1")) + INCR * 3)
    engine = engine_on(disk, tmp_path)
    assert get(engine, "a") == b"$1\r\n1\r\n"
    assert get(engine, "n") == b"$1\r\n3\r\n"
    manifest = disk.files[tmp_path / "appendonlydir" / "appendonly.aof.manifest"].data
    assert manifest.startswith(b"file appendonly.aof seq 1 type b\n")
    assert tmp_path / "appendonly.aof" not in disk.files
    Session(engine)("INCR", "n")
    assert get(engine_on(disk.restarted(power_cut=True), tmp_path), "n") == b"$1\r\n4\r\n"


@pytest.mark.parametrize("after", [False, True])
def test_a_stop_while_it_is_taken_over_does_no_harm(tmp_path, after):
    for stop in range(1, 40):
        disk = MemoryDisk()
        disk.put(tmp_path / "appendonly.aof", SET + INCR)
        disk.stop_at, disk.after = stop, after
        with contextlib.suppress(Crash):
            engine_on(disk, tmp_path)
        for power_cut in (False, True):
            assert get(engine_on(disk.restarted(power_cut=power_cut), tmp_path), "n") == b"$1\r\n1\r\n", stop


def test_functions_come_with_the_base(tmp_path):
    code = "#!lua name=lib\nredis.register_function('f', function() return 7 end)"
    disk = disk_with(tmp_path, base=snapshot(tmp_path, ("FUNCTION", "LOAD", code)))
    assert Session(engine_on(disk, tmp_path))("FCALL", "f", "0") == b":7\r\n"


def test_a_base_of_commands_is_the_same_dataset(tmp_path):
    session = Session(engine_on(MemoryDisk(), tmp_path, appendonly="no"))
    for name, commands in COMMANDS.items():
        if name == "sorted set of a long member":
            continue  # as in Redis: a score of -0 is 0 while the set is small, as it is at first
        session.send([[name if word == "k" else word for word in words] for words in commands])
    session("PEXPIREAT", "string", "99999999999999")
    session("HPEXPIREAT", "hash small", "99999999999999", "FIELDS", "1", "a")
    disk = disk_with(tmp_path, b"".join(session.engine[Dataset].command_chunks()))
    assert digest(engine_on(disk, tmp_path)) == digest(session.engine)


def test_progress_is_told_and_data_refused_meanwhile(tmp_path):
    disk = disk_with(tmp_path, INCR * 500)
    clock = ManualClock()
    engine = engine_on(MemoryDisk(), tmp_path, clock, appendonly="no")
    other = engine_on(disk, tmp_path, clock)
    session, loading = Session(other), other[Loading]
    steps, outcome = [], []
    other.host.soon = steps.append
    loading.begin(loading.from_log(), outcome.append)
    steps.pop()()
    steps.pop()()
    text = session("INFO", "persistence")
    assert b"loading:1\r\n" in text
    assert b"loading_total_bytes:%d\r\n" % (500 * len(INCR)) in text
    assert b"loading_loaded_bytes:1000\r\n" in text
    assert session("GET", "n") == b"-LOADING Redis is loading the dataset in memory\r\n"
    assert session("CONFIG", "SET", "appendonly", "no").startswith(b"-LOADING")
    while steps:
        steps.pop()()
    assert outcome == [None]
    assert session("GET", "n") == b"$3\r\n500\r\n"
    assert log_of(engine).state == "off"


def test_what_a_log_does_again_is_not_logged_again(tmp_path):
    popped = [("SADD", "s", "1", "2", "3", "4"), ("SPOP", "s", "2"), ("SET", "a", "1", "PXAT", "1000"), ("GET", "a")]
    effects = ("EVAL", "redis.call('INCR', 'n') redis.call('SPOP', 's')", "0")
    commands = [*popped, effects, ("XADD", "x", "1-1", "f", "v"), ("XGROUP", "CREATE", "x", "g", "0")]
    commands += [("XREADGROUP", "GROUP", "g", "me", "NOACK", "STREAMS", "x", ">"), ("FLUSHDB",), ("FLUSHDB",)]
    disk = disk_with(tmp_path, b"".join(encoded(tuple(map(str.encode, words))) for words in commands))
    engine = engine_on(disk, tmp_path)
    path = tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof"
    before = disk.files[path].data
    engine[Loading].run(engine[Loading].from_log())
    log_of(engine).flush(force=True)
    assert disk.files[path].data == before
    Session(engine)("SET", "a", "1")
    assert disk.files[path].data != before


def test_a_server_waits_for_its_data_and_keeps_it(tmp_path):
    config = {"dir": str(tmp_path), "appendonly": "yes", "enable-debug-command": "yes"}
    with RedisServer(config) as server:
        client = RawClient(server.port)
        client.ask("RPUSH", "l", "1", "2")
        before = client.ask("DEBUG", "DIGEST")
        assert client.ask("DEBUG", "LOADAOF") == b"+OK\r\n"
        assert client.ask("DEBUG", "DIGEST") == before
        client.close()
    with RedisServer(config) as server:
        client = RawClient(server.port)
        assert client.ask("DEBUG", "DIGEST") == before
        client.close()


commands = st.sampled_from([SET, INCR, MULTI, EXEC, encoded((b"SELECT", b"3")), b"#TS:5\r\n", encoded((b"SPOP", b"s"))])


@sequences(100)
@given(st.lists(commands, min_size=1, max_size=8), st.data())
def test_mutated_logs_load_or_are_refused(tmp_path, parts, data):
    log = bytearray(b"".join(parts))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(log) - 1))
        log[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3)) or b"$"
    disk = disk_with(tmp_path, bytes(log))
    try:
        engine = engine_on(disk, tmp_path)
    except LoadingFailed:
        return
    assert digest(engine_on(disk.restarted(power_cut=True), tmp_path)) == digest(engine)
