"""The floor of replication: the bare loop as a master, and a replica that is hiredis over a dict.

What it costs is what any Python server on these libraries pays for replicas: each write is encoded once, and what a
turn of the loop brought goes to every replica with one write. The snapshot it sends is empty, so what attaches must
come first and not look into it (sink_replica does neither); no backlog, no resync.

Run: `python -m benchmarks.bare_replication PORT`
"""

import asyncio
import sys
import time
from collections.abc import Iterable

import hiredis
import uvloop

from benchmarks import bare_loop

READ = 1 << 16
WRITES = frozenset((b"SET", b"MSET", b"INCR", b"DEL"))


class BareMaster(bare_loop.BareConnection):
    """One connection, of a client or of a replica; `acknowledged`: offset of each replica."""

    replicas: list["BareMaster"] = []
    unsent: list[bytes] = []
    offset = 0
    acknowledged = 0

    def data_received(self, data: bytes) -> None:
        self.reader.feed(data)
        replies, stream = [], []
        while (argv := self.reader.gets()) is not False:
            name = argv[0].upper()
            if name in WRITES:
                replies.append(bare_loop.answer(argv))
                stream.append(hiredis.pack_command(tuple(argv)))
            else:
                replies.append(self.answer(name, argv))
        self.transport.write(b"".join(replies))
        if self.replicas and stream:
            keep(b"".join(stream))

    def answer(self, name: bytes, argv: list[bytes]) -> bytes:
        """What a master is asked besides."""
        if name == b"REPLCONF":
            if argv[1] == b"ACK":
                self.acknowledged = int(argv[2])
                return b""
            return b"+OK\r\n"
        if name == b"PSYNC":
            self.replicas.append(self)
            return b"+FULLRESYNC %b %d\r\n$0\r\n" % (b"0" * 40, BareMaster.offset)
        if name == b"INFO":
            return described()
        return bare_loop.answer(argv)


def keep(stream: bytes) -> None:
    """Until all that can be read now has been."""
    if not BareMaster.unsent:
        asyncio.get_running_loop().call_soon(pass_on)
    BareMaster.unsent.append(stream)


def pass_on() -> None:
    """Write what was kept to every replica."""
    stream = b"".join(BareMaster.unsent)
    BareMaster.unsent.clear()
    BareMaster.offset += len(stream)
    for replica in BareMaster.replicas:
        replica.transport.write(stream)


def described() -> bytes:
    """The fields of INFO replication that tell how far the replicas are."""
    lines = [f"master_repl_offset:{BareMaster.offset}", f"connected_slaves:{len(BareMaster.replicas)}"]
    for number, replica in enumerate(BareMaster.replicas):
        lines.append(f"slave{number}:state=online,offset={replica.acknowledged},")
    text = "\r\n".join(lines).encode()
    return b"$%d\r\n%b\r\n" % (len(text), text)


def applied_a_second(commands: Iterable[bytes]) -> float:
    """Commands a second that a replica applies which is hiredis over a dict, without a socket."""
    stream = b"".join(commands)
    reader, applied = hiredis.Reader(), 0
    began = time.perf_counter()
    for at in range(0, len(stream), READ):
        reader.feed(stream[at : at + READ])
        while (argv := reader.gets()) is not False:
            bare_loop.answer(argv)
            applied += 1
    return applied / (time.perf_counter() - began)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(BareMaster, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
