"""Vector sets: elements found by the direction of their vectors. What VSIM takes and answers is in `vector_search`.

In Redis these commands are a module's: they check their number of arguments themselves, name themselves in capitals
in that error, belong to no ACL category and publish no keyspace events. Differences from Redis 8.2:

* searches are exact, so EF, M, CAS and NOTHREAD are read and change nothing, TRUTH only lifts FILTER-EF's limit;
* an element's links are its nearest neighbours; what levels it is on is no chance (VLINKS, VINFO's `max-level`);
* a VADD that gives a known element another vector propagates, as every change does; Redis keeps it to itself.
"""

from array import array
from typing import Any, NamedTuple

from pyredis.datatypes.numeric import parse_float, parse_int
from pyredis.datatypes.sampling import MOST_DRAWS
from pyredis.datatypes.vector_set import DEFAULT_LINKS, VectorSet
from pyredis.engine.client import Client
from pyredis.engine.command_table.arguments import Arguments
from pyredis.engine.command_table.command import DENYOOM, FAST, MODULE, READONLY, WRITE, Keys, command
from pyredis.errors import CommandError, wrong_arity
from pyredis.keyspace import events
from pyredis.protocol.replies import NO_REPLY, NULL_ARRAY, NoReply, NullArray, PairMap, Status

_KEY = [Keys(1, "RW access update")]
_NO_CATEGORIES = "-read -write -slow -fast"
_QUANTISATIONS = {b"NOQUANT": "f32", b"Q8": "int8", b"BIN": "bin"}
_LEAST_LINKS, _MOST_LINKS = 4, 4096
_MOST_EFFORT = 1_000_000
_MOST_PROJECTION = 1 << 24  # numbers in a projection's matrix


def arity(name: str, words: tuple[bytes, ...], least: int, most: int | None = None) -> None:
    """Raise Redis's error unless a command has enough words behind its name, and no more than `most`."""
    if not least <= len(words) <= (least if most is None else most):
        raise wrong_arity(name)


def invalid_vector() -> CommandError:
    """The words do not describe a vector."""
    return CommandError(b"invalid vector specification")


def dimension_mismatch(given: int, kept: int) -> CommandError:
    """A vector of another size than the set's."""
    return CommandError(b"Vector dimension mismatch - got %d but set has %d" % (given, kept))


def read_vector(options: Arguments) -> "array[float]":
    """A vector as `FP32 blob` or `VALUES count number…`. Raises Redis's error."""
    if options.flag(b"FP32", 1):
        blob = options.word()
        if not blob or len(blob) % 4:
            raise invalid_vector()
        return array("f", blob)
    if not options.flag(b"VALUES", 1):
        raise invalid_vector()
    count = parse_int(options.word())
    if count is None or not 1 <= count <= len(options):
        raise invalid_vector()
    numbers = [parse_float(options.word()) for _ in range(count)]
    if None in numbers:
        raise invalid_vector()
    return array("f", numbers)  # type: ignore[arg-type]


def projected(found: VectorSet, vector: "array[float]") -> "array[float]":
    """A vector from a client in the size that the set keeps. Raises Redis's error where the set expects another."""
    if len(vector) != found.input_dimension:
        raise CommandError(
            b"Input dimension mismatch for projection - got %d but projection expects %d"
            % (len(vector), found.input_dimension)
        )
    return found.project(vector)


class _Addition(NamedTuple):
    """What VADD's words say; `reduced` is 0 without REDUCE."""

    reduced: int
    vector: "array[float]"
    element: bytes
    attributes: bytes | None
    quantisation: str
    links: int


def _read_addition(words: tuple[bytes, ...]) -> _Addition:
    options = Arguments(words)
    reduced = 0
    if options.flag(b"REDUCE", 1):
        reduced = parse_int(options.word()) or 0
        if reduced <= 0:
            raise invalid_vector()
    vector = read_vector(options)
    if reduced * len(vector) > _MOST_PROJECTION:
        raise invalid_vector()
    if not options:
        raise wrong_arity("VADD")
    element = options.word()
    attributes, quantisation, links = None, "int8", DEFAULT_LINKS
    while options:
        if options.flag(b"EF", 1):
            _option_between(options, 1, _MOST_EFFORT, b"invalid EF")
        elif options.flag(b"M", 1):
            links = _option_between(options, _LEAST_LINKS, _MOST_LINKS, b"invalid M")
        elif options.flag(b"SETATTR", 1):
            attributes = options.word()
        elif not options.flag(b"CAS"):
            word = options.word().upper()
            if word not in _QUANTISATIONS:
                raise CommandError(b"invalid option after element")
            quantisation = _QUANTISATIONS[word]
    return _Addition(reduced, vector, element, attributes, quantisation, links)


