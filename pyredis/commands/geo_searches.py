"""Members near a place: GEOSEARCH, GEOSEARCHSTORE and the older GEORADIUS family.

All are one search with different words: where the center is, what shape lies around it, what is answered or stored.
Words are judged in Redis's order, and a missing key is noticed only when all of them were.
"""

from math import sqrt
from typing import Any, NamedTuple

from pyredis.commands.geo import position_of, read_position, read_unit
from pyredis.commands.sorted_sets import store
from pyredis.datatypes.geohash import Box, Circle, Position, Shape, format_distance, search_cells
from pyredis.datatypes.geohash import decode as position_at
from pyredis.datatypes.numeric import parse_float
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import DENYOOM, MOVABLEKEYS, READONLY, WRITE, Keys, KeywordKeys, command
from pyredis.errors import CommandError, syntax_error
from pyredis.keyspace import events
from pyredis.keyspace.events import Event

_NOWHERE = Position(0.0, 0.0)  # stands for a member of a missing key: nothing will be searched


class Hit(NamedTuple):
    """A member within the shape; `distance` is metres from the center."""

    distance: float
    member: bytes
    score: float
    position: Position


class Search:
    """What a command's words ask for. `found` is the sorted set, None when the key is missing."""

    __slots__ = (
        "any",
        "center",
        "count",
        "descending",
        "destination",
        "found",
        "radius",
        "sides",
        "sorted",
        "stores_distance",
        "unit",
        "with_distance",
        "with_hash",
        "with_position",
    )

    def __init__(self, found: SortedSet | None) -> None:
        self.found = found
        self.center: Position | None = None
        self.radius: float | None = None
        self.sides: tuple[float, float] | None = None  # width and height
        self.unit = 1.0
        self.count = 0
        self.any = self.sorted = self.descending = False
        self.with_distance = self.with_hash = self.with_position = False
        self.destination: bytes | None = None
        self.stores_distance = False

    # Words

    def read_member(self, member: bytes) -> None:
        """The center is a member."""
        self.center = _NOWHERE if self.found is None else position_of(self.found, member)
        if self.center is None:
            raise CommandError(b"could not decode requested zset member")

    def read_radius(self, radius: bytes, unit: bytes) -> None:
        """The shape is a circle."""
        self.radius = _length(radius, b"need numeric radius")
        if self.radius < 0:
            raise CommandError(b"radius cannot be negative")
        self.unit = read_unit(unit)

    def read_box(self, width: bytes, height: bytes, unit: bytes) -> None:
        """The shape is a box."""
        self.sides = _length(width, b"need numeric width"), _length(height, b"need numeric height")
        if min(self.sides) < 0:
            raise CommandError(b"height or width cannot be negative")
        self.unit = read_unit(unit)

    def read_option(self, options: Arguments) -> bool:
        """Read one option that every search has."""
        if options.flag(b"WITHDIST"):
            self.with_distance = True
        elif options.flag(b"WITHHASH"):
            self.with_hash = True
        elif options.flag(b"WITHCOORD"):
            self.with_position = True
        elif options.flag(b"ANY"):
            self.any = True
        elif options.flag(b"ASC"):
            self.sorted, self.descending = True, False
        elif options.flag(b"DESC"):
            self.sorted = self.descending = True
        elif options.flag(b"COUNT", 1):
            self.count = options.integer()
            if self.count <= 0:
                raise CommandError(b"COUNT must be > 0")
        else:
            return False
        return True

    def check(self, storing: bytes) -> None:
        """Raise for words that exclude each other; `storing` is what Redis calls the command in that case."""
        if self.destination is not None and (self.with_distance or self.with_hash or self.with_position):
            raise CommandError(storing + b" is not compatible with WITHDIST, WITHHASH and WITHCOORD options")

    def check_count(self) -> None:
        """ANY means the first `count` that are found."""
        if self.any and not self.count:
            raise CommandError(b"the ANY argument requires COUNT argument")

    # Searching

    def run(self, ctx: Client, event: Event) -> list[Any] | int:
        """Answer or store what is found."""
        hits = [] if self.found is None else self._hits(self.found)
        if self.destination is None:
            return [self._answer(hit) for hit in hits]
        scores = {hit.member: hit.distance / self.unit if self.stores_distance else hit.score for hit in hits}
        stored = store(ctx, self.destination, SortedSet.of(scores, ctx.engine.limits.sorted_set), event)
        ctx.db.dirty += max(stored - 1, 0)  # Redis counts each member
        return stored

    def _hits(self, found: SortedSet) -> list[Hit]:
        """What lies within the shape, in the order and number asked for."""
        hits = _within(found, self._shape(), self.count if self.any else 0)
        if self.sorted or (self.count and not self.any):
            hits.sort(key=lambda hit: hit.distance, reverse=self.descending)
        return hits[: self.count] if self.count else hits

    def _shape(self) -> Shape:
        assert self.center is not None
        if self.sides is None:
            assert self.radius is not None
            return Circle(self.center, self.radius * self.unit)
        width, height = self.sides
        reach = sqrt(width / 2 * (width / 2) + height / 2 * (height / 2)) * self.unit
        return Box(self.center, width * self.unit, height * self.unit, reach)

    def _answer(self, hit: Hit) -> Any:
        """A member, or a list with what was asked of it."""
        answer: list[Any] = [hit.member]
        if self.with_distance:
            answer.append(format_distance(hit.distance / self.unit))
        if self.with_hash:
            answer.append(int(hit.score))
        if self.with_position:
            answer.append([*hit.position])
        return answer if len(answer) > 1 else hit.member


