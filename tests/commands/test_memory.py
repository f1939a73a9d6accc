"""MEMORY's answers about the whole server."""

from pytest import fixture

from pyredis.assembly import build_engine
from pyredis.engine.execution.run import run
from pyredis.engine.memory.used_memory import Memory
from pyredis.engine.roster import Clients


@fixture
def client():
    return build_engine()[Clients].connect()


def test_the_statistics_have_the_fields_of_the_real_server(both):
    both("SET", "k", "v")
    names = []
    for reply in both.replies("MEMORY", "STATS"):
        words = reply.split(b"\r\n")
        names.append([word for word in words if word[:1].isalpha()])
    assert names[0] == names[1]


def test_purge(both):
    both("MEMORY", "PURGE")
    both("MEMORY", "foo")


def test_reports(client):
    run(client.engine, client, [[b"MEMORY", b"DOCTOR"], [b"MEMORY", b"MALLOC-STATS"], [b"MEMORY", b"HELP"]])
    doctor, stats, usage = client.out
    assert b"empty" in doctor
    assert b"Stats not supported for the current allocator" in stats
    assert b"USAGE <key>" in usage


def test_what_keys_take_here_is_what_is_used(client):
    before = client.engine[Memory].used()
    run(client.engine, client, [[b"RPUSH", b"list", *[b"%d" % n for n in range(10)]], [b"SET", b"s", b"x" * 1000]])
    client.out.clear()
    words = [b"MEMORY", b"USAGE"]
    run(client.engine, client, [[*words, b"list", b"actual"], [*words, b"s", b"ACTUAL"], [*words, b"no", b"ACTUAL"]])
    *sizes, missing = b"".join(client.out).split()
    assert missing == b"$-1"
    assert sum(int(size[1:]) for size in sizes) == client.engine[Memory].used() - before
    client.out.clear()
    run(client.engine, client, [[*words, b"s", b"ACTUAL", b"SAMPLES", b"1"]])
    assert b"".join(client.out) == b"-ERR syntax error\r\n"
