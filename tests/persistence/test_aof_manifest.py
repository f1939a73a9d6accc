import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.persistence.aof_manifest import LogFile, Manifest, ManifestError, parse

BASE = b"file a.aof.1.base.rdb seq 1 type b\n"
INCR = b"file a.aof.1.incr.aof seq 1 type i\n"
INVALID = "Invalid AOF manifest file format"


@pytest.mark.parametrize(
    ("text", "reason", "number"),
    [
        (b"", "Found an empty AOF manifest", 0),
        (b"\n", INVALID, 1),
        (BASE + b"\n" + INCR, INVALID, 2),
        (BASE + BASE, "Found duplicate base file information", 2),
        (b"file a seq 1 type x\n", "Unknown AOF file type", 1),
        (b"filx a seq 1 type i\n", INVALID, 1),
        (b"file a seq 1\n", INVALID, 1),
        (b"file a seq 1 type i more\n", INVALID, 1),
        (b"file a seq 0 type i\n", INVALID, 1),
        (b'file "a seq 1 type i\n', INVALID, 1),
        (b"file x/a seq 1 type i\n", "File can't be a path, just a filename", 1),
        (b"file a seq 2 type i\nfile b seq 1 type i\n", "Found a non-monotonic sequence number", 2),
        (b"file a seq 1 type i", "The AOF manifest file contains too long line", 0),
        (b"file " + b"a" * 1100 + b" seq 1 type i\n", "The AOF manifest file contains too long line", 0),
    ],
)
def test_what_redis_refuses_is_refused_in_its_words(text, reason, number):
    with pytest.raises(ManifestError) as caught:
        parse(text)
    assert (caught.value.reason, caught.value.number) == (reason, number)


def test_comments_unknown_pairs_and_any_case_are_read():
    text = b'# FILE\nFILE "a b" SEQ 3 TYPE i startoffset 1 endoffset 9\n' + BASE
    manifest = parse(text)
    assert manifest.increments == (LogFile("a b", 3, "i"),)
    assert manifest.base == LogFile("a.aof.1.base.rdb", 1, "b")
    assert (manifest.increment_seq, manifest.base_seq, manifest.outdated) == (3, 1, True)
    assert manifest.format() == BASE + b'file "a b" seq 3 type i\n'


def test_the_life_of_a_log():
    log = Manifest().with_base("a.aof", "rdb").with_increment("a.aof")
    assert log.format() == BASE + INCR
    log = log.with_increment("a.aof").with_increment("a.aof")
    log = log.with_base("a.aof", "aof").with_increments_retired(keeping_last=True)
    assert log.format().split(b"\n") == [
        b"file a.aof.2.base.aof seq 2 type b",
        b"file a.aof.1.incr.aof seq 1 type h",
        b"file a.aof.2.incr.aof seq 2 type h",
        b"file a.aof.1.base.rdb seq 1 type h",
        b"file a.aof.3.incr.aof seq 3 type i",
        b"",
    ]
    assert [file.name for file in log.files] == ["a.aof.2.base.aof", "a.aof.3.incr.aof"]
    log = log.without_history().with_base("a.aof", "rdb").with_increments_retired(keeping_last=False)
    assert log.files == (LogFile("a.aof.3.base.rdb", 3, "b"),)


def test_an_old_file_becomes_the_base():
    log = Manifest().upgraded("a.aof")
    assert log.format() == b"file a.aof seq 1 type b\n"
    assert log.is_being_upgraded("a.aof")
    assert not log.with_increment("a.aof").is_being_upgraded("a.aof")


names = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=20)


@given(names, st.integers(1, 10), st.integers(0, 5))
def test_what_is_written_is_read_again(name, base, increments):
    log = Manifest(base_seq=base - 1).with_base(name, "rdb")
    for _ in range(increments):
        log = log.with_increment(name)
    assert parse(log.format()) == log


@given(st.lists(st.sampled_from([b"file", b"seq", b"type", b" ", b"\n", b"1", b"b", b"i", b'"', b"#", b"\xff"])))
def test_nothing_else_comes_out_of_any_text(parts):
    with contextlib.suppress(ManifestError):
        parse(b"".join(parts))
