"""Random sequences of sorted set and geo commands on a few keys: the real server's answer to each."""

from hypothesis import given
from hypothesis import strategies as st

from tests import machines

KEYS = ["a", "b", "c", "s"]  # s holds a plain set
SMALL_LIMIT = 128

key = st.sampled_from([*KEYS, "a", "b", "nokey"])
member = st.sampled_from([*"uvwxyz", "1", "10", "-5", "", "\x00", "u" * 65, "ÿ"])
score = st.sampled_from(
    [*(0, 1, 2, 3, -1, 1.5, 0.1, "inf", "-inf", "1e300", "2.5e-7", "17.123456789012345"), "nan", "x", "", "+1"]
) | st.integers(-3, 3)
end = st.sampled_from(["-inf", "+inf", "0", "1", "(1", "(2", "2", "-1", "(0.1", "", "(", "x", "inf"])
lexical = st.sampled_from(["-", "+", "[u", "(u", "[x", "(z", "[", "(", "x", "", "[1", "-x"])
rank = st.integers(-8, 8) | st.sampled_from(["x", 2**63 - 1, -(2**63)])
count = st.integers(0, 4) | st.sampled_from([-1, -2, "x", 100])


def row(name, *arguments):
    """One command: fixed words, strategies for a word, and strategies for several words (as tuples)."""
    parts = [part if isinstance(part, st.SearchStrategy) else st.just(part) for part in (name, *arguments)]
    return st.tuples(*parts).map(flat)


def flat(words):
    return [word for part in words for word in (flat(part) if isinstance(part, tuple) else (part,))]


def several(*choices, least=0, most=3):
    return st.lists(
        st.one_of(*[one if isinstance(one, st.SearchStrategy) else st.just(one) for one in choices]),
        min_size=least,
        max_size=most,
    ).map(lambda found: tuple(flat(found)))


def counted(strategy, most=3):
    """A number of keys and the keys; now and then the number is wrong."""
    return st.lists(strategy, min_size=1, max_size=most).flatmap(
        lambda found: st.tuples(st.sampled_from([len(found)] * 8 + [0, -1, len(found) + 1, "x"]), st.just(tuple(found)))
    )


limit = st.tuples(st.just("LIMIT"), st.integers(0, 3) | st.sampled_from(["x", 100]), st.integers(-1, 4))
pair = st.tuples(score, member)
weights = st.lists(score, min_size=1, max_size=3).map(lambda found: ("WEIGHTS", *found))
aggregate = st.tuples(st.just("AGGREGATE"), st.sampled_from(["SUM", "min", "MAX", "foo"]))
algebra = several(weights, aggregate, most=2)
ends = st.one_of(st.tuples(end, end), st.tuples(lexical, lexical), st.tuples(rank, rank))
by = several("BYSCORE", "REV", "byscore", limit, "WITHSCORES", most=3)
scored = several("WITHSCORES", limit, most=2)
extreme = st.sampled_from(["MIN", "MAX", "max", "foo"])
position = st.tuples(
    st.sampled_from([0, 13.361389, 15.087269, -179.99, 180, 2.35, "x", 181]),
    st.sampled_from([0, 38.115556, 37.502669, 85.05, -85.05112878, 48.85, 86]),
)
unit = st.sampled_from(["m", "km", "KM", "ft", "mi", "foo"])
circle = st.tuples(st.just("BYRADIUS"), st.sampled_from([0, 10, 200, 1000, 6000, 20000, -1, "x"]), unit)
box = st.tuples(
    st.just("BYBOX"), st.sampled_from([10, 400, 3000, 40000, -1]), st.sampled_from([10, 400, 30000, "x"]), unit
)
center = st.tuples(st.just("FROMLONLAT"), position) | st.tuples(st.just("FROMMEMBER"), member)
shown = several(
    "WITHCOORD", "WITHDIST", "WITHHASH", "ASC", "DESC", ("COUNT", 2), ("COUNT", 1, "ANY"), "ANY", "foo", most=4
)
kept = several("ASC", ("COUNT", 2), "STOREDIST", "WITHDIST", most=2)

