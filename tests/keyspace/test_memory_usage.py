"""The size of a key is what Redis says it is, where its layout is that of Redis."""

from pytest import mark


@mark.parametrize("length", [1, 7, 8, 15, 16, 29, 40, 44, 45, 64, 100, 200, 1000, 5000, 20_000, 100_000])
def test_strings_take_what_the_real_server_says(both, length):
    both("SET", "k", "x" * length)
    both("MEMORY", "USAGE", "k")


@mark.parametrize("value", ["0", "1", "-5", "12345678901234567890", "9223372036854775807", "007", "-0", ""])
def test_integers_take_no_more_than_the_key(both, value):
    both("SET", "k", value)
    both("MEMORY", "USAGE", "k")
    both("SET", "k", value, "EX", 100)
    both("MEMORY", "USAGE", "k")


def test_a_string_changed_in_place_stands_apart(both):
    both("SETRANGE", "k", 10_000, "x")
    both("MEMORY", "USAGE", "k")


def test_options(both):
    both("SET", "k", "v")
    for words in (["SAMPLES"], ["SAMPLES", "x"], ["SAMPLES", -1], ["FOO", 1], ["SAMPLES", 0], ["SAMPLES", 5]):
        both("MEMORY", "USAGE", "k", *words)
    both("MEMORY", "USAGE", "none")
