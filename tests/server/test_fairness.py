"""Beside a client that pipelines without end, others are answered soon.

`pytest -m proof tests/server/test_fairness.py -n 0`, on a machine that does nothing else: it prints what it measured.
"""

import socket
import subprocess
import sys
import time

import pytest

from tests.oracle import ask, encode
from tests.processes import started

pytestmark = pytest.mark.proof
COMMANDS = 600_000
HEAVY = """
import socket, sys, threading
peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def take():
    while peer.recv(1 << 20):
        pass
threading.Thread(target=take, daemon=True).start()
words = sys.stdin.buffer.read()
peer.sendall(words)
peer.shutdown(socket.SHUT_WR)
"""
PIPELINES = {
    "SET": [encode(["SET", f"key:{number:06}", "xxx"]) for number in range(1000)],
    "GET": [encode(["GET", f"key:{number:06}"]) for number in range(1000)],
    "SET and LRANGE": [encode(["SET", "key", "xxx"]), encode(["LRANGE", "list", "0", "99"])] * 500,
}


@pytest.mark.parametrize("sent", PIPELINES.values(), ids=PIPELINES)
def test_others_are_answered_soon(sent, capsys):
    with started("--save", "") as (port, _):
        ask(port, "RPUSH", "list", *["x"] * 100)
        heavy = subprocess.Popen([sys.executable, "-c", HEAVY, str(port)], stdin=subprocess.PIPE)
        heavy.stdin.write(b"".join(sent) * (COMMANDS // len(sent)))
        heavy.stdin.close()
        waits = waits_while(heavy, port)
    median, longest = waits[len(waits) // 2], waits[-1]
    with capsys.disabled():
        print(f"\n{len(waits)} PINGs: median {median:.1f} ms, longest {longest:.1f} ms")
    assert len(waits) > 20
    assert median <= 10
    assert longest <= 60


def waits_while(heavy, port):
    """The ms that PINGs took until `heavy` was done, in order of size."""
    waits = []
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while heavy.poll() is None:
            began = time.perf_counter()
            client.sendall(b"PING\r\n")
            client.recv(100)
            waits.append((time.perf_counter() - began) * 1000)
            time.sleep(0.003)
    return sorted(waits)
