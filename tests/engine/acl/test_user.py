"""Users: passwords, selectors that agree or not, users in words. `tests/commands/test_acl.py` asks the real server."""

from hashlib import sha256

from pytest import mark, raises

import pyredis.assembly  # noqa: F401 - declares the commands
from pyredis.engine.acl.selector import CHANNEL, COMMAND, KEY, RuleError
from pyredis.engine.acl.user import UnmatchedParenthesis, User, is_user_name, joined_rules
from pyredis.engine.command_table.command import TABLE
from tests.engine.acl.test_selector import why


def user(*rules):
    made = User(b"alice")
    for rule in rules:
        made.apply(rule.encode())
    return made


def test_one_selector_that_agrees_is_enough():
    made = user("+get", "~a", "(+set ~b)", "(+publish &c resetkeys)")
    assert [why(made, line) for line in ("GET a", "SET b 1", "PUBLISH c m")] == [None] * 3
    assert why(made, "SET a 1") == (KEY, "a")  # what a selector with the command minds counts more than the command
    assert why(made, "PUBLISH d m") == (CHANNEL, "d")
    assert why(made, "DEL a") == (COMMAND, "DEL")
    made.apply(b"clearselectors")
    assert why(made, "SET b 1") == (COMMAND, "SET")


def test_of_several_faults_the_farthest_counts():
    made = user("+mset", "~a", "(+mset ~b ~a)")
    assert why(made, "MSET b 1 c 2") == (KEY, "c")


def test_who_may_do_everything_is_not_limited():
    assert not User.almighty(b"x").is_limited
    assert not user("(+@all allkeys allchannels)").is_limited
    assert user("+@all", "allkeys").is_limited
    assert user("+@all", "allkeys", "allchannels", "-get", "+get").is_limited  # as Redis, which looks no closer


def test_reading_all_keys_takes_the_selector_that_runs_the_command():
    argv = [b"SORT", b"l", b"BY", b"w*"]
    sort = TABLE["sort"]
    assert user("+sort", "%R~*").may_read_all(sort, argv)
    assert user("(+sort allkeys)").may_read_all(sort, argv)
    assert not user("+sort", "~l", "%W~*").may_read_all(sort, argv)
    assert not user("+sort", "~l", "(+get %R~*)").may_read_all(sort, argv)


def test_a_user_in_words():
    made = user("on", ">p", "~a", "+get", "(+set  %W~b)", "skip-sanitize-payload")
    digest = sha256(b"p").hexdigest()
    assert made.text.decode() == (
        f"on skip-sanitize-payload #{digest} ~a resetchannels -@all +get (%W~b resetchannels -@all +set)"
    )
    again = User(b"bob")
    for rule in joined_rules(made.text.split(b" ")):
        again.apply(rule)
    assert again.text == made.text
    made.apply(b"reset")
    assert made.text == User(b"new").text == b"off sanitize-payload resetchannels -@all"


def test_channels_may_be_open_from_the_start():
    made = User(b"a", open_channels=True)
    for rule in (b"resetchannels", b"&x", b"(+get)"):
        made.apply(rule)
    assert made.text == b"off sanitize-payload resetchannels &x -@all (&* -@all +get)"
    made.apply(b"reset")
    assert made.text == b"off sanitize-payload &* -@all"


def test_passwords():
    made = user("on", ">p", ">q", ">p")
    assert made.passwords == [sha256(word).hexdigest().encode() for word in (b"p", b"q")]
    assert made.admits(b"q") and not made.admits(b"x")
    made.apply(b"<q")
    assert not made.admits(b"q")
    made.apply(b"#" + sha256(b"q").hexdigest().encode())
    assert made.admits(b"q")
    made.apply(b"off")
    assert not made.admits(b"q")
    for rule in (b"on", b"nopass"):
        made.apply(rule)
    assert made.passwords == [] and made.admits(b"anything")
    made.apply(b"resetpass")
    assert not made.admits(b"")


@mark.parametrize(
    "rule, reason",
    [
        ("<p", "The password you are trying to remove"),
        ("!" + "a" * 64, "The password you are trying to remove"),
        ("#abc", "The password hash must be exactly 64 characters"),
        ("#" + "A" * 64, "The password hash must be exactly 64 characters"),
        ("!" + "g" * 64, "The password hash must be exactly 64 characters"),
        ("(+nosuch)", "Unknown command"),
        ("(on)", "Syntax error"),
        ("(", "Syntax error"),
    ],
)
def test_what_is_no_rule_of_a_user(rule, reason):
    with raises(RuleError) as caught:
        user(rule)
    assert caught.value.text.decode().startswith(reason)


def test_a_copy_changes_alone():
    first = user("+get", "+select|0", "~a", "&c", ">p")
    text, other = first.text, User(b"b")
    other.take(first)
    for rule in (b"+set", b"+select|1", b"~b", b"&d", b">q", b"(+get)"):
        other.apply(rule)
    assert first.text == text
    assert first.selectors[0].first_arguments == {"select": {b"0"}}


@mark.parametrize(
    "words, joined",
    [
        (["a", "(b", "c)", "d"], ["a", "(b c)", "d"]),
        (["(a)", "(", ")", "b)"], ["(a)", "( )", "b)"]),
        (["(a", "(b", "c)"], ["(a (b c)"]),
        ([], []),
    ],
)
def test_selectors_over_several_words(words, joined):
    assert joined_rules(word.encode() for word in words) == [rule.encode() for rule in joined]


def test_a_selector_must_be_closed():
    with raises(UnmatchedParenthesis) as caught:
        joined_rules([b"on", b"(+get", b"~a"])
    assert caught.value.position == 1
    assert caught.value.text == b"Unmatched parenthesis in acl selector starting at '(+get'."


def test_names_are_one_word():
    assert is_user_name(b"alice") and is_user_name(b"")
    assert not any(map(is_user_name, (b"a b", b"a\0", b"a\n", b"\t")))
