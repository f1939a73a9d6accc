"""Dialling on an event loop: whatever comes of it, the peer hears once how it ended."""

import asyncio
import contextlib
import socket

import pytest
import uvloop

from pyredis.engine.host import Tcp
from pyredis.server.asyncio_host import AsyncioHost

SECONDS = 10


class Heard:
    """A `Peer` that keeps what it is told."""

    def __init__(self):
        self.link, self.data, self.errors, self.congestions = None, b"", [], []

    def connected(self, link):
        self.link = link

    def received(self, data):
        self.data += data

    def congested(self):
        self.congestions.append(True)

    def writable(self):
        self.congestions.append(False)

    def lost(self, error):
        self.errors.append(error)


async def until(condition):
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


def on_loop(play):
    async def run():
        await play(AsyncioHost())

    asyncio.run(run())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_data_goes_both_ways_and_the_end_is_heard_on_both_sides():
    async def play(host):
        mine, other = Heard(), Heard()
        listener = host.listen(Tcp(("127.0.0.1",), 0), lambda: other, 5)
        host.dial(("127.0.0.1", listener.port), mine)
        await until(lambda: mine.link and other.link)
        assert mine.link.address == f"127.0.0.1:{listener.port}"
        assert mine.link.address == other.link.local_address
        mine.link.write(b"x" * 3_000_000)
        other.link.write(b"hello")
        await until(lambda: len(other.data) == 3_000_000 and mine.data == b"hello")
        other.link.pause_reading()
        mine.link.write(b"more")
        await asyncio.sleep(0.01)
        assert len(other.data) == 3_000_000
        other.link.resume_reading()
        await until(lambda: other.data.endswith(b"more"))
        mine.link.close()
        await until(lambda: mine.errors and other.errors)
        assert (mine.errors, other.errors) == ([None], [None])
        listener.close()

    on_loop(play)


def test_a_refused_connection():
    async def play(host):
        peer = Heard()
        host.dial(("127.0.0.1", free_port()), peer)
        await until(lambda: peer.errors)
        assert (peer.link, [type(error) for error in peer.errors]) == (None, [ConnectionRefusedError])

    on_loop(play)


@pytest.mark.parametrize("name", ["no.such.host.invalid", "", "x" * 300, "a..b", "\udcff", "with space", "-"])
def test_a_name_that_does_not_resolve(name):
    async def play(host):
        peer, other = Heard(), Heard()
        listener = host.listen(Tcp(("127.0.0.1",), 0), lambda: other, 5)
        with contextlib.suppress(OSError):  # or it says so at once
            host.dial((name, listener.port), peer)
            await until(lambda: peer.errors or peer.link)
            if name:  # no name is this machine
                assert peer.link is None
                assert len(peer.errors) == 1
                assert isinstance(peer.errors[0], Exception)
            elif peer.link:
                peer.link.abort()
        listener.close()

    on_loop(play)


@pytest.mark.parametrize("ending", ["abort", "close"])
def test_who_ends_it_while_it_is_made_hears_that_once(ending):
    async def play(host):
        peer, other = Heard(), Heard()
        listener = host.listen(Tcp(("127.0.0.1",), 0), lambda: other, 5)
        link = host.dial(("127.0.0.1", listener.port), peer)
        getattr(link, ending)()
        getattr(link, ending)()
        await until(lambda: peer.errors)
        assert (peer.link, peer.errors) == (None, [None])
        await asyncio.sleep(0.01)
        assert len(peer.errors) == 1
        listener.close()

    on_loop(play)


def test_who_aborts_hears_it_once():
    async def play(host):
        mine, other = Heard(), Heard()
        listener = host.listen(Tcp(("127.0.0.1",), 0), lambda: other, 5)
        host.dial(("127.0.0.1", listener.port), mine)
        await until(lambda: mine.link and other.link)
        mine.link.abort()
        mine.link.abort()
        mine.link.write(b"x")
        await until(lambda: mine.errors and other.errors)
        assert mine.errors == [None]
        assert len(other.errors) == 1
        listener.close()

    on_loop(play)


@pytest.mark.parametrize("turns", range(12))
@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_who_hung_up_while_connecting_is_not_told_that_it_is_connected(loop, turns):
    """Whichever turn of the loop it is, even when the connection is there and only the telling is left."""

    async def play():
        mine, other = Heard(), Heard()
        host = AsyncioHost()
        listener = host.listen(Tcp(("127.0.0.1",), 0), lambda: other, 5)
        link = host.dial(("127.0.0.1", listener.port), mine)
        for _ in range(turns):
            await asyncio.sleep(0)
        was_connected = mine.link is not None
        link.abort()
        await until(lambda: mine.errors)
        await asyncio.sleep(0)
        assert (mine.link is not None) == was_connected
        assert len(mine.errors) == 1
        listener.close()

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(play())
