"""`RedisServer`: a whole server on a thread of its own.

    with RedisServer() as server:
        client = redis.Redis(host=server.host, port=server.port)

It listens on a loopback port the system finds free, and is gone when the block is left. It reads and writes files
only where `dir` is configured. With a `ManualClock` time stands still until the test moves it; expiry, pauses and
idle times follow at once.
"""

import asyncio
import concurrent.futures
import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from random import Random
from types import TracebackType
from typing import TypeVar

from pyredis.assembly import build_engine
from pyredis.clock import Clock, ManualClock
from pyredis.config.store import Config
from pyredis.engine.engine import Engine
from pyredis.persistence.dataset_loading import LoadingFailed
from pyredis.server.asyncio_host import AsyncioHost
from pyredis.server.loop import loop_factory
from pyredis.server.server import Server

T = TypeVar("T")
START_TIMEOUT_S = 10


class RedisServer:
    """A server to use as a context manager, or by `start()` and `stop()`.

    `config`: parameters of redis.conf by name. `clock`: the machine's by default, or a `ManualClock`. `seed`: makes
    random choices repeatable. `uvloop`: False serves from asyncio's own loop. Raises OSError when it cannot listen.
    """

    def __init__(
        self,
        config: Mapping[str, str] | None = None,
        *,
        host: str = "127.0.0.1",
        clock: Clock | None = None,
        seed: int | None = None,
        uvloop: bool = True,
    ) -> None:
        self.host = host
        self.clock = clock or Clock()
        self.port = 0
        self._seed = seed
        self._uvloop = uvloop
        self._config = {"save": "", "bind": host, **(config or {})}
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """For `redis.from_url`."""
        return f"redis://{self.host}:{self.port}"

    @property
    def engine(self) -> Engine:
        """What runs the commands; touch it only through `call`."""
        return self._server.engine

    def start(self) -> "RedisServer":
        """Listen; returns when clients can connect."""
        started: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._main, args=(started,), name="pyredis", daemon=True)
        self._thread.start()
        started.result(START_TIMEOUT_S)
        if isinstance(self.clock, ManualClock):
            self.clock.listeners.append(self._moved)
        return self

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._thread is None:
            return
        if isinstance(self.clock, ManualClock):
            self.clock.listeners.remove(self._moved)
        with contextlib.suppress(RuntimeError):  # the loop has ended: a client sent SHUTDOWN
            self._loop.call_soon_threadsafe(lambda: self._server.shut_down(force=True))
        self._thread.join()
        self._thread = None

    def call(self, function: Callable[[], T]) -> T:
        """Run `function` on the server's thread, between commands, and return its value."""
        result: concurrent.futures.Future[T] = concurrent.futures.Future()

        def run() -> None:
            try:
                result.set_result(function())
            except BaseException as error:
                result.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return result.result(START_TIMEOUT_S)

    def _moved(self) -> None:
        self.call(self.engine.cron)

    def _main(self, started: "concurrent.futures.Future[None]") -> None:
        with asyncio.Runner(loop_factory=loop_factory() if self._uvloop else None) as runner:
            runner.run(self._serve(started))

    async def _serve(self, started: "concurrent.futures.Future[None]") -> None:
        try:
            ended = await self._begin()
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(None)
        await ended
        await asyncio.sleep(0)  # for what is closed to go

    async def _begin(self) -> "asyncio.Future[int]":
        config = Config()
        lines = [f"{name} {value or chr(34) * 2}" for name, value in self._config.items()]
        config.load_lines("\n".join(lines), None)
        host = AsyncioHost(self.clock, Random(self._seed))
        host.log.addHandler(logging.NullHandler())
        self._loop = host.loop
        ended: asyncio.Future[int] = self._loop.create_future()
        self._server = Server(build_engine(config, host=host), any_port=True, on_end=ended.set_result)
        self._server.start()
        if "dir" in self._config:
            loaded: asyncio.Future[LoadingFailed | None] = self._loop.create_future()
            self._server.load(loaded.set_result)
            if (failure := await loaded) is not None:
                self._server.end(1)
                await ended
                raise failure
        self.port = self._server.port
        return ended

    def __enter__(self) -> "RedisServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
