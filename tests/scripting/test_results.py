"""Replies of any depth and size that the real server gives, and the limits at which it stops."""

from pytest import fixture, mark

from pyredis.protocol.encoder import VERSIONS
from pyredis.protocol.replies import ErrorReply, PairMap, Unordered
from pyredis.scripting.results import ARRAY, ERROR, FLAT, KNOWN, MAP, NULL, SET, Result
from tests.oracle import encode

END = b"$3\r\nend\r\n"


def up_to_end(client, words):
    """A reply that hiredis would not read, found by the one behind it."""
    client.send(encode(words) + encode(("ECHO", "end")))
    data = b""
    while not data.endswith(END):
        data += client.socket.recv(1 << 16)
    return data.removesuffix(END)


@fixture
def deep(both):
    """As `both`, for replies of any depth."""
    for client in filter(None, (both.ours, both.real)):
        client.ask = lambda *words, client=client: up_to_end(client, words)
    return both


NESTED = {
    "arrays": ("local t = 1 for i = 1, %d do t = {t} end return t", (100, 101, 1000, 7994, 7995, 9000)),
    "maps": ("local t = 1 for i = 1, %d do t = {map = {a = t}} end return t", (33, 34, 2664, 2665)),
    "keys": ("local t = 1 for i = 1, %d do t = {map = {[t] = 1}} end return t", (25, 26, 1998, 1999)),
    "sets": ("local t = 1 for i = 1, %d do t = {set = {[t] = true}} end return t", (33, 34, 2664, 2665)),
    "errors": ("local t = {err = 'MY x'} for i = 1, %d do t = {t} end return t", (100, 101, 7994, 7995)),
    "texts": (
        "local t = {verbatim_string = {string = 'x', format = 'txt'}} for i = 1, %d do t = {t, true} end return t",
        (101, 7994),
    ),
}


@mark.parametrize(("script", "depth"), [(script, depth) for script, depths in NESTED.values() for depth in depths])
def test_tables_nest_as_deep_as_on_the_real_server(deep, script, depth):
    deep("CONFIG", "RESETSTAT")
    deep("EVAL", script % depth, "0")
    deep("INFO", "errorstats")


def test_a_transaction_holds_deep_replies(both):
    both("MULTI")
    both("EVAL", NESTED["arrays"][0] % 500, "0")
    both("EVAL", NESTED["maps"][0] % 40, "0")
    both("EXEC")


@mark.parametrize(
    "script",
    [
        "local t = {} for i = 1, 5000 do t[i] = 'word' .. i end return t",
        "local t = {} for i = 1, 5000 do t[i] = i % 7 == 0 and i / 2 or i % 2 == 0 or 'x' .. i end return t",
        "local t = {} for i = 1, 300 do t[i] = {i, {'a', false}} end return t",
        "local t = {} for i = 1, 50 do t[i] = function() end end return t",
    ],
)
def test_large_replies(both, script):
    both("EVAL", script, "0")


ARGUMENTS = "local t = {} for i = 1, %d do t[i] = %s end "


@mark.parametrize("count", [39, 40, 41, 7997, 7999, 8000])
@mark.parametrize(
    "call",
    [
        "return redis.call('rpush', KEYS[1], unpack(t))",
        "return redis.pcall('rpush', KEYS[1], unpack(t))",
        "return redis.call(unpack(t))",
        "local function push(...) return redis.call('rpush', KEYS[1], ...) end return push(unpack(t))",
        "return pcall(redis.sha1hex, unpack(t)) and 1 or 2",
        "return bit.bor(unpack(t))",
        "return cmsgpack.pack(unpack(t))",
    ],
)
def test_calls_take_what_unpack_gives(both, call, count):
    both("EVAL", ARGUMENTS % (count, "i") + call, "1", "list")


