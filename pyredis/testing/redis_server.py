"""`RedisServer`: a whole server on a thread of its own.

    with RedisServer() as server:
        client = redis.Redis(host=server.host, port=server.port)

It listens on a loopback port the system finds free, unless `port` is configured, and is gone when the block is left.
Started again it is the same server on the same port, with the data that it has saved. Its files are where `dir` says,
or else in a folder that goes with the object. With a `ManualClock` time stands still until the test moves it; expiry,
pauses and idle times follow at once.
"""

import asyncio
import contextlib
import logging
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping
from random import Random
from types import TracebackType
from typing import TypeVar
from urllib.parse import quote

from pyredis.assembly import build_engine
from pyredis.clock import Clock, ManualClock
from pyredis.config.store import Config
from pyredis.config.words import quote_word
from pyredis.engine.engine import Engine
from pyredis.persistence.dataset_loading import LoadingFailed
from pyredis.server.asyncio_host import AsyncioHost
from pyredis.server.loop import loop_factory
from pyredis.server.server import Server
from pyredis.testing import native_thread
from pyredis.testing.native_thread import Outcome

T = TypeVar("T")
START_TIMEOUT_S = 10


class RedisServer:
    """A server to use as a context manager, or by `start()` and `stop()`.

    `config`: parameters of redis.conf by name, each with its value as CONFIG SET takes it; `user` and other lines of
    redis.conf with what follows there. `clock`: the machine's by default, or a `ManualClock`. `seed`: makes random
    choices repeatable. `uvloop`: False serves from asyncio's own loop.
    Raises OSError when it cannot listen, ConfigError for what cannot be configured.
    """

    def __init__(
        self,
        config: Mapping[str, str | int] | None = None,
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
        if "dir" not in self._config:
            self._config["dir"] = folder = tempfile.mkdtemp(prefix="pyredis-")
            weakref.finalize(self, _remove, folder, os.getpid())
        self._process = 0  # whose the thread is
        self._ended: Outcome[None] | None = None  # the thread

    @property
    def url(self) -> str:
        """For `redis.from_url`, with the password of the configuration."""
        password = quote(str(self._config.get("requirepass", "")), safe="")
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis://{f':{password}@' if password else ''}{host}:{self.port}"

    @property
    def engine(self) -> Engine:
        """What runs the commands; touch it only through `call`."""
        return self._server.engine

    def start(self) -> "RedisServer":
        """Listen; returns when clients can connect. A server that runs is left as it is."""
        if self._ended is not None:
            return self
        started = Outcome[None]()
        self._process = os.getpid()
        self._ended = native_thread.start(lambda: self._main(started))
        try:
            started.wait(START_TIMEOUT_S)
        except BaseException:
            self._ended = None
            raise
        if isinstance(self.clock, ManualClock):
            self.clock.listeners.append(self._moved)
        return self

    def stop(self) -> None:
        """Close every connection and end the thread. In a forked child it does nothing: the server is the parent's."""
        if self._ended is None or os.getpid() != self._process:
            return
        if isinstance(self.clock, ManualClock):
            self.clock.listeners.remove(self._moved)
        with contextlib.suppress(RuntimeError):  # the loop has ended: a client sent SHUTDOWN
            self._loop.call_soon_threadsafe(lambda: self._server.shut_down(force=True))
        self._ended.wait()
        self._ended = None

    def call(self, function: Callable[[], T]) -> T:
        """Run `function` on the server's thread, between commands, and return its value."""
        result = Outcome[T]()

        def run() -> None:
            try:
                result.put(function())
            except BaseException as error:
                result.fail(error)

        self._loop.call_soon_threadsafe(run)
        return result.wait(START_TIMEOUT_S)

    def _moved(self) -> None:
        self.call(self.engine.cron)

    def _main(self, started: Outcome[None]) -> None:
        with asyncio.Runner(loop_factory=loop_factory() if self._uvloop else None) as runner:
            runner.run(self._serve(started))

    async def _serve(self, started: Outcome[None]) -> None:
        try:
            ended = await self._begin()
        except BaseException as error:
            started.fail(error)
            return
        started.put(None)
        await ended
        await asyncio.sleep(0)  # for what is closed to go

    async def _begin(self) -> "asyncio.Future[int]":
        config = self._configured()
        host = AsyncioHost(self.clock, Random(self._seed))
        host.log.addHandler(logging.NullHandler())
        self._loop = host.loop
        ended: asyncio.Future[int] = self._loop.create_future()
        any_port = "port" not in self._config
        self._server = Server(build_engine(config, host=host), any_port=any_port, on_end=ended.set_result)
        self._server.start()
        loaded: asyncio.Future[LoadingFailed | None] = self._loop.create_future()
        self._server.load(loaded.set_result)
        if (failure := await loaded) is not None:
            self._server.end(1)
            await ended
            raise failure
        self.port = self._server.port
        if any_port:
            self._config |= {"port": self.port, "cluster-port": config["cluster-port"]}
        return ended

    def _configured(self) -> Config:
        config = Config()
        lines = []
        for name, value in self._config.items():
            text = str(value)
            if config.parameter(name) is not None:  # one word, which may have blanks
                text = quote_word(text.encode("utf-8", "surrogateescape")).decode()
            lines.append(f"{name} {text}")
        config.load_lines("\n".join(lines))
        return config

    def __enter__(self) -> "RedisServer":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _remove(folder: str, process: int) -> None:
    """Remove a server's folder, unless a forked child of its process ends."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)
