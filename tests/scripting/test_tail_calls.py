"""Errors in tail calls name their line, and functions that call themselves need no stack."""

from pytest import mark

from pyredis.scripting.tail_calls import CHANGED_MAX, may_hide_lines

LINES = (
    "\nreturn redis.call('nosuch')",
    "\n\nreturn cjson.decode('x')",
    "\n\nreturn cmsgpack.unpack('\\199')",
    "local t = redis\nreturn t['call']('x')",
    "\n\nlocal s = 'x' return s:rep({})",
    "local c = redis.call\nreturn c('get')",
    "\n return (function(...)\n return redis.call(...) end)('get')",
    "\nreturn redis.call('get', unpack({1,2,3,4}))",
    "\n\nreturn bit.band('x')",
    "local function g() error('x', 2) end local function h()\nreturn g() end\nreturn h()",
)


@mark.parametrize("script", LINES)
def test_the_line_is_that_of_the_call(both, script):
    both("EVAL", script, "0")


@mark.parametrize(
    "script",
    [
        "local function f(i) if i == 0 then return 5 end\nreturn f(i - 1) end return f(100000)",
        "local x = {y = function(...) return ... end}\nreturn {x.y(1, 2, 3)}",
        "local function f() local x = {y = function(...) return ... end}\nreturn x.y(1, 2, 3) end return {f()}",
        "local up, x = 1.5, {y = function(a, ...) return a end}\nlocal function f(...)\n"
        "return x.y(up, nil, true, 'a') end\n"
        "return {f(1, 2)}",
    ],
)
def test_calls_answer_as_before(both, script):
    both("EVAL", script, "0")


def test_only_texts_with_lines_and_such_calls_are_changed():
    assert may_hide_lines(b"\nreturn a.b()")
    assert may_hide_lines(b"return f()\n")
    assert not may_hide_lines(b"return a.b()")
    assert not may_hide_lines(b"\nreturn 1")
    assert not may_hide_lines(b"\nreturn a.b()" + b" " * CHANGED_MAX)
