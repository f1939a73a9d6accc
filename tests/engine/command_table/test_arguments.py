"""The cursor over a command's words, and numbers within bounds with Redis's texts."""

from pytest import mark, raises

from pyredis.engine.command_table.arguments import Arguments, int32, integer, integer_between, timeout_ms
from pyredis.errors import CommandError

NOW = 1_000_000
MOST = (1 << 63) - 1


def outcome(function, *arguments, **options):
    """The value, or the text of the error."""
    try:
        return function(*arguments, **options)
    except CommandError as error:
        return error.line


def test_a_flag_is_read_in_any_case_and_only_with_what_has_to_follow():
    words = Arguments((b"nx", b"EX", b"10"))
    assert not words.flag(b"XX")
    assert words.flag(b"NX")
    assert not words.flag(b"EX", 2)
    assert words.flag(b"EX", 1)
    assert (words.integer(), bool(words), len(words)) == (10, False, 0)
    assert not words.flag(b"NX")


def test_what_is_left_is_told_and_read():
    words = Arguments([b"a", b"b", b"c"])
    assert words.word() == b"a"
    assert len(words) == 2
    assert outcome(words.end) == b"ERR syntax error"
    assert words.rest() == (b"b", b"c")
    assert words.rest() == ()
    words.end()
    assert outcome(words.word) == outcome(words.integer) == b"ERR syntax error"


NO_INTEGER = b"ERR value is not an integer or out of range"


@mark.parametrize("word", [b"", b" 1", b"1 ", b"+1", b"01", b"1.0", b"-", b"9223372036854775808", b"x"])
def test_what_is_no_integer(word):
    assert outcome(integer, word) == outcome(int32, word) == outcome(integer_between, word, 0, 9) == NO_INTEGER
    assert outcome(int32, word, b"own") == outcome(integer_between, word, 0, 9, b"own") == b"ERR own"


@mark.parametrize(("word", "fits"), [(b"-2147483648", True), (b"2147483647", True), (b"-2147483649", False)])
def test_the_ends_of_32_bits(word, fits):
    text = b"ERR value is out of range, value must between -2147483648 and 2147483647"
    assert outcome(int32, word) == (int(word) if fits else text)
    assert outcome(int32, b"2147483648") == text
    assert outcome(int32, b"2147483648", b"own") == b"ERR own"


@mark.parametrize(("word", "fits"), [(b"1", True), (b"9", True), (b"0", False), (b"10", False)])
def test_the_ends_of_a_range(word, fits):
    text = b"ERR value is out of range, value must between 1 and 9"
    assert outcome(integer_between, word, 1, 9) == (int(word) if fits else text)
    assert outcome(integer_between, word, 1, 9, b"own") == (int(word) if fits else b"ERR own")


@mark.parametrize(
    ("word", "milliseconds"),
    [(b"0", 0), (b"1", 1000), (b"0.5", 500), (b"0.0001", 1), (b"1e3", 1_000_000), (b"0x10", 16_000)],
)
def test_seconds_may_have_a_fraction_and_never_become_for_ever(word, milliseconds):
    assert timeout_ms(word, NOW) == milliseconds


@mark.parametrize(
    ("word", "in_seconds", "text"),
    [
        (b"x", True, b"ERR timeout is not a float or out of range"),
        (b"nan", True, b"ERR timeout is not a float or out of range"),
        (b"inf", True, b"ERR timeout is out of range"),
        (b"1e300", True, b"ERR timeout is out of range"),
        (b"-0.1", True, b"ERR timeout is negative"),
        (b"-inf", True, b"ERR timeout is negative"),
        (b"1.5", False, b"ERR timeout is not an integer or out of range"),
        (b"-1", False, b"ERR timeout is negative"),
        (b"%d" % (MOST - NOW + 1), False, b"ERR timeout is out of range"),
    ],
)
def test_what_is_no_timeout(word, in_seconds, text):
    assert outcome(timeout_ms, word, NOW, in_seconds=in_seconds) == text


def test_the_longest_timeout():
    assert timeout_ms(b"%d" % (MOST - NOW), NOW, in_seconds=False) == MOST - NOW
    with raises(CommandError):
        timeout_ms(b"%d" % (MOST - NOW + 1), NOW, in_seconds=False)
