"""Uniformly random keys of a dict (small: some hundred keys) or a `Table` (large), none of which may be empty."""

from itertools import islice
from random import Random
from typing import Any

from pyredis.datatypes.table import Table

Members = dict[bytes, Any] | Table[Any]

MOST_DRAWS = 1 << 24
"""Repeated draws that one command may ask for; Redis sets no bound, and dies of it."""

_SPARSE = 3  # how many times larger than the sample a table must be for drawing keys one by one


def pick(members: Members, random: Random) -> bytes:
    """One key."""
    if isinstance(members, dict):
        fraction = random.random
        return next(islice(members, int(fraction() * len(members)), None))
    key = members.random_key(random)
    assert key is not None
    return key


def sample(members: Members, count: int, random: Random) -> list[bytes]:
    """`count` different keys; at most as many as there are."""
    size = len(members)
    if isinstance(members, dict) or count * _SPARSE > size:
        return random.sample(list(members), min(count, size))
    drawn: dict[bytes, bool] = {}
    while len(drawn) < count:
        drawn[pick(members, random)] = True
    return list(drawn)


def draws(members: Members, count: int, random: Random) -> list[bytes]:
    """`count` keys, each drawn from all."""
    if isinstance(members, dict) or count * _SPARSE > len(members):
        return random.choices(list(members), k=count)
    return [pick(members, random) for _ in range(count)]
