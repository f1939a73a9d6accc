"""A thread of the operating system, and waiting for what it does, also where gevent or eventlet patched `threading`.

A patched thread is a greenlet of the test's own thread: an event loop in it would never let the test go on. So the
thread is started by what was there before the patch. Nor is a patched lock for two threads: what the native one has to
tell stands in plain attributes, which the waiting one looks at again and again, while other greenlets run.
"""

import _thread
import sys
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_LOOK_AGAIN_S = 0.001


class Outcome(Generic[T]):
    """What a thread will have to tell: a value or an error, once."""

    def __init__(self) -> None:
        self._event = None if _is_patched() else threading.Event()
        self._error: BaseException | None = None
        self._value: T
        self._is_there = False

    def put(self, value: T) -> None:
        """Tell a value."""
        self._value = value
        self._told()

    def fail(self, error: BaseException) -> None:
        """Tell an error."""
        self._error = error
        self._told()

    def _told(self) -> None:
        self._is_there = True
        if self._event is not None:
            self._event.set()

    def wait(self, timeout_s: float = threading.TIMEOUT_MAX) -> T:
        """The value. Raises the error that was told, or TimeoutError."""
        if not (self._look(timeout_s) if self._event is None else self._event.wait(timeout_s)):
            raise TimeoutError
        if self._error is not None:
            raise self._error
        return self._value

    def _look(self, timeout_s: float) -> bool:
        looks, never = 0, threading.Event()
        while not self._is_there and looks * _LOOK_AGAIN_S < timeout_s:
            looks += 1
            never.wait(_LOOK_AGAIN_S)
        return self._is_there


def start(function: Callable[[], None]) -> Outcome[None]:
    """Run `function` on a thread of its own; None is told when it is over."""
    ended = Outcome[None]()

    def run() -> None:
        try:
            function()
        finally:
            ended.put(None)

    if _is_patched():
        _starter()(run, ())
    else:  # one that `threading` knows, and forgets when it has ended
        threading.Thread(target=run, name="pyredis", daemon=True).start()
    return ended


def _is_patched() -> bool:
    return _starter() is not _thread.start_new_thread


def _starter() -> Callable[..., Any]:
    """What starts a thread of the operating system."""
    gevent, eventlet = sys.modules.get("gevent.monkey"), sys.modules.get("eventlet.patcher")
    if gevent is not None and gevent.is_module_patched("threading"):
        sys.modules["gevent"].get_hub()  # which imports: two threads that do so at once would wait for each other
        return gevent.get_original("_thread", "start_new_thread")  # type: ignore[no-any-return]
    if eventlet is not None and eventlet.is_monkey_patched("thread"):
        return eventlet.original("_thread").start_new_thread  # type: ignore[no-any-return]
    return _thread.start_new_thread
