"""MODULE."""

import pytest

from tests.oracle import ask


@pytest.mark.parametrize(
    "words",
    [
        ("MODULE",),
        ("MODULE", "LIST"),
        ("MODULE", "LIST", "x"),
        ("MODULE", "LOAD", "x"),
        ("MODULE", "LOADEX", "x"),
        ("MODULE", "UNLOAD", "vectorset"),
        ("MODULE", "NONSENSE"),
        ("EVAL", "return redis.pcall('module', 'list')", "0"),
    ],
)
def test_answers(both, words):
    both(*words)


def test_others_who_tell_of_them(both):
    both("INFO", "modules")
    ours, real = (reply.partition(b"modules")[2] for reply in both.replies("HELLO"))
    assert ours == real


def test_help(server):
    assert b"+MODULE <subcommand> " in ask(server.port, "MODULE", "HELP")
