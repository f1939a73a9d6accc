"""Values in RDB: every type that a server from Redis 2.6 to 8.2, or Valkey, wrote is read; the oldest that serves is written.

What is read is checked in full whatever `sanitize-dump-payload` says: no element twice, no score that is not a number,
no time beyond what a field may have. Small collections stay small where the type says that they were, if their number
of elements allows; where it does not say, all limits decide, as in Redis.

`newest` is the RDB version of whoever shall read: 10 for Redis 7.0, 11 for 7.2. Only fields that expire need 12.
"""  # noqa: E501

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from pyredis.datatypes.deadlines import Deadlines
from pyredis.datatypes.hash import Hash, shared
from pyredis.datatypes.list import List
from pyredis.datatypes.listpack import LARGE, Listpack
from pyredis.datatypes.numeric import format_double, parse_float, parse_int
from pyredis.datatypes.quicklist import Quicklist
from pyredis.datatypes.set import HASHTABLE, INTSET, LISTPACK, Set
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.datatypes.stream import Stream
from pyredis.datatypes.text import content
from pyredis.engine.collection_limits import CollectionLimits
from pyredis.persistence.listpacks import read_listpack, write_listpack
from pyredis.persistence.modules import skip_module
from pyredis.persistence.packed import read_intset, read_ziplist, read_zipmap, write_intset
from pyredis.persistence.rdb_encoding import (
    CorruptData,
    EmptyCollection,
    Reader,
    double_bytes,
    int64_bytes,
    length_bytes,
    string_bytes,
)
from pyredis.persistence.streams import FIRST_TYPE, SECOND_TYPE, THIRD_TYPE, read_stream, write_stream

STRING, LIST, SET, SORTED_SET, HASH, SORTED_SET_2, MODULE_1, MODULE_2 = range(8)
HASH_ZIPMAP, LIST_ZIPLIST, SET_INTSET, SORTED_SET_ZIPLIST, HASH_ZIPLIST, QUICKLIST = range(9, 15)
HASH_LISTPACK, SORTED_SET_LISTPACK, QUICKLIST_2, SET_LISTPACK = 16, 17, 18, 20
HASH_TIMES_RC, HASH_LISTPACK_TIMES_RC, HASH_TIMES, HASH_LISTPACK_TIMES = 22, 23, 24, 25
PORTABLE_VERSION, SMALL_SETS_VERSION, FIELD_TIMES_VERSION, VALKEY_VERSION = 10, 11, 12, 80

_PLAIN_NODE, _PACKED_NODE = 1, 2
_LATEST_FIELD_TIME = (1 << 46) - 1
_NO_TIME = -1

Read = Callable[[Reader, int, CollectionLimits], Any]
Text = Callable[[bytes], bytes]


def read_value(code: int, reader: Reader, limits: CollectionLimits, version: int = PORTABLE_VERSION) -> Any:
    """The value of the type `code` that stands at the cursor, in a file or payload of RDB version `version`.

    Raises CorruptData; EmptyCollection for one without elements.
    """
    if code == STRING:
        return reader.string()
    if code == HASH_TIMES_RC and version >= VALKEY_VERSION:
        return _valkey_hash(reader, code, limits)
    read = _READERS.get(code)
    if read is None:
        raise reader.corrupt(f"no value has the type {code}")
    return read(reader, code, limits)


def _nested(reader: Reader, parse: Callable[[bytes], Any]) -> Any:
    """A string that holds a whole collection."""
    start = reader.at
    blob = reader.string()
    try:
        return parse(blob)
    except CorruptData as fault:
        raise CorruptData(start, f"{fault.reason} (at {fault.offset} of {len(blob)} bytes)")


def _count(reader: Reader) -> int:
    """How many elements follow. Raises EmptyCollection for none."""
    count = reader.length()
    if not count:
        raise EmptyCollection(reader.at, "a collection without elements")
    return count


def _not_empty(reader: Reader, elements: list[bytes]) -> list[bytes]:
    if not elements:
        raise EmptyCollection(reader.at, "a collection without elements")
    return elements


# Lists


def _plain_list(reader: Reader, code: int, limits: CollectionLimits) -> List:
    count = _count(reader)
    return List.of([reader.string() for _ in range(count)], limits.list)


def _ziplist_list(reader: Reader, code: int, limits: CollectionLimits) -> List:
    elements = _not_empty(reader, _nested(reader, read_ziplist))
    made = List()
    made.form = Quicklist(limits.list)
    for element in elements:
        made.form.push_right(element)
    return made


