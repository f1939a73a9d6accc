"""Streams in RDB: their nodes as listpacks, their counters, and their groups with what is pending.

A node's listpack begins with its counts of entries, live and deleted, and the first entry's fields; then each entry
has flags, what its ID is above the node's, the number and names of its fields unless they are the first one's, its
values, and how many elements that makes. IDs that are not in order, counts that do not agree and deliveries that
belong to nobody or to two consumers are refused. What a deleted entry held is skipped, and never written.

Type 15 is of Redis 5, 19 of 7.0, 21 of 7.2, 26 of 8.6, 27 of 8.8; those from 21 on keep when consumers were active. The
last two also have by what XADD's IDMP knows repetitions, which is passed over, and 27 has what XNACK gave back. That
belongs to no consumer; here it is pending for the one without a name, as Redis 8.8 shows it, until somebody claims it.
"""

from collections.abc import Callable, Iterator

from pyredis.datatypes.consumer_group import Consumer, Delivery, Group
from pyredis.datatypes.listpack import integer_size
from pyredis.datatypes.numeric import parse_int
from pyredis.datatypes.stream import Node, Stream
from pyredis.datatypes.stream_id import SEQUENCE_MASK as _UINT64
from pyredis.rdb.encoding import CorruptData, Reader, int64_bytes, length_bytes, string_bytes
from pyredis.rdb.listpack_forms import read_listpack, write_listpack
from pyredis.rdb.type_codes import STREAM, STREAM_3, STREAM_4, STREAM_5

_ID_SIZE = 16
_DELETED, _SAME_FIELDS = 1, 2


def read_stream(reader: Reader, code: int) -> Stream:
    """A stream of the type `code`. Raises CorruptData."""
    stream = Stream()
    for _ in range(reader.length()):
        _read_node(reader, stream)
    stream.length = sum(len(node.ids) for node in stream.nodes)
    if reader.length() and not stream.nodes:
        raise reader.corrupt("stream: entries are counted, and there are none")
    stream.last_id = max(_read_id(reader), stream.top_id)
    if code == STREAM:
        stream.entries_added = stream.length
    else:
        _read_id(reader)  # of the first entry, which is known
        stream.max_deleted_id = _read_id(reader)
        stream.entries_added = reader.length()
    for _ in range(reader.length()):
        _read_group(reader, stream, code)
    if code in (STREAM_4, STREAM_5):
        _skip_producers(reader)
    return stream


def _skip_producers(reader: Reader) -> None:
    """How long and how many a producer's names of entries are kept, then those of each, and how often they served."""
    reader.length()
    reader.length()
    for _ in range(reader.length()):
        reader.string()
        for _ in range(reader.length()):
            reader.string()
            _read_id(reader)
    reader.length()
    reader.length()


def _read_id(reader: Reader) -> int:
    """An ID saved as two lengths."""
    return reader.length() << 64 | reader.length()


def _read_node(reader: Reader, stream: Stream) -> None:
    start = reader.at
    key, blob = reader.string(), reader.string()
    if len(key) != _ID_SIZE:
        raise CorruptData(start, f"stream: an ID of {len(key)} bytes")
    first = int.from_bytes(key, "big")
    if stream.nodes and first <= stream.nodes[-1].last:
        raise CorruptData(start, "stream: the nodes are not in order")
    try:
        stream.nodes.append(_node(first, blob))
    except CorruptData as fault:
        raise CorruptData(start, f"stream: {fault.reason}")


class _Elements:
    """A cursor over the elements of a node."""

    __slots__ = ("at", "elements")

    def __init__(self, elements: list[bytes]) -> None:
        self.elements = elements
        self.at = 0

    def integer(self) -> int:
        """The next element, a 64 bit integer."""
        number = parse_int(self.take(1)[0])
        if number is None:
            raise CorruptData(0, f"element {self.at - 1} of a node is no integer")
        return number

    def take(self, count: int) -> tuple[bytes, ...]:
        """The next `count` elements."""
        stop = self.at + count
        if count < 0 or stop > len(self.elements):
            raise CorruptData(0, f"a node of {len(self.elements)} elements ends too early")
        found = tuple(self.elements[self.at : stop])
        self.at = stop
        return found


def _node(first: int, blob: bytes) -> Node:
    """A node from its listpack."""
    elements = _Elements(read_listpack(blob))
    live, deleted = elements.integer(), elements.integer()
    node = Node(first, elements.take(elements.integer()))
    if elements.integer() != 0:
        raise CorruptData(0, "a node's head does not end")
    while elements.at < len(elements.elements):
        _read_entry(elements, node)
    if (live, deleted) != (len(node.ids), node.deleted):
        raise CorruptData(0, f"{len(node.ids)} entries and {node.deleted} deleted ones, not {live} and {deleted}")
    node.size = len(blob) - integer_size(live) - integer_size(deleted)
    return node


def _read_entry(elements: _Elements, node: Node) -> None:
    start = elements.at
    flags = elements.integer()
    ms, sequence = (node.first >> 64) + elements.integer(), (node.first & _UINT64) + elements.integer()
    id = (ms & _UINT64) << 64 | sequence & _UINT64
    if flags & _SAME_FIELDS:
        words = [b""] * (2 * len(node.fields))
        words[::2], words[1::2] = node.fields, elements.take(len(node.fields))
    else:
        words = [*elements.take(2 * elements.integer())]
    if elements.at - start != elements.integer():
        raise CorruptData(0, "the elements of an entry are counted wrong")
    if id < node.first or (id <= node.last and (node.ids or node.deleted)):
        raise CorruptData(0, "the entries of a node are not in order")
    node.last = id
    if flags & _DELETED:
        node.deleted += 1
    else:
        node.ids.append(id)
        node.entries.append((*words,))


