"""The append-only log: what is answered is in it, whatever happens to the machine."""

import errno

import pytest

from pyredis.clock import ManualClock
from pyredis.persistence.background import Background
from pyredis.protocol.encoder import encode_command
from pyredis.testing import RedisServer
from tests.oracle import RawClient, encode, wait_for
from tests.persistence.disks import Crash, MemoryDisk
from tests.persistence.engines import Session, digest, engine_on, log_of

COMMANDS = [
    ("SET", "a", "1"),
    ("RPUSH", "l", "x", "y", "z"),
    ("SELECT", "3"),
    ("ZADD", "z", "1", "m"),
    ("EXPIRE", "z", "100"),
    ("MULTI",),
    ("INCR", "n"),
    ("LPUSH", "q", "1"),
    ("EXEC",),
    ("SELECT", "0"),
    ("SPOP", "nothing"),
    ("DEL", "a"),
]
MISCONF = b"-MISCONF Errors writing to the AOF file: No space left on device\r\n"


def increment(disk, folder, number=1):
    return disk.files[folder / "appendonlydir" / f"appendonly.aof.{number}.incr.aof"].data


def field(session, name):
    text = session("INFO", "persistence").decode()
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line).get(name)


@pytest.mark.parametrize("power_cut", [False, True])
@pytest.mark.parametrize("after", [False, True])
def test_with_always_what_was_answered_survives_a_stop_at_any_step(tmp_path, after, power_cut):
    """The start of the log included. What was not answered yet may be there as a whole, or not at all."""
    stop = 0
    while True:
        stop += 1
        disk = MemoryDisk(stop_at=stop, after=after)
        answered = b"0" * 40
        try:
            session = Session(engine_on(disk, tmp_path))
            for words in COMMANDS:
                session(*words)
                answered = digest(session.engine)
        except Crash:
            found = digest(engine_on(disk.restarted(power_cut=power_cut), tmp_path))
            assert found in allowed(tmp_path, answered), stop
        else:
            break
    assert stop > 30


def allowed(folder, answered):
    """Digests of every prefix of the commands that is no shorter than what was answered."""
    session = Session(engine_on(MemoryDisk(), folder))
    digests = [digest(session.engine)]
    for words in COMMANDS:
        session(*words)
        digests.append(digest(session.engine))
    last = max(at for at, one in enumerate(digests) if one == answered)
    return digests[digests.index(answered) : last + 2]


def test_with_everysec_a_power_cut_takes_what_was_written_since_the_last_sync(tmp_path):
    clock, disk = ManualClock(), MemoryDisk()
    engine = engine_on(disk, tmp_path, clock, appendfsync="everysec")
    session = Session(engine)
    kept = digest(engine)
    for at in range(5):
        session("SET", at, at)
        clock.advance(1000)
        engine.cron()
        kept = digest(engine)
        session("SET", "lost", at)
    assert digest(engine_on(disk.restarted(power_cut=False), tmp_path)) == digest(engine)
    assert digest(engine_on(disk.restarted(power_cut=True), tmp_path)) == kept


