"""Sorted set commands member by member, line by line as the real server answers them, in both forms."""

import shlex

import hiredis
from pytest import fixture, mark

from tests.oracle import RawClient

# Keys: z holds a to e, s a string; `none…` are missing.
PREPARED = ["ZADD z 1 a 2 b 2 c 3.5 d inf e", "SET s x"]
LONG = "x" * 65

SCRIPTS = {
    "zadd": """
        ZADD n 1 a
        ZADD n 1 a
        ZADD n 2 a
        ZADD n 3 b 4 c 3 b
        ZADD n CH 5 b 4 c 6 new
        ZADD n 1
        ZADD n 1 a 2
        ZADD n x a
        ZADD n 1 a x b
        ZADD n nan a
        ZADD n NX
        ZADD n NX 1
        ZADD n 0x10 a
        ZADD n ' 1' a
        ZADD n 1e400 a
        ZADD n 1e-400 a
        ZADD n '' a
        ZADD n Infinity a -inf b +1.5e1 c
        ZADD n 17.123456789012345 a 123456789012345678 b 1e17 c 1.5e300 d
        ZRANGE n 0 -1 WITHSCORES
        ZADD s 1 a
        ZADD s x a
        ZADD
        ZADD n 1
        TYPE n
    """,
    "zadd options": """
        ZADD z NX 9 a 9 new
        ZADD z XX 8 a 8 newer
        ZADD z nx CH 7 a 7 newest
        ZADD z XX CH 6 a 6 none
        ZADD z GT 5 a 9 b 1 c 4 gone
        ZADD z LT CH 5 a 9 b 1 c 4 gone
        ZADD z GT XX CH 6 a 9 absent
        ZADD z XX NX 1 a
        ZADD z GT LT 1 a
        ZADD z GT NX 1 a
        ZADD z LT NX 1 a
        ZADD z INCR 1 a 2 b
        ZADD z INCR 1.5 a
        ZADD z INCR NX 1 a
        ZADD z INCR XX 1 none
        ZADD z INCR NX 1 fresh
        ZADD z INCR GT -1 a
        ZADD z INCR GT 1 a
        ZADD z INCR LT -1 a
        ZADD z INCR -inf e
        ZADD z INCR nan a
        ZADD none XX 1 a
        ZADD none XX INCR 1 a
        ZADD none GT 1 a
        ZADD z incr XX CH 1 a
        ZADD z NX XX 1
        ZADD s NX XX 1 a
        ZADD s NX 1 a
        EXISTS none
        ZRANGE z 0 -1 WITHSCORES
    """,
    "zincrby": """
        ZINCRBY z 1.5 a
        ZINCRBY z 1 new
        ZINCRBY none 2 a
        ZINCRBY z x a
        ZINCRBY z -inf e
        ZINCRBY z inf a
        ZINCRBY z nx a
        ZINCRBY z nx ch
        ZINCRBY s 1 a
        ZINCRBY z 1
        ZINCRBY none 0.1 a
        ZINCRBY none 0.2 a
        ZINCRBY none -0 b
        ZADD none -0 c
        ZSCORE none c
        ZADD none 0 c
        ZADD none INCR -0 d
    """,
    "zrem and zcard": """
        ZREM z a none
        ZREM z a
        ZREM z b b c
        ZCARD z
        ZREM z d e
        EXISTS z
        ZCARD z
        ZREM none a
        ZREM s a
        ZCARD s
        ZREM z
    """,
    "scores": """
        ZSCORE z a
        ZSCORE z d
        ZSCORE z e
        ZSCORE z none
        ZSCORE none a
        ZSCORE s a
        ZMSCORE z a none e
        ZMSCORE none a b
        ZMSCORE s a
        ZMSCORE z
    """,
    "ranks": """
        ZRANK z a
        ZRANK z c
        ZREVRANK z c
        ZRANK z none
        ZRANK none a
        ZRANK z c WITHSCORE
        ZREVRANK z e withscore
        ZRANK z none WITHSCORE
        ZREVRANK none a WITHSCORE
        ZRANK z c foo
        ZRANK z c WITHSCORE foo
        ZREVRANK z c WITHSCORE foo
        ZRANK s a
        ZRANK s a foo
    """,
    "zrandmember": """
        ZADD one 5 only
        ZRANDMEMBER one
        ZRANDMEMBER one 3
        ZRANDMEMBER one -3
        ZRANDMEMBER one -2 WITHSCORES
        ZRANDMEMBER one 1 withscores
        ZRANDMEMBER one 0
        ZRANDMEMBER one 0 WITHSCORES
        ZRANDMEMBER one x
        ZRANDMEMBER one 1 foo
        ZRANDMEMBER one 1 WITHSCORES foo
        ZRANDMEMBER one -9223372036854775808
        ZRANDMEMBER one 9223372036854775808
        ZRANDMEMBER one 9223372036854775807 WITHSCORES
        ZRANDMEMBER one -9223372036854775807 WITHSCORES
        ZRANDMEMBER none
        ZRANDMEMBER none 1
        ZRANDMEMBER s
        ZRANDMEMBER s 1
        ZRANDMEMBER s x
        ZRANDMEMBER
    """,
    "zscan": """
        ZSCAN one 0
        ZADD one 0.1 only
        ZSCAN one 0
        ZSCAN one 0 MATCH o*
        ZSCAN one 0 MATCH x* COUNT 5
        ZSCAN one x
        ZSCAN one 0 COUNT 0
        ZSCAN one 0 NOVALUES
        ZSCAN one 0 foo
        ZSCAN none 0 foo
        ZSCAN s 0
        ZSCAN s x
        ZADD more inf i -inf j 1e20 k 3 l 1e-7 m
        ZSCAN more 0 MATCH i
        ZSCAN more 0 MATCH k COUNT 100
        ZSCAN more 0 MATCH m COUNT 100
    """,
}


