"""FUNCTION and FCALL as the real server has them: libraries, their errors, flags, and what propagates."""

from pytest import fixture, mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.execution.dispatch import dispatch
from pyredis.engine.roster import Clients
from pyredis.rdb.checksum import crc64
from pyredis.scripting.function_libraries import Functions
from pyredis.testing import RedisServer
from tests.observed import ask, overhear
from tests.oracle import RawClient, encode, wait_for

LIBRARY = """#!lua name=lib
redis.register_function('echo', function(keys, args) return {keys, args} end)
redis.register_function{
  function_name='read', callback=function() return redis.call('get', 'k') end, description='reads', flags={'no-writes'}}
redis.register_function('write', function() return redis.call('set', 'k', 1) end)
redis.register_function('fails', function() error('boom') end)
redis.register_function('global', function() x = 1 end)
redis.register_function('keys', function() return KEYS end)
redis.register_function('late', function() redis.register_function('z', function() end) end)
redis.register_function('debug', function() return redis.replicate_commands() end)
redis.register_function{function_name='sly', callback=function() redis.call('set', 'k', 1) end, flags={'no-writes'}}
"""

CALLS = [
    "FCALL echo 1 a b c",
    "FCALL read 0",
    "FCALL_RO read 0",
    "FCALL write 0",
    "FCALL_RO write 0",
    "FCALL fails 0",
    "FCALL global 0",
    "FCALL keys 0",
    "FCALL late 0",
    "FCALL debug 0",
    "FCALL sly 0",
    "FCALL nosuch 0",
    "FCALL echo x",
    "FCALL echo 2 a",
    "FCALL echo -1",
    "FUNCTION STATS",
    "FUNCTION LIST LIBRARYNAME",
    "FUNCTION LIST LIBRARYNAME zz*",
    "FUNCTION LIST foo",
    "FUNCTION DELETE nosuch",
    "FUNCTION DELETE lib",
    "FUNCTION FLUSH foo",
    "FUNCTION FLUSH ASYNC",
    "FUNCTION FLUSH SYNC extra",
    "FUNCTION KILL",
    "FUNCTION nosuch",
]

HEADS = [
    "foo",
    "#!lua",
    "#!lua \nx",
    "#!foo name=x\nx",
    "#!lua name=b-c\nx",
    "#!lua name=x name=y\nx",
    "#!lua foo=x\nx",
    "#!lua name=x\nreturn 1",
    "#!lua name=x\nsyntax error here",
    "#!lua name=x\nerror('boom')",
    "#!lua name=x\nredis.call('get','x')",
    "#!lua name=x\ny=1",
    "#!lua name=x\nreturn nosuch",
]

REGISTERED = [
    "",
    "1",
    "'a'",
    "'a',1",
    "1,function() end",
    "'a-b',function() end",
    "'a',function() end,3",
    "{}",
    "{function_name='q'}",
    "{function_name={}}",
    "{callback=1}",
    "{description={}}",
    "{flags=1}",
    "{flags={'x'}}",
    "{foo=1}",
    "{[1]=2}",
    "'q',function() end) redis.register_function('q',function() end",
]


@mark.parametrize("line", CALLS)
def test_answers_as_the_real_server(both, line):
    both("FUNCTION", "FLUSH")
    both("FUNCTION", "LOAD", LIBRARY)
    both(*line.split())


@mark.parametrize("code", HEADS + [f"#!lua name=x\nredis.register_function({words})" for words in REGISTERED])
def test_libraries_that_do_not_load(both, code):
    both("FUNCTION", "FLUSH")
    both("FUNCTION", "LOAD", code)


def test_loading_again(both):
    one = "#!lua name=one\nredis.register_function('f', function() return 1 end)"
    both("FUNCTION", "FLUSH")
    both("FUNCTION", "LOAD", one)
    both("FUNCTION", "LOAD", one)
    both("FUNCTION", "LOAD", one.replace("one", "two"))
    both("FUNCTION", "LOAD", "REPLACE", one.replace("return 1", "return 2"))
    both("FCALL", "f", "0")
    both("FUNCTION", "LIST", "WITHCODE", "LIBRARYNAME", "o*")
    both("FUNCTION", "LOAD", "foo", one)


@fixture
def engine():
    return build_engine(clock=ManualClock())