def _within(found: SortedSet, shape: Shape, most: int) -> list[Hit]:
    """Members within a shape, cell by cell; when `most` is not 0, no more than that."""
    hits: list[Hit] = []
    for cell in search_cells(shape):
        low, high = cell.scores()
        start, stop = found.below(low, inclusive=False), found.below(high, inclusive=False)
        if start >= stop:
            continue
        for member, score in zip(*found.slice(start, stop), strict=True):
            position = position_at(score)
            distance = shape.distance_within(position)
            if distance is not None:
                hits.append(Hit(distance, member, score, position))
                if len(hits) == most:
                    return hits
    return hits


def _length(word: bytes, text: bytes) -> float:
    number = parse_float(word)
    if number is None:
        raise CommandError(text)
    return number


# GEOSEARCH and GEOSEARCHSTORE


def _search(ctx: Client, source: bytes, words: tuple[bytes, ...], destination: bytes | None) -> list[Any] | int:
    name = b"GEOSEARCH" if destination is None else b"GEOSEARCHSTORE"
    search = Search(ctx.db.get_as(source, SortedSet))
    search.destination = destination
    by_member = by_position = False
    options = Arguments(words)
    while options:
        if search.read_option(options):
            continue
        if destination is not None and options.flag(b"STOREDIST"):
            search.stores_distance = True
        elif not by_position and options.flag(b"FROMMEMBER", 1):
            search.read_member(options.word())
            by_member = True
        elif not by_member and options.flag(b"FROMLONLAT", 2):
            search.center = read_position(options.word(), options.word())
            by_position = True
        elif search.sides is None and options.flag(b"BYRADIUS", 2):
            search.read_radius(options.word(), options.word())
        elif search.radius is None and options.flag(b"BYBOX", 3):
            search.read_box(options.word(), options.word(), options.word())
        else:
            raise syntax_error()
    search.check(name)
    if search.center is None:
        raise CommandError(b"exactly one of FROMMEMBER or FROMLONLAT can be specified for " + name)
    if search.radius is None and search.sides is None:
        raise CommandError(b"exactly one of BYRADIUS and BYBOX can be specified for " + name)
    search.check_count()
    return search.run(ctx, events.GEOSEARCHSTORE)


@command(
    "GEOSEARCH",
    flags=READONLY,
    group="geo",
    since="6.2.0",
    complexity="O(N+log(M)) for N members in the cells around the shape and M within it",
    keys=[Keys(1, "RO access")],
)
def geosearch(
    ctx: Client, key: bytes, word: bytes, word2: bytes, word3: bytes, word4: bytes, word5: bytes, *words: bytes
) -> list[Any] | int:
    """GEOSEARCH key <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [WITHCOORD] [WITHDIST] [WITHHASH]

    Answers the members within a circle or a box.
    """  # noqa: E501
    return _search(ctx, key, (word, word2, word3, word4, word5, *words), None)


@command(
    "GEOSEARCHSTORE",
    flags=WRITE | DENYOOM,
    group="geo",
    since="6.2.0",
    complexity="O(N+log(M)) for N members in the cells around the shape and M within it",
    keys=[Keys(1, "OW update"), Keys(2, "RO access")],
)
def geosearchstore(
    ctx: Client,
    destination: bytes,
    source: bytes,
    word: bytes,
    word2: bytes,
    word3: bytes,
    word4: bytes,
    word5: bytes,
    *words: bytes,
) -> list[Any] | int:
    """GEOSEARCHSTORE destination source <FROMMEMBER member | FROMLONLAT longitude latitude> <BYRADIUS radius <M | KM | FT | MI> | BYBOX width height <M | KM | FT | MI>> [ASC | DESC] [COUNT count [ANY]] [STOREDIST]

    Stores the members within a circle or a box.
    """  # noqa: E501
    return _search(ctx, source, (word, word2, word3, word4, word5, *words), destination)


