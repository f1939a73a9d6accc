"""VSIM and VLINKS: the elements whose vectors are nearest to one.

A score is a similarity from 1 (the same direction) to 0 (opposite). Every vector is compared, so the answer is what
Redis gives with TRUTH; attributes are looked at from the nearest element on, until enough pass the filter or as many
were looked at as FILTER-EF allows.
"""

from array import array
from typing import Any

from pyredis.commands.vector_sets import dimension_mismatch, projected, read_vector
from pyredis.datatypes.filter_expression import Filter, FilterError
from pyredis.datatypes.numeric import INT64_MAX, parse_float, parse_int
from pyredis.datatypes.vector_set import VectorSet
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import FAST, MODULE, READONLY, Keys, command
from pyredis.errors import CommandError, wrong_arity
from pyredis.protocol.replies import PairMap, RecordMap

_KEY = [Keys(1, "RW access update")]
_NO_CATEGORIES = "-read -write -slow -fast"
_COUNT = 10
_EFFORT = 100  # steps for an element wanted, with a filter
_FARTHEST = 2.0


class _Options:
    """What VSIM's words behind the vector say."""

    __slots__ = ("attributes", "count", "effort", "farthest", "filter", "scores", "truth")

    def __init__(self, options: Arguments) -> None:
        self.scores = self.attributes = self.truth = False
        self.count = _COUNT
        self.effort = 0
        self.farthest = _FARTHEST
        self.filter: Filter | None = None
        while options:
            if options.flag(b"WITHSCORES"):
                self.scores = True
            elif options.flag(b"WITHATTRIBS"):
                self.attributes = True
            elif options.flag(b"TRUTH"):
                self.truth = True
            elif not options.flag(b"NOTHREAD"):
                self._read_with_argument(options)

    def _read_with_argument(self, options: Arguments) -> None:
        if options.flag(b"COUNT", 1):
            self.count = _positive(options, b"invalid COUNT")
        elif options.flag(b"EPSILON", 1):
            farthest = parse_float(options.word())
            if farthest is None or farthest <= 0:
                raise CommandError(b"invalid EPSILON")
            self.farthest = array("f", (farthest,))[0]  # distances have 32 bits
        elif options.flag(b"EF", 1):
            _positive(options, b"invalid EF")
        elif options.flag(b"FILTER-EF", 1):
            self.effort = _positive(options, b"invalid FILTER-EF")
        elif options.flag(b"FILTER", 1):
            self.filter = _filter(options.word())
        else:
            raise CommandError(b"syntax error in VSIM command")


def _positive(options: Arguments, text: bytes) -> int:
    number = parse_int(options.word())
    if number is None or not 0 < number <= INT64_MAX:
        raise CommandError(text)
    return number


def _filter(expression: bytes) -> Filter:
    try:
        return Filter(expression)
    except FilterError as fault:
        position = fault.position if fault.position < len(expression) else 0
        raise CommandError(b"syntax error in FILTER expression near: " + expression[position:].partition(b"\0")[0])


@command(
    "VSIM",
    flags=READONLY | MODULE,
    group="module",
    since="8.0.0",
    complexity="O(N) in the number of elements",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vsim(ctx: Client, *words: bytes) -> list[bytes] | PairMap | RecordMap:
    """VSIM key ELE | FP32 | VALUES vector-or-element [WITHSCORES] [WITHATTRIBS] [COUNT count] [EPSILON distance] [EF effort] [FILTER expression] [FILTER-EF effort] [TRUTH] [NOTHREAD]

    Answers the elements nearest to a vector or to another element, the nearest first.
    """  # noqa: E501
    if len(words) < 3:
        raise wrong_arity("VSIM")
    found = ctx.db.get_as(words[0], VectorSet)
    if found is None:
        return []
    arguments = Arguments(words[1:])
    vector = _query(found, arguments)
    options = _Options(arguments)
    accept = options.filter.accepts if options.filter else None
    effort = None if options.truth else options.effort or options.count * _EFFORT
    pairs = found.similar(vector, options.count, options.farthest, accept, effort)
    if not options.scores:
        if not options.attributes:
            return [element for element, _ in pairs]
        return PairMap((element, found.attributes.get(element)) for element, _ in pairs)
    if not options.attributes:
        return PairMap((element, _similarity(distance)) for element, distance in pairs)
    return RecordMap((element, (_similarity(distance), found.attributes.get(element))) for element, distance in pairs)


def _query(found: VectorSet, arguments: Arguments) -> "array[float]":
    """The vector to compare with, in the size the set keeps. Raises Redis's errors."""
    if arguments.flag(b"ELE"):
        vector = found.vector(arguments.word())
        if vector is None:
            raise CommandError(b"element not found in set")
        return vector
    vector = read_vector(arguments)
    if found.input_dimension and len(vector) != found.dimension:
        return projected(found, vector)
    if len(vector) != found.dimension:
        raise dimension_mismatch(len(vector), found.dimension)
    return vector


def _similarity(distance: float) -> float:
    return 1.0 - distance / 2.0


@command(
    "VLINKS",
    flags=READONLY | MODULE | FAST,
    group="module",
    since="8.0.0",
    complexity="O(N) in the number of elements",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vlinks(ctx: Client, *words: bytes) -> list[Any] | None:
    """VLINKS key element [WITHSCORES]

    Answers an element's nearest neighbours, by levels from the highest down.
    """
    if not 2 <= len(words) <= 3 or (len(words) == 3 and words[2].upper() != b"WITHSCORES"):
        raise wrong_arity("VLINKS")
    found = ctx.db.get_as(words[0], VectorSet)
    levels = None if found is None else found.neighbours(words[1])
    if levels is None:
        return None
    return [_scored(near) if len(words) == 3 else [element for element, _ in near] for near in levels]


def _scored(near: list[tuple[bytes, float]]) -> PairMap:
    """Elements with their similarities, which have 32 bits here, unlike VSIM's."""
    scores = array("f", (_similarity(distance) for _, distance in near))
    return PairMap(zip((element for element, _ in near), scores, strict=True))
