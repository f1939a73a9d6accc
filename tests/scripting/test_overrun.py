"""Scripts that mean not to end: the server says BUSY in time, SCRIPT KILL ends them, and the next script runs.

The real server is as patient with its own script's client; the lines below must take no longer here, whatever part of
Lua they spend their time in.
"""

import time

from pytest import fixture, mark

from tests.oracle import RawClient, ask, encode
from tests.processes import started

THRESHOLD_S = 0.1
BUSY_WITHIN_S, KILLED_WITHIN_S = 0.05, 0.1
SLACK = 6
"""By how much a machine that is shared may be slower."""

BIG = "local s = string.rep('x', 1000000) "
COMMANDS = "for i = 1, 100 do redis.call('echo', i) end "

SCRIPTS = {
    "loop": "while true do end",
    "repeat": "repeat local x = 1 until false",
    "recursion": "local function f() return f() end return f()",
    "pcall": "while true do pcall(error) end",
    "pcall within": "while true do pcall(function() while true do end end) end",
    "pcall of itself": "local function f() local ok = pcall(f) return f() end f()",
    "pcall of itself, looping": "local function f() pcall(f) while true do end end f()",
    "xpcall of itself": "local function f() xpcall(f, function() return 'x' end) return f() end f()",
    "xpcall's handler": "xpcall(error, function() while true do end end)",
    "xpcall's handlers": "local function h() xpcall(error, h) while true do end end xpcall(error, h)",
    "xpcall hides": "while true do xpcall(function() while true do end end, function() return 1 end) end",
    "error": "while true do pcall(error, {err = 'x'}) end",
    "error tables": (
        "local t = setmetatable({}, {__index = function() error('x') end}) while true do pcall(error, t) end"
    ),
    "cjson": "local t = {} for i = 1, 300 do t[i] = i end while true do pcall(cjson.encode, t) end",
    "cjson.decode": "local s = '[' .. string.rep('1,', 2000000) .. '1]' while true do pcall(cjson.decode, s) end",
    "cjson.decode, nested": "local s = string.rep('[', 900) .. string.rep(']', 900) while true do cjson.decode(s) end",
    "cmsgpack": "local s = cmsgpack.pack({1, 2, {3}}) while true do pcall(cmsgpack.unpack, s) end",
    "cmsgpack.pack": "local t = {} for i = 1, 300000 do t[i] = i end while true do cmsgpack.pack(t) end",
    "metamethod": (
        "local t = setmetatable({}, {__index = function(t, k) return t[k + 1] end}) while true do "
        "pcall(function() return t[1] end) end"
    ),
    "metamethod, looping": (
        "local n = 0 local t t = setmetatable({}, {__index = function(t, k) n = n + 1 if n < 190 then local x = "
        "t[k] end while true do end end}) while true do n = 0 pcall(function() return t[1] end) end"
    ),
    "tostring": "local t = setmetatable({}, {__tostring = function() while true do end end}) tostring(t)",
    "call": "local t = setmetatable({}, {__call = function(t) return t() end}) t()",
    "coroutine": "coroutine.wrap(function() while true do end end)()",
    "coroutines": "while true do coroutine.wrap(function() coroutine.yield(1) end)() end",
    "coroutine.resume": "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
    "coroutines within": "local function f() coroutine.resume(coroutine.create(f)) while true do end end f()",
    "yields": "local c = coroutine.wrap(function() while true do coroutine.yield() end end) while true do c() end",
    "gsub": "while true do string.gsub('aaaa', 'a', function() end) end",
    "gsub, long": BIG + "while true do string.gsub(s, 'x', 'yy') end",
    "gsub, within": "local function f() string.gsub('a', 'a', function() pcall(f) while true do end end) end f()",
    "gsub by C": BIG + "while true do string.gsub(s, '.', string.upper) end",
    "backtracking": "string.find(string.rep('a', 30000), '.-.-.-.-b')",
    "backtracking, short": "while true do string.find(string.rep('a', 200), '.-.-.-b') end",
    "backtracking, gsub": "return string.gsub(string.rep('a', 100000), '(a*)*b', '')",
    "balance": "string.find(string.rep('(', 1000000), '%b()')",
    "gmatch": BIG + "while true do for w in string.gmatch(s, 'x-y') do end end",
    "plain find": (
        "local s = string.rep('a', 1000000) local p = string.rep('a', 500000) .. 'b' while true do s:find(p, 1, "
        "true) end"
    ),
    "rep": "while true do string.rep('x', 10000000) end",
    "rep, small": "while true do string.rep('x', 4000) end",
    "upper": BIG + "while true do s:upper() end",
    "reverse": "local s = string.rep('x', 10000000) while true do s:reverse() end",
    "concatenation": BIG + "while true do local x = s .. 'y' end",
    "comparison": (
        "local a, b = string.rep('x', 3000000) .. 1, string.rep('x', 3000000) .. 2 while true do local x = a < b end"
    ),
    "numbers in text": "local a = string.rep('1', 1000000) while true do local x = a + 1 end",
    "format": BIG + "while true do string.format('%s%s%q', s, s, s) end",
    "sort": "local t = {} for i = 1, 300000 do t[i] = i % 1000 end while true do table.sort(t) end",
    "sort by C": "local t = {} for i = 1, 100 do t[i] = i end while true do pcall(table.sort, t, rawequal) end",
    "sort by a comparator": (
        "local t = {} for i = 1, 1000 do t[i] = i end table.sort(t, function() while true do end end)"
    ),
    "concat": "local t = {} for i = 1, 1000000 do t[i] = i end while true do table.concat(t) end",
    "insert": "table.insert({}, -2147483648, 1)",
    "insert, first": "local t = {} for i = 1, 1000000 do table.insert(t, 1, i) end",
    "remove, first": (
        "local t = {} for i = 1, 1000000 do t[i] = i end while true do t[1000000] = 1 table.remove(t, 1) end"
    ),
    "foreach by C": "local t = {} for i = 1, 1000000 do t[i] = i end while true do table.foreach(t, rawequal) end",
    "next": (
        "local t = {} for i = 1, 100000 do t[i] = i end for i = 1, 100000 do t[i] = nil end while true do next(t) end"
    ),
    "collectgarbage": "local t = {} for i = 1, 300000 do t[i] = {} end while true do collectgarbage() end",
    "garbage": "collectgarbage('stop') while true do local x = {} end",
    "load": "load(function() while true do end end)",
    "load without end": "load(function() return ' ' end)",
    "loadstring": "while true do loadstring('return 1') end",
    "loadstring, long": "local s = string.rep('x = 1 ', 100000) while true do loadstring(s) end",
    "sha1hex": BIG + "while true do redis.sha1hex(s) end",
    "bit": "while true do bit.band(1, 2, 3) end",
    "struct.pack": "local f = string.rep('i', 5000) while true do pcall(struct.pack, f, 1) end",
    "struct.size": "local f = string.rep('i', 10000000) while true do struct.size(f) end",
    "struct.unpack": (
        "local f, s = string.rep('i1', 3000), string.rep('x', 3000) while true do pcall(struct.unpack, f, s) end"
    ),
    "log": BIG + "while true do redis.log(redis.LOG_DEBUG, s) end",
    "redis.call": "while true do redis.call('ping') end",
    "redis.pcall": "while true do redis.pcall('nosuch') end",
    "redis.call, slow": COMMANDS + "while true do redis.call('lrange', 'list', 0, -1) end",
    "fast, then slow": BIG + "for i = 1, 3000000 do end while true do s:upper() end",
    "fast, then slow commands": "for i = 1, 3000000 do end while true do redis.call('lrange', 'list', 0, -1) end",
    "memory": (
        "local t = {} while true do pcall(function() while true do t[#t + 1] = string.rep('x', 100000) .. #t end "
        "end) end"
    ),
    "result": "local t = {} for i = 1, 3000000 do t[i] = i end return t",
    "result, nested": "local t = {1, 2, 3} for i = 1, 20 do t = {t, t} end return t",
}