def _quicklist(reader: Reader, code: int, limits: CollectionLimits) -> List:
    nodes: list[Listpack] = []
    for _ in range(_count(reader)):
        kind = reader.length() if code == QUICKLIST_2 else _PACKED_NODE
        if kind == _PLAIN_NODE:
            node = Listpack((_not_empty_string(reader),))
            node.size = LARGE
        elif kind == _PACKED_NODE:
            node = Listpack(_nested(reader, read_listpack if code == QUICKLIST_2 else read_ziplist))
        else:
            raise reader.corrupt(f"quicklist: no node is of the kind {kind}")
        if node:
            nodes.append(node)
    if not nodes:
        raise EmptyCollection(reader.at, "a list without elements")
    return List.of_nodes(nodes, limits.list)


def _not_empty_string(reader: Reader) -> bytes:
    text = reader.string()
    if not text:
        raise reader.corrupt("quicklist: a plain node without its element")
    return text


# Sets


def _plain_set(reader: Reader, code: int, limits: CollectionLimits) -> Set:
    count = _count(reader)
    made = Set(HASHTABLE if count > limits.set.integers else INTSET)
    for _ in range(count):
        if not made.add(reader.string(), limits.set):
            raise reader.corrupt("set: a member is there twice")
    return made


def _intset(reader: Reader, code: int, limits: CollectionLimits) -> Set:
    return _set_of([b"%d" % number for number in _nested(reader, read_intset)], INTSET, limits.set.integers)


def _listpack_set(reader: Reader, code: int, limits: CollectionLimits) -> Set:
    members = _not_empty(reader, _nested(reader, read_listpack))
    made = _set_of(members, LISTPACK, limits.set.entries)
    if len(made) != len(members):
        raise reader.corrupt("set: a member is there twice")
    return made


def _set_of(members: list[bytes], form: bytes, most: int) -> Set:
    """A set in the form it had, or large if it has more than so many members."""
    made = Set(form)
    made.members = dict.fromkeys(members, True)
    if len(members) > most:
        made.enlarge()
    return made


# Sorted sets


def _plain_sorted_set(reader: Reader, code: int, limits: CollectionLimits) -> SortedSet:
    count = _count(reader)
    number = reader.double if code == SORTED_SET_2 else reader.text_double
    scores: dict[bytes, float] = {}
    for _ in range(count):
        member = reader.string()
        scores[member] = number()
    _check_scores(reader, scores, count)
    return SortedSet.of(scores, limits.sorted_set)


