"""Every value is what it was after it was written and read again, and what real servers make of it."""

import pytest

from pyredis.keyspace.digest import digest_of_value
from pyredis.keyspace.kinds import encoding_name
from pyredis.rdb.encoding import CorruptData, EmptyCollection, Reader, string_bytes
from pyredis.rdb.listpack_forms import write_listpack
from pyredis.rdb.type_codes import VALKEY_VERSION, version_of
from pyredis.rdb.value_reading import read_value
from pyredis.rdb.value_writing import write_value
from tests.persistence.corpus import ALL_COMMANDS, FAR, Server

SERVER = Server()


def again(value, newest):
    code, body = write_value(value, newest)
    reader = Reader(body)
    made = read_value(code, reader, SERVER.engine.limits, newest)
    assert reader.at == len(body)
    return made


@pytest.mark.parametrize("newest", [10, 12, VALKEY_VERSION])
@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_round_trip(name, newest):
    SERVER.ask("FLUSHALL")
    SERVER.make(ALL_COMMANDS[name])
    db = SERVER.space.databases[0]
    value = db.peek(b"k")
    digest, encoding = digest_of_value(db, b"k"), encoding_name(value)
    told = [SERVER.ask(*words) for words in questions(name)]
    made = again(value, newest)
    db.load(b"k", made, None)
    assert digest_of_value(db, b"k") == digest
    if not name.startswith("string"):
        assert encoding_name(made) == encoding
    if name != "stream with groups" or newest > 10:  # when a consumer was active is known from 11 on
        assert [SERVER.ask(*words) for words in questions(name)] == told
    SERVER.ask("DEL", "k")


def questions(name):
    if name.startswith("stream"):
        return [("XINFO", "STREAM", "k", "FULL", "COUNT", 0), ("XINFO", "GROUPS", "k"), ("XRANGE", "k", "-", "+")]
    if name.startswith("hash"):  # a large one has no order
        in_order = [("HGETALL", "k")] if name.startswith("hash small") else []
        return [*in_order, ("HPEXPIRETIME", "k", "FIELDS", 4, "a", "b", "d", "field3")]
    if name.startswith("vector"):
        return [
            ("VSIM", "k", "ELE", "element7", "WITHSCORES"),
            ("VGETATTR", "k", "element4"),
            ("VEMB", "k", "element2"),
        ]
    if name.startswith("sorted"):
        return [("ZRANGE", "k", 0, -1, "WITHSCORES")]
    return [("LRANGE", "k", 0, -1)] if name.startswith("list") else []


def test_a_list_keeps_its_nodes():
    SERVER.ask("FLUSHALL")
    SERVER.ask("RPUSH", "k", *range(6000))
    SERVER.ask("LINSERT", "k", "BEFORE", "3000", "x")
    value = SERVER.space.databases[0].peek(b"k")
    made = again(value, 10)
    assert [len(node) for node in made.form.nodes] == [len(node) for node in value.form.nodes]
    assert [node.size for node in made.form.nodes] == [node.size for node in value.form.nodes]


@pytest.mark.parametrize(("name", "code"), [("set small", 20), ("stream", 21), ("hash small", 16), ("list", 18)])
def test_newer_types_are_written_only_when_asked_for(name, code):
    SERVER.ask("FLUSHALL")
    SERVER.make(ALL_COMMANDS[name])
    value = SERVER.space.databases[0].peek(b"k")
    assert version_of(write_value(value, 10)[0]) == 10
    assert write_value(value, 12)[0] == code


def read(code, body, version=10):
    SERVER.ask("FLUSHALL")
    SERVER.space.databases[0].load(b"k", read_value(code, Reader(body), SERVER.engine.limits, version), None)
    return SERVER


def test_old_forms():
    assert read(1, b"\2\1a\xc0\1").ask("LRANGE", "k", 0, -1) == b"*2\r\n$1\r\na\r\n$1\r\n1\r\n"
    assert read(3, b"\2\1b\xfe\1a\x041e-3").ask("ZRANGE", "k", 0, -1) == b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"
    assert read(9, string_bytes(b"\1\1a\1\0b\xff")).ask("HGETALL", "k") == b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"


def test_valkeys_hash_with_times_has_the_number_of_a_redis_candidate():
    body = b"\2\1a\1b" + FAR.to_bytes(8, "little") + b"\1c\1d" + b"\xff" * 8
    server = read(22, body, VALKEY_VERSION)
    assert server.ask("HPEXPIRETIME", "k", "FIELDS", 2, "a", "c") == b"*2\r\n:%d\r\n:-1\r\n" % FAR
    body = b"\2" + b"\x81" + FAR.to_bytes(8, "big") + b"\1a\1b" + b"\0\1c\1d"
    assert read(22, body, 12).ask("HPEXPIRETIME", "k", "FIELDS", 2, "a", "c") == b"*2\r\n:%d\r\n:-1\r\n" % FAR


def test_a_candidates_packed_hash_with_times():
    words = [b"b", b"2", b"%d" % FAR, b"a", b"1", b"%d" % FAR, b"c", b"3", b"0"]
    server = read(23, string_bytes(write_listpack(words)))
    assert server.ask("HKEYS", "k") == b"*3\r\n$1\r\nb\r\n$1\r\na\r\n$1\r\nc\r\n"
    assert server.ask("OBJECT", "ENCODING", "k") == b"$10\r\nlistpackex\r\n"


@pytest.mark.parametrize(
    ("code", "body", "says"),
    [
        (8, b"", "no value has the type 8"),
        (6, b"\1", "before Redis 4.0"),
        (7, b"\x81" + (0).to_bytes(8, "big") + b"\2\1\5\1a\0", "module type 'AAAAAAAAA'"),
        (2, b"\2\1a\1a", "twice"),
        (5, b"\1\1a\0\0\0\0\0\0\xf8\x7f", "not a number"),
        (17, string_bytes(write_listpack([b"a", b"x"])), "no score"),
        (17, string_bytes(write_listpack([b"a", b"1", b"a", b"2"])), "twice"),
        (17, string_bytes(write_listpack([b"a"])), "without a score"),
        (16, string_bytes(write_listpack([b"a"])), "without a value"),
        (25, bytes(8) + string_bytes(write_listpack([b"a", b"1"])), "without value and time"),
        (25, bytes(8) + string_bytes(write_listpack([b"a", b"1", b"x"])), "no integer"),
        (25, bytes(8) + string_bytes(write_listpack([b"a", b"1", b"0", b"b", b"1", b"5"])), "not in order"),
        (25, bytes(8) + string_bytes(write_listpack([b"a", b"1", b"%d" % (1 << 50)])), "no time"),
        (24, bytes(8) + b"\1\x81" + b"\xff" * 8 + b"\1a\1b", "no time"),
        (18, b"\1\3\1a", "no node is of the kind 3"),
        (18, b"\1\1\0", "without its element"),
    ],
)
def test_what_is_refused_says_why(code, body, says):
    with pytest.raises(CorruptData, match=says):
        read_value(code, Reader(body), SERVER.engine.limits)


@pytest.mark.parametrize(
    ("code", "body"),
    [(1, b"\0"), (2, b"\0"), (4, b"\0"), (5, b"\0"), (14, b"\0"), (18, b"\0"), (20, b"\7\7\0\0\0\0\0\xff")],
)
def test_empty_collections(code, body):
    with pytest.raises(EmptyCollection):
        read_value(code, Reader(body), SERVER.engine.limits)
