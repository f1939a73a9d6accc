"""A thread of the operating system, and waiting for what it does, also where gevent or eventlet patched `threading`.

A patched thread is a greenlet of the test's own thread: an event loop in it would never let the test go on. So the
thread is started by what was there before the patch, and waited for by looking again: a patched lock may never hear of
a thread that is no greenlet, but with a timeout it lets the others run.
"""

import _thread
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
_LOOK_AGAIN_S = 0.001


def start(function: Callable[[], None]) -> "Future[None]":
    """Run `function` on a thread of its own; the future is done when it is."""
    ended: Future[None] = Future()

    def run() -> None:
        try:
            function()
        finally:
            ended.set_result(None)

    if _is_patched():
        _starter()(run, ())
    else:  # one that `threading` knows, and forgets when it has ended
        threading.Thread(target=run, name="pyredis", daemon=True).start()
    return ended


def wait(future: "Future[T]", timeout_s: float | None = None) -> T:
    """What a native thread put into `future`. Raises TimeoutError after some seconds, None: never."""
    if not _is_patched():
        return future.result(timeout_s)
    looks, never = 0, threading.Event()
    while not future.done():
        looks += 1
        if timeout_s is not None and looks * _LOOK_AGAIN_S > timeout_s:
            raise TimeoutError
        never.wait(_LOOK_AGAIN_S)
    return future.result(0)


def _is_patched() -> bool:
    return _starter() is not _thread.start_new_thread


def _starter() -> Callable[..., Any]:
    """What starts a thread of the operating system."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None and gevent.is_module_patched("threading"):
        return gevent.get_original("_thread", "start_new_thread")  # type: ignore[no-any-return]
    if eventlet is not None and eventlet.is_monkey_patched("thread"):
        return eventlet.original("_thread").start_new_thread  # type: ignore[no-any-return]
    return _thread.start_new_thread