def _read_group(reader: Reader, stream: Stream, code: int) -> None:
    name, last_id = reader.string(), _read_id(reader)
    if name in stream.groups:
        raise reader.corrupt("stream: two groups of one name")
    read = stream.entries_up_to(last_id) if code == STREAM else reader.length()
    group = stream.groups[name] = Group(last_id, _signed(read))
    for _ in range(reader.length()):
        id = int.from_bytes(reader.take(_ID_SIZE), "big")
        if id in group.deliveries:
            raise reader.corrupt("stream: an entry is pending twice")
        group.deliveries[id] = Delivery(b"", reader.int64(), reader.length())
        group.pending.add(id)
    unowned = set(group.deliveries)
    for _ in range(reader.length()):
        _read_consumer(reader, group, code, unowned)
    if code == STREAM_5:
        _read_given_back(reader, group, unowned)
    if unowned:
        raise reader.corrupt("stream: an entry is pending for nobody")


def _read_given_back(reader: Reader, group: Group, unowned: set[int]) -> None:
    ids = [int.from_bytes(reader.take(_ID_SIZE), "big") for _ in range(reader.length())]
    if ids:
        nobody = group.consumers.setdefault(b"", Consumer(b"", 0))
        for id in ids:
            _own(reader, group, nobody, id, unowned)


def _own(reader: Reader, group: Group, consumer: Consumer, id: int, unowned: set[int]) -> None:
    if id not in unowned:
        raise reader.corrupt("stream: a consumer's entry is not pending, or not for it alone")
    unowned.remove(id)
    group.deliveries[id].consumer = consumer.name
    consumer.pending.add(id)


def _read_consumer(reader: Reader, group: Group, code: int, unowned: set[int]) -> None:
    name = reader.string()
    if name in group.consumers:
        raise reader.corrupt("Duplicate stream consumer detected: two consumers of one name")
    consumer = group.consumers[name] = Consumer(name, reader.int64())
    consumer.active = reader.int64() if code >= STREAM_3 else consumer.seen
    for _ in range(reader.length()):
        _own(reader, group, consumer, int.from_bytes(reader.take(_ID_SIZE), "big"), unowned)


# Writing


def write_stream(stream: Stream, code: int, string: Callable[[bytes], bytes]) -> bytes:
    """The body of a stream as STREAM_2 or STREAM_3; `string` writes a string."""
    return b"".join(_parts(stream, code, string))


def _parts(stream: Stream, code: int, string: Callable[[bytes], bytes]) -> Iterator[bytes]:
    nodes = [node for node in stream.nodes if node.ids]
    yield length_bytes(len(nodes))
    for node in nodes:
        yield string(node.first.to_bytes(_ID_SIZE, "big"))
        yield string(write_listpack(_elements(node)))
    yield length_bytes(stream.length)
    for id in (stream.last_id, stream.first_id, stream.max_deleted_id):
        yield _id_bytes(id)
    yield length_bytes(stream.entries_added)
    yield length_bytes(len(stream.groups))
    for name in sorted(stream.groups):
        yield string_bytes(name)
        yield from _group_parts(stream.groups[name], code)


def _id_bytes(id: int) -> bytes:
    return length_bytes(id >> 64) + length_bytes(id & _UINT64)


def _signed(number: int) -> int:
    """What is left of a number in 64 bits with a sign."""
    number &= _UINT64
    return number - (1 << 64) if number >> 63 else number


def _elements(node: Node) -> Iterator[bytes]:
    """What stands in a node's listpack."""
    yield b"%d" % len(node.ids)
    yield b"0"
    yield b"%d" % len(node.fields)
    yield from node.fields
    yield b"0"
    for id, words in zip(node.ids, node.entries, strict=True):
        fields = words[::2]
        same = fields == node.fields
        yield b"%d" % (_SAME_FIELDS if same else 0)
        yield b"%d" % _signed((id >> 64) - (node.first >> 64))
        yield b"%d" % _signed((id & _UINT64) - (node.first & _UINT64))
        if same:
            yield from words[1::2]
            yield b"%d" % (len(fields) + 3)
        else:
            yield b"%d" % len(fields)
            yield from words
            yield b"%d" % (2 * len(fields) + 4)


def _group_parts(group: Group, code: int) -> Iterator[bytes]:
    yield _id_bytes(group.last_id)
    yield length_bytes(group.entries_read & _UINT64)
    yield length_bytes(len(group.deliveries))
    for id in group.pending:
        delivery = group.deliveries[id]
        yield id.to_bytes(_ID_SIZE, "big") + int64_bytes(delivery.time) + length_bytes(delivery.count)
    yield length_bytes(len(group.consumers))
    for name in sorted(group.consumers):
        consumer = group.consumers[name]
        yield string_bytes(name) + int64_bytes(consumer.seen)
        if code == STREAM_3:
            yield int64_bytes(consumer.active)
        yield length_bytes(consumer.count)
        for id in consumer.pending:
            yield id.to_bytes(_ID_SIZE, "big")