def _option_between(options: Arguments, least: int, most: int, text: bytes) -> int:
    number = parse_int(options.word())
    if number is None or not least <= number <= most:
        raise CommandError(text)
    return number


@command(
    "VADD",
    flags=WRITE | DENYOOM | MODULE,
    group="module",
    since="8.0.0",
    complexity="O(1)",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vadd(ctx: Client, *words: bytes) -> bool:
    """VADD key [REDUCE dim] FP32 | VALUES num vector element [CAS] [NOQUANT | Q8 | BIN] [EF effort] [SETATTR attributes] [M links]

    Adds an element with its vector, or gives it another one; answers whether it is new.
    """  # noqa: E501
    if len(words) < 4:
        raise wrong_arity("VADD")
    key = words[0]
    addition = _read_addition(words[1:])
    found = ctx.db.take_as(key, VectorSet)
    if found is not None:
        vector = _fitting(found, addition)
        is_new = found.add(addition.element, vector, addition.attributes)
        ctx.db.changed(key, events.VECTORS)
        return is_new
    vector, size = addition.vector, len(addition.vector)
    found = VectorSet(addition.reduced or size, addition.quantisation, addition.links, size if addition.reduced else 0)
    found.add(addition.element, found.project(vector) if addition.reduced else vector, addition.attributes)
    ctx.db.put(key, found, events.VECTORS)
    return True


def _fitting(found: VectorSet, addition: _Addition) -> "array[float]":
    """The vector in the size that an existing set keeps. Raises Redis's error where the set is of another kind."""
    if found.vectors.quantisation != addition.quantisation:
        raise CommandError(b"asked quantization mismatch with existing vector set")
    if found.links != addition.links:
        raise CommandError(b"asked M value mismatch with existing vector set")
    if (addition.reduced if found.input_dimension else len(addition.vector)) != found.dimension:
        raise dimension_mismatch(len(addition.vector), found.dimension)
    if addition.reduced and not found.input_dimension:
        raise CommandError(b"cannot add projection to existing set without projection")
    return projected(found, addition.vector) if found.input_dimension else addition.vector


@command(
    "VREM",
    flags=WRITE | MODULE,
    group="module",
    since="8.0.0",
    complexity="O(1)",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vrem(ctx: Client, *words: bytes) -> bool:
    """VREM key element

    Removes an element, and the set with its last one; answers whether there was one.
    """
    arity("VREM", words, 2)
    key, element = words
    found = ctx.db.take_as(key, VectorSet)
    if found is None or not found.remove(element):
        return False
    if len(found):
        ctx.db.changed(key, events.VECTORS)
    else:
        ctx.db.remove(key, events.VECTORS)
    return True


@command(
    "VSETATTR",
    flags=WRITE | MODULE | FAST,
    group="module",
    since="8.0.0",
    complexity="O(1)",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vsetattr(ctx: Client, *words: bytes) -> bool:
    """VSETATTR key element json

    Sets an element's attributes, which VSIM's FILTER looks at; empty ones take them away.
    """
    arity("VSETATTR", words, 3)
    key, element, json = words
    found = ctx.db.take_as(key, VectorSet)
    if found is None or not found.set_attributes(element, json):
        return False
    ctx.db.changed(key, events.VECTORS)
    return True


# Looking


@command(
    "VCARD",
    flags=READONLY | MODULE | FAST,
    group="module",
    since="8.0.0",
    complexity="O(1)",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vcard(ctx: Client, *words: bytes) -> int:
    """VCARD key

    Counts the elements.
    """
    arity("VCARD", words, 1)
    found = ctx.db.get_as(words[0], VectorSet)
    return 0 if found is None else len(found)


@command(
    "VDIM",
    flags=READONLY | MODULE | FAST,
    group="module",
    since="8.0.0",
    complexity="O(1)",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vdim(ctx: Client, *words: bytes) -> int:
    """VDIM key

    Answers how many components the vectors have.
    """
    arity("VDIM", words, 1)
    found = ctx.db.get_as(words[0], VectorSet)
    if found is None:
        raise CommandError(b"key does not exist")
    return found.dimension


@command(
    "VISMEMBER",
    flags=READONLY | MODULE,
    group="module",
    since="8.2.0",
    complexity="O(1)",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vismember(ctx: Client, *words: bytes) -> bool:
    """VISMEMBER key element

    Tells whether there is such an element.
    """
    arity("VISMEMBER", words, 2)
    found = ctx.db.get_as(words[0], VectorSet)
    return found is not None and words[1] in found


@command(
    "VGETATTR",
    flags=READONLY | MODULE | FAST,
    group="module",
    since="8.0.0",
    complexity="O(1)",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vgetattr(ctx: Client, *words: bytes) -> bytes | None:
    """VGETATTR key element

    Answers an element's attributes.
    """
    arity("VGETATTR", words, 2)
    found = ctx.db.get_as(words[0], VectorSet)
    return None if found is None else found.attributes.get(words[1])


@command(
    "VEMB",
    flags=READONLY | MODULE | FAST,
    group="module",
    since="8.0.0",
    complexity="O(N) in the number of components",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vemb(ctx: Client, *words: bytes) -> list[Any] | None:
    """VEMB key element [RAW]

    Answers an element's vector as near as it was kept, or how it is kept: form, bytes, length, and range of int8.
    """
    if len(words) < 2:
        raise wrong_arity("VEMB")
    if any(word.upper() != b"RAW" for word in words[2:]):
        raise CommandError(b"invalid option")
    found = ctx.db.get_as(words[0], VectorSet)
    row = None if found is None else found.places.get(words[1])
    if found is None or row is None:
        return None
    vectors = found.vectors
    if len(words) == 2:
        return list(vectors.vector(row))
    raw = [Status(vectors.quantisation.encode()), vectors.raw(row), float(vectors.lengths[row])]
    return [*raw, float(vectors.ranges[row])] if vectors.quantisation == "int8" else raw


@command(
    "VINFO",
    flags=READONLY | MODULE | FAST,
    group="module",
    since="8.0.0",
    complexity="O(N) in the number of elements",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vinfo(ctx: Client, *words: bytes) -> PairMap | NullArray:
    """VINFO key

    Tells how a vector set is made.
    """
    arity("VINFO", words, 1)
    found = ctx.db.get_as(words[0], VectorSet)
    if found is None:
        return NULL_ARRAY
    facts = {
        b"quant-type": Status(found.vectors.quantisation.encode()),
        b"hnsw-m": found.links,
        b"vector-dim": found.dimension,
        b"projection-input-dim": found.input_dimension,
        b"size": len(found),
        b"max-level": found.highest_level(),
        b"attributes-count": len(found.attributes),
        b"vset-uid": found.uid,
        b"hnsw-max-node-uid": found.vectors.last_id,
    }
    return PairMap((Status(name), fact) for name, fact in facts.items())


@command(
    "VRANDMEMBER",
    flags=READONLY | MODULE,
    group="module",
    since="8.0.0",
    complexity="O(N) in the number of elements answered",
    keys=_KEY,
    categories=_NO_CATEGORIES,
)
def vrandmember(ctx: Client, *words: bytes) -> bytes | list[bytes] | NoReply | None:
    """VRANDMEMBER key [count]

    Answers a random element, or some: different ones, or with a negative count each one of all.
    """
    arity("VRANDMEMBER", words, 1, 2)
    count = parse_int(words[1]) if len(words) > 1 else 1
    if count is None:
        raise CommandError(b"COUNT value is not an integer")
    if not count:
        return []
    if count < -MOST_DRAWS:
        raise CommandError(b"COUNT value is out of range")
    found = ctx.db.get_as(words[0], VectorSet)
    if found is not None and not ctx.may_have(-count):
        return NO_REPLY
    if len(words) > 1:
        return [] if found is None else found.sample(count, ctx.engine.random)
    return None if found is None else found.sample(1, ctx.engine.random)[0]