def _packed_sorted_set(reader: Reader, code: int, limits: CollectionLimits) -> SortedSet:
    words = _not_empty(reader, _nested(reader, read_listpack if code == SORTED_SET_LISTPACK else read_ziplist))
    if len(words) % 2:
        raise reader.corrupt("sorted set: a member without a score")
    scores: dict[bytes, float] = {}
    for member, text in zip(words[::2], words[1::2], strict=True):
        score = parse_float(text)
        if score is None:
            raise reader.corrupt(f"sorted set: no score: {text[:32]!r}")
        scores[member] = score
    _check_scores(reader, scores, len(words) // 2)
    return SortedSet.of(scores, limits.sorted_set._replace(size=LARGE))


def _check_scores(reader: Reader, scores: dict[bytes, float], count: int) -> None:
    if len(scores) != count:
        raise reader.corrupt("sorted set: a member is there twice")
    if any(score != score for score in scores.values()):
        raise reader.corrupt("sorted set: a score is not a number")


# Hashes


def _plain_hash(reader: Reader, code: int, limits: CollectionLimits) -> Hash:
    count = _count(reader)
    string = reader.string
    words = [string() for _ in range(2 * count)]
    return _hash_of(reader, words, limits, longest=max(map(len, words)))


def _packed_hash(reader: Reader, code: int, limits: CollectionLimits) -> Hash:
    parse = {HASH_LISTPACK: read_listpack, HASH_ZIPLIST: read_ziplist, HASH_ZIPMAP: read_zipmap}[code]
    words = _not_empty(reader, _nested(reader, parse))
    longest = max(map(len, words)) if code == HASH_ZIPMAP else 0
    return _hash_of(reader, words, limits, longest=longest)


def _hash_of(reader: Reader, words: list[bytes], limits: CollectionLimits, *, longest: int) -> Hash:
    """A hash of fields and values in turn, large if it has too many or a word is too long."""
    if len(words) % 2:
        raise reader.corrupt("hash: a field without a value")
    made = Hash()
    made.fields = fields = dict(zip(map(shared, words[::2]), words[1::2], strict=True))
    if len(fields) * 2 != len(words):
        raise reader.corrupt("hash: a field is there twice")
    if len(fields) > limits.hash.entries or longest > limits.hash.bytes:
        made.enlarge()
    return made


def _hash_with_times(reader: Reader, code: int, limits: CollectionLimits) -> Hash:
    earliest = reader.int64() if code == HASH_TIMES else 1
    words: list[bytes] = []
    times: list[int] = []
    for _ in range(_count(reader)):
        left = reader.length()
        times.append(left + earliest - 1 if left else _NO_TIME)
        words += (reader.string(), reader.string())
    return _with_times(reader, _hash_of(reader, words, limits, longest=max(map(len, words))), words[::2], times)


def _packed_hash_with_times(reader: Reader, code: int, limits: CollectionLimits) -> Hash:
    if code == HASH_LISTPACK_TIMES:
        reader.int64()  # the soonest time, which is found again
    elements = _not_empty(reader, _nested(reader, read_listpack))
    if len(elements) % 3:
        raise reader.corrupt("hash: a field without value and time")
    times = [parse_int(text) for text in elements[2::3]]
    if None in times:
        raise reader.corrupt("hash: a time is no integer")
    whens = [when or _NO_TIME for when in times if when is not None]
    ordered = [when for when in whens if when != _NO_TIME]
    if ordered != sorted(ordered) or _NO_TIME in whens[: len(ordered)]:
        raise reader.corrupt("hash: the times are not in order")
    words = [word for at, word in enumerate(elements) if at % 3 < 2]
    # Of fields with one time the one placed last is the first, so they are placed from the end.
    timed = len(ordered)
    names, places = elements[::3], [*reversed(range(timed)), *range(timed, len(whens))]
    words = [word for at in places for word in (names[at], elements[3 * at + 1])]
    made = _hash_of(reader, words, limits, longest=0)
    return _with_times(reader, made, names, whens)


def _valkey_hash(reader: Reader, code: int, limits: CollectionLimits) -> Hash:
    words: list[bytes] = []
    times: list[int] = []
    for _ in range(_count(reader)):
        words += (reader.string(), reader.string())
        times.append(reader.int64())
    return _with_times(reader, _hash_of(reader, words, limits, longest=max(map(len, words))), words[::2], times)


def _with_times(reader: Reader, made: Hash, names: list[bytes], times: list[int]) -> Hash:
    """The hash with its fields' times, ms since 1970."""
    made.deadlines = Deadlines()
    for name, when in zip(names, times, strict=True):
        if when != _NO_TIME:
            if not 0 <= when <= _LATEST_FIELD_TIME:
                raise reader.corrupt(f"hash: no time: {when}")
            made.deadlines.set(name, when)
    return made


# Others


def _stream(reader: Reader, code: int, limits: CollectionLimits) -> Stream:
    return read_stream(reader, code)


def _module(reader: Reader, code: int, limits: CollectionLimits) -> Any:
    start = reader.at
    if code == MODULE_1:
        raise reader.corrupt("a module's value in the form before Redis 4.0")
    raise CorruptData(start, f"a value of the module type '{skip_module(reader)}'")


_READERS: dict[int, Read] = {
    LIST: _plain_list,
    LIST_ZIPLIST: _ziplist_list,
    QUICKLIST: _quicklist,
    QUICKLIST_2: _quicklist,
    SET: _plain_set,
    SET_INTSET: _intset,
    SET_LISTPACK: _listpack_set,
    SORTED_SET: _plain_sorted_set,
    SORTED_SET_2: _plain_sorted_set,
    SORTED_SET_ZIPLIST: _packed_sorted_set,
    SORTED_SET_LISTPACK: _packed_sorted_set,
    HASH: _plain_hash,
    HASH_ZIPMAP: _packed_hash,
    HASH_ZIPLIST: _packed_hash,
    HASH_LISTPACK: _packed_hash,
    HASH_TIMES: _hash_with_times,
    HASH_TIMES_RC: _hash_with_times,
    HASH_LISTPACK_TIMES: _packed_hash_with_times,
    HASH_LISTPACK_TIMES_RC: _packed_hash_with_times,
    FIRST_TYPE: _stream,
    SECOND_TYPE: _stream,
    THIRD_TYPE: _stream,
    MODULE_1: _module,
    MODULE_2: _module,
}


# Writing


def write_value(value: Any, newest: int = PORTABLE_VERSION, compressing: bool = True) -> tuple[int, bytes]:
    """The type and the body of a value. Raises TypeError for one that RDB has no type for (a vector set)."""
    write = _WRITERS.get(value.__class__)
    if write is None:
        raise TypeError(f"no RDB type for {type(value).__name__}")
    return write(value, newest, partial(string_bytes, compressing=compressing))


def version_of(code: int) -> int:
    """The RDB version that brought a type which is written; the portable one for all that are older."""
    if code in (HASH_TIMES, HASH_LISTPACK_TIMES):
        return FIELD_TIMES_VERSION
    return SMALL_SETS_VERSION if code in (SET_LISTPACK, THIRD_TYPE) else PORTABLE_VERSION


def _string_body(value: bytes | bytearray | int, newest: int, string: Text) -> tuple[int, bytes]:
    return STRING, string(bytes(content(value)))


def _list_body(value: List, newest: int, string: Text) -> tuple[int, bytes]:
    form = value.form
    nodes: Iterable[Listpack] = form.nodes if isinstance(form, Quicklist) else (form,)
    parts = [length_bytes(len(form.nodes) if isinstance(form, Quicklist) else 1)]
    for node in nodes:
        if node.size == LARGE:
            parts += (length_bytes(_PLAIN_NODE), string(node[0]))
        else:
            parts += (length_bytes(_PACKED_NODE), string(write_listpack(node)))
    return QUICKLIST_2, b"".join(parts)


def _set_body(value: Set, newest: int, string: Text) -> tuple[int, bytes]:
    form = value.encoding
    if form is INTSET:
        return SET_INTSET, string(write_intset(map(int, value.members)))
    if form is LISTPACK and newest >= SMALL_SETS_VERSION:
        return SET_LISTPACK, string(write_listpack(value.members))
    return SET, _counted(len(value), map(string, value.members))


def _counted(count: int, parts: Iterable[bytes]) -> bytes:
    return length_bytes(count) + b"".join(parts)


def _sorted_set_body(value: SortedSet, newest: int, string: Text) -> tuple[int, bytes]:
    if not value.is_large:
        words = [word for member, score in value.items() for word in (member, format_double(score))]
        return SORTED_SET_LISTPACK, string(write_listpack(words))
    # From the highest down: for Redis, adding at the head of its skiplist is the quickest.
    pairs = [*value.items()][::-1]
    return SORTED_SET_2, _counted(len(pairs), [string(member) + double_bytes(score) for member, score in pairs])


def _hash_body(value: Hash, newest: int, string: Text) -> tuple[int, bytes]:
    names = value.names()
    pairs = zip(names, value.values_of(names), strict=True)
    is_small = isinstance(value.fields, dict)
    if value.deadlines is not None and (soonest := value.deadlines.soonest()) is not None:
        code = HASH_LISTPACK_TIMES if is_small else HASH_TIMES
        parts = (
            _small_with_times(pairs, value.deadlines, string)
            if is_small
            else _timed(pairs, value.deadlines, soonest, string)
        )
        return code, int64_bytes(soonest) + b"".join(parts)
    if is_small:
        return HASH_LISTPACK, string(write_listpack(word for pair in pairs for word in pair))
    return HASH, _counted(len(names), [string(name) + string(word) for name, word in pairs])


def _small_with_times(pairs: Iterable[tuple[bytes, bytes]], times: Deadlines, string: Text) -> Iterator[bytes]:
    yield string(write_listpack(word for name, text in pairs for word in (name, text, b"%d" % (times.get(name) or 0))))


def _timed(pairs: Iterable[tuple[bytes, bytes]], times: Deadlines, soonest: int, string: Text) -> Iterator[bytes]:
    found = list(pairs)
    yield length_bytes(len(found))
    for name, text in found:
        when = times.get(name)
        yield length_bytes(0 if when is None else when - soonest + 1) + string(name) + string(text)


def _stream_body(value: Stream, newest: int, string: Text) -> tuple[int, bytes]:
    code = THIRD_TYPE if newest >= SMALL_SETS_VERSION else SECOND_TYPE
    return code, write_stream(value, code, string)


_WRITERS: dict[type, Callable[[Any, int, Text], tuple[int, bytes]]] = {
    bytes: _string_body,
    bytearray: _string_body,
    int: _string_body,
    List: _list_body,
    Set: _set_body,
    SortedSet: _sorted_set_body,
    Hash: _hash_body,
    Stream: _stream_body,
}