# GEORADIUS and its relatives


def _radius_options(ctx: Client, search: Search, words: tuple[bytes, ...], *, may_store: bool) -> list[Any] | int:
    options = Arguments(words)
    while options:
        if search.read_option(options):
            continue
        if may_store and options.flag(b"STORE", 1):
            search.stores_distance = False
        elif may_store and options.flag(b"STOREDIST", 1):
            search.stores_distance = True
        else:
            raise syntax_error()
        search.destination = options.word()
    search.check(b"STORE option in GEORADIUS")
    search.check_count()
    return search.run(ctx, events.GEORADIUSSTORE)


def _around_position(
    ctx: Client, key: bytes, place: tuple[bytes, bytes, bytes, bytes], words: tuple[bytes, ...], *, may_store: bool
) -> list[Any] | int:
    """`place` is longitude, latitude, radius and unit."""
    search = Search(ctx.db.get_as(key, SortedSet))
    search.center = read_position(place[0], place[1])
    search.read_radius(place[2], place[3])
    return _radius_options(ctx, search, words, may_store=may_store)


def _around_member(
    ctx: Client, key: bytes, place: tuple[bytes, bytes, bytes], words: tuple[bytes, ...], *, may_store: bool
) -> list[Any] | int:
    """`place` is member, radius and unit; without the key Redis does not look at them."""
    search = Search(ctx.db.get_as(key, SortedSet))
    if search.found is not None:
        search.read_member(place[0])
        search.read_radius(place[1], place[2])
    return _radius_options(ctx, search, words, may_store=may_store)


@command(
    "GEORADIUS",
    flags=WRITE | DENYOOM | MOVABLEKEYS,
    group="geo",
    since="3.2.0",
    complexity="O(N+log(M)) for N members in the cells around the circle and M within it",
    keys=[Keys(1, "RO access"), KeywordKeys("STORE", 6, "OW update"), KeywordKeys("STOREDIST", 6, "OW update")],
    deprecated=("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument"),
)
def georadius(
    ctx: Client, key: bytes, longitude: bytes, latitude: bytes, radius: bytes, unit: bytes, *words: bytes
) -> list[Any] | int:
    """GEORADIUS key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]

    Answers or stores the members within a circle.
    """  # noqa: E501
    return _around_position(ctx, key, (longitude, latitude, radius, unit), words, may_store=True)


@command(
    "GEORADIUS_RO",
    flags=READONLY,
    group="geo",
    since="3.2.10",
    complexity="O(N+log(M)) for N members in the cells around the circle and M within it",
    keys=[Keys(1, "RO access")],
    deprecated=("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument"),
)
def georadius_ro(
    ctx: Client, key: bytes, longitude: bytes, latitude: bytes, radius: bytes, unit: bytes, *words: bytes
) -> list[Any] | int:
    """GEORADIUS_RO key longitude latitude radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]

    Answers the members within a circle.
    """  # noqa: E501
    return _around_position(ctx, key, (longitude, latitude, radius, unit), words, may_store=False)


@command(
    "GEORADIUSBYMEMBER",
    flags=WRITE | DENYOOM | MOVABLEKEYS,
    group="geo",
    since="3.2.0",
    complexity="O(N+log(M)) for N members in the cells around the circle and M within it",
    keys=[Keys(1, "RO access"), KeywordKeys("STORE", 5, "OW update"), KeywordKeys("STOREDIST", 5, "OW update")],
    deprecated=("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments"),
)
def georadiusbymember(
    ctx: Client, key: bytes, member: bytes, radius: bytes, unit: bytes, *words: bytes
) -> list[Any] | int:
    """GEORADIUSBYMEMBER key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC] [STORE key | STOREDIST key]

    Answers or stores the members within a circle around a member.
    """  # noqa: E501
    return _around_member(ctx, key, (member, radius, unit), words, may_store=True)


@command(
    "GEORADIUSBYMEMBER_RO",
    flags=READONLY,
    group="geo",
    since="3.2.10",
    complexity="O(N+log(M)) for N members in the cells around the circle and M within it",
    keys=[Keys(1, "RO access")],
    deprecated=("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments"),
)
def georadiusbymember_ro(
    ctx: Client, key: bytes, member: bytes, radius: bytes, unit: bytes, *words: bytes
) -> list[Any] | int:
    """GEORADIUSBYMEMBER_RO key member radius <M | KM | FT | MI> [WITHCOORD] [WITHDIST] [WITHHASH] [COUNT count [ANY]] [ASC | DESC]

    Answers the members within a circle around a member.
    """  # noqa: E501
    return _around_member(ctx, key, (member, radius, unit), words, may_store=False)
