"""Selectors: rules in, rules in words out, decisions. `tests/commands/test_acl.py` asks the real server."""

from pytest import mark, raises

import pyredis.assembly  # noqa: F401 - declares the commands
from pyredis.engine.acl.selector import CHANNEL, COMMAND, KEY, RuleError, Selector
from pyredis.engine.command_table.command import TABLE


def selector(*rules, all_channels=False):
    made = Selector(all_channels=all_channels)
    for rule in rules:
        made.apply(rule.encode())
    return made


def allowed(decider):
    return {one.name for one in TABLE.values() if decider.all_commands or one.name in decider.commands}


def why(decider, line):
    """What is refused: (reason, the word at fault), or None."""
    argv = [word.encode() for word in line.split()]
    name = argv[0].decode().lower()
    if len(argv) > 1 and f"{name}|{argv[1].decode().lower()}" in TABLE:
        name += "|" + argv[1].decode().lower()
    refusal = decider.refusal(TABLE[name], argv)
    return None if refusal is None else (refusal.reason, argv[refusal.position].decode())


@mark.parametrize(
    "rules, text",
    [
        ("", "-@all"),
        ("+get +set", "-@all +get +set"),
        ("+get -get", "-@all -get"),
        ("+GET +get", "-@all +get"),
        ("+@all -get +get", "+@all +get"),
        ("+get +@all", "+@all"),
        ("+@all nocommands", "-@all"),
        ("allcommands -@Write +set", "+@all -@write +set"),
        ("+config|get +config|set -config", "-@all -config"),
        ("+config -config|set", "-@all +config -config|set"),
        ("+config|get +config|get", "-@all +config|get"),
        ("+select|0 +select|1 +select|0", "-@all +select|1 +select|0"),
        ("+select|0 +select", "-@all +select"),
        ("+@read +@list -@read", "-@all +@list -@read"),
    ],
)
def test_rules_for_commands_in_words(rules, text):
    made = selector(*rules.split())
    assert made.command_text.decode() == text
    again = selector(*text.split())
    assert allowed(again) == allowed(made)
    assert again.first_arguments == made.first_arguments


@mark.parametrize(
    "rules, text",
    [
        ("", "resetchannels -@all"),
        ("~a %R~b %W~c %rw~d", "~a %R~b %W~c ~d resetchannels -@all"),
        ("%R~a %W~a", "~a resetchannels -@all"),
        ("~a %R~a", "~a resetchannels -@all"),
        ("~a ~*", "~* resetchannels -@all"),
        ("~a allkeys resetkeys", "resetchannels -@all"),
        ("%R~*", "%R~* resetchannels -@all"),
        ("%R", "%R~ resetchannels -@all"),
        ("&a &b &a", "resetchannels &a &b -@all"),
        ("&a &*", "&* -@all"),
        ("allchannels resetchannels &x", "resetchannels &x -@all"),
    ],
)
def test_rules_for_keys_and_channels_in_words(rules, text):
    assert selector(*rules.split()).text.decode() == text


@mark.parametrize(
    "rules, reason",
    [
        ("+nosuch", "Unknown command or category name in ACL"),
        ("-nosuch", "Unknown command or category name in ACL"),
        ("+@nosuch", "Unknown command or category name in ACL"),
        ("+", "Unknown command or category name in ACL"),
        ("+config|nosuch", "Unknown command or category name in ACL"),
        ("-get|a", "Unknown command or category name in ACL"),
        ("+config|get|a", "Allowing first-arg of a subcommand is not supported"),
        ("+get|", "Syntax error"),
        ("on", "Syntax error"),
        ("%~a", "Syntax error"),
        ("%", "Syntax error"),
        ("%RR~a", "Syntax error"),
        ("~a\tb", "Syntax error"),
        ("&a\0b", "Syntax error"),
        ("~* ~a", "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid"),
        ("&* &a", "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid"),
    ],
)
def test_what_is_no_rule(rules, reason):
    with raises(RuleError) as caught:
        selector(*rules.split(" "))
    assert caught.value.text.decode().startswith(reason)


def test_commands_are_decided_by_their_full_names():
    made = selector("+config|get", "+select|0", "allkeys")
    assert why(made, "CONFIG GET x") is None
    assert why(made, "CONFIG SET x y") == (COMMAND, "CONFIG")
    assert why(made, "SELECT 0") is None
    assert why(made, "SELECT 1") == (COMMAND, "SELECT")
    assert why(made, "AUTH x") is None  # may always run


@mark.parametrize(
    "line, reads, writes",
    [
        ("GET k", True, False),
        ("SET k v", False, True),
        ("SET k v GET", True, True),
        ("GETDEL k", True, True),
        ("APPEND k v", False, True),
        ("LPUSH k v", False, True),
        ("DEL k", False, True),
        ("EXISTS k", False, False),
        ("STRLEN k", False, False),
        ("BITFIELD k GET u8 0", True, False),
        ("BITFIELD k GET u8 0 SET u8 0 1", True, True),
        ("BITFIELD k OVERFLOW WRAP GET u8 0", True, False),
        ("BITFIELD k FOO", True, True),
        ("EVAL x 1 k", True, True),
        ("EVAL_RO x 1 k", True, False),
    ],
)
def test_what_a_command_does_to_its_key(line, reads, writes):
    for rule, reading, writing in (("%R~k", True, False), ("%W~k", False, True), ("~k", True, True)):
        allowed = (reading or not reads) and (writing or not writes)
        assert (why(selector("+@all", rule), line) is None) is allowed, (line, rule)
    assert why(selector("+@all", "~x*"), line) == (KEY, "k")


def test_the_first_key_at_fault_is_named():
    made = selector("+@all", "~a*", "%R~r")
    assert why(made, "MGET a1 b c") == (KEY, "b")
    assert why(made, "COPY r a") is None
    assert why(made, "COPY a r") == (KEY, "r")
    assert why(made, "SUNIONSTORE a r a2") is None
    assert why(made, "EVAL x 2 a b") == (KEY, "b")
    assert why(made, "EVAL x 9 b") is None  # a wrong count is the command's own error


def test_channels_by_pattern_and_patterns_by_name():
    made = selector("+@all", "&a*", "&x")
    assert why(made, "PUBLISH a1 m") is None
    assert why(made, "SPUBLISH b m") == (CHANNEL, "b")
    assert why(made, "SUBSCRIBE a1 x b") == (CHANNEL, "b")
    assert why(made, "SSUBSCRIBE x y") == (CHANNEL, "y")
    assert why(made, "PSUBSCRIBE a* x") is None
    assert why(made, "PSUBSCRIBE a1") == (CHANNEL, "a1")
    assert why(made, "UNSUBSCRIBE z") is None
    assert why(made, "PUNSUBSCRIBE z") is None
