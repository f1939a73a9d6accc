"""What a stream's payload must not be."""

import pytest

from pyredis.rdb.encoding import CorruptData, Reader, string_bytes
from pyredis.rdb.listpack_forms import write_listpack
from pyredis.rdb.stream_values import read_stream

NODE = (b"1", b"0", b"1", b"f", b"0", b"2", b"0", b"0", b"v", b"4")


def node(elements=NODE, first=5):
    return string_bytes(first.to_bytes(16, "big")) + string_bytes(write_listpack(elements))


def stream(nodes=None, length=b"\1", groups=b"\0"):
    nodes = [node()] if nodes is None else nodes
    return bytes((len(nodes),)) + b"".join(nodes) + length + b"\0\5\0\5\0\0\1" + groups


def group(pending=b"\0", consumers=b"\0", name=b"\1g"):
    return name + b"\0\5\1" + pending + consumers


ONE = (5).to_bytes(16, "big")
DELIVERY = ONE + bytes(8) + b"\1"


def consumer(ids=(), name=b"\1c"):
    return name + bytes(16) + bytes((len(ids),)) + b"".join(ids)


def test_what_is_right():
    made = read_stream(Reader(stream(groups=b"\1" + group(b"\1" + DELIVERY, b"\1" + consumer([ONE])))), 21)
    assert made.range() == [(5, (b"f", b"v"))]
    assert made.groups[b"g"].consumers[b"c"].count == 1


GIVEN_BACK = b"\0"
"""How many entries of a group Redis 8.10's XNACK gave back."""


def test_what_8_10_adds():
    """Redis 8.10.2's payload of `XADD k IDMP p x * f v`, but for the time, with a group."""
    pending = b"\1" + group(b"\1" + DELIVERY, b"\1" + consumer([ONE])) + GIVEN_BACK
    producers = b"\1" + b"\1p" + b"\1" + b"\1x" + b"\0\5"
    reader = Reader(stream(groups=pending) + b"\x40\x64\x40\x64" + producers + b"\1\0")
    made = read_stream(reader, 27)
    assert reader.at == len(reader.data)
    assert made.range() == [(5, (b"f", b"v"))]
    assert made.groups[b"g"].consumers[b"c"].count == 1


def test_what_was_given_back_is_pending_for_the_one_without_a_name():
    nacked = b"\1" + group(b"\1" + DELIVERY, b"\1" + consumer()) + b"\1" + ONE
    made = read_stream(Reader(stream(groups=nacked) + b"\x40\x64\x40\x64\0\0\0"), 27)
    assert made.groups[b"g"].consumers[b""].count == 1
    with pytest.raises(CorruptData, match="not pending"):
        read_stream(Reader(stream(groups=nacked[:-17] + b"\2" + ONE * 2) + b"\x40\x64\x40\x64\0\0\0"), 27)
    with pytest.raises(CorruptData, match="pending for nobody"):
        read_stream(Reader(stream(groups=nacked[:-17] + b"\0") + b"\x40\x64\x40\x64\0\0\0"), 27)


def test_deleted_entries_are_passed_over():
    elements = (b"1", b"1", b"1", b"f", b"0", b"3", b"0", b"0", b"v", b"4", b"0", b"0", b"7", b"1", b"x", b"y", b"6")
    made = read_stream(Reader(stream([node(elements)])), 21)
    assert made.range() == [(12, (b"x", b"y"))]
    assert made.nodes[0].deleted == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (stream([string_bytes(b"short") + string_bytes(write_listpack(NODE))]), "an ID of 5 bytes"),
        (stream([node(), node()]), "nodes are not in order"),
        (stream([node(), node(first=4)]), "nodes are not in order"),
        (stream([node(())]), "ends too early"),
        (stream([node((b"x", *NODE[1:]))]), "no integer"),
        (stream([node((b"2", *NODE[1:]))]), "1 entries"),
        (stream([node((*NODE[:4], b"1", *NODE[5:]))]), "head does not end"),
        (stream([node((*NODE[:2], b"-1", *NODE[3:]))]), "ends too early"),
        (stream([node((*NODE[:2], b"1000000", *NODE[3:]))]), "ends too early"),
        (stream([node((*NODE[:-1], b"5"))]), "counted wrong"),
        (stream([node((*NODE[:7], b"-1", *NODE[8:]))]), "not in order"),
        (stream([node((b"2", *NODE[1:], *NODE[5:]))]), "not in order"),
        (stream([]), "there are none"),
        (stream(groups=b"\2" + group() + group()), "two groups"),
        (stream(groups=b"\1" + group(b"\2" + DELIVERY * 2)), "pending twice"),
        (stream(groups=b"\1" + group(b"\1" + DELIVERY)), "for nobody"),
        (stream(groups=b"\1" + group(b"\0", b"\1" + consumer([ONE]))), "is not pending"),
        (stream(groups=b"\1" + group(b"\1" + DELIVERY, b"\1" + consumer([ONE, ONE]))), "is not pending"),
        (stream(groups=b"\1" + group(b"\0", b"\2" + consumer() * 2)), "two consumers"),
    ],
)
def test_what_is_refused_says_why(data, says):
    with pytest.raises(CorruptData, match=says):
        read_stream(Reader(data), 21)
