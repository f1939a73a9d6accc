"""Hearing of signals that end the process, in the moment they come.

Python's own handlers are of no use for these: they run when the interpreter goes on, which it cannot behind a fault.
So the C library is asked for a handler that is called back at once, wherever the process is, on Linux; elsewhere
`faulthandler` alone tells of a crash. While a handler runs, `faulthandler` has the signals: a fault in it ends the
process with a plain traceback, and a handler that hangs is ended after some seconds.
"""

import ctypes
import faulthandler
import os
import platform
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

_NAMES = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT")
SIGNALS = tuple(signal.Signals[name] for name in _NAMES if name in signal.Signals.__members__)
_HANGS_AFTER_S = 10
_MASK_BYTES = 128
_SA_SIGINFO, _SA_ONSTACK, _SA_NODEFER = 0x4, 0x08000000, 0x40000000
_STACK_BYTES = 1 << 20
_SENT = 0  # the code of a signal that somebody sent


class Fault(NamedTuple):
    """A signal that came. `code` says why, `sender` is the process that sent it and its user.

    `address` is what was accessed.
    """

    signal: int
    code: int
    sender: tuple[int, int] | None
    address: int


class _Sigaction(ctypes.Structure):
    _fields_ = [
        ("handler", ctypes.c_void_p),
        ("mask", ctypes.c_char * _MASK_BYTES),
        ("flags", ctypes.c_int),
        ("restorer", ctypes.c_void_p),
    ]


class _Siginfo(ctypes.Structure):
    """What Linux tells on machines of 64 bits; `pid` and `uid` of a signal that was sent stand in `address`'s place."""

    _fields_ = [
        ("number", ctypes.c_int),
        ("errno", ctypes.c_int),
        ("code", ctypes.c_int),
        ("padding", ctypes.c_int),
        ("address", ctypes.c_uint64),
    ]


class _Stack(ctypes.Structure):
    _fields_ = [("pointer", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t)]


_Callback = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.POINTER(_Siginfo), ctypes.c_void_p)
_kept: dict[str, Any] = {}  # what the system holds pointers to


def can_hear() -> bool:
    """Whether handlers are called in the moment of a signal here."""
    return (
        sys.platform == "linux" and platform.machine() in ("x86_64", "aarch64") and ctypes.sizeof(ctypes.c_void_p) == 8
    )


def hear(handler: Callable[[Fault], None], file: int) -> None:
    """From now on call `handler` before a signal ends the process; `file` takes the traceback of a fault in it."""

    def called(number: int, info: Any, context: int | None) -> None:
        faulthandler.disable()
        faulthandler.enable(file)
        faulthandler.dump_traceback_later(_HANGS_AFTER_S, exit=True, file=file)
        told = info.contents
        sent = told.code == _SENT
        sender = (told.address & 0xFFFFFFFF, told.address >> 32) if sent else None
        with suppress(Exception):
            handler(Fault(number, told.code, sender, told.address))
        die_of(number)

    callback = _Callback(called)
    action = _Sigaction(ctypes.cast(callback, ctypes.c_void_p), b"", _SA_SIGINFO | _SA_NODEFER | _own_stack(), None)
    library = ctypes.CDLL(None)
    for number in SIGNALS:
        library.sigaction(int(number), ctypes.byref(action), None)
    _kept["callback"] = callback


def _own_stack() -> int:
    """A stack for the handler, since a fault may be that the usual one is full. (Python 3.14 watches its stack.)"""
    if sys.version_info >= (3, 14):
        return 0
    if "stack" not in _kept:
        _kept["stack"] = memory = ctypes.create_string_buffer(_STACK_BYTES)
        stack = _Stack(ctypes.addressof(memory), 0, _STACK_BYTES)
        ctypes.CDLL(None).sigaltstack(ctypes.byref(stack), None)
    return _SA_ONSTACK


def die_of(number: int) -> None:
    """End the process as the signal ends one that does not hear it."""
    faulthandler.disable()
    library = ctypes.CDLL(None)
    default = _Sigaction(None, b"", 0, None)
    library.sigaction(number, ctypes.byref(default), None)
    os.kill(os.getpid(), number)
