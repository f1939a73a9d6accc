"""Ranges of sorted sets, line by line as the real server answers them, in both forms."""

import shlex

from pytest import mark

from tests.commands.test_sorted_sets import form

__all__ = ["form"]

# Keys: z has scores, l members of one score, s is a string; `none…` are missing.
PREPARED = ["ZADD z -inf a 1 b 2 c 2 d 3.5 e inf f", "ZADD l 0 a 0 b 0 c 0 d 0 aa 0 '' 0 zz", "SET s x"]

SCRIPTS = {
    "by rank": """
        ZRANGE z 0 -1
        ZRANGE z 0 -1 WITHSCORES
        ZRANGE z 1 2
        ZRANGE z -2 -1 withscores
        ZRANGE z 4 2
        ZRANGE z 6 9
        ZRANGE z -100 100
        ZRANGE z -100 -50
        ZRANGE z 9223372036854775807 -9223372036854775808
        ZRANGE z 1 2 REV
        ZRANGE z -2 -1 rev WITHSCORES
        ZREVRANGE z 0 1
        ZREVRANGE z 0 -1 WITHSCORES
        ZREVRANGE z 2 1
        ZREVRANGE z 0 1 REV
        ZREVRANGE z 0 1 BYSCORE
        ZRANGE z x 1
        ZRANGE z 1 x
        ZRANGE z 0 1 foo
        ZRANGE z 0 1 LIMIT 0 1
        ZRANGE z 0 1 LIMIT 0 -1
        ZRANGE z 0 1 LIMIT 0
        ZRANGE none 0 1
        ZRANGE none x 1
        ZRANGE s 0 1
        ZRANGE s x 1
        ZRANGE z 0
    """,
    "by score": """
        ZRANGE z 1 2 BYSCORE
        ZRANGE z (1 (3.5 BYSCORE WITHSCORES
        ZRANGE z -inf +inf BYSCORE
        ZRANGE z 2 1 BYSCORE
        ZRANGE z 2 1 BYSCORE REV
        ZRANGE z (2 (2 BYSCORE
        ZRANGE z +inf -inf BYSCORE REV LIMIT 1 2
        ZRANGEBYSCORE z -inf (2
        ZRANGEBYSCORE z (-inf inf WITHSCORES
        ZRANGEBYSCORE z 2 2 LIMIT 1 5
        ZRANGEBYSCORE z -inf inf LIMIT 2 2 WITHSCORES
        ZRANGEBYSCORE z -inf inf LIMIT 2 -1
        ZRANGEBYSCORE z -inf inf LIMIT 2 0
        ZRANGEBYSCORE z -inf inf LIMIT 6 1
        ZRANGEBYSCORE z -inf inf LIMIT 100 1
        ZREVRANGEBYSCORE z inf -inf
        ZREVRANGEBYSCORE z (inf 2 WITHSCORES LIMIT 0 2
        ZREVRANGEBYSCORE z inf 0 LIMIT 1 -5
        ZREVRANGEBYSCORE z -inf inf
        ZRANGEBYSCORE z '' 2
        ZRANGEBYSCORE z ( 2
        ZRANGEBYSCORE z ' 1' 2
        ZRANGEBYSCORE z '1 ' 2
        ZRANGEBYSCORE z 0x1 2
        ZRANGEBYSCORE z 1_0 2
        ZRANGEBYSCORE z nan 2
        ZRANGEBYSCORE z 2 (nan
        ZRANGEBYSCORE z ((1 2
        ZRANGEBYSCORE z 1e400 inf
        ZRANGEBYSCORE z 1e-400 2
        ZRANGEBYSCORE z +1 2.
        ZRANGEBYSCORE z .5 2e0
        ZRANGEBYSCORE z x 2
        ZRANGEBYSCORE z 1 2 LIMIT x 1
        ZRANGEBYSCORE z 1 2 LIMIT 1 x
        ZRANGEBYSCORE z x 2 LIMIT 1
        ZRANGEBYSCORE z 1 2 REV
        ZRANGEBYSCORE none 1 2
        ZRANGEBYSCORE s 1 2
        ZRANGEBYSCORE s x 2
    """,
    "by members": """
        ZRANGE l - + BYLEX
        ZRANGE l [b (zz BYLEX
        ZRANGE l + - BYLEX REV
        ZRANGE l [c [a BYLEX REV LIMIT 1 2
        ZRANGE l [a [c BYLEX REV
        ZRANGE l - + BYLEX WITHSCORES
        ZRANGEBYLEX l - [b
        ZRANGEBYLEX l [ (b
        ZRANGEBYLEX l ( +
        ZRANGEBYLEX l + -
        ZRANGEBYLEX l + +
        ZRANGEBYLEX l - -
        ZRANGEBYLEX l [c [c
        ZRANGEBYLEX l (c (c
        ZRANGEBYLEX l - + LIMIT 2 3
        ZRANGEBYLEX l - + LIMIT 20 3
        ZRANGEBYLEX l - + WITHSCORES
        ZREVRANGEBYLEX l + -
        ZREVRANGEBYLEX l [c - LIMIT 0 1
        ZREVRANGEBYLEX l - +
        ZRANGEBYLEX l a b
        ZRANGEBYLEX l -x +
        ZRANGEBYLEX l '' +
        ZRANGEBYLEX l - +x
        ZRANGEBYLEX none - +
        ZRANGEBYLEX s - +
        ZRANGEBYLEX s x +
        ZLEXCOUNT l - +
        ZLEXCOUNT l [aa (d
        ZLEXCOUNT l (d [aa
        ZLEXCOUNT l x +
        ZLEXCOUNT none - +
        ZLEXCOUNT s - +
    """,
    "zrangestore": """
        ZRANGESTORE y z 0 2
        ZRANGE y 0 -1 WITHSCORES
        ZRANGESTORE y z 0 0 REV
        ZRANGE y 0 -1 WITHSCORES
        ZRANGESTORE y z 1 (3.5 BYSCORE LIMIT 1 5
        ZRANGE y 0 -1 WITHSCORES
        ZRANGESTORE y l [c - BYLEX REV LIMIT 0 2
        ZRANGE y 0 -1 WITHSCORES
        EXPIRE y 100
        ZRANGESTORE y z 0 0
        TTL y
        ZRANGESTORE s z 0 0
        TYPE s
        ZRANGESTORE z z 1 2
        ZRANGE z 0 -1
        ZRANGESTORE y z 5 9
        EXISTS y
        ZRANGESTORE z none 0 -1
        EXISTS z
        SET s x
        ZRANGESTORE y s 0 1
        ZRANGESTORE y z 0 1 WITHSCORES
        ZRANGESTORE y z 0 1 LIMIT 0 1
        ZRANGESTORE y z x 1
        ZRANGESTORE y z 0
    """,
    "counting and removing": """
        ZCOUNT z -inf inf
        ZCOUNT z 2 2
        ZCOUNT z (2 3.5
        ZCOUNT z 5 1
        ZCOUNT z x 1
        ZCOUNT none 0 1
        ZCOUNT s 0 1
        ZCOUNT s x 1
        ZREMRANGEBYRANK z 1 1
        ZREMRANGEBYRANK z -1 -1
        ZREMRANGEBYRANK z 3 1
        ZREMRANGEBYRANK z 50 60
        ZREMRANGEBYRANK z x 1
        ZREMRANGEBYRANK s 0 1
        ZREMRANGEBYRANK s x 1
        ZREMRANGEBYRANK none 0 1
        ZRANGE z 0 -1
        ZREMRANGEBYSCORE z (2 inf
        ZREMRANGEBYSCORE z 2 1
        ZREMRANGEBYSCORE z x 1
        ZREMRANGEBYSCORE s 1 2
        ZRANGE z 0 -1
        ZREMRANGEBYSCORE z -inf inf
        EXISTS z
        ZREMRANGEBYLEX l [b [c
        ZREMRANGEBYLEX l [b [c
        ZREMRANGEBYLEX l x [c
        ZREMRANGEBYLEX s - +
        ZRANGE l 0 -1
        ZREMRANGEBYLEX l - +
        EXISTS l
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, form, name):
    for line in (*PREPARED, *SCRIPTS[name].strip().splitlines()):
        both(*shlex.split(line))


def test_an_embedded_zero_byte_ends_a_score(both):
    both("ZADD", "z", 1, "a", 2, "b")
    both("ZCOUNT", "z", b"2\0x", "inf")
    both("ZRANGEBYLEX", "z", b"-\0x", b"+\0")


def test_ranks_far_before_the_first(both):
    both("ZADD", "z", *[word for number in range(120) for word in (number, f"m{number}")])
    for stop in (-119, -120, -121, -122, -200):
        both("ZRANGE", "z", 0, stop)
        both("ZREVRANGE", "z", -125, stop)


def test_a_range_over_many_runs(both):
    words = [word for number in range(5000) for word in (number // 3, f"m{number:04}")]
    both("ZADD", "z", *words)
    for start, stop in ((0, 3), (1000, 3000), (2999, 3002), (-10, -1), (4990, 9999)):
        both("ZRANGE", "z", start, stop, "WITHSCORES")
        both("ZREVRANGE", "z", start, stop)
    both("ZCOUNT", "z", 400, "(1200")
    both("ZRANGEBYSCORE", "z", 400, 1200, "LIMIT", 2000, 5)
    both("ZREVRANGEBYSCORE", "z", 1200, 400, "LIMIT", 2000, 5)
    both("ZREMRANGEBYSCORE", "z", 100, 1500)
    both("ZREMRANGEBYRANK", "z", 5, 310)
    both("ZRANGE", "z", 0, -1, "WITHSCORES")
    both("ZRANK", "z", "m4999")
