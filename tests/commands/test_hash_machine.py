"""Random sequences of hash commands on a few keys: the real server's answer to each, and the encoding behind it."""

from hypothesis import given
from hypothesis import strategies as st

from tests import machines
from tests.commands.test_string_machine import optional, row, several
from tests.commands.unordered import compare

KEYS = ["a", "b"]
LIMITS = [(128, 64), (128, 64), (3, 64), (5, 4), (0, 64), (128, 0)]
FUTURE = 50_000_000_000_000

key = st.sampled_from(KEYS)
field = st.sampled_from(["f", "g", "h", "i", "j", "k", "12", ""]) | st.sampled_from(["long" * 3, "y" * 65])
value = st.sampled_from(["1", "-7", "3.5", "x", "", "0x1p3", str(2**63 - 1), "1e4000", "v" * 64, "w" * 65])
number = st.sampled_from([1, -1, 10, 2**63 - 1, -(2**63), 2**63, "x", "", "1.5", "nan", "inf", "1e4900"])
# No large negative number: the real server would answer with that many fields.
count = st.sampled_from([0, 100, 2**62, 2**63 - 1, -(2**63), 2**63, "x"])
moment = st.sampled_from([FUTURE, FUTURE + 1, FUTURE + 2, FUTURE, 1, 0, 2**46 - 1, 2**46, -1, "x", 2**63])
second = moment.map(lambda when: when // 1000 if isinstance(when, int) else when)
condition = st.sampled_from(["NX", "xx", "GT", "lt", "LT", "foo"])
fields = st.lists(field, min_size=1, max_size=4).map(lambda found: ("FIELDS", len(found), *found))
fields |= st.tuples(st.sampled_from(["fields", "foo"]), st.sampled_from([0, 1, 2, -1, "x", 2**31, 2**63 - 1]), field)
pair = st.tuples(field, value)
pairs = st.lists(pair, min_size=1, max_size=4).map(lambda found: tuple(word for both in found for word in both))
numbered_pairs = pairs.map(lambda words: ("FIELDS", len(words) // 2, *words))
numbered_pairs |= st.tuples(st.just("fields"), st.sampled_from([0, 1, 2, -1, "x", 2**31]), pairs).map(
    lambda found: (*found[:2], *found[2])
)
absolute = st.tuples(st.sampled_from(["PXAT", "pxat"]), moment) | st.tuples(st.just("EXAT"), second)
bad_span = st.tuples(st.sampled_from(["EX", "PX"]), st.sampled_from([0, -1, "x", 2**46, 2**63]))
timing = absolute | bad_span
scan_options = several(
    *map(st.just, (("MATCH", "?"), ("COUNT", 1000), ("COUNT", 0), ("MATCH",), ("TYPE", "x"))),
    st.sampled_from(["NOVALUES", "foo"]),
    most=2,
)

COMMANDS = [
    row(st.sampled_from(["HSET", "HSET", "HMSET", "hset"]), key, pairs),
    row("HSET", key, field, value, optional(field)),
    row("HSETNX", key, field, value),
    row(st.sampled_from(["HGET", "HEXISTS", "HSTRLEN"]), key, field),
    row(st.sampled_from(["HMGET", "HDEL"]), key, field, optional(field), optional(field)),
    row("HINCRBY", key, field, number),
    row("HINCRBYFLOAT", key, field, number | value),
    row(st.sampled_from(["HLEN", "HGETALL", "HKEYS", "HVALS", "HRANDFIELD"]), st.just("none")),
    row(st.sampled_from(["HLEN", "HGETALL", "HKEYS", "HVALS"]), key),
    row("HRANDFIELD", key, count, optional(st.sampled_from(["WITHVALUES", "withvalues", "foo"])), optional(count)),
    row(
        "HSCAN",
        key,
        st.sampled_from([0, 0, 0, "x", -1, 2**64]),
        scan_options,
    ),
    row("HPEXPIREAT", key, moment, optional(condition), fields),
    row("HPEXPIREAT", key, moment, fields),
    row("HEXPIREAT", key, second, optional(condition), fields),
    row(
        st.sampled_from(["HEXPIRE", "HPEXPIRE"]),
        key,
        st.sampled_from([0, -1, "x", 2**46, 2**63]),
        optional(condition),
        fields,
    ),
    row(st.sampled_from(["HPERSIST", "HEXPIRETIME", "HPEXPIRETIME", "HGETDEL"]), key, fields),
    row(st.sampled_from(["HTTL", "HPTTL"]), st.just("none"), fields),
    row("HGETEX", key, optional(timing), fields),
    row("HGETEX", key, optional(st.sampled_from(["PERSIST", "persist", "foo"])), fields),
    row(
        "HSETEX",
        key,
        several(timing, st.sampled_from(["FNX", "FXX", "fxx", "KEEPTTL", "KEEPTTL", "foo"]), most=3),
        numbered_pairs,
    ),
    row("COPY", key, key, "REPLACE"),
    row("RENAME", key, key),
    row("SET", key, "string"),
    row("DEL", key),
]

checks = machines.sequences(100)
sequences = st.lists(st.one_of(COMMANDS), min_size=5, max_size=25)


def run(both, limits, sequence):
    """Send a sequence under limits of small hashes, looking at every key's encoding between."""
    entries, longest = limits
    both("CONFIG", "SET", "hash-max-listpack-entries", entries, "hash-max-listpack-value", longest)
    both("DEL", *KEYS)
    for words in sequence:
        compare(both, words, [words[1]])
        for name in KEYS:
            both("OBJECT", "ENCODING", name)
    for name in KEYS:
        if both("TYPE", name) == b"+hash\r\n":
            compare(both, ("HGETALL", name), [name])
    both("CONFIG", "SET", "hash-max-listpack-entries", 128, "hash-max-listpack-value", 64)


@given(st.sampled_from(LIMITS), sequences)
@checks
def test_sequences(both, limits, sequence):
    run(both, limits, sequence)