@fixture(params=["small", "large"])
def form(request, both):
    """Sorted sets are small, or large from their first member on."""
    limit = "128" if request.param == "small" else "0"
    both("CONFIG", "SET", "zset-max-listpack-entries", limit)
    yield request.param
    both("CONFIG", "SET", "zset-max-listpack-entries", "128")


@mark.parametrize("name", SCRIPTS)
def test_script(both, form, name):
    for line in (*PREPARED, *SCRIPTS[name].strip().splitlines()):
        both(*shlex.split(line))


def test_encoding(both):
    words = [word for number in range(128) for word in (number, f"m{number}")]
    both("ZADD", "z", *words)
    both("OBJECT", "ENCODING", "z")
    both("ZADD", "z", 1, "m1", 2, "more")
    both("OBJECT", "ENCODING", "z")
    both("ZREM", "z", *words[1::2])
    both("OBJECT", "ENCODING", "z")
    both("COPY", "z", "y")
    both("OBJECT", "ENCODING", "y")
    both("ZADD", "many", *words, 1, "m1")
    both("OBJECT", "ENCODING", "many")
    both("ZADD", "long", 1, "a")
    both("ZADD", "long", 1, LONG)
    both("OBJECT", "ENCODING", "long")
    both("ZUNIONSTORE", "short", 1, "many")
    both("OBJECT", "ENCODING", "short")
    both("ZREM", "many", "m1")
    both("ZUNIONSTORE", "short", 1, "many")
    both("OBJECT", "ENCODING", "short")
    both("ZRANGESTORE", "short", "long", 0, 0)
    both("OBJECT", "ENCODING", "short")
    both("ZADD", "short", "XX", 1, LONG)
    both("OBJECT", "ENCODING", "short")


def test_memory_usage(both):
    """Estimated within a tenth of the real server's."""
    for size in (1, 10, 100, 1000):
        words = [word for number in range(size) for word in (number * 1.5, f"member:{number}")]
        both("ZADD", f"z{size}", *words)
        ours, real = (int(reply[1:-2]) for reply in both.replies("MEMORY", "USAGE", f"z{size}", "SAMPLES", 0))
        assert abs(ours - real) < real / 10 + 16, size


def test_changes_are_counted_as_redis_counts_them(both):
    def changes():
        replies = both.replies("INFO", "persistence")
        return [int(reply.partition(b"rdb_changes_since_last_save:")[2].split()[0]) for reply in replies]

    for line in (
        *("ZADD z 1 a 2 b 3 c", "ZADD z 1 a 5 b 6 d", "ZADD z NX 1 a", "ZREM z a none", "ZPOPMIN z 2", "ZINCRBY z 0 d"),
        *(
            "ZADD z 1 a 2 b",
            "ZUNIONSTORE y 1 z",
            "ZRANGESTORE x z 0 -1",
            "ZRANGESTORE x none 0 1",
            "ZREMRANGEBYRANK y 0 1",
        ),
        *("GEOADD g 1 1 a 2 2 b 3 3 c", "GEOSEARCHSTORE h g FROMLONLAT 2 2 BYRADIUS 1000 km", "DEL z"),
    ):
        before = changes()
        both(*line.split())
        ours, real = (now - then for now, then in zip(changes(), before, strict=True))
        assert ours == real, line


def collected(client, key, *words):
    """All members that a whole ZSCAN gives, and how often."""
    cursor, found = b"0", []
    while True:
        reader = hiredis.Reader()
        reader.feed(client.ask("ZSCAN", key, cursor, *words))
        cursor, step = reader.gets()
        found += step[::2]
        if cursor == b"0":
            return found


def test_zscan_keeps_its_promise(server):
    client = RawClient(server.port)
    client.ask("DEL", "z")
    pairs = [word for number in range(3000) for word in (number, f"m{number}")]
    client.ask("ZADD", "z", *pairs)
    assert sorted(collected(client, "z", "COUNT", 50)) == sorted(f"m{number}".encode() for number in range(3000))
    client.close()


@mark.parametrize("limit", [0, 128])
def test_zrandmember_is_uniform(server, limit):
    """Chi-square over 20,000 draws of 20 members; 19 degrees of freedom, 50 is passed once in 10,000."""
    client = RawClient(server.port)
    client.ask("CONFIG", "SET", "zset-max-listpack-entries", limit)
    client.ask("DEL", "z")
    client.ask("ZADD", "z", *[word for number in range(20) for word in (number, f"m{number}")])
    client.ask("CONFIG", "SET", "zset-max-listpack-entries", 128)
    drawn = client.ask("ZRANDMEMBER", "z", -20_000).split(b"\r\n")[2::2]
    counts = [drawn.count(b"m%d" % number) for number in range(20)]
    assert sum(counts) == 20_000
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 50
    assert len(set(client.ask("ZRANDMEMBER", "z", 10).split(b"\r\n")[2::2])) == 10
    client.close()
