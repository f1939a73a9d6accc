"""Vector sets in RDB: what Redis's module `vectorset` writes of its elements and of its graph of neighbours.

A set is its dimension, size, quantisation with the links of a node (M), and flags for a projection and attributes;
then each element: name, attributes, vector, and the numbers of its node in the graph. Of these only its place in the
order of additions, the vector's length and its range matter here, where the search is exact. For a Redis that is to
read it a graph is written all the same, of one level, for which near elements are sought among `BLOCK` others at a
time. Redis finds somewhat less in a large set made so than in one of its own.
"""

from collections.abc import Iterator
from struct import pack, unpack

from pyredis.datatypes.vector_rows import QUANTISATIONS, row_size
from pyredis.datatypes.vector_set import VectorSet
from pyredis.rdb.encoding import EmptyCollection, Reader, length_bytes, string_bytes
from pyredis.rdb.module_values import END, STRING, UNSIGNED, module_id

ID = module_id("vectorset", 0)
BLOCK = 512
"""Among so many the nearest are looked for: a set of n elements costs n * BLOCK comparisons."""

_PROJECTED, _WITH_ATTRIBUTES = 1, 2
_GROUND_LEVEL = 1 << 24  # of the graph, with the version of a node's numbers
_HIGHEST_ID = 1 << 62
_MOST_LINKS = 4096


class _Node:
    """An element as it was saved."""

    __slots__ = ("attributes", "id", "length", "name", "span", "vector")

    def __init__(self, words: "_Words", with_attributes: bool) -> None:
        self.name = words.string()
        self.attributes = words.string() if with_attributes else b""
        self.vector = words.string()
        numbers = [words.unsigned() for _ in range(words.unsigned())]
        if not numbers or not 0 < numbers[0] < _HIGHEST_ID:
            raise words.reader.corrupt("vector set: an element without its number")
        self.id = numbers[0]
        self.length, self.span = unpack("<ff", numbers[-1].to_bytes(8, "little"))


class _Words:
    """What a module saved, word by word, each of the kind expected."""

    __slots__ = ("reader",)

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def unsigned(self) -> int:
        """A number."""
        self._expect(UNSIGNED)
        return self.reader.length()

    def string(self) -> bytes:
        """A string."""
        self._expect(STRING)
        return self.reader.string()

    def end(self) -> None:
        """Nothing more."""
        self._expect(END)

    def _expect(self, mark: int) -> None:
        found = self.reader.length()
        if found != mark:
            raise self.reader.corrupt(f"vector set: a word is marked {found}, not {mark}")


def read_vector_set(reader: Reader) -> VectorSet:
    """A vector set, behind the id of the module. Raises CorruptData."""
    words = _Words(reader)
    dimension, count, form, flags = (words.unsigned() for _ in range(4))
    input_dimension = _read_projection(words, dimension) if flags & _PROJECTED else 0
    nodes = [_Node(words, bool(flags & _WITH_ATTRIBUTES)) for _ in range(count)]
    words.end()
    if not nodes:
        raise EmptyCollection(reader.at, "a vector set without elements")
    quantisation, links = form & 0xFF, form >> 8
    if quantisation >= len(QUANTISATIONS) or not 0 < links <= _MOST_LINKS:
        raise reader.corrupt(f"vector set: no form is {form}")
    size = row_size(dimension, QUANTISATIONS[quantisation])
    if not size or any(len(node.vector) != size for node in nodes):
        raise reader.corrupt(f"vector set: a vector is not of {size} bytes")
    made = VectorSet(dimension, QUANTISATIONS[quantisation], links, input_dimension)
    for node in sorted(nodes, key=lambda node: node.id):
        made.add_raw(node.name, node.vector, node.length, node.span, node.id)
        if node.attributes:
            made.attributes[node.name] = node.attributes
    if len(made.places) != count or len({node.id for node in nodes}) != count:
        raise reader.corrupt("vector set: an element is there twice")
    return made


def _read_projection(words: _Words, dimension: int) -> int:
    """The size of vectors before their projection, whose matrix follows from the sizes."""
    size = words.unsigned()
    matrix = words.string()
    if not size or len(matrix) != 4 * size * dimension:
        raise words.reader.corrupt("vector set: a projection of another size")
    return size


def write_vector_set(made: VectorSet) -> bytes:
    """The body of a vector set, the module's id included."""
    return length_bytes(ID) + b"".join(_parts(made)) + length_bytes(END)


def _number(number: int) -> bytes:
    return length_bytes(UNSIGNED) + length_bytes(number)


def _text(text: bytes) -> bytes:
    return length_bytes(STRING) + string_bytes(text, compressing=False)


def _parts(made: VectorSet) -> Iterator[bytes]:
    vectors = made.vectors
    flags = (_PROJECTED if made.input_dimension else 0) | (_WITH_ATTRIBUTES if made.attributes else 0)
    form = made.links << 8 | QUANTISATIONS.index(vectors.quantisation)
    for number in (made.dimension, len(made), form, flags):
        yield _number(number)
    if made.input_dimension:
        yield _number(made.input_dimension)
        yield _text(made.projection())
    ids = vectors.ids.tolist()
    most = 2 * made.links
    links = vectors.linked(BLOCK, most)
    for row in sorted(range(len(made)), key=ids.__getitem__, reverse=True):
        yield _text(made.names[row])
        if made.attributes:
            yield _text(made.attributes.get(made.names[row], b""))
        yield _text(vectors.raw(row))
        near = links[row]
        others = [ids[other] for other in near]
        measures = pack("<ff", vectors.lengths[row], vectors.ranges[row])
        numbers = [ids[row], _GROUND_LEVEL, len(near), most, *others, _worst(list(near.values()))]
        numbers.append(int.from_bytes(measures, "little"))
        yield b"".join(map(_number, (len(numbers), *numbers)))


def _worst(distances: list[float]) -> int:
    """The greatest distance of a node's links, and which one that is."""
    worst = max(distances, default=0.0)
    at = distances.index(worst) if distances else 0
    return int.from_bytes(pack("<f", worst), "little") << 32 | at