@mark.parametrize("odd", ["true", "nil", "{}", "0/0", "-(0/0)", "1.5", "2^53", "1e100", "-0", "cjson.null"])
@mark.parametrize("count", [3, 60])
def test_arguments_that_are_no_strings(both, odd, count):
    script = (
        ARGUMENTS % (count, "'w'") + f"t[{count}] = {odd} return redis.call('rpush', KEYS[1], unpack(t, 1, {count}))"
    )
    both("EVAL", script, "1", "list")
    both("LRANGE", "list", "-1", "-1")


JSON_ARRAYS = "local n = %d local s = string.rep('[', n) .. string.rep(']', n) "
JSON_OBJECTS = "local n = %d local s = string.rep('{\"a\":', n) .. '1' .. string.rep('}', n) "
DEEP_JSON = "local json = cjson.new() json.encode_max_depth(100000) json.decode_max_depth(100000) "


@mark.parametrize("depth", [1000, 1001])
@mark.parametrize("text", [JSON_ARRAYS, JSON_OBJECTS])
def test_json_nests_to_its_setting(both, text, depth):
    both("EVAL", text % depth + "return #cjson.encode(cjson.decode(s))", "0")


@mark.parametrize(
    ("text", "depth"),
    [(JSON_ARRAYS, 7997), (JSON_ARRAYS, 7998), (JSON_ARRAYS, 7999), *((JSON_OBJECTS, n) for n in (3999, 4000))],
)
def test_json_nests_to_the_end_of_the_stack(both, text, depth):
    both("EVAL", DEEP_JSON + text % depth + "return #json.encode(json.decode(s))", "0")


@mark.parametrize("head", ["\\145", "\\129\\161a"])
@mark.parametrize("depth", [3999, 4000])
def test_messages_nest_to_the_end_of_the_stack(both, head, depth):
    both("EVAL", f"local t = cmsgpack.unpack(string.rep('{head}', {depth}) .. '\\1') return type(t)", "0")


@mark.parametrize("count", [7997, 7998, 7999, 8000])
def test_messages_of_many_values(both, count):
    both("EVAL", f"return #{{cmsgpack.unpack(string.rep('\\1', {count}))}}", "0")
    both("EVAL", f"return #{{cmsgpack.unpack_limit(string.rep('\\1', 9000), {count})}}", "0")


@mark.parametrize("count", [4000, 4001])
def test_messages_are_packed_of_so_many_values(both, count):
    both("EVAL", ARGUMENTS % (count, "i") + "return #cmsgpack.pack(unpack(t))", "0")


TOKENS = [ARRAY, 3, FLAT, 2, b"a", 2.5, MAP, 1, b"k", SET, 1, True, ERROR, b"MY x\r\n"]


def test_tokens_are_a_value_and_its_bytes():
    result = Result(2, lambda: None)
    array = result.value(iter(TOKENS))
    assert array[0] == [b"a", 2]
    assert isinstance(array[1], PairMap) and array[1].pairs[0][0] == b"k"
    assert isinstance(array[1].pairs[0][1], Unordered) and array[1].pairs[0][1].items == [1]
    assert isinstance(array[2], ErrorReply) and result.errors == [b"MY x"]
    for version, encoders in VERSIONS.items():
        data = Result(2, lambda: None).encoded(iter(TOKENS), version).data
        assert data == encoders[list](array)


def test_errors_that_are_known_are_told_apart():
    result = Result(3, lambda: None)
    result.value(iter([ARRAY, 2, KNOWN, b"A b", ERROR, b"C"]))
    assert (result.known, result.errors) == (1, [b"C"])


@mark.parametrize(("version", "expected"), [(2, [1, None, None, 3]), (3, [True, False, None, 3])])
def test_scalars_follow_the_version_that_the_script_chose(version, expected):
    assert Result(version, lambda: None).value(iter([FLAT, 4, True, False, NULL, 3.9])) == expected


def test_a_large_result_breathes():
    breaths = []
    Result(2, lambda: breaths.append(1)).value(iter([FLAT, 10_000, *[b"x"] * 10_000]))
    assert len(breaths) == 5
    breaths.clear()
    Result(2, lambda: breaths.append(1)).value(iter([ARRAY, 5_000, *[FLAT, 0] * 5_000]))
    assert len(breaths) == 2
