"""Unions, intersections and differences, line by line as the real server answers them, in both forms."""

import shlex

from pytest import mark

from tests.commands.test_sorted_sets import form

__all__ = ["form"]

PREPARED = [
    "ZADD a 1 x 2 y 3 z 0.1 t",
    "ZADD b 10 y 20 z 30 w 0.2 t",
    "ZADD c inf x -inf y 5 z",
    "ZADD d -inf x inf y",
    "SADD set x y 7",
    "SET s x",
]

SCRIPTS = {
    "unions": """
        ZUNION 2 a b
        ZUNION 2 a b WITHSCORES
        ZUNION 3 a b set WITHSCORES
        ZUNION 2 a b WEIGHTS 2 -1.5 WITHSCORES
        ZUNION 2 a b AGGREGATE MIN WITHSCORES
        ZUNION 2 a b WEIGHTS 1 2 AGGREGATE max withscores
        ZUNION 2 c d WITHSCORES
        ZUNION 2 c d WEIGHTS 0 0 WITHSCORES
        ZUNION 2 c d AGGREGATE MIN WEIGHTS 0 1 WITHSCORES
        ZUNION 1 none
        ZUNION 2 none set WITHSCORES
        ZUNION 2 a a WITHSCORES
        ZUNION 1 set WEIGHTS 3 WITHSCORES
    """,
    "intersections": """
        ZINTER 2 a b
        ZINTER 2 a b WITHSCORES
        ZINTER 3 a c set WITHSCORES
        ZINTER 2 a b WEIGHTS 2 -1.5 WITHSCORES
        ZINTER 2 a b AGGREGATE MIN WITHSCORES
        ZINTER 2 c d WITHSCORES
        ZINTER 2 c d WEIGHTS 0 0 AGGREGATE MIN WITHSCORES
        ZINTER 2 a d WEIGHTS 1 0 AGGREGATE MAX WITHSCORES
        ZINTER 2 a none
        ZINTER 2 a a WEIGHTS 1 2 WITHSCORES
        ZINTERCARD 2 a b
        ZINTERCARD 2 a b LIMIT 2
        ZINTERCARD 2 a b LIMIT 0
        ZINTERCARD 2 a b LIMIT 100
        ZINTERCARD 2 a none
        ZINTERCARD 2 a set
        ZINTERCARD 2 a b LIMIT -1
        ZINTERCARD 2 a b LIMIT x
        ZINTERCARD 2 a b LIMIT
        ZINTERCARD 2 a b WITHSCORES
        ZINTERCARD 0 a
        ZINTERCARD 2 a s
    """,
    "differences": """
        ZDIFF 2 a b
        ZDIFF 2 a b WITHSCORES
        ZDIFF 3 b a c WITHSCORES
        ZDIFF 2 a set WITHSCORES
        ZDIFF 2 set a WITHSCORES
        ZDIFF 2 a a
        ZDIFF 2 none a
        ZDIFF 2 a none WITHSCORES
        ZDIFF 2 a b WEIGHTS 1 2
        ZDIFF 2 a b AGGREGATE SUM
    """,
    "stores": """
        ZUNIONSTORE n 2 a b
        ZRANGE n 0 -1 WITHSCORES
        ZINTERSTORE n 2 a b WEIGHTS 2 3 AGGREGATE MAX
        ZRANGE n 0 -1 WITHSCORES
        ZDIFFSTORE n 2 a b
        ZRANGE n 0 -1 WITHSCORES
        EXPIRE n 100
        ZUNIONSTORE n 2 n a
        TTL n
        ZRANGE n 0 -1 WITHSCORES
        ZINTERSTORE n 2 a none
        EXISTS n
        ZDIFFSTORE n 2 a a
        ZUNIONSTORE s 1 a
        TYPE s
        ZUNIONSTORE set 2 set a
        ZRANGE set 0 -1 WITHSCORES
        ZUNIONSTORE n 1 a WITHSCORES
        ZDIFFSTORE n 1 a WITHSCORES
    """,
    "errors": """
        ZUNION 0 a
        ZUNION -1 a
        ZUNION x a
        ZUNION 3 a b
        ZUNION 2 a b foo
        ZUNION 2 a b WEIGHTS 1
        ZUNION 2 a b WEIGHTS 1 x
        ZUNION 2 a b WEIGHTS 1 nan
        ZUNION 2 a b AGGREGATE
        ZUNION 2 a b AGGREGATE foo
        ZUNION 2 a s
        ZUNION 2 a s foo
        ZUNION 9223372036854775808 a
        ZUNION 1
        ZINTER 0 a
        ZDIFF 0 a
        ZUNIONSTORE n 0 a
        ZINTERSTORE n 0 a
        ZDIFFSTORE n 0 a
        ZUNIONSTORE n 2 a s
        ZUNIONSTORE n 1
        COMMAND GETKEYS ZUNIONSTORE n 2 a b WEIGHTS 1 2
        COMMAND GETKEYS ZINTERCARD 2 a b LIMIT 2
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, form, name):
    for line in (*PREPARED, *SCRIPTS[name].strip().splitlines()):
        both(*shlex.split(line))


def test_sums_are_added_from_the_smallest_source(both):
    """The last digit of a sum of three doubles depends on the order."""
    both("ZADD", "one", 0.1, "m", 0, "x", 0, "y")
    both("ZADD", "two", 0.2, "m", 0, "x")
    both("ZADD", "three", 0.3, "m")
    both("ZUNION", 3, "one", "two", "three", "WITHSCORES")
    both("ZINTER", 3, "one", "two", "three", "WITHSCORES")


def test_large_operands(both):
    for name, step in (("a", 2), ("b", 3)):
        words = [word for number in range(0, 3000, step) for word in (number / step, f"m{number}")]
        both("ZADD", name, *words)
    for words in (
        ("ZUNIONSTORE", "n", 2, "a", "b"),
        ("ZINTERSTORE", "n", 2, "a", "b"),
        ("ZDIFFSTORE", "n", 2, "a", "b"),
    ):
        both(*words)
        both("ZRANGE", "n", 0, -1, "WITHSCORES")
