"""What a vector set's payload must not be, and the graph that Redis finds in ours."""

import pytest

from pyredis.rdb.encoding import CorruptData, EmptyCollection, Reader, length_bytes, string_bytes
from pyredis.rdb.module_values import END, STRING, UNSIGNED
from pyredis.rdb.value_writing import write_value
from pyredis.rdb.vector_set_values import BLOCK, read_vector_set
from tests.datatypes.arithmetics import ARITHMETICS, choose
from tests.persistence.corpus import Server, vectors

LENGTH_ONE = 0x3F800000
NODE = (b"a", b"\x7f\0", 6, 1, 1 << 24, 0, 10, 0, LENGTH_ONE)
GOOD = (2, 1, 5 << 8 | 1, 0, *NODE)


def words(*values):
    """A body of these words."""
    parts = (
        bytes((STRING,)) + string_bytes(one) if isinstance(one, bytes) else bytes((UNSIGNED,)) + length_bytes(one)
        for one in values
    )
    return b"".join(parts) + bytes((END,))


def changed(**places):
    """The good words with others at some places."""
    values = list(GOOD)
    for place, value in places.items():
        values[int(place[2:])] = value
    return words(*values)


def test_what_is_right():
    made = read_vector_set(Reader(words(*GOOD)))
    assert (made.names, made.links, made.vectors.quantisation) == ([b"a"], 5, "int8")
    assert made.vectors.lengths[0] == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (changed(at0=3), "not of 3 bytes"),
        (changed(at0=0), "not of 0 bytes"),
        (changed(at0=1 << 60), "is not of"),
        (changed(at2=5 << 8 | 3), "no form"),
        (changed(at2=1), "no form"),
        (changed(at2=1 << 30), "no form"),
        (changed(at7=1 << 63), "without its number"),
        (changed(at7=0), "without its number"),
        (changed(at4=5), "marked 2, not 5"),
        (changed(at1=2), "marked 0, not 5"),
        (words(*GOOD, 1), "marked 2, not 0"),
        (words(2, 1, 5 << 8 | 1, 0, b"a", b"ab", 0), "without its number"),
        (words(2, 2, 5 << 8 | 1, 0, *NODE, *NODE), "twice"),
        (words(2, 2, 5 << 8 | 1, 0, *NODE, b"b", *NODE[1:]), "twice"),
        (words(2, 1, 5 << 8 | 1, 1, 4, b"x" * 31, *NODE), "of another size"),
    ],
)
def test_what_is_refused_says_why(data, says):
    with pytest.raises(CorruptData, match=says):
        read_vector_set(Reader(data))


def test_one_without_elements():
    with pytest.raises(EmptyCollection):
        read_vector_set(Reader(words(2, 0, 5 << 8 | 1, 0)))


@pytest.mark.parametrize("count", [1, 2, 40, BLOCK + 1, 3 * BLOCK])
def test_links_go_both_ways_are_not_too_many_and_connect_all(count):
    server = Server()
    server.make(vectors("NOQUANT", count))
    links = server.space.databases[0].peek(b"k").vectors.linked(BLOCK, 10)
    assert all(row in links[other] for row, near in enumerate(links) for other in near)
    assert all(row not in near and len(near) <= 10 for row, near in enumerate(links))
    seen, ahead = {0}, [0]
    while ahead:
        fresh = links[ahead.pop()].keys() - seen
        seen |= fresh
        ahead += fresh
    assert len(seen) == count


def test_small_sets_are_linked_with_the_nearest():
    server = Server()
    server.make(vectors("NOQUANT", 8))
    made = server.space.databases[0].peek(b"k")
    for row, near in enumerate(made.vectors.linked(BLOCK, 14)):
        nearest = made.vectors.nearest_to_row(row).first(6)
        assert {other for other, _ in nearest} - {row} <= near.keys()
        assert all(abs(near[other] - distance) < 1e-5 for other, distance in nearest if other != row)


def test_a_set_is_of_the_modules_type():
    server = Server()
    server.make(vectors("NOQUANT", 3))
    code, body = write_value(server.space.databases[0].peek(b"k"))
    assert code == 7
    assert body.startswith(b"\x81\xbd\xe7\x2d")


@pytest.mark.parametrize("form", ["NOQUANT", "Q8", "BIN"])
@pytest.mark.parametrize("options", [(), ("REDUCE", 3)])
def test_with_numpy_and_without_it_the_payload_is_the_same(monkeypatch, form, options):
    pytest.importorskip("numpy")
    payloads = []
    for name in ARITHMETICS:
        with monkeypatch.context() as patched:
            choose(name, patched)
            server = Server()
            server.make(vectors(form, 100, *options))
            payloads.append(server.ask("DUMP", "k").partition(b"\r\n")[2][:-2])
            assert server.ask("RESTORE", "copy", 0, payloads[-1]) == b"+OK\r\n"
            payloads.append(server.ask("DUMP", "copy").partition(b"\r\n")[2][:-2])
    assert len(payloads[0]) > 1000 and len(set(payloads)) == 1


def test_without_numpy_large_sets_are_linked_in_small_blocks(monkeypatch):
    choose("plain", monkeypatch)
    server = Server()
    server.make(vectors("BIN", BLOCK + 88))
    links = server.space.databases[0].peek(b"k").vectors.linked(BLOCK, 10)
    assert all(row in links[other] and len(near) <= 10 for row, near in enumerate(links) for other in near)
    assert sum(map(len, links)) > 5 * len(links)
