"""The floor: a uvloop + hiredis loop over one dict, with no table, no checks, no expiry.

What it costs is what any Python server on these two libraries has to pay. It knows PING, SET, GET,
INCR, MSET, HSET, LPUSH and ZADD (one element, the reply its length), DEL and DBSIZE, enough of CONFIG GET for
redis-benchmark, and nothing else.

Run: `python -m benchmarks.bare_loop PORT`
"""

import asyncio
import sys
from collections import deque
from typing import Any

import hiredis
import uvloop

STORE: dict[bytes, Any] = {}


def answer(argv: list[bytes]) -> bytes:
    name = argv[0].upper()
    if name == b"SET":
        STORE[argv[1]] = argv[2]
        return b"+OK\r\n"
    if name == b"GET":
        value = STORE.get(argv[1])
        return b"$-1\r\n" if value is None else b"$%d\r\n%b\r\n" % (len(value), value)
    if name == b"INCR":
        number = int(STORE.get(argv[1], b"0")) + 1
        STORE[argv[1]] = b"%d" % number
        return b":%d\r\n" % number
    if name == b"PING":
        return b"+PONG\r\n"
    if name == b"MSET":
        STORE.update(zip(argv[1::2], argv[2::2], strict=True))
        return b"+OK\r\n"
    if name == b"HSET":
        fields = STORE.setdefault(argv[1], {})
        fields[argv[2]] = argv[3]
        return b":%d\r\n" % len(fields)
    if name == b"LPUSH":
        elements = STORE.setdefault(argv[1], deque())
        elements.appendleft(argv[2])
        return b":%d\r\n" % len(elements)
    if name == b"ZADD":
        scores = STORE.setdefault(argv[1], {})
        scores[argv[3]] = float(argv[2])
        return b":%d\r\n" % len(scores)
    if name == b"DEL":
        return b":%d\r\n" % sum(STORE.pop(key, None) is not None for key in argv[1:])
    if name == b"DBSIZE":
        return b":%d\r\n" % len(STORE)
    if name == b"CONFIG":
        return b"*2\r\n$%d\r\n%b\r\n$0\r\n\r\n" % (len(argv[-1]), argv[-1])
    return b"-ERR unknown command\r\n"


class BareConnection(asyncio.Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.reader = hiredis.Reader()

    def data_received(self, data: bytes) -> None:
        self.reader.feed(data)
        replies = []
        while (argv := self.reader.gets()) is not False:
            replies.append(answer(argv))
        self.transport.write(b"".join(replies))


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(BareConnection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
