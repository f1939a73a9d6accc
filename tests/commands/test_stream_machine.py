"""Random sequences of stream commands on a few keys: the real server's answer to each, and the state behind it."""

import re

from hypothesis import given
from hypothesis import strategies as st

from tests import machines

KEYS = ["s", "t", "u", "str"]  # str holds a string
TOP = "18446744073709551615-18446744073709551615"

key = st.sampled_from([*KEYS, "s", "s", "s", "s"])
group = st.sampled_from(["g", "g", "h", "none"])
consumer = st.sampled_from(["c", "d", "e"])
id = st.builds("{}{}".format, st.integers(1, 15), st.sampled_from(["-1", "-1", "-2", "-0", ""])) | st.sampled_from(
    ["0", "x", "0-0", "-", "+", "$", ">", "5-*", TOP, ""]
)
new_id = st.builds("{}-{}".format, st.integers(1, 30), st.sampled_from([0, 1, 2, "*"])) | id
number = st.sampled_from([0, 1, 2, 3, 7, -1, "x"])
idle = st.sampled_from([0, 0, 100_000, -1, "x"])
text = st.sampled_from(["1", "-5", "xyz", "70000", "u" * 70, ""])


def row(name, *arguments):
    """One command: fixed words, strategies for a word, and strategies for several words (as tuples)."""
    parts = [part if isinstance(part, st.SearchStrategy) else st.just(part) for part in (name, *arguments)]
    return st.tuples(*parts).map(flat)


def flat(words):
    return [word for part in words for word in (flat(part) if isinstance(part, tuple) else (part,))]


def optional(*arguments):
    return st.just(()) | st.tuples(*[one if isinstance(one, st.SearchStrategy) else st.just(one) for one in arguments])


def several(*choices, least=0, most=3):
    return st.lists(
        st.one_of(*[one if isinstance(one, st.SearchStrategy) else st.just(one) for one in choices]),
        min_size=least,
        max_size=most,
    ).map(lambda found: tuple(flat(found)))


policy = st.sampled_from(["KEEPREF", "DELREF", "ACKED", "acked"])
length = st.tuples(st.just("MAXLEN"), optional(st.sampled_from("~=")), st.integers(0, 6) | number)
minimum = st.tuples(st.just("minid"), optional(st.sampled_from("~=")), id)
limit = st.tuples(st.just("LIMIT"), number)
trim = length | minimum
pair = st.tuples(st.sampled_from("abc"), text)
listed = st.lists(id, min_size=1, max_size=3).flatmap(
    lambda found: st.tuples(st.just("IDS"), st.sampled_from([len(found)] * 8 + [0, "x", 9]), st.just(tuple(found)))
)
counted = optional("COUNT", number)
claim_option = st.one_of(
    *map(st.just, ("FORCE", "JUSTID", "foo")),
    st.tuples(st.sampled_from(["IDLE", "TIME"]), st.sampled_from([5000, -5, 1000, "x"])),
    st.tuples(st.just("RETRYCOUNT"), number),
    st.tuples(st.just("LASTID"), id),
)
interval = st.sampled_from(["-", "+", "(1", "(3-1", "(", "(+", "(0-0", "(" + TOP]) | id

ADDITIONS = [
    row("XADD", key, new_id, pair),
    row("XADD", key, new_id, pair, pair),
    row("XADD", key, several(trim, trim, limit, "NOMKSTREAM", policy, "foo"), new_id, several(pair, least=1, most=2)),
]
COMMANDS = [
    *ADDITIONS,
    *ADDITIONS,
    row("XTRIM", key, several(trim, limit, policy)),
    row("XTRIM", key, trim, several(limit, policy, most=1)),
    row("XDEL", key, several(id, least=1)),
    row("XDELEX", key, several(policy, most=1), listed),
    row("XACKDEL", key, group, several(policy, most=1), listed),
    row(st.sampled_from(["XRANGE", "XREVRANGE"]), key, interval, interval, counted),
    row("XLEN", key),
    row("XREAD", counted, "STREAMS", key, id),
    row("XREAD", "STREAMS", key, key, id, id),
    row("XREADGROUP", "GROUP", group, consumer, counted, several("NOACK", most=1), "STREAMS", key, ">"),
    row("XREADGROUP", "GROUP", "g", consumer, counted, "STREAMS", "s", ">"),
    row("XREADGROUP", "GROUP", group, consumer, counted, "STREAMS", key, key, id, ">"),
    row("XACK", key, group, several(id, least=1)),
    row("XGROUP", "CREATE", key, group, id, several("MKSTREAM", ("ENTRIESREAD", 3), ("ENTRIESREAD", -2), most=2)),
    row("XGROUP", "SETID", key, group, id, optional("ENTRIESREAD", number)),
    row("XGROUP", st.sampled_from(["CREATECONSUMER", "DELCONSUMER"]), key, group, consumer),
    row("XGROUP", "DESTROY", key, group),
    row("XCLAIM", key, group, consumer, idle, several(id, least=1), several(claim_option)),
    row("XAUTOCLAIM", key, group, consumer, idle, interval, counted, several("JUSTID", most=1)),
    row("XPENDING", key, group, optional(interval, interval, number, several(consumer, most=1))),
    row("XPENDING", key, group, "IDLE", idle, interval, interval, number),
    row(
        "XSETID",
        key,
        id,
        several(st.tuples(st.just("ENTRIESADDED"), number), st.tuples(st.just("MAXDELETEDID"), id), most=2),
    ),
    row("XINFO", "STREAM", key, optional("FULL", counted)),
    row("XINFO", "GROUPS", key),
    row("XINFO", "CONSUMERS", key, group),
    row("COPY", "s", "t", "REPLACE"),
    row("DEL", key),
]

_TIME = re.compile(rb":1\d{12}\r\n")
_IDLE = re.compile(rb"((?:idle|inactive)\r\n|\r\n\$1\r\n[cde]\r\n):\d+(?=\r\n)")


def timeless(reply):
    """A reply without what depends on the moment it was asked for."""
    return _TIME.sub(b":T\r\n", _IDLE.sub(rb"\1:T", reply))


def check(both, limits, sequence):
    names = ("stream-node-max-entries", "stream-node-max-bytes")
    for name, limit in zip(names, limits, strict=True):
        both("CONFIG", "SET", name, limit)
    try:
        both("DEL", *KEYS)
        both("SET", "str", "x")
        both("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        both("XADD", "s", "1-1", "a", "b")
        for words in sequence:
            for question in (words, ["XINFO", "STREAM", "s", "FULL", "COUNT", 0]):
                ours, real = both.replies(*question)
                assert timeless(ours) == timeless(real), question
    finally:
        for name, limit in zip(names, (100, 4096), strict=True):
            both("CONFIG", "SET", name, limit)


limits = st.sampled_from([(100, 4096), (3, 4096), (2, 0), (0, 60), (0, 0)])


@given(limits, st.lists(st.one_of(COMMANDS), min_size=10, max_size=40))
@machines.sequences(100)
def test_sequences(both, limits, sequence):
    check(both, limits, sequence)
