"""The real redis-cli debugs a script here as on the real server: the same screen, letter by letter."""

import os
import re
import select
import shutil
import subprocess
import sys
import time

from pytest import fixture, mark

from pyredis.testing import RedisServer
from tests.oracle import ask, oracle_8_2

pytestmark = [
    mark.slow,
    mark.skipif(shutil.which("redis-cli") is None or sys.platform == "win32", reason="there is no redis-cli"),
]

SCRIPT = """local a = redis.call('get', KEYS[1])
if not a then
  a = 10
end
redis.call('set', KEYS[1], a + 1)
local t = {1, 'x', {y = true}}
return {a, t[2]}
"""
COMMANDS = ("s", "n", "p", "list", "b 5", "c", "e KEYS[1]", "r get key", "t", "w", "c", "restart", "s", "abort")
PROMPT = re.compile(rb"(lua debugger|127\.0\.0\.1:\d+(\[\d+\])?)> $")


@fixture(scope="module")
def ports():
    with RedisServer({}) as server, oracle_8_2() as real:
        yield server.port, real


def screen(port, mode, path):
    """What redis-cli shows while a user types COMMANDS."""
    import pty

    terminal, its_side = pty.openpty()
    words = ["redis-cli", "-p", str(port), mode, "--eval", path, "key", ",", "value"]
    streams = {"stdin": its_side, "stdout": its_side, "stderr": its_side}
    with subprocess.Popen(words, **streams, env={**os.environ, "TERM": "dumb"}, start_new_session=True) as process:
        os.close(its_side)
        try:
            shown = prompted(terminal)
            for command in COMMANDS:
                os.write(terminal, command.encode() + b"\n")
                shown += prompted(terminal)
        finally:
            process.kill()
            os.close(terminal)
    return shown.replace(str(port).encode(), b"PORT")


def prompted(terminal):
    """What comes up to the next prompt."""
    data, deadline = b"", time.monotonic() + 20
    while not PROMPT.search(data):
        ready, _, _ = select.select([terminal], [], [], max(deadline - time.monotonic(), 0))
        assert ready, f"no prompt behind {data!r}"
        data += os.read(terminal, 1 << 16)
    return data


@mark.parametrize(("mode", "stays"), [("--ldb", b"$-1\r\n"), ("--ldb-sync-mode", b"$2\r\n11\r\n")])
def test_the_same_screen(ports, tmp_path, mode, stays):
    ours, real = ports
    path = tmp_path / "script.lua"
    path.write_text(SCRIPT)
    ask(ours, "DEL", "key")
    seen = screen(ours, mode, str(path))
    assert b"(Lua debugging session ended" in seen
    assert ask(ours, "GET", "key") == stays
    if real is not None:
        ask(real, "DEL", "key")
        assert seen == screen(real, mode, str(path))
