"""How large a reply will be, told before it is made: a client that may not be sent so much is dropped instead.

As Redis adds to a reply piece by piece, it notices at the limit; here a whole value is encoded at once, so its pieces
are counted first. Only clients with a limit pay for that.
"""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

from pyredis.protocol.replies import (
    Attributed,
    Encoded,
    Entries,
    FlatMap,
    PairArrayMap,
    PairMap,
    Pairs,
    Push,
    RecordMap,
    Several,
    Unordered,
    Verbatim,
)

NOTABLE_BYTES = 16 * 1024
"""Replies queued for a client from which on it is asked whether it may have more."""

EMPTY_BULK_BYTES = len(b"$0\r\n\r\n")

_CONTENTS: dict[type, Callable[[Any], Iterable[Any]]] = {
    list: iter,
    tuple: iter,
    set: iter,
    Encoded: lambda value: (value.data,),
    Entries: iter,
    dict: lambda value: chain.from_iterable(value.items()),
    Attributed: lambda value: (value.attributes, value.value),
    FlatMap: lambda value: value.words,
    PairArrayMap: lambda value: value.pairs,
    PairMap: lambda value: value.pairs,
    Pairs: lambda value: value.pairs,
    RecordMap: lambda value: value.records,
    Push: lambda value: value.items,
    Several: lambda value: value.replies,
    Unordered: lambda value: value.items,
    Verbatim: lambda value: (value.text,),
}


def reply_size(value: Any, most: int) -> int:
    """About the bytes of a value's reply; counting ends when they are more than `most`."""
    size = 0
    waiting = [value]
    while waiting and size <= most:
        one = waiting.pop()
        kind = one.__class__
        if kind is bytes or kind is bytearray:
            size += len(one)
        elif kind in _CONTENTS:
            waiting.extend(_CONTENTS[kind](one))
        size += EMPTY_BULK_BYTES
    return size