@fixture(scope="module")
def port():
    """Of a process: a server on a thread would wait for the test's, and the test for it, whenever Lua runs."""
    with started("--save", "", "--busy-reply-threshold", str(int(THRESHOLD_S * 1000))) as (port, _):
        ask(port, "RPUSH", "list", *range(20000))
        yield port


def stop(port, *command, kind="SCRIPT", line=1):
    """Start what does not end and kill it: seconds until BUSY behind the threshold, and until it was dead."""
    caller, other = RawClient(port), RawClient(port)
    try:
        began = time.monotonic()
        caller.send(encode(command))
        while not other.ask("PING").startswith(b"-BUSY"):
            assert time.monotonic() - began < 10
        late = time.monotonic() - began - THRESHOLD_S
        killed = time.monotonic()
        assert other.ask(kind, "KILL") == b"+OK\r\n"
        reply = caller.reply()
        took = time.monotonic() - killed
        assert reply.startswith(b"-ERR Script killed by user with SCRIPT KILL... script: "), reply
        chunk = b"@user_function" if kind == "FUNCTION" else b"@user_script"
        assert reply.endswith(b", on %b:%d.\r\n" % (chunk, line)), reply
        assert other.ask("EVAL", "return 1", 0) == b":1\r\n"
        return late, took
    finally:
        caller.close()
        other.close()


@mark.slow
@mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_it_is_stopped(port, script):
    late, took = stop(port, "EVAL", script, 0)
    assert late < BUSY_WITHIN_S * SLACK
    assert took < KILLED_WITHIN_S * SLACK
