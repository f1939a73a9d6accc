"""Rates over sixteen samples, and errors told apart up to a number."""

import logging

from pytest import mark

from pyredis.engine.observability.stats import ERROR_CODES_MAX, LAZY_FROM, Rate, Stats, error_code


def test_a_rate_is_the_mean_of_the_last_sixteen_samples():
    rate = Rate()
    rate.sample(1_000, 500)  # the first tells no rate
    assert rate.value == 0
    rate.sample(1_100, 510)
    assert rate.value == 100 / 16
    for number in range(2, 18):
        rate.sample(1_000 + 100 * number, 500 + 10 * number)
    assert rate.value == 100
    for number in range(18, 34):
        rate.sample(1_000 + 100 * number, 670)
    assert rate.value == 0


def test_time_that_stands_still_gives_no_sample():
    rate = Rate()
    rate.sample(1_000, 0)
    rate.sample(1_000, 99)
    assert rate.value == 0


@mark.parametrize(
    ("line", "code"),
    [
        (b"WRONGTYPE Operation", b"WRONGTYPE"),
        (b"NOSPACE", b"ERR"),
        (b"", b"ERR"),
        (b" x", b""),
        (b"TAB\tx", b"ERR"),
        (b"-MY err", b"-MY"),
        (b"x" * 30 + b" y", b"x" * 30),
        (b"x" * 31 + b" y", b"ERR"),
    ],
)
def test_the_code_is_a_first_word_that_is_not_too_long(line, code):
    assert error_code(line) == code


def test_errors_are_told_apart_by_their_first_word_up_to_a_number():
    stats = Stats(logging.getLogger("pyredis"))
    for line in (b"ERR one", b"ERR two", b"WRONGTYPE Operation", b"OK then"):
        stats.count_error(line)
    assert stats.errors == {"ERR": 2, "WRONGTYPE": 1, "OK": 1}
    for number in range(ERROR_CODES_MAX - 3):
        stats.count_error(b"CODE%d text" % number)
    assert len(stats.errors) == ERROR_CODES_MAX
    stats.count_error(b"ERR three")  # known: nothing new
    assert stats.errors["ERR"] == 3
    stats.count_error(b"ONEMORE text")
    stats.count_error(b"ERR four")
    assert stats.errors == {"ERRORSTATS_DISABLED": 1}
    assert stats.error_replies == 4 + ERROR_CODES_MAX - 3 + 3
    assert stats.lazyfreed_objects == ERROR_CODES_MAX
    stats.reset()
    stats.count_error(b"ERR five")
    assert (stats.errors, stats.error_replies) == ({"ERR": 1}, 1)


def test_only_what_is_large_counts_as_freed_lazily():
    stats = Stats(logging.getLogger("pyredis"))
    stats.freed(LAZY_FROM)
    assert stats.lazyfreed_objects == 0
    stats.freed(LAZY_FROM + 1)
    assert stats.lazyfreed_objects == LAZY_FROM + 1


def test_all_counts_begin_at_nothing_and_are_reset_to_it():
    stats = Stats(logging.getLogger("pyredis"))
    counts = {name: value for name, value in vars(stats).items() if isinstance(value, int | float)}
    assert counts.pop("tells_errors_apart") is True
    assert set(counts.values()) == {0}
    for name in counts:
        setattr(stats, name, 7)
    stats.reset()
    assert {getattr(stats, name) for name in counts} == {0}


def test_the_rates_follow_their_own_totals():
    stats = Stats(logging.getLogger("pyredis"))
    stats.sample(1_000)
    stats.commands, stats.bytes_in, stats.bytes_out = 16, 160, 1600
    stats.sample(2_000)
    assert [rate.value for rate in (stats.operations, stats.input_rate, stats.output_rate)] == [1, 10, 100]
