"""Reading values: every type that a server from Redis 2.6 to 8.10, or Valkey, wrote, but Redis 8.8's arrays.

What is read is checked in full whatever `sanitize-dump-payload` says: no element twice, no score that is not a number,
no time beyond what a field may have. Small collections stay small where the type says that they were, if their number
of elements allows; where it does not say, all limits decide, as in Redis.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

from pyredis.datatypes.collection_limits import CollectionLimits
from pyredis.datatypes.deadlines import Deadlines
from pyredis.datatypes.hash import Hash, shared
from pyredis.datatypes.list import List
from pyredis.datatypes.listpack import LARGE, Listpack
from pyredis.datatypes.numeric import parse_float, parse_int
from pyredis.datatypes.quicklist import Quicklist
from pyredis.datatypes.set import HASHTABLE, INTSET, LISTPACK, Set
from pyredis.datatypes.sorted_set import SortedSet
from pyredis.datatypes.stream import Stream
from pyredis.rdb.encoding import CorruptData, EmptyCollection, Reader
from pyredis.rdb.listpack_forms import read_listpack
from pyredis.rdb.module_values import module_name, skip_words
from pyredis.rdb.packed_forms import read_intset, read_ziplist, read_zipmap
from pyredis.rdb.stream_values import read_stream
from pyredis.rdb.templated_hashes import LISTPACKS, Templates, read_words
from pyredis.rdb.templated_hashes import TYPES as TEMPLATED
from pyredis.rdb.type_codes import (
    ARRAY,
    HASH,
    HASH_LISTPACK,
    HASH_LISTPACK_TIMES,
    HASH_LISTPACK_TIMES_RC,
    HASH_TIMES,
    HASH_TIMES_RC,
    HASH_ZIPLIST,
    HASH_ZIPMAP,
    LIST,
    LIST_ZIPLIST,
    MODULE_1,
    MODULE_2,
    NO_TIME,
    PACKED_NODE,
    PLAIN_NODE,
    PORTABLE_VERSION,
    QUICKLIST,
    QUICKLIST_2,
    SET,
    SET_INTSET,
    SET_LISTPACK,
    SORTED_SET,
    SORTED_SET_2,
    SORTED_SET_LISTPACK,
    SORTED_SET_ZIPLIST,
    STREAM,
    STREAM_2,
    STREAM_3,
    STREAM_4,
    STREAM_5,
    STRING,
    VALKEY_HASH_TIMES,
    VALKEY_VERSION,
)
from pyredis.rdb.vector_set_values import ID as VECTOR_SET
from pyredis.rdb.vector_set_values import read_vector_set

_LATEST_FIELD_TIME = (1 << 46) - 1

Read = Callable[[Reader, int, CollectionLimits], Any]


def read_value(
    code: int,
    reader: Reader,
    limits: CollectionLimits,
    version: int = PORTABLE_VERSION,
    templates: Templates = MappingProxyType({}),
) -> Any:
    """The value of the type `code` that stands at the cursor, in a file or payload of RDB version `version`.

    A file may have `templates` of hashes. Raises CorruptData; EmptyCollection for one without elements.
    """
    if code == STRING:
        return reader.string()
    if code in TEMPLATED:
        return _templated_hash(reader, code, limits, templates)
    if code == VALKEY_HASH_TIMES and version >= VALKEY_VERSION:
        return _valkey_hash(reader, code, limits)
    read = _READERS.get(code)
    if read is None:
        raise reader.corrupt(f"no value has the type {code}")
    return read(reader, code, limits)


def is_type(code: int) -> bool:
    """Whether there are values of the type `code`."""
    return code == STRING or code in TEMPLATED or code in _READERS


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
        kind = reader.length() if code == QUICKLIST_2 else PACKED_NODE
        if kind == PLAIN_NODE:
            node = Listpack((_not_empty_string(reader),))
            node.size = LARGE
        elif kind == PACKED_NODE:
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


def _templated_hash(reader: Reader, code: int, limits: CollectionLimits, templates: Templates) -> Hash:
    words = read_words(reader, code, templates)
    return _hash_of(reader, words, limits, longest=0 if code in LISTPACKS else max(map(len, words)))


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
        times.append(left + earliest - 1 if left else NO_TIME)
        words += (reader.string(), reader.string())
    return _with_times(reader, _hash_of(reader, words, limits, longest=max(map(len, words))), words[::2], times)


def _packed_hash_with_times(reader: Reader, code: int, limits: CollectionLimits) -> Hash:
    if code == HASH_LISTPACK_TIMES:
        reader.int64()  # the soonest time, which is found again
    elements = _not_empty(reader, _nested(reader, read_listpack))
    if len(elements) % 3:
        raise reader.corrupt("hash: a field without value and time")
    times = [when for text in elements[2::3] if (when := parse_int(text)) is not None]
    if 3 * len(times) != len(elements):
        raise reader.corrupt("hash: a time is no integer")
    if any(when < 0 for when in times):
        raise reader.corrupt("hash: no time is below 0")
    whens = [when or NO_TIME for when in times]
    ordered = [when for when in whens if when != NO_TIME]
    if ordered != sorted(ordered) or NO_TIME in whens[: len(ordered)]:
        raise reader.corrupt("hash: the times are not in order")
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
        if when != NO_TIME:
            if not 0 <= when <= _LATEST_FIELD_TIME:
                raise reader.corrupt(f"hash: no time: {when}")
            made.deadlines.set(name, when)
    return made


# Others


def _stream(reader: Reader, code: int, limits: CollectionLimits) -> Stream:
    return read_stream(reader, code)


def _array(reader: Reader, code: int, limits: CollectionLimits) -> Any:
    raise reader.corrupt("an array, which Redis 8.8 brought, cannot be kept here")


def _module(reader: Reader, code: int, limits: CollectionLimits) -> Any:
    start = reader.at
    if code == MODULE_1:
        raise reader.corrupt("a module's value in the form before Redis 4.0")
    id = reader.length()
    if id == VECTOR_SET:
        return read_vector_set(reader)
    skip_words(reader, module_name(id))
    raise CorruptData(start, f"a value of the module type '{module_name(id)}'")


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
    STREAM: _stream,
    STREAM_2: _stream,
    STREAM_3: _stream,
    STREAM_4: _stream,
    STREAM_5: _stream,
    MODULE_1: _module,
    MODULE_2: _module,
    ARRAY: _array,
}
