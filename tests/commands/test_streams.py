"""Streams as logs, line by line as the real server answers them, and what propagates."""

import shlex

from pytest import mark

from pyredis.testing import RedisServer
from tests.observed import overhear
from tests.oracle import RawClient

PREPARED = [*(f"XADD s {n}-1 f {n}" for n in range(1, 7)), "SET str x", "XGROUP CREATE e g $ MKSTREAM"]
TOP = 18446744073709551615

SCRIPTS = {
    "xadd": f"""
        XADD s 7-1 f v g w f x
        XADD s 7-1 f v
        XADD s 6 f v
        XADD s 7-* f v
        XADD s 8-* f v
        XADD s 5-* f v
        XADD s 9 f v
        XADD s 0 f v
        XADD s 0-0 f v
        XADD new 0-* f v
        XADD new 0-1 f v
        XADD s x f v
        XADD s - f v
        XADD s 1-x f v
        XADD s 10-1 f
        XADD s 10-1 f v g
        XADD s * f
        XADD s * f v g
        XADD s
        XADD str 1-1 f v
        XADD str * f v
        XADD none NOMKSTREAM 1-1 f v
        XADD none nomkstream * f v
        EXISTS none
        XADD s NOMKSTREAM 10-1 f v
        XADD s NOMKSTREAM NOMKSTREAM NOMKSTREAM
        XADD s {TOP}-{TOP - 1} f v
        XADD s {TOP}-* f v
        XADD s {TOP}-* f v
        XADD s * f v
        XADD s 1 f v
        XINFO STREAM s
    """,
    "xadd that trims": """
        XADD s MAXLEN 5 7 f v
        XADD s MAXLEN = 4 8 f v
        XADD s MAXLEN ~ 3 9 f v
        XADD s MINID 6 10 f v
        XADD s MINID = 7-1 11 f v
        XADD s MINID ~ 8 12 f v
        XADD s MINID 13-0 13-* f v
        XLEN s
        XADD s MAXLEN 0 14 f v
        XLEN s
        EXISTS s
        XADD s MAXLEN -1 15 f v
        XADD s MAXLEN x 15 f v
        XADD s MINID x 15 f v
        XADD s MINID 1 MAXLEN 2 15 f v
        XADD s MAXLEN 1 MAXLEN 2 15 f v
        XADD s LIMIT 1 15 f v
        XADD s LIMIT 0 15 f v
        XADD s MAXLEN 1 LIMIT 1 16 f v
        XADD s MAXLEN ~ 1 LIMIT -1 16 f v
        XADD s MAXLEN ~ 1 LIMIT x 16 f v
        XADD s MAXLEN ~ 1 LIMIT 1 16 f v
        XADD s MAXLEN ~ 17 f v
        XADD s MAXLEN
        XADD s KEEPREF 18 f v
        XADD s DELREF MAXLEN 1 19 f v
        XADD s ACKED KEEPREF 20 f v
        XADD s FOO 20 f v
        XINFO STREAM s
    """,
    "xlen": """
        XLEN s
        XLEN e
        XLEN none
        XLEN str
        XLEN
        XLEN s s
    """,
    "ranges": f"""
        XRANGE s - +
        XRANGE s 2 4
        XRANGE s 2-2 4-0
        XRANGE s (2-1 (4-1
        XRANGE s (2 (4
        XRANGE s 3 3
        XRANGE s 4 2
        XRANGE s - + COUNT 2
        XRANGE s - + COUNT 0
        XRANGE s - + COUNT -1
        XRANGE s - + COUNT 2 COUNT 1
        XRANGE s - + COUNT x
        XRANGE s - + COUNT
        XRANGE s - + FOO 1
        XRANGE s x +
        XRANGE s - x
        XRANGE s (- +
        XRANGE s - (+
        XRANGE s ( +
        XRANGE s ({TOP}-{TOP} +
        XRANGE s - (0-0
        XRANGE none - +
        XRANGE none - + COUNT 0
        XRANGE none x +
        XRANGE e - +
        XRANGE str - +
        XREVRANGE s + -
        XREVRANGE s 4 2
        XREVRANGE s (4-1 (2-1
        XREVRANGE s + - COUNT 2
        XREVRANGE s - +
        XREVRANGE s x -
        XREVRANGE s + x
        XREVRANGE none + -
        XREVRANGE str + -
        XREVRANGE s +
    """,
    "xdel": """
        XDEL s 3-1
        XDEL s 3-1 4-1 4-1 99
        XDEL s x
        XDEL s 1-1 x
        XLEN s
        XDEL s 1-1 2-1 5-1 6-1
        EXISTS s
        XINFO STREAM s
        XADD s 6-1 f v
        XDEL none 1
        XDEL none x
        XDEL str 1
        XDEL s
    """,
    "xdelex": """
        XGROUP CREATE s g 0
        XREADGROUP GROUP g c COUNT 3 STREAMS s >
        XDELEX s IDS 1 1-1
        XDELEX s KEEPREF IDS 2 2-1 99
        XDELEX s DELREF IDS 2 3-1 99
        XPENDING s g
        XDELEX s ACKED IDS 3 1-1 4-1 99
        XDELEX s IDS 1 4-1 ACKED
        XDELEX s acked ids 1 4-1
        XDELEX s IDS 0 1
        XDELEX s IDS x 1
        XDELEX s IDS -1 1
        XDELEX s IDS 2 1
        XDELEX s IDS 1 1 2
        XDELEX s IDS 1 x
        XDELEX s IDS 1
        XDELEX s IDS
        XDELEX s FOO IDS 1 1
        XDELEX s KEEPREF ACKED IDS 1 1
        XDELEX s KEEPREF KEEPREF KEEPREF
        XDELEX s ACKED ACKED 1
        XDELEX s IDS 1 1 IDS 2 1 2
        XDELEX none IDS 2 1 x
        XDELEX none IDS 0 1
        XDELEX none FOO 1 1
        XDELEX str IDS 1 1
        XDELEX str FOO 1 1
    """,
    "xtrim": """
        XTRIM s MAXLEN 5
        XTRIM s MAXLEN = 5
        XTRIM s MAXLEN ~ 1
        XTRIM s MAXLEN ~ 0
        XADD s 7 f v
        XADD s 8 f v
        XTRIM s MINID 8
        XTRIM s MINID ~ 9
        XLEN s
        XTRIM s MAXLEN x
        XTRIM s MAXLEN -1
        XTRIM s MINID x
        XTRIM s MAXLEN
        XTRIM s FOO 1
        XTRIM s LIMIT 1
        XTRIM s KEEPREF ACKED
        XTRIM s MAXLEN 1 FOO
        XTRIM s MAXLEN 1 LIMIT 0
        XTRIM s MAXLEN ~ 1 LIMIT 0
        XTRIM s MAXLEN ~ 1 LIMIT x
        XTRIM s MAXLEN 1 MINID 1
        XTRIM s ~ MAXLEN 1
        XTRIM s MAXLEN 0 DELREF
        XTRIM s MAXLEN 0 ACKED ACKED
        XTRIM none MAXLEN 1
        XTRIM none MAXLEN x
        XTRIM str MAXLEN 1
    """,
    "xsetid": """
        XSETID s 6-1
        XSETID s 6-0
        XSETID s 9
        XSETID s 9 ENTRIESADDED 100
        XSETID s 9 ENTRIESADDED 5
        XSETID s 9 ENTRIESADDED -1
        XSETID s 9 ENTRIESADDED x
        XSETID s 9 ENTRIESADDED 100 MAXDELETEDID 3-1
        XSETID s 9 MAXDELETEDID 10
        XSETID s 9 MAXDELETEDID x
        XSETID s 9 FOO
        XSETID s 9 ENTRIESADDED
        XSETID s x
        XSETID s -
        XINFO STREAM s
        XSETID e 5
        XSETID e 1
        XSETID none 1
        XSETID none x
        XSETID str 1
    """,
    "what else there is to a stream": """
        TYPE s
        OBJECT ENCODING s
        COPY s t
        XADD s 99 f v
        XLEN t
        RENAME t u
        XRANGE u 5 +
        GET s
        DEL e
        XINFO STREAM u
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    for line in PREPARED:
        both(*line.split())
    for line in SCRIPTS[name].strip().splitlines():
        both(*shlex.split(line))


def test_ids_are_made_of_the_time():
    with RedisServer() as running:
        client = RawClient(running.port)
        before = running.engine.clock.now_ms()
        ids = [client.ask("XADD", "s", "*", "f", "v").split()[1].decode() for _ in range(3)]
        assert all(before <= int(id.partition("-")[0]) <= running.engine.clock.now_ms() for id in ids)
        assert len({*ids}) == 3
        client.close()


def propagated(lines, **config):
    """What our server sends its replicas for commands."""
    sent = []
    with RedisServer({name.replace("_", "-"): value for name, value in config.items()}) as running:
        running.call(lambda: overhear(running.engine, lambda argv: sent.append(b" ".join(argv))))
        client = RawClient(running.port)
        for line in lines:
            client.ask(*line.split())
        client.close()
    return [words.decode() for words in sent]


def test_what_propagates():
    """As the replication stream of 8.2.3 has it: whole IDs, and trims that do not depend on nodes."""
    lines = [
        *("XADD s 1-* f v", "XADD s 2 f v", "XADD s MAXLEN ~ 2 3 f v", "XADD s MAXLEN ~ 2 LIMIT 5 4 f v"),
        *("XADD s MINID ~ 4 5-* f v", "XADD s MAXLEN 9 6 f v", "XTRIM s MAXLEN ~ 1", "XTRIM s MAXLEN ~ 1"),
        *("XADD s 7 f v", "XTRIM s MINID ~ 7", "XTRIM s MINID 7", "XDEL s 99", "XDELEX s IDS 1 7", "XSETID s 9"),
    ]
    assert propagated(lines, stream_node_max_entries="2") == [
        *("XADD s 1-0 f v", "XADD s 2 f v", "XADD s MAXLEN = 3 3 f v", "XADD s MAXLEN = 2 LIMIT 5 4 f v"),
        *("XADD s MINID = 3-0 5-0 f v", "XADD s MAXLEN 9 6 f v", "XTRIM s MAXLEN = 2"),
        *("XADD s 7 f v", "XTRIM s MINID = 7-0", "XDELEX s IDS 1 7", "XSETID s 9"),
    ]


def test_a_made_id_propagates_as_it_is():
    (sent,) = propagated(["XADD s * f v"])
    assert sent.startswith("XADD s 1") and sent.endswith("-0 f v")
