"""Every function that scripts have, with everything that Lua has: no answer may be an error of ours.

`pytest -m proof tests/scripting/test_fuzz.py -n 0 --timeout 900` makes 100,000 calls.
"""

import random

import hiredis
import pytest

from pyredis.testing import RedisServer
from tests.oracle import RawClient

FUNCTIONS = {
    "": "assert collectgarbage error gcinfo getmetatable ipairs load loadstring next pairs pcall rawequal rawget "
    "rawset select setmetatable tonumber tostring type unpack xpcall __redis__err__handler",
    "bit.": "arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex",
    "cjson.": "decode decode_invalid_numbers decode_max_depth encode encode_invalid_numbers encode_keep_buffer "
    "encode_max_depth encode_number_precision encode_sparse_array new",
    "cmsgpack.": "pack unpack unpack_limit unpack_one",
    "coroutine.": "create resume running status wrap yield",
    "math.": "abs ceil floor fmod frexp ldexp log max min modf pow random randomseed sqrt",
    "os.": "clock",
    "redis.": "acl_check_cmd breakpoint call debug error_reply log pcall replicate_commands set_repl setresp sha1hex "
    "status_reply",
    "string.": "byte char find format gmatch gsub len lower match rep reverse sub upper",
    "struct.": "pack size unpack",
    "table.": "concat foreach foreachi getn insert maxn remove sort",
}
NAMES = [prefix + name for prefix, names in FUNCTIONS.items() for name in names.split()]
NUMBERS = "0 1 -1 2 3 1.5 0/0 -(0/0) 1/0 -1/0 2^31 -2^31 2^32 2^53 2^63 -2^63 1e308".split()  # noqa: SIM905
STRINGS = [
    "''",
    "'x'",
    "'nan'",
    "'1'",
    "'0x10'",
    r"'\0\255'",
    "'%d%s'",
    "'(.-)'",
    "'>i4c0s'",
    "('ab'):rep(999)",
    r"'\146\1\192'",
]
EVENTS = "__index __newindex __tostring __call __concat __eq __lt __le __len __unm __add".split()  # noqa: SIM905
HOSTILE = f"setmetatable({{}}, {{{', '.join(f'{event} = function() error({event!r}) end' for event in EVENTS)}}})"
TABLES = [
    *["{}", "{1, 2, 'x'}", "{a = 1}", "{err = {}}", "{ok = 1}", "{map = 1}", "{[1.5] = 1}", "redis", "string", "_G"],
    "(function() local t = {} t.t = t t[t] = t return t end)()",
    HOSTILE,
    f"{{err = {HOSTILE}}}",
    "setmetatable({}, {__metatable = false, __mode = 'kv'})",
]
OTHERS = [
    *["nil", "true", "false", "cjson.null", "function(...) return ... end", "function() error({}) end", "redis.pcall"],
    *["coroutine.create(function() end)", "coroutine.wrap(function() coroutine.yield(1) end)", "'echo'", "'get'"],
]
VALUES = NUMBERS + STRINGS + TABLES + OTHERS
FORMS = [
    "return %s",
    "return {%s}",
    "return {pcall(%s)}",
    "return tostring((%s))",
    "error((%s))",
    "return {err = (%s)}",
]
OURS = (b"internal error", b"Traceback", b"pyredis:")


def call(chance):
    """A script that calls one function with up to four values."""
    name = chance.choice(NAMES)
    words = chance.choices(VALUES, k=chance.choice((0, 1, 1, 2, 2, 3, 4)))
    form = chance.choice(FORMS)
    if "pcall" in form:
        return form % ", ".join([name, *words])
    return form % f"{name}({', '.join(words)})"


def make_calls(seed, count):
    chance = random.Random(seed)
    with RedisServer({"busy-reply-threshold": "200"}) as server:
        client = RawClient(server.port)
        client.socket.settimeout(2)
        for _ in range(count):
            script = call(chance)
            try:
                said = client.ask("EVAL", script, "0")
            except TimeoutError:  # as in a real server, some calls never end: such a one can be killed
                killer = RawClient(server.port)
                assert killer.ask("SCRIPT", "KILL") == b"+OK\r\n", script
                killer.close()
                said = client.reply()
            except hiredis.ProtocolError:  # -2^63, which a real server answers too, is no number for it
                said = b""
            assert not any(mark in said for mark in OURS), (script, said)
            assert client.ask("EVAL", "return 1 + #redis.sha1hex('')", "0") == b":41\r\n", script
        client.close()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_no_call_is_answered_with_an_error_of_ours(seed):
    make_calls(seed, 1500)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(10, 20))
def test_nor_are_a_hundred_thousand(seed):
    make_calls(seed, 10_000)


@pytest.mark.parametrize("count", [7995, 7999, 9000])
def test_more_values_than_lua_s_stack_holds(count, both):
    both(
        "EVAL", "return select('#', struct.unpack(string.rep('b', ARGV[1]), string.rep('x', ARGV[1])))", "0", str(count)
    )


def test_nor_when_the_script_has_filled_it(server):
    script = (
        "local a = {} for i = 1, 3000 do a[i] = i end "
        "local function f(...) local t = {pcall(struct.unpack, ARGV[1], ARGV[2])} return #t, t[2] end "
        "return {f(unpack(a))}"
    )
    client = RawClient(server.port)
    said = client.ask("EVAL", script, "0", "b" * 7990, "x" * 7990)
    client.close()
    assert b"internal" not in said