# Ranges of members are asked for only where all scores are the same (`LEXICAL`): else Redis promises no answer.
COMMANDS = [
    row("ZADD", key, several("NX", "XX", "GT", "lt", "CH", "INCR", most=2), several(pair, least=1, most=4)),
    row("ZADD", key, several(pair, least=1, most=6)),
    row("ZADD", key, score, member),
    row("ZINCRBY", key, score, member),
    row("ZREM", key, several(member, least=1)),
    row(st.sampled_from(["ZCARD", "ZPOPMIN", "ZPOPMAX", "TYPE"]), key),
    row(st.sampled_from(["ZPOPMIN", "ZPOPMAX"]), key, count),
    row("ZSCORE", key, member),
    row("ZMSCORE", key, several(member, least=1)),
    row(st.sampled_from(["ZRANK", "ZREVRANK"]), key, member, several("WITHSCORE", "foo", most=1)),
    row("ZRANGE", key, ends, by),
    row("ZRANGE", key, end, end, "BYSCORE", by),
    row("ZRANGESTORE", key, key, ends, several("BYSCORE", "REV", limit, most=3)),
    row("ZREVRANGE", key, rank, rank, scored),
    row(st.sampled_from(["ZRANGEBYSCORE", "ZREVRANGEBYSCORE"]), key, end, end, scored),
    row("ZCOUNT", key, end, end),
    row("ZREMRANGEBYSCORE", key, end, end),
    row("ZREMRANGEBYRANK", key, rank, rank),
    row(st.sampled_from(["ZUNION", "ZINTER"]), counted(key), algebra, several("WITHSCORES", most=1)),
    row(st.sampled_from(["ZUNIONSTORE", "ZINTERSTORE"]), key, counted(key), algebra),
    row("ZDIFF", counted(key), several("WITHSCORES", most=1)),
    row("ZDIFFSTORE", key, counted(key)),
    row("ZINTERCARD", counted(key), several(("LIMIT", 1), ("limit", "x"), ("LIMIT", 0), most=1)),
    row("ZMPOP", counted(key), extreme, several(("COUNT", 2), ("COUNT", 0), ("count", 100), most=1)),
    row("GEOADD", key, several("NX", "XX", "CH", most=1), several(st.tuples(position, member), least=1)),
    row(st.sampled_from(["GEOPOS", "GEOHASH"]), key, several(member)),
    row("GEODIST", key, member, member, several(unit, most=1)),
    row("GEOSEARCH", key, center, circle | box, shown),
    row("GEOSEARCHSTORE", key, key, center, circle | box, kept),
    row("GEORADIUS", key, position, st.sampled_from([200, 6000]), unit, shown, several(("STORE", "b"), most=1)),
    row("GEORADIUSBYMEMBER", key, member, 500, unit, shown, several(("STOREDIST", "c"), most=1)),
    row("OBJECT", "ENCODING", key),
    row("EXPIRE", key, 1000),
]
LEXICAL = [
    row("ZADD", key, several(st.tuples(st.just(0), member), least=1, most=6)),
    row(st.sampled_from(["ZRANGEBYLEX", "ZREVRANGEBYLEX"]), key, lexical, lexical, several(limit, most=1)),
    row("ZRANGE", key, lexical, lexical, "BYLEX", several("REV", limit, most=2)),
    row("ZLEXCOUNT", key, lexical, lexical),
    row("ZREMRANGEBYLEX", key, lexical, lexical),
    row("ZRANGESTORE", key, key, lexical, lexical, "BYLEX"),
]


def play(both, sequence, large):
    """Run a sequence; with `large` the sorted sets begin in the large form."""
    both("DEL", *KEYS, "nokey")
    both("SADD", "s", "u", "v", "1")
    for name in "ab" if large else "":
        both("ZADD", name, 0, "x" * (SMALL_LIMIT + 1))
    for words in sequence:
        ours, real = both.replies(*words)
        assert ours == real, f"{words}: ours {ours!r}, the real server's {real!r}"
    for name in KEYS[:3]:
        if both("TYPE", name) == b"+zset\r\n":
            both("ZRANGE", name, 0, -1, "WITHSCORES")
            both("OBJECT", "ENCODING", name)
            both("PERSIST", name)


@given(st.lists(st.one_of(COMMANDS), min_size=5, max_size=25), st.booleans())
@machines.sequences(100)
def test_sequences(both, sequence, large):
    play(both, sequence, large)


@given(st.lists(st.one_of(LEXICAL), min_size=5, max_size=20), st.booleans())
@machines.sequences(60)
def test_equal_scores(both, sequence, large):
    play(both, sequence, large)