def test_loading_propagates_as_it_is_and_calls_by_their_effects(engine):
    sent = []
    overhear(engine, lambda argv: sent.append(list(argv)))
    client = engine[Clients].connect()
    code = b"#!lua name=a\nredis.register_function('w', function() return redis.call('set','k',1) end)"
    ask(client, f'FUNCTION LOAD "{code.decode()}"', "FCALL w 0")
    assert sent == [[b"FUNCTION", b"LOAD", code], [b"set", b"k", b"1"]]


def test_a_function_without_end_is_killed_by_its_own_command():
    with RedisServer({"busy-reply-threshold": "20"}) as server:
        caller, other = RawClient(server.port), RawClient(server.port)
        caller.ask("FUNCTION", "LOAD", "#!lua name=a\nredis.register_function('f', function() while true do end end)")
        caller.send(encode(("FCALL", "f", "0")))
        wait_for(lambda: other.ask("PING").startswith(b"-BUSY"))
        assert b"FUNCTION KILL" in other.ask("PING")
        assert other.ask("SCRIPT", "KILL").startswith(b"-BUSY")
        assert b"running_script" in other.ask("FUNCTION", "STATS")
        assert other.ask("FUNCTION", "KILL") == b"+OK\r\n"
        assert caller.reply().startswith(b"-ERR Script killed by user")
        caller.close()
        other.close()


def payload(body, version=10):
    body += version.to_bytes(2, "little")
    return body + crc64(body).to_bytes(8, "little")


def library(name, *functions):
    lines = "".join(f"redis.register_function('{one}', function() return '{name}' end)\n" for one in functions)
    return f"#!lua name={name}\n{lines}".encode()


def dumped(*codes):
    return payload(b"".join(b"\xf5\x80" + len(code).to_bytes(4, "big") + code for code in codes))


@mark.parametrize("policy", [[], ["append"], ["REPLACE"], ["flush"], ["x"], ["FLUSH", "x"]], ids="-".join)
@mark.parametrize(
    "value",
    [
        dumped(library("one", "f", "g")),
        dumped(library("one", "f2")),
        dumped(library("two", "f")),
        dumped(library("two", "h"), library("three", "i")),
        dumped(library("two", "h"), library("two", "i")),
        dumped(library("two", "h"), library("three", "h")),
        dumped(b"#!lua name=two\nthis is no Lua"),
        dumped(b"no library"),
        dumped(b"#!lua name=a\0b\nthis is no Lua"),
        dumped(library("two", "h"), b"no library"),
        dumped(),
        payload(b"\xf6"),
        payload(b"\1"),
        payload(b"\xf5"),
        payload(b"\xf5\x3fabc"),
        payload(b"", 16),
        b"short",
    ],
    ids=range(17),
)
def test_restore(both, policy, value):
    both("FUNCTION", "FLUSH")
    both("FUNCTION", "LOAD", library("one", "f"))
    both("FUNCTION", "RESTORE", value, *policy)
    for function in ("f", "f2", "g", "h", "i"):
        both("FCALL", function, 0)


def test_what_is_dumped_is_restored(both):
    both("FUNCTION", "FLUSH")
    both("FUNCTION", "LOAD", library("one", "f"))
    dumps = [client.ask("FUNCTION", "DUMP") for client in filter(None, (both.ours, both.real))]
    both("FUNCTION", "FLUSH")
    for reply in dumps:
        value = reply.partition(b"\r\n")[2][:-2]
        for client in filter(None, (both.ours, both.real)):
            assert client.ask("FUNCTION", "RESTORE", value, "FLUSH") == b"+OK\r\n"
            assert client.ask("FCALL", "f", 0) == b"$3\r\none\r\n"


def test_a_failed_restore_changes_nothing_and_propagates_nothing():
    engine = build_engine()
    sent = []
    overhear(engine, lambda argv: sent.append(argv))
    client = engine[Clients].connect()
    for words in (
        [b"FUNCTION", b"LOAD", library("one", "f")],
        [b"FUNCTION", b"RESTORE", dumped(library("two", "h"), b"no library"), b"FLUSH"],
        [b"FUNCTION", b"RESTORE", dumped(library("two", "h")), b"FLUSH"],
    ):
        dispatch(engine, client, words)
    assert [words[1] for words in sent] == [b"LOAD", b"RESTORE"]
    assert list(engine[Functions].libraries) == [b"two"]


@mark.parametrize(
    "words", [("LIST", b"\0x"), ("LIST", b"a\0x"), ("LOAD", b"#!x\0y name=a\n"), ("LOAD", b"#!lua name=a\0b\nx")]
)
def test_words_end_at_a_zero_where_c_s_do(both, words):
    both("FUNCTION", *words)
