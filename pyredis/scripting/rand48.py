"""math.random as scripts have it: the generator of `lrand48`, equal on every machine (POSIX)."""

from math import floor
from typing import Any

from pyredis.scripting.conversion import to_integer
from pyredis.scripting.faults import fault
from pyredis.scripting.libraries.lua_arguments import number

_MULTIPLIER, _INCREMENT, _MASK = 0x5DEECE66D, 0xB, (1 << 48) - 1
_MAX = (1 << 31) - 1


class Rand48:
    """Its state is 48 bits."""

    def __init__(self) -> None:
        self._state = 0x1234ABCD330E

    def seed(self, *words: Any) -> None:
        """math.randomseed(number)."""
        self._state = (_integer(words, 0, b"randomseed") & 0xFFFFFFFF) << 16 | 0x330E

    def random(self, *words: Any) -> float:
        """math.random([m [, n]])."""
        self._state = (self._state * _MULTIPLIER + _INCREMENT) & _MASK
        ratio = (self._state >> 17) % _MAX / _MAX
        if not words:
            return ratio
        if len(words) > 2:
            raise fault(b"wrong number of arguments")
        least = _integer(words, 0, b"random") if len(words) == 2 else 1
        most = _integer(words, len(words) - 1, b"random")
        if least > most:
            raise fault(b"bad argument #%d to 'random' (interval is empty)" % len(words))
        return floor(ratio * (most - least + 1)) + least


def _integer(words: tuple[Any, ...], at: int, name: bytes) -> int:
    """An argument as C's int: cut to 32 bits."""
    low = to_integer(number(name, words, at)) & 0xFFFFFFFF
    return low - (1 << 32) if low >> 31 else low
