"""Files of real servers, old and new, whole, cut short and tampered with; and every file of ours."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyredis.keyspace.digest import digest_of_dataset
from pyredis.keyspace.kinds import encoding_name
from pyredis.rdb.checksum import crc64
from pyredis.rdb.encoding import CorruptData, Truncated
from pyredis.rdb.file_reader import Aux, EmptyKey, Key, Library, ModuleData, RdbReader, Resize
from pyredis.rdb.file_writer import aux_fields, frequency_mark, idle_mark, write_rdb
from pyredis.rdb.loader import Loader
from tests.persistence.corpus import FAR, Server, noise, whole

DATA = Path(__file__).parent / "data"
LIMITS = Server().engine.limits


def read(data, size=1 << 20, **options):
    """All events of a file that comes in pieces."""
    reader = RdbReader(LIMITS, **options)
    events = [event for at in range(0, len(data), size) for event in reader.feed(data[at : at + size])]
    return events + reader.finish()


def loaded(data, size=1 << 20):
    server = Server()
    loader = Loader(server.space, server.engine.limits)
    for at in range(0, len(data), size):
        loader.feed(data[at : at + size])
    loader.finish()
    return server, loader


def sealed(body):
    return body + crc64(body).to_bytes(8, "little")


HEAD = b"REDIS0010"


# Files of real servers


LISTPACKS = "hash hash_zipped list set zset zset_zipped"
DIGESTS = {
    "encodings": "e9abcce40e69c9faa766aba4e264e823edff741d",
    "hash-zipmap": "3ca39ed0cb3b979b5b125ae0d1e54f2c40b7c5e6",
    "hash-ziplist": "3ca39ed0cb3b979b5b125ae0d1e54f2c40b7c5e6",
    "list-quicklist": "3d77c75a5b6cc5319b4ecf6e95101ed07ddd139e",
    "zset-ziplist": "fa1ca919dcef4dea3e3e609298a9e329d3bb7c61",
}
"""DEBUG DIGEST of Redis 8.2.3 with these files."""


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("name", DIGESTS)
def test_files_of_older_servers(name, size):
    server, _ = loaded((DATA / f"{name}.rdb").read_bytes(), size)
    assert digest_of_dataset(server.space).decode() == DIGESTS[name]


def test_every_encoding_becomes_the_one_of_redis_8():
    server, _ = loaded((DATA / "encodings.rdb").read_bytes())
    found = {key.decode(): encoding_name(value) for key, value in server.space.databases[0].table.items()}
    assert found == {
        **dict.fromkeys(LISTPACKS.split(), b"listpack"),
        **dict.fromkeys(("set_zipped_1", "set_zipped_2", "set_zipped_3"), b"intset"),
        "list_zipped": b"quicklist",
        "number": b"int",
        "string": b"embstr",
        "compressible": b"raw",
    }


def test_keys_without_elements_are_left_out():
    server, loader = loaded((DATA / "corrupt_empty_keys.rdb").read_bytes())
    assert (loader.keys, loader.empty) == (0, 9)
    assert server.ask("DBSIZE") == b":0\r\n"


def test_scripts_of_older_servers_are_left_out():
    _, loader = loaded((DATA / "scriptbackup.rdb").read_bytes())
    assert loader.aux[b"lua"].startswith(b"return")
    assert loader.libraries == []


def test_a_corrupt_ziplist_is_refused_with_its_place():
    with pytest.raises(
        CorruptData, match=r"at byte 488: Hash ziplist integrity check failed: ziplist: .* at the key b'key:"
    ):
        loaded((DATA / "corrupt_ziplist.rdb").read_bytes())


# Ours


@pytest.fixture(scope="module")
def everything():
    return whole()


@pytest.mark.parametrize("newest", [10, 12, 80])
@pytest.mark.parametrize("size", [1, 1000, 1 << 20])
def test_a_file_holds_the_dataset(everything, newest, size):
    if size == 1:  # byte by byte takes its time
        everything = whole(
            {"a": [["SET", "k", "b"]], "s": [["XADD", "k", "1-1", "a", "b"]], "l": [["RPUSH", "k", *range(50)]]}
        )
    data = b"".join(write_rdb(everything.space, newest=newest))
    server, loader = loaded(data, size)
    assert loader.keys == len(everything.space.databases[0])
    assert digest_of_dataset(server.space) == digest_of_dataset(everything.space)
    assert loader.reader.offset == len(data)


def test_databases_times_and_what_is_said_of_keys():
    server = Server()
    now = server.space.now
    for words in ("SET a 1", f"SET b text PX {FAR}", "SELECT 3", "SET c 2 PX 100000", "SADD d x"):
        assert not server.ask(*words.split()).startswith(b"-")
    usage = {b"a": idle_mark(100_000), b"c": frequency_mark(77)}
    chunks = write_rdb(
        server.space,
        aux=aux_fields("7.0.15", now, 12345, aof_base=True),
        libraries=[b"#!lua name=x"],
        usage=lambda db, key: usage.get(key, b""),
    )
    events = read(b"".join(chunks))
    assert events[:5] == [
        Aux(b"redis-ver", b"7.0.15"),
        Aux(b"redis-bits", b"64"),
        Aux(b"ctime", b"%d" % (now // 1000)),
        Aux(b"used-mem", b"12345"),
        Aux(b"aof-base", b"1"),
    ]
    assert events[5:7] == [Library(b"#!lua name=x"), Resize(0, 2, 1)]
    assert sorted(events[7:9]) == [
        Key(0, b"a", b"1", None, 100_000, None),
        Key(0, b"b", b"text", now + FAR, None, None),
    ]
    assert events[9] == Resize(3, 2, 1)
    assert {event.name: event[3:] for event in events[10:]} == {
        b"c": (now + 100_000, None, 77),
        b"d": (None, None, None),
    }


def test_what_has_expired_is_dropped_by_a_master_only():
    server = Server()
    server.ask("SET", "k", "v", "PX", 1000)
    data = b"".join(write_rdb(server.space))
    for later, dropping, left in ((1000, True, 1), (1001, True, 0), (1001, False, 1)):
        other = Server()
        other.space.now += later
        loader = Loader(other.space, LIMITS, dropping_expired=dropping)
        loader.feed(data)
        loader.finish()
        assert (len(other.space.databases[0]), loader.keys, loader.expired) == (left, left, 1 - left)


@given(st.lists(st.sampled_from([1, 20, 62, 63, 64, 65, 300]), min_size=1), st.integers(1, 400), st.booleans())
def test_strings_wherever_a_piece_of_the_file_ends(sizes, piece, expiring):
    server = Server()
    for at, size in enumerate(sizes):
        server.ask("SET", f"key{at}", noise(size, at), *(("PX", 1000 + at) if expiring else ()))
        server.ask("SET", f"{at}", at - 3)
    again, _ = loaded(b"".join(write_rdb(server.space)), piece)
    one, other = server.space.databases[0], again.space.databases[0]
    assert dict(one.table.items()) == dict(other.table.items())
    assert dict(one.expires.items()) == dict(other.expires.items())


def test_integers_are_written_as_such():
    server = Server()
    server.ask("SET", "-2147483648", "-2147483647")
    data = b"".join(write_rdb(server.space))
    assert b"\0\xc2\0\0\0\x80\xc2\1\0\0\x80\xff" in data
    server.ask("SET", "-2147483648", "x" * 12)
    assert b"\0\xc2\0\0\0\x80\x0c" + b"x" * 12 in b"".join(write_rdb(server.space))
    server.ask("SET", "text", "-2147483647")
    assert b"\0\4text\xc2\1\0\0\x80" in b"".join(write_rdb(server.space))


def test_two_pieces_wherever_the_first_ends():
    server = Server()
    server.ask("SET", "a", noise(200))
    server.ask("SET", "b", noise(60))
    server.ask("SET", "c", noise(300), "PX", 1000)
    data = b"".join(write_rdb(server.space))
    events = read(data)
    for cut in range(len(data)):
        reader = RdbReader(LIMITS)
        assert reader.feed(data[:cut]) + reader.feed(data[cut:]) + reader.finish() == events


def test_loading_is_no_change_and_registers_times():
    data = b"".join(write_rdb(whole().space))
    server, _ = loaded(data)
    assert server.space.dirty == 0
    assert server.space.databases[0].fields_due is not None


def test_the_version_is_the_oldest_that_serves():
    server = Server()
    server.ask("SADD", "k", "a")
    assert next(write_rdb(server.space)) == b"REDIS0010"
    assert next(write_rdb(server.space, newest=11)) == b"REDIS0011"
    server.make([["HSET", "h", "f", "v"], ["HEXPIRE", "h", 100, "FIELDS", 1, "f"]])
    assert next(write_rdb(server.space)) == b"REDIS0012"
    assert next(write_rdb(server.space, newest=80)) == b"VALKEY080"


def test_without_a_checksum():
    server = Server()
    server.ask("SET", "k", "v")
    data = b"".join(write_rdb(server.space, checksum=False))
    assert data.endswith(b"\xff" + bytes(8))
    assert read(data)[-1] == Key(0, b"k", b"v")


# The grammar


def test_old_marks():
    seconds = b"\xfd" + (5).to_bytes(4, "little")
    assert read(b"REDIS0003\xfe\2" + seconds + b"\0\1k\1v\xff") == [Key(2, b"k", b"v", 5000)]
    body = HEAD + b"\xf4\0\1\0\xf8\5\xf9\7\xfc" + (1 << 40).to_bytes(8, "little") + b"\0\1k\1v\0\1l\1w\xff"
    assert read(sealed(body)) == [Key(0, b"k", b"v", 1 << 40, 5, 7), Key(0, b"l", b"w")]


def test_marks_of_valkey():
    body = b"VALKEY080\xf3\4name\1\0\5\x16\1k\1\1a\1b" + (1 << 40).to_bytes(8, "little") + b"\xff"
    (event,) = read(sealed(body))
    assert event.value.deadlines.get(b"a") == 1 << 40


def test_modules_are_named():
    module = b"\x81" + (0).to_bytes(8, "big") + b"\2\1\4" + bytes(8) + b"\3" + bytes(4) + b"\5\1x\1\5\0"
    assert read(sealed(HEAD + b"\xf7" + module + b"\xff")) == [ModuleData("AAAAAAAAA")]
    with pytest.raises(CorruptData, match="module 'AAAAAAAAA'"):
        loaded(sealed(HEAD + b"\xf7" + module + b"\xff"))
    with pytest.raises(CorruptData, match="module type 'AAAAAAAAA', at the key b'k'"):
        read(sealed(HEAD + b"\7\1k" + module + b"\xff"))


def test_empty_keys_are_told():
    assert read(sealed(HEAD + b"\xfc" + bytes(8) + b"\4\1k\0\0\1l\1w\xff")) == [EmptyKey(0, b"k"), Key(0, b"l", b"w")]


def test_what_follows_the_end_is_kept():
    reader = RdbReader(LIMITS)
    reader.feed(sealed(HEAD + b"\0\1k\1v\xff") + b"*1\r\n")
    assert reader.feed(b"$4\r\n") == []
    assert reader.finish() == []
    assert reader.done
    assert reader.rest == b"*1\r\n$4\r\n"


@pytest.mark.parametrize("magic", [b"REDIS0000", b"REDIS0016", b"REDIS0080", b"REDISabcd", b"VALKEY011", b"RDBFILE10"])
def test_what_is_no_file_that_is_known(magic):
    with pytest.raises(CorruptData):
        read(sealed(magic + b"\xff"))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"\xf6\1x", "before Redis 7.0"),
        (b"\x08\1k", "no value has the type 8"),
        (b"\2\1k\2\1a\1a", "twice, at the key b'k'"),
        (b"\xfe\xc0\1", "no length"),
    ],
)
def test_what_is_refused_says_where_and_why(body, says):
    with pytest.raises(CorruptData, match=says) as caught:
        read(sealed(HEAD + b"\0\1a\1b" + body + b"\xff"))
    assert caught.value.offset >= len(HEAD) + 5


def test_a_key_that_is_there_twice_and_a_database_that_is_not():
    with pytest.raises(CorruptData, match="already"):
        loaded(sealed(HEAD + b"\0\1k\1v\0\1k\1w\xff"))
    with pytest.raises(CorruptData, match="database 16"):
        loaded(sealed(HEAD + b"\xfe\x10\0\1k\1v\xff"))


def test_merging_replaces_what_is_there():
    server = Server()
    server.ask("SET", "k", "old", "PX", 5000)
    loader = Loader(server.space, LIMITS, merging=True)
    loader.feed(sealed(HEAD + b"\0\1k\1v\xff"))
    assert server.ask("GET", "k") == b"$1\r\nv\r\n"
    assert server.ask("PTTL", "k") == b":-1\r\n"


def test_a_wrong_checksum():
    data = sealed(HEAD + b"\0\1k\1v\xff")
    wrong = data[:-1] + bytes((data[-1] ^ 1,))
    with pytest.raises(CorruptData, match="checksum"):
        read(wrong)
    assert read(wrong, verifying=False) == read(data)


def test_cut_short_anywhere():
    data = b"".join(write_rdb(whole({"s": [["SET", "k", "v"]], "x": [["XADD", "k", "1-1", "a", "b"]]}).space))
    for size in range(len(data)):
        with pytest.raises(Truncated):
            read(data[:size])


def test_a_long_value_in_small_pieces_costs_little_more_than_its_length():
    server = Server()
    server.make([["SADD", "k", *[f"member:{at}" for at in range(5000)]]])
    data = b"".join(write_rdb(server.space))
    reader, tries = RdbReader(LIMITS), 0
    read_all = reader._read

    def counted():
        nonlocal tries
        tries += 1
        return read_all()

    reader._read = counted
    for at in range(0, len(data), 16):
        reader.feed(data[at : at + 16])
    reader.finish()
    assert tries < 40


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(), st.integers(1, 4))
def test_tampered_files_do_no_harm(seed, count):
    read_tampered(seed, count)


@pytest.mark.proof
def test_very_many_tampered_files_do_no_harm():
    """pytest -m proof -n 0 tests/rdb/test_file_reader.py"""
    for seed in range(100_000):
        read_tampered(seed, seed % 4 + 1)


def read_tampered(seed, count):
    random = Random(seed)
    data = bytearray(TAMPERED)
    for _ in range(count):
        data[random.randrange(9, len(data))] = random.randrange(256)
    if random.randrange(4) == 0:
        at = random.randrange(9, len(data))
        data[at : at + random.randrange(9)] = random.randbytes(random.randrange(9))
    try:
        read(bytes(data), random.choice((10, 100, 1 << 20)), verifying=False)
    except CorruptData as fault:
        assert 0 <= fault.offset <= len(data)


TAMPERED = b"".join(
    write_rdb(
        whole(
            {
                "s": [["SET", "k", "v", "PX", 5]],
                "x": [["XADD", "k", "1-1", "a", "b"]],
                "h": [["HSET", "k", "a", "b", "c", "d"]],
                "l": [["RPUSH", "k", *range(20)]],
                "z": [["ZADD", "k", 1.5, "a", 2, "b"]],
            }
        ).space,
        aux=[(b"a", b"b")],
        libraries=[b"x"],
    )
)
