"""Random sequences of list commands on a few keys: the real server's answer to each, and the encoding behind it."""

from hypothesis import given
from hypothesis import strategies as st

from tests import machines
from tests.commands.test_string_machine import optional, row, several

KEYS = ["a", "b", "c"]
LIMITS = [-2, -1, 1, 2, 3, 5, 8, 32]

key = st.sampled_from(KEYS)
element = st.sampled_from(["", "x", "y", "z", "7", "-1", "4095", "4096", "-32769", "12345678901", "007", "x" * 70])
bulky = element | st.sampled_from(["v" * 500, "w" * 2000, "8" * 18]) | st.sampled_from(["u" * 4090, "t" * 8200])
index = st.integers(-12, 12) | st.sampled_from(["x", 2**31, 2**32 + 1, 2**63 - 1, -(2**63), 2**63])
count = st.sampled_from([0, 1, 2, 3, 5, 50, -1, -2, "x", 2**63 - 1, -(2**63), 2**64])
side = st.sampled_from(["LEFT", "right", "left", "RIGHT", "RIGHT", "up"])
push = st.sampled_from(["LPUSH", "RPUSH", "rpush", "LPUSHX", "RPUSHX"])
timeout = st.sampled_from(["0", "0.1", "-1", "x", "inf", "1e30", ""])
keys = st.lists(key, min_size=1, max_size=3).map(lambda found: (len(found), *found))
keys |= st.tuples(st.sampled_from([0, -1, 2, "x"]), key)
options = several(
    st.tuples(st.sampled_from(["RANK", "rank", "COUNT", "MAXLEN"]), count), st.sampled_from(["RANK", "foo"]), most=2
)


def commands(element):
    """Rows over the given elements."""
    many = st.lists(element, min_size=1, max_size=6).map(tuple)
    return [
        row(push, key, element),
        row(push, key, many),
        row(st.sampled_from(["LPOP", "RPOP"]), key),
        row(st.sampled_from(["LPOP", "RPOP"]), key, count, optional(count)),
        row("LLEN", key),
        row("LINDEX", key, index),
        row("LSET", key, index, element),
        row("LINSERT", key, st.sampled_from(["BEFORE", "after", "AFTER", "at"]), element, element),
        row("LRANGE", key, index, index),
        row("LTRIM", key, index, index),
        row("LREM", key, count, element),
        row("LPOS", key, element, options),
        row("LMOVE", key, key, side, side),
        row("RPOPLPUSH", key, key),
        row("LMPOP", keys, side, optional(st.sampled_from(["COUNT", "count", "foo"]), count)),
        row("COPY", key, key, "REPLACE"),
        row("SET", key, "string"),
        row("DEL", key),
        # Waiting ones, where nothing may wait
        *(
            row("MULTI+", *words)
            for words in (
                (st.sampled_from(["BLPOP", "BRPOP"]), key, key, timeout),
                ("BLMOVE", key, key, side, side, timeout),
                ("BRPOPLPUSH", key, key, timeout),
                ("BLMPOP", timeout, keys, side, optional(st.just("COUNT"), count)),
            )
        ),
    ]


def run(both, limit, sequence):
    """Send a sequence with a `list-max-listpack-size`, looking at every key's encoding between."""
    both("CONFIG", "SET", "list-max-listpack-size", limit)
    both("DEL", *KEYS)
    for words in sequence:
        if words[0] == "MULTI+":
            both("MULTI")
            both(*words[1:])
            both("EXEC")
        else:
            both(*words)
        for name in KEYS:
            both("OBJECT", "ENCODING", name)
    for name in KEYS:
        if both("TYPE", name) == b"+list\r\n":
            both("LRANGE", name, 0, -1)
    both("CONFIG", "SET", "list-max-listpack-size", -2)


checks = machines.sequences(60)


@given(st.sampled_from(LIMITS), st.lists(st.one_of(commands(element)), min_size=5, max_size=30))
@checks
def test_sequences(both, limit, sequence):
    run(both, limit, sequence)


@given(
    st.sampled_from(LIMITS),
    st.lists(bulky, min_size=1, max_size=30),
    st.lists(
        row("LSET", "a", st.integers(-30, 30), bulky)
        | row("LINSERT", "a", st.sampled_from(["BEFORE", "AFTER"]), bulky, bulky)
        | row("LPUSH", "a", bulky)
        | row("RPUSH", "a", bulky)
        | row("LTRIM", "a", st.integers(-20, 8), st.integers(-8, 20))
        | row("LREM", "a", st.integers(-3, 3), bulky)
        | row("LRANGE", "a", index, index)
        | row(st.sampled_from(["LPOP", "RPOP"]), "a", st.integers(1, 4)),
        min_size=5,
        max_size=40,
    ),
)
@checks
def test_runs_begin_and_merge_where_the_real_ones_do(both, limit, elements, sequence):
    run(both, limit, [["RPUSH", "a", one] for one in elements] + sequence)