def test_with_no_nothing_is_synced(tmp_path):
    clock, disk = ManualClock(), MemoryDisk()
    engine = engine_on(disk, tmp_path, clock, appendfsync="no")
    Session(engine)("SET", "a", "1")
    clock.advance(5000)
    engine.cron()
    content = disk.files[tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof"]
    assert content.data
    assert not content.synced


def test_one_write_and_one_sync_for_all_that_was_read(tmp_path):
    disk = MemoryDisk()
    session = Session(engine_on(disk, tmp_path))
    before = disk.steps
    session.send([("SET", at, at) for at in range(100)])
    assert disk.steps == before + 2


def test_the_log_holds_what_repeats_the_commands(tmp_path):
    clock, disk = ManualClock(1_000_000), MemoryDisk()
    session = Session(engine_on(disk, tmp_path, clock))
    session.send([("set", "a", "1"), ("GET", "a"), ("EXPIRE", "a", "10"), ("DEL", "none")])
    session.send([("MULTI",), ("INCR", "n"), ("SELECT", "2"), ("INCR", "n"), ("EXEC",)])
    session.send([("MULTI",), ("INCR", "n"), ("GET", "n"), ("EXEC",), ("FLUSHALL",)])
    lines = [
        *[("SELECT", "0"), ("set", "a", "1"), ("PEXPIREAT", "a", "1010000")],
        *[("MULTI",), ("INCR", "n"), ("SELECT", "2"), ("INCR", "n"), ("EXEC",), ("INCR", "n"), ("FLUSHALL",)],
    ]
    assert increment(disk, tmp_path) == b"".join(encode_command(tuple(map(str.encode, words))) for words in lines)


def test_seconds_are_marked_if_wanted(tmp_path):
    clock, disk = ManualClock(5_000), MemoryDisk()
    session = Session(engine_on(disk, tmp_path, clock))
    session("CONFIG", "SET", "aof-timestamp-enabled", "yes")
    for _ in range(2):
        session.send([("SET", "a", "1"), ("SET", "a", "2")])
        clock.advance(1000)
        session.engine.tick()
    marks = [line for line in increment(disk, tmp_path).split(b"\r\n") if line.startswith(b"#")]
    assert marks == [b"#TS:5", b"#TS:6"]


def test_an_expired_key_is_deleted_in_the_log_before_what_comes_after_it(tmp_path):
    clock, disk = ManualClock(), MemoryDisk()
    session = Session(engine_on(disk, tmp_path, clock))
    session("SET", "a", "1", "PX", "10")
    clock.advance(20)
    session.engine.tick()
    session("APPEND", "a", "2")
    assert increment(disk, tmp_path).endswith(encode_command((b"DEL", b"a")) + encode_command((b"APPEND", b"a", b"2")))


def test_a_full_disk_refuses_writes_until_there_is_room(tmp_path):
    clock, disk = ManualClock(), MemoryDisk()
    engine = engine_on(disk, tmp_path, clock, appendfsync="everysec")
    session = Session(engine)
    session("SET", "a", "1")
    before = increment(disk, tmp_path)
    disk.space = 10
    assert session("SET", "b", "2") == b"+OK\r\n"  # its reply cannot be taken back, and it is not lost
    assert increment(disk, tmp_path) == before, "the part that was written is cut off again"
    assert session("SET", "c", "3") == session("PING") == MISCONF
    assert session("GET", "b") == b"$1\r\n2\r\n"
    assert session("EVAL", "return redis.call('SET', 'd', 1)", "0").startswith(b"-MISCONF Errors writing")
    session.send([("MULTI",), ("SET", "d", "1")])
    assert session("EXEC").startswith(b"-EXECABORT")
    assert field(session, "aof_last_write_status") == "err"
    disk.space = None
    clock.advance(1100)
    engine.cron()
    assert session("SET", "c", "3") == b"+OK\r\n"
    assert field(session, "aof_last_write_status") == "ok"
    assert digest(engine_on(disk.restarted(power_cut=False), tmp_path)) == digest(engine)


def test_writes_go_on_when_the_log_that_fails_is_switched_off(tmp_path):
    disk = MemoryDisk()
    session = Session(engine_on(disk, tmp_path, appendfsync="everysec"))
    disk.space = 0
    session("SET", "a", "1")
    assert session("SET", "a", "1") == MISCONF
    session("CONFIG", "SET", "appendonly", "no")
    assert session("SET", "a", "1") == b"+OK\r\n"
    assert session.engine.gates == 0


def test_with_always_a_write_that_fails_ends_the_process_before_it_is_answered(tmp_path):
    disk = MemoryDisk()
    session = Session(engine_on(disk, tmp_path))
    disk.space = 0
    with pytest.raises(SystemExit):
        session("SET", "a", "1")


def test_with_always_a_sync_that_fails_does_too(tmp_path):
    disk = MemoryDisk()
    session = Session(engine_on(disk, tmp_path))
    disk.sync_failure = OSError(errno.EIO, "Input/output error")
    with pytest.raises(SystemExit):
        session("SET", "a", "1")


def test_with_everysec_a_sync_that_fails_refuses_writes_until_one_succeeds(tmp_path):
    clock, disk = ManualClock(), MemoryDisk()
    engine = engine_on(disk, tmp_path, clock, appendfsync="everysec")
    session = Session(engine)
    disk.sync_failure = OSError(errno.EIO, "Input/output error")
    session("SET", "a", "1")
    clock.advance(1000)
    engine.cron()
    engine.cron()
    assert session("SET", "b", "1") == b"-MISCONF Errors writing to the AOF file: Input/output error\r\n"
    disk.sync_failure = None
    for _ in range(3):
        clock.advance(1000)
        engine.cron()
    assert session("SET", "b", "1") == b"+OK\r\n"


def test_no_sync_disturbs_a_rewrite_if_that_is_wanted(tmp_path):
    disk = MemoryDisk()
    engine = engine_on(disk, tmp_path, no_appendfsync_on_rewrite="yes")
    session = Session(engine)
    session("BGREWRITEAOF")
    session("SET", "a", "1")
    content = disk.files[tmp_path / "appendonlydir" / "appendonly.aof.2.incr.aof"]
    assert content.data
    assert not content.synced
    while engine[Background].active:
        engine[Background].poll()
    session("PING")
    engine.cron()
    assert content.synced == content.data


def test_writing_waits_two_seconds_for_a_slow_sync_and_no_longer(tmp_path):
    clock, disk = ManualClock(), MemoryDisk()
    engine = engine_on(disk, tmp_path, clock, appendfsync="everysec")
    session = Session(engine)
    disk.is_lazy = True
    session("SET", "a", "1")
    clock.advance(1000)
    engine.cron()
    assert field(session, "aof_pending_bio_fsync") == "1"
    before = increment(disk, tmp_path)
    session("SET", "b", "2")
    clock.advance(1900)
    engine.cron()
    assert increment(disk, tmp_path) == before
    clock.advance(200)
    engine.cron()
    assert increment(disk, tmp_path) != before
    assert field(session, "aof_delayed_fsync") == "1"


def test_waitaof_answers_when_its_client_s_writes_are_synced(tmp_path):
    clock, disk = ManualClock(), MemoryDisk()
    engine = engine_on(disk, tmp_path, clock, appendfsync="everysec")
    session, other = Session(engine), Session(engine)
    assert other("WAITAOF", "1", "0", "0") == b"*2\r\n:1\r\n:0\r\n"  # it wrote nothing
    session("SET", "a", "1")
    assert session("WAITAOF", "1", "0", "0") == b""
    clock.advance(1000)
    engine.cron()
    engine.cron()
    assert b"".join(session.client.out) == b"*2\r\n:1\r\n:0\r\n"
    assert session.client.waiting is None
    assert disk.files[tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof"].synced


def test_an_ordered_stop_syncs(tmp_path):
    disk = MemoryDisk()
    engine = engine_on(disk, tmp_path, appendfsync="no")
    Session(engine)("SET", "a", "1")
    log_of(engine).close()
    assert digest(engine_on(disk.restarted(power_cut=True), tmp_path)) == digest(engine)


def test_while_it_is_off_nothing_is_heard_and_nothing_written(tmp_path):
    disk = MemoryDisk()
    engine = engine_on(disk, tmp_path, appendonly="no")
    Session(engine)("SET", "a", "1")
    assert not disk.files
    assert not engine.before_replies
    assert not engine.gates


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_what_nobody_waits_for_is_written_too(tmp_path, fsync):
    config = {"dir": str(tmp_path), "appendonly": "yes", "appendfsync": fsync}
    with RedisServer(config) as server:
        client = RawClient(server.port)
        client.send(encode(("CLIENT", "REPLY", "OFF")) + encode(("SET", "unanswered", "1")))
        path = tmp_path / "appendonlydir" / "appendonly.aof.1.incr.aof"
        wait_for(lambda: path.read_bytes().endswith(encode(("SET", "unanswered", "1"))))
        client.close()


def test_a_server_in_a_thread_rewrites_its_log_while_it_is_written(tmp_path):
    config = {"dir": str(tmp_path), "appendonly": "yes", "enable-debug-command": "yes"}
    with RedisServer(config) as server:
        client = RawClient(server.port)
        for at in range(300):
            client.ask("RPUSH", "l", at)
            if at % 100 == 50:
                client.ask("BGREWRITEAOF")
        wait_for(lambda: b"aof_rewrite_in_progress:0" in client.ask("INFO", "persistence"))
        assert b"aof_last_bgrewrite_status:ok" in client.ask("INFO", "persistence")
        before = client.ask("DEBUG", "DIGEST")
        client.close()
    with RedisServer(config) as server:
        client = RawClient(server.port)
        assert client.ask("DEBUG", "DIGEST") == before
        client.close()
