"""Random sequences of set commands on a few keys: the real server's answer to each, and the encoding behind it."""

from hypothesis import given
from hypothesis import strategies as st

from tests.commands.test_hash_machine import checks, scan_options
from tests.commands.test_string_machine import optional, row
from tests.commands.unordered import compare

KEYS = ["a", "b", "c"]
LIMITS = [(512, 128, 64), (512, 128, 64), (3, 5, 64), (5, 3, 4), (0, 128, 64), (3, 0, 64), (0, 0, 0), (4, 128, 1)]

key = st.sampled_from(KEYS)
members = [*map(str, (1, 2, 3, 10, -5, 2**63 - 1, -(2**63), 2**63)), "a", "b", "007", "-0", "", "m" * 64, "n" * 65]
member = st.sampled_from(members)
integer = st.sampled_from(members[:7])
many = st.lists(member, min_size=1, max_size=6).map(tuple) | st.lists(integer, min_size=1, max_size=6).map(tuple)
count = st.sampled_from([0, 100, 2**63 - 1, -(2**63), 2**63, "x", ""])
several_keys = st.lists(key | st.just("none"), min_size=1, max_size=4).map(tuple)
operation = st.sampled_from(["SINTER", "SUNION", "SDIFF"])

COMMANDS = [
    row("SADD", key, many),
    row("SADD", key, many),
    row("SADD", key, member),
    row("SADD", key, integer),
    row("SREM", key, many),
    row("SREM", key, member),
    row("SMOVE", key, key, member),
    row(st.sampled_from(["SCARD", "SMEMBERS"]), key),
    row(st.sampled_from(["SISMEMBER", "SMISMEMBER"]), key, member),
    row("SMISMEMBER", key, many),
    row(st.sampled_from(["SPOP", "SRANDMEMBER"]), st.just("none"), optional(count)),
    row(st.sampled_from(["SPOP", "SRANDMEMBER"]), key, count, optional(count)),
    row("SPOP", key, 100),
    row(operation, several_keys),
    row(operation.map(lambda name: name + "STORE"), key, several_keys),
    row("SINTERCARD", st.sampled_from([1, 2, 0, -1, "x", 9]), several_keys, optional(st.just("LIMIT"))),
    row("SINTERCARD", 1, key, st.sampled_from(["LIMIT", "limit", "foo"]), st.sampled_from([0, 1, 2, 100, -1, "x"])),
    row("SINTERCARD", 2, key, key, "LIMIT", st.sampled_from([0, 1, 2, 100, -1, "x"])),
    row(
        "SSCAN",
        key,
        st.sampled_from([0, 0, 0, "x", -1, 2**64]),
        scan_options,
    ),
    row("COPY", key, key, "REPLACE"),
    row("SET", key, "string"),
    row("DEL", key),
]

sequences = st.lists(st.one_of(COMMANDS), min_size=5, max_size=30)


def run(both, limits, sequence):
    """Send a sequence under limits of small sets, looking at every key's encoding between."""
    names = ("set-max-intset-entries", "set-max-listpack-entries", "set-max-listpack-value")
    both("CONFIG", "SET", *(word for pair in zip(names, limits, strict=True) for word in pair))
    both("DEL", *KEYS)
    for words in sequence:
        compare(both, words, [word for word in words[1:] if word in KEYS])
        for name in KEYS:
            both("OBJECT", "ENCODING", name)
    for name in KEYS:
        if both("TYPE", name) == b"+set\r\n":
            compare(both, ("SMEMBERS", name), [name])
    both("CONFIG", "SET", *(word for pair in zip(names, (512, 128, 64), strict=True) for word in pair))


@given(st.sampled_from(LIMITS), sequences)
@checks
def test_sequences(both, limits, sequence):
    run(both, limits, sequence)
