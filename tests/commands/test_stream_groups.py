"""Consumer groups, claims and XINFO, line by line as the real server answers them; what claims propagate."""

import re
import shlex

from pytest import mark

from pyredis.testing import RedisServer
from tests.commands.test_stream_machine import timeless
from tests.observed import overhear
from tests.oracle import RawClient

PREPARED = [
    *(f"XADD s {n}-1 f {n}" for n in range(1, 7)),
    *("SET str x", "XGROUP CREATE s g 0", "XGROUP CREATE s h $", "XREADGROUP GROUP g c COUNT 3 STREAMS s >"),
    "XREADGROUP GROUP g d COUNT 1 STREAMS s >",
]

SCRIPTS = {
    "xgroup create": """
        XGROUP CREATE s g 0
        XGROUP CREATE s new 3-1
        XGROUP CREATE s latest $
        XGROUP CREATE s partial 2
        XGROUP CREATE s counted 0 ENTRIESREAD 3
        XGROUP CREATE s counted2 0 ENTRIESREAD 99
        XGROUP CREATE s uncounted 0 entriesread -1
        XGROUP CREATE s bad 0 ENTRIESREAD -2
        XGROUP CREATE s bad 0 ENTRIESREAD x
        XGROUP CREATE s bad 0 ENTRIESREAD
        XGROUP CREATE s bad 0 FOO
        XGROUP CREATE s bad 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM
        XGROUP CREATE s bad x
        XGROUP CREATE s bad -
        XGROUP CREATE none g 0
        XGROUP CREATE none g x MKSTREAM
        EXISTS none
        XGROUP CREATE none g $ MKSTREAM
        XGROUP CREATE none g $ mkstream
        XGROUP CREATE str g 0
        XGROUP CREATE str g x MKSTREAM
        XGROUP CREATE s bad
        XINFO GROUPS s
        XINFO GROUPS none
    """,
    "xgroup setid": """
        XGROUP SETID s g 2-1
        XGROUP SETID s g $
        XGROUP SETID s g -
        XGROUP SETID s g + ENTRIESREAD 3
        XGROUP SETID s g 0 ENTRIESREAD 99
        XGROUP SETID s g x
        XGROUP SETID s g 0 MKSTREAM
        XGROUP SETID s g 0 ENTRIESREAD -5
        XGROUP SETID s g 0 ENTRIESREAD 1 ENTRIESREAD 2
        XGROUP SETID s none 0
        XGROUP SETID s none x
        XGROUP SETID none g 0
        XGROUP SETID str g 0
        XINFO GROUPS s
    """,
    "xgroup, the rest": """
        XGROUP CREATECONSUMER s g c
        XGROUP CREATECONSUMER s g new
        XGROUP CREATECONSUMER s none c
        XGROUP CREATECONSUMER none g c
        XGROUP CREATECONSUMER str g c
        XGROUP DELCONSUMER s g c
        XGROUP DELCONSUMER s g c
        XGROUP DELCONSUMER s none c
        XGROUP DELCONSUMER none g c
        XPENDING s g
        XGROUP DESTROY s g
        XGROUP DESTROY s g
        XGROUP DESTROY none g
        XGROUP DESTROY str g
        XGROUP DESTROY s
        XGROUP FOO s g
        XGROUP
    """,
    "xack": """
        XACK s g 1-1
        XACK s g 1-1 2-1 2-1 99
        XACK s g 3-1 x
        XACK s g x
        XACK s none 1
        XACK s none x
        XACK none g 1
        XACK str g 1
        XACK s g
        XPENDING s g
    """,
    "xackdel": """
        XACKDEL s g IDS 1 1-1
        XACKDEL s g IDS 1 1-1
        XACKDEL s g ACKED IDS 2 2-1 99
        XGROUP SETID s h 3-1
        XREADGROUP GROUP h c STREAMS s >
        XACKDEL s g ACKED IDS 1 4-1
        XACKDEL s h DELREF IDS 2 4-1 5-1
        XACKDEL s g KEEPREF IDS 1 3-1
        XACKDEL s none IDS 2 1 2
        XACKDEL none g IDS 2 1 x
        XACKDEL s g IDS 1 x
        XACKDEL s g IDS 2 1
        XACKDEL s g IDS 0 1
        XACKDEL s g FOO 1 1
        XACKDEL str g IDS 1 1
        XINFO STREAM s FULL
    """,
    "xpending": """
        XPENDING s g
        XPENDING s h
        XPENDING s none
        XPENDING none g
        XPENDING str g
        XPENDING s g - + 10
        XPENDING s g - + 2
        XPENDING s g - + 0
        XPENDING s g - + -1
        XPENDING s g (1-1 (4-1 10
        XPENDING s g 2 3 10
        XPENDING s g - + 10 c
        XPENDING s g - + 10 nobody
        XPENDING s g - + 10 c extra
        XPENDING s g IDLE 0 - + 10
        XPENDING s g IDLE 100000 - + 10
        XPENDING s g IDLE 0 - + 10 d
        XPENDING s g IDLE 0 - +
        XPENDING s g IDLE x - + 10
        XPENDING s g - +
        XPENDING s g -
        XPENDING s g - + x
        XPENDING s g x + 1
        XPENDING s g - x 1
        XPENDING s g (x + 1
        XPENDING none g x + 1
        XPENDING s g - + 10 c d e f
    """,
    "xclaim": """
        XCLAIM s g e 0 1-1
        XCLAIM s g e 0 2-1 3-1 5-1 JUSTID
        XCLAIM s g e 100000 4-1
        XCLAIM s g e -5 4-1 RETRYCOUNT 7
        XCLAIM s g c 0 4-1 IDLE 5000 RETRYCOUNT -1
        XCLAIM s g c 0 4-1 TIME 1000
        XCLAIM s g c 100000 4-1 IDLE -5
        XCLAIM s g c 0 6-1 FORCE
        XCLAIM s g c 0 99 FORCE
        XDEL s 1-1
        XCLAIM s g c 0 1-1
        XCLAIM s g new 0 99
        XCLAIM s g c 0 99 LASTID 6-1
        XCLAIM s g c 0 x
        XCLAIM s g c 0 2-1 x
        XCLAIM s g c x 2-1
        XCLAIM s g c 0 2-1 IDLE x
        XCLAIM s g c 0 2-1 TIME x
        XCLAIM s g c 0 2-1 RETRYCOUNT x
        XCLAIM s g c 0 2-1 LASTID x
        XCLAIM s g c 0 2-1 IDLE
        XCLAIM s g c 0 FORCE
        XCLAIM s none c x 1
        XCLAIM none g c 0 1
        XCLAIM str g c 0 1
        XCLAIM s g c 0
        XINFO STREAM s FULL
    """,
    "xautoclaim": """
        XAUTOCLAIM s g e 0 0 COUNT 2
        XAUTOCLAIM s g e 0 (2-1 COUNT 1 JUSTID
        XAUTOCLAIM s g e 100000 0
        XDEL s 2-1 3-1
        XAUTOCLAIM s g e -1 - COUNT 2
        XAUTOCLAIM s g e 0 - JUSTID
        XAUTOCLAIM s g new 0 +
        XAUTOCLAIM s g e x 0
        XAUTOCLAIM s g e 0 x
        XAUTOCLAIM s g e 0 0 COUNT 0
        XAUTOCLAIM s g e 0 0 COUNT x
        XAUTOCLAIM s g e 0 0 COUNT
        XAUTOCLAIM s g e 0 0 FOO
        XAUTOCLAIM s none e 0 0
        XAUTOCLAIM none g e 0 0
        XAUTOCLAIM none g e 0 x
        XAUTOCLAIM str g e 0 0
        XINFO STREAM s FULL COUNT 1
    """,
    "xinfo": """
        XINFO STREAM s
        XINFO STREAM s FULL
        XINFO STREAM s full count 2
        XINFO STREAM s FULL COUNT 0
        XINFO STREAM s FULL COUNT -1
        XINFO STREAM s FULL COUNT x
        XINFO STREAM s FULL COUNT
        XINFO STREAM s FULL FOO 1
        XINFO STREAM s FOO
        XINFO STREAM none
        XINFO STREAM none FOO
        XINFO STREAM str
        XINFO GROUPS s
        XINFO GROUPS none
        XINFO GROUPS str
        XINFO GROUPS s FOO
        XINFO CONSUMERS s g
        XINFO CONSUMERS s h
        XINFO CONSUMERS s none
        XINFO CONSUMERS none g
        XINFO CONSUMERS str g
        XINFO CONSUMERS s
        XINFO FOO s
        XINFO
    """,
    "xread": """
        XREAD STREAMS s 0
        XREAD STREAMS s 4-1
        XREAD STREAMS s 4
        XREAD STREAMS s 6-1
        XREAD STREAMS s $
        XREAD STREAMS s +
        XREAD COUNT 2 STREAMS s 0
        XREAD COUNT 0 STREAMS s 5-0
        XREAD COUNT -1 STREAMS s 5-0
        XREAD COUNT x STREAMS s 0
        XREAD STREAMS s none s 5-1 0 5
        XREAD STREAMS none 0
        XREAD STREAMS none $
        XREAD STREAMS none +
        XREAD STREAMS s >
        XREAD STREAMS s x
        XREAD STREAMS s -
        XREAD STREAMS str 0
        XREAD STREAMS s str 0 0
        XREAD STREAMS s none 0
        XREAD COUNT 1 STREAMS s
        XREAD COUNT 1 FOO s 0
        XREAD COUNT 1 COUNT 2
        XREAD GROUP g c STREAMS s 0
        XREAD NOACK STREAMS s 0
        XREAD BLOCK 1 STREAMS s 0
        XREAD BLOCK 1 STREAMS none 0
        XREAD BLOCK x STREAMS s 0
        XREAD BLOCK -1 STREAMS s 0
    """,
    "xreadgroup": """
        XREADGROUP GROUP g c STREAMS s 0
        XREADGROUP GROUP g c STREAMS s 1-1
        XREADGROUP GROUP g c COUNT 1 STREAMS s 0
        XREADGROUP GROUP g new STREAMS s 0
        XDEL s 2-1
        XREADGROUP GROUP g c STREAMS s 0
        XREADGROUP GROUP g c COUNT 1 STREAMS s >
        XREADGROUP GROUP g c NOACK STREAMS s >
        XREADGROUP GROUP g c STREAMS s >
        XREADGROUP GROUP g c STREAMS s $
        XREADGROUP GROUP g c STREAMS s +
        XREADGROUP GROUP g c STREAMS s x
        XREADGROUP GROUP none c STREAMS s >
        XREADGROUP GROUP g c STREAMS none >
        XREADGROUP GROUP g c STREAMS s none > >
        XREADGROUP GROUP g c STREAMS str >
        XREADGROUP GROUP g c COUNT 1 STREAMS s
        XREADGROUP GROUP g c STREAMS s s >
        XREADGROUP COUNT 1 NOACK STREAMS s 0
        XREADGROUP GROUP g c BLOCK 1 STREAMS s >
        XREADGROUP GROUP g c COUNT 1 COUNT 1
        XINFO STREAM s FULL
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    for line in PREPARED:
        both(*line.split())
    for line in SCRIPTS[name].strip().splitlines():
        ours, real = both.replies(*shlex.split(line))
        assert timeless(ours) == timeless(real), line


def test_help_names_every_subcommand():
    with RedisServer() as running:
        client = RawClient(running.port)
        for name, words in {
            "XGROUP": (b"CREATE ", b"CREATECONSUMER ", b"DELCONSUMER ", b"DESTROY ", b"SETID ", b"HELP"),
            "XINFO": (b"CONSUMERS ", b"GROUPS ", b"STREAM ", b"HELP"),
        }.items():
            answer = client.ask(name, "HELP")
            assert all(b"\n+" + word in answer for word in words)
        client.close()


LINES = {
    "XREADGROUP GROUP g c COUNT 1 STREAMS s >": [
        "XCLAIM s g c 0 1-1 TIME T RETRYCOUNT 1 FORCE JUSTID LASTID 1-1",
        "XGROUP SETID s g 1-1 ENTRIESREAD 1",
    ],
    "XREADGROUP GROUP g c STREAMS s 0": [],
    "XREADGROUP GROUP g d NOACK COUNT 1 STREAMS s >": [
        "XGROUP CREATECONSUMER s g d",
        "XGROUP SETID s g 2-1 ENTRIESREAD 2",
    ],
    "XREADGROUP GROUP g e STREAMS s 0": [],
    "XACK s g 99": [],
    "XCLAIM s g d 0 1-1 TIME 1000 RETRYCOUNT 5": ["XCLAIM s g d 0 1-1 TIME 1000 RETRYCOUNT 5 FORCE JUSTID LASTID 2-1"],
    "XCLAIM s g d 0 99 LASTID 3": ["XGROUP SETID s g 3-0 ENTRIESREAD 2"],
    "XAUTOCLAIM s g e 0 0": ["XCLAIM s g e 0 1-1 TIME T RETRYCOUNT 6 FORCE JUSTID LASTID 3-0"],
    "XDEL s 1-1": ["XDEL s 1-1"],
    "XAUTOCLAIM s g c 0 -": ["XCLAIM s g e 0 1-1 TIME T RETRYCOUNT 6 FORCE JUSTID LASTID 3-0"],
    "XAUTOCLAIM s g c 0 0": [],
    "XGROUP DELCONSUMER s g c": ["XGROUP DELCONSUMER s g c"],
    "XACKDEL s g IDS 1 1-1": [],
}


def test_what_propagates():
    """As the replication stream of 8.2.3 has it; what is more than one command is a transaction."""
    sent = []
    with RedisServer() as running:
        client = RawClient(running.port)
        for line in ("XADD s 1-1 f v", "XADD s 2-1 f v", "XADD s 3-1 f v", "XGROUP CREATE s g 0"):
            client.ask(*line.split())
        running.call(lambda: overhear(running.engine, lambda argv: sent.append(argv)))
        for line, expected in LINES.items():
            sent.clear()
            client.ask(*line.split())
            words = [re.sub(r"\b1\d{12}\b", "T", b" ".join(argv).decode()) for argv in sent]
            assert words == (["MULTI", *expected, "EXEC"] if len(expected) > 1 else expected), line
        client.close()


@mark.parametrize(
    ("line", "touches"),
    [
        *(("XACK s g 1-1", False), ("XGROUP CREATE s new 0", False), ("XGROUP SETID s g 0", False)),
        *(("XGROUP CREATECONSUMER s g new", False), ("XREADGROUP GROUP g c STREAMS s >", False)),
        *(("XCLAIM s g d 0 1-1", False), ("XSETID s 9-9", False), ("XGROUP CREATE none g 0 MKSTREAM", True)),
        *(("XACKDEL s g IDS 1 1-1", True), ("XDEL s 1-1", True), ("XADD s 9 f v", True), ("XTRIM s MAXLEN 1", True)),
    ],
)
def test_what_counts_as_a_change_for_watch(both, line, touches):
    for prepared in PREPARED:
        both(*prepared.split())
    both("WATCH", "s", "none")
    ours, real = both.replies(*line.split())
    assert timeless(ours) == timeless(real)
    both("MULTI")
    both("PING")
    assert (b"PONG" not in both("EXEC")) == touches
