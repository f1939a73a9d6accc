"""Which scripts may run without the means to suspend them, and what is done with the others."""

from pytest import mark

from pyredis.engine.execution import gates
from pyredis.scripting.scripts import Script
from pyredis.testing import RedisServer
from tests.oracle import RawClient, encode, wait_for


@mark.parametrize(
    "body",
    [
        b"while true do end",
        b"for i = 1, 1e9 do end",
        b"repeat until false",
        b"local function f() return f() end return f()",
        b"loadstring('wh' .. 'ile true do end')()",
        b"_G['lo' .. 'adstring']('wh' .. 'ile true do end')()",
        rb"local a = '\'' while true do end local b = '\''",
        rb"""local a = '\'' while true do end local b = "'" local c = '"' local d = '\''""",
    ],
)
def test_what_could_run_for_long_is_not_brief(body):
    assert not Script(b"", body).brief


@mark.parametrize("body", [b"return 1", b"return redis.call('GET', KEYS[1])", rb"return 'while \' \\'"])
def test_straight_lines_are_brief(body):
    assert Script(b"", body).brief


@mark.slow
def test_what_came_behind_a_script_that_overruns_runs_after_it():
    with RedisServer({"busy-reply-threshold": 1}) as server:
        client = RawClient(server.port)
        script = "local t = redis.call('INCR', 'began') while t < 3000000 do t = t + 1 end return t"
        client.send(encode(["EVAL", script, "0"]) + encode(["INCR", "began"]) + encode(["ECHO", "last"]))
        wait_for(lambda: server.call(lambda: server.engine.gates & gates.BUSY))
        said = b""
        while not said.endswith(b"last\r\n"):
            said += client.reply()
        assert said == b":3000000\r\n:2\r\n$4\r\nlast\r\n"
        client.close()
