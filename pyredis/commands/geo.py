"""Geo: members with positions. They are sorted sets whose scores are geohashes, so ZREM removes and TYPE says zset.

What looks for members near a place is in `geo_searches`.
"""

from pyredis.commands import sorted_sets
from pyredis.datatypes import geohash
from pyredis.datatypes.geohash import Position
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import DENYOOM, READONLY, WRITE, Keys, command
from pyredis.errors import CommandError, syntax_error
from pyredis.protocol.replies import NULL_ARRAY, NullArray

_UNITS = {b"M": 1.0, b"KM": 1000.0, b"FT": 0.3048, b"MI": 1609.34}


def read_unit(word: bytes) -> float:
    """A unit's length, metres. Raises Redis's error."""
    metres = _UNITS.get(word.upper())
    if metres is None:
        raise CommandError(b"unsupported unit provided. please use M, KM, FT, MI")
    return metres


def read_position(longitude: bytes, latitude: bytes) -> Position:
    """Two words as a position. Raises Redis's errors."""
    position = Position(sorted_sets.read_score(longitude), sorted_sets.read_score(latitude))
    if not position.is_valid:
        raise CommandError(b"invalid longitude,latitude pair %.6f,%.6f" % position)
    return position


def position_of(found: SortedSet, member: bytes) -> Position | None:
    """Where a member is, or None."""
    score = found.score(member)
    return None if score is None else geohash.decode(score)


@command(
    "GEOADD",
    flags=WRITE | DENYOOM,
    group="geo",
    since="3.2.0",
    complexity="O(log(N)) for each member added to N",
    keys=[Keys(1, "RW update")],
)
def geoadd(
    ctx: Client, key: bytes, longitude: bytes, latitude: bytes, member: bytes, *words: bytes
) -> int | float | None:
    """GEOADD key [NX | XX] [CH] longitude latitude member [longitude latitude member ...]

    Adds members with their positions.
    """
    options = Arguments((longitude, latitude, member, *words))
    given: dict[bytes, None] = {}
    while options and (word := options.words[options.position].upper()) in (b"NX", b"XX", b"CH"):
        given[word] = None
        options.word()
    places = options.rest()
    if len(places) % 3 or given.keys() >= {b"NX", b"XX"}:
        raise syntax_error()
    added = list(given)
    for at in range(0, len(places), 3):
        added += (b"%d" % geohash.encode(read_position(*places[at : at + 2])), places[at + 2])
    ctx.rewritten = (b"ZADD", key, *added)
    return sorted_sets.add(ctx, key, tuple(added))


@command(
    "GEOPOS",
    flags=READONLY,
    group="geo",
    since="3.2.0",
    complexity="O(1) for each member",
    keys=[Keys(1, "RO access")],
)
def geopos(ctx: Client, key: bytes, *members: bytes) -> list[list[float] | NullArray]:
    """GEOPOS key [member [member ...]]

    Answers where members are.
    """
    found = ctx.db.get_as(key, SortedSet)
    if found is None:
        return [NULL_ARRAY] * len(members)
    places = [position_of(found, member) for member in members]
    return [NULL_ARRAY if place is None else [*place] for place in places]


@command(
    "GEODIST",
    flags=READONLY,
    group="geo",
    since="3.2.0",
    complexity="O(1)",
    keys=[Keys(1, "RO access")],
)
def geodist(ctx: Client, key: bytes, member1: bytes, member2: bytes, *words: bytes) -> bytes | None:
    """GEODIST key member1 member2 [M | KM | FT | MI]

    Answers the distance of two members.
    """
    unit = read_unit(words[0]) if len(words) == 1 else 1.0
    if len(words) > 1:
        raise syntax_error()
    found = ctx.db.get_as(key, SortedSet)
    if found is None:
        return None
    one, other = position_of(found, member1), position_of(found, member2)
    if one is None or other is None:
        return None
    return geohash.format_distance(geohash.distance(one, other) / unit)


@command(
    "GEOHASH",
    flags=READONLY,
    group="geo",
    since="3.2.0",
    complexity="O(1) for each member",
    keys=[Keys(1, "RO access")],
)
def geohash_of(ctx: Client, key: bytes, *members: bytes) -> list[bytes | None]:
    """GEOHASH key [member [member ...]]

    Answers the positions of members as geohashes of 11 characters.
    """
    found = ctx.db.get_as(key, SortedSet)
    scores = [None if found is None else found.score(member) for member in members]
    return [None if score is None else geohash.text(score) for score in scores]
