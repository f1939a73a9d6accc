import random
import time

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark

from pyredis.patterns import compile_pattern, matches


def lower(byte):
    return byte + 32 if 65 <= byte <= 90 else byte


def signed(byte):
    return byte - 256 if byte > 127 else byte


def element(pattern, at, byte, nocase):
    """Whether `byte` is accepted by the element at `at`, and where the next element starts."""

    def fold(value):
        return lower(value) if nocase else value

    if pattern[at] == ord("?"):
        return True, at + 1
    if pattern[at] == ord("\\") and at + 1 < len(pattern):
        return fold(pattern[at + 1]) == fold(byte), at + 2
    if pattern[at] != ord("["):
        return fold(pattern[at]) == fold(byte), at + 1
    at += 1
    negated = pattern[at : at + 1] == b"^"
    at += negated
    accepted = False
    while at < len(pattern):
        if pattern[at] == ord("\\") and at + 1 < len(pattern):
            accepted |= pattern[at + 1] == byte
            at += 2
        elif pattern[at] == ord("]"):
            return accepted != negated, at + 1
        elif at + 2 < len(pattern) and pattern[at + 1] == ord("-"):
            low, high = sorted((signed(pattern[at]), signed(pattern[at + 2])))
            accepted |= fold(low) <= fold(signed(byte)) <= fold(high)
            at += 3
        else:
            accepted |= fold(pattern[at]) == fold(byte)
            at += 1
    return accepted != negated, at


def naive(pattern, text, nocase):
    """The set of pattern positions that can be reached after each byte."""

    def closure(states):
        states = set(states)
        for state in range(len(pattern)):
            if state in states and pattern[state] == ord("*"):
                states.add(state + 1)
        return states

    states = closure({0})
    for byte in text:
        following = {state for state in states if pattern[state : state + 1] == b"*"}
        for state in states:
            if state < len(pattern) and pattern[state] != ord("*"):
                accepted, after = element(pattern, state, byte, nocase)
                if accepted:
                    following.add(after)
        states = closure(following)
    return len(pattern) in states and (bool(text) or not pattern)


GLOBS = st.lists(st.sampled_from([bytes((c,)) for c in b"aAbBzZ-^]*?\\[[\x80\xff"]), max_size=12).map(b"".join)
TEXTS = st.lists(st.sampled_from([bytes((c,)) for c in b"aAbBzZ-^]*?\\[\x80\xff\n"]), max_size=8).map(b"".join)


@given(GLOBS, TEXTS, st.booleans())
def test_equals_naive_matcher(pattern, text, nocase):
    assert matches(pattern, text, nocase) == naive(pattern, text, nocase)


def test_naive_matcher_finds_matches():
    """The generated pairs are not all refusals."""
    source = random.Random(5)
    pairs = [(bytes(source.choices(b"aB*?[^]-\\", k=6)), bytes(source.choices(b"aB-]", k=3))) for _ in range(5000)]
    outcomes = [(naive(*pair, False), matches(*pair)) for pair in pairs]
    assert all(a == b for a, b in outcomes)
    assert sum(a for a, _ in outcomes) > 20


@mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (b"*", b"", False),
        (b"", b"", True),
        (b"h?llo", b"hello", True),
        (b"h[ae]llo", b"hillo", False),
        (b"h[^e]llo", b"hello", False),
        (b"h[a-b]llo", b"hbllo", True),
        (b"h[b-a]llo", b"hallo", True),
        (b"[]", b"]", False),
        (b"[]x]", b"x]", False),
        (b"[^]", b"x", True),
        (b"[abc", b"c", True),
        (b"a\\*", b"a*", True),
        (b"a\\", b"a\\", True),
        (b"a.c", b"abc", False),
        (b"a*c", b"a\nc", True),
        (b"[a-\xff]", b"\x00", True),
        (b"[a-\xff]", b"b", False),
    ],
)
def test_peculiarities(pattern, text, expected):
    assert matches(pattern, text) is expected


def test_nocase():
    assert matches(b"HeL*", b"hElLO", True)
    assert not matches(b"[\\A]", b"a", True)
    assert not matches(b"[Z-a]", b"z", True)


def test_no_pattern_explodes():
    started = time.perf_counter()
    assert not matches(b"a*" * 50 + b"b", b"a" * 20_000)
    assert not matches(b"*a" * 900 + b"*b*", b"a" * 5_000)
    assert time.perf_counter() - started < 2


def test_no_more_than_a_thousand_stars():
    assert matches(b"a*" * 1000 + b"b", b"a" * 1000 + b"b")
    assert not matches(b"a*" * 1001 + b"b", b"a" * 1001 + b"b")
    assert matches(b"a*" * 1001, b"a" * 1001)


def test_compiled_patterns_are_kept():
    assert compile_pattern(b"kept*") is compile_pattern(b"kept*")
