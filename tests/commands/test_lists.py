"""The list commands as the real server answers them: every option and every error, and the events and counts."""

import contextlib
import shlex

from pytest import mark

from pyredis.keyspace import events
from pyredis.testing import RedisServer
from tests.observed import overhear
from tests.oracle import RawClient

SCRIPTS = {
    "push": [
        *("LPUSH k a", "LPUSH k b c", "RPUSH k d e", "LRANGE k 0 -1", "LPUSHX k f g", "RPUSHX k h", "LRANGE k 0 -1"),
        *("LPUSHX none a", "RPUSHX none a b", "EXISTS none", "RPUSH k ''", "LLEN k", "LLEN none"),
        *("LPUSH", "LPUSH k", "RPUSHX k", "LLEN", "LLEN k x", "SET s x"),
        *("LPUSH s a", "RPUSH s a", "LPUSHX s a", "RPUSHX s a", "LLEN s"),
    ],
    "pop": [
        *("RPUSH k 1 2 3 4 5 6 7", "LPOP k", "RPOP k", "LPOP k 2", "RPOP k 2", "LPOP k 0", "LPOP k 9", "EXISTS k"),
        *(
            "LPOP k",
            "RPOP k",
            "LPOP k 0",
            "LPOP k 1",
            "RPOP k 9",
            "LPOP k -1",
            "LPOP k x",
            "LPOP k 9223372036854775808",
        ),
        *("LPOP", "LPOP k 1 2", "RPOP k 1 2", "RPOP k x y", "SET s x", "LPOP s", "LPOP s 0", "LPOP s x", "RPOP s 1"),
        *("RPUSH k 1", "LPOP k 9223372036854775807"),
    ],
    "index": [
        *("RPUSH k a b c", "LINDEX k 0", "LINDEX k 2", "LINDEX k 3", "LINDEX k -1", "LINDEX k -3", "LINDEX k -4"),
        *(
            "LINDEX k x",
            "LINDEX k 1.5",
            "LINDEX none x",
            "LINDEX none 0",
            "SET s x",
            "LINDEX s 0",
            "LINDEX s x",
            "LINDEX k",
        ),
        *("LINDEX k 9223372036854775807", "LINDEX k -9223372036854775808", "LINDEX k 9223372036854775808"),
    ],
    "set": [
        *("RPUSH k a b c", "LSET k 0 x", "LSET k -1 z", "LSET k 1 y", "LRANGE k 0 -1", "LSET k 3 q", "LSET k -4 q"),
        *(
            "LSET k x q",
            "LSET none 0 q",
            "LSET none x q",
            "SET s x",
            "LSET s 0 q",
            "LSET s x q",
            "LSET k 0",
            "LSET k 0 a b",
        ),
        *("LSET k 4294967296 wrapped", "LSET k 4294967295 last", "LSET k 2147483648 q", "LRANGE k 0 -1"),
    ],
    "insert": [
        *("RPUSH k a b a", "LINSERT k BEFORE a x", "LINSERT k after a y", "LINSERT k AFTER b z", "LRANGE k 0 -1"),
        *("LINSERT k BEFORE none x", "LINSERT none BEFORE a x", "LINSERT k at a x", "LINSERT none at a x", "SET s x"),
        *("LINSERT s BEFORE a x", "LINSERT s at a x", "LINSERT k BEFORE a", "LINSERT k BEFORE a b c"),
    ],
    "range": [
        *("RPUSH k a b c d e", "LRANGE k 0 -1", "LRANGE k 1 3", "LRANGE k -3 -2", "LRANGE k -99 1", "LRANGE k 3 99"),
        *("LRANGE k 3 1", "LRANGE k 5 9", "LRANGE k -1 -2", "LRANGE k 0 -99", "LRANGE k 0 -5", "LRANGE k 0 -6"),
        *(
            "LRANGE none 0 -1",
            "LRANGE none x 0",
            "LRANGE k x 0",
            "LRANGE k 0 x",
            "SET s x",
            "LRANGE s 0 1",
            "LRANGE s x 1",
        ),
        *("LRANGE k 0", "LRANGE k -9223372036854775808 9223372036854775807", "LRANGE k 0 9223372036854775808"),
    ],
    "trim": [
        *(
            "RPUSH k a b c d e",
            "LTRIM k 0 -1",
            "LTRIM k 1 -2",
            "LRANGE k 0 -1",
            "LTRIM k -2 99",
            "LRANGE k 0 -1",
            "LTRIM k 5 1",
        ),
        *(
            "EXISTS k",
            "LTRIM none 0 1",
            "LTRIM none x 1",
            "RPUSH k a",
            "LTRIM k x 1",
            "LTRIM k 0 x",
            "SET s x",
            "LTRIM s 0 1",
        ),
        *("LTRIM k 1 5", "EXISTS k", "LTRIM k 0"),
    ],
    "rem": [
        *(
            "RPUSH k a b a c a b a",
            "LREM k 1 a",
            "LREM k -1 a",
            "LRANGE k 0 -1",
            "LREM k 9 b",
            "LREM k 0 a",
            "LRANGE k 0 -1",
        ),
        *(
            "LREM k 0 none",
            "LREM k 0 c",
            "EXISTS k",
            "LREM none 0 a",
            "LREM none x a",
            "RPUSH k a",
            "LREM k x a",
            "LREM k 0",
        ),
        *("LREM k -9223372036854775808 a", "LREM k -9223372036854775807 a", "SET s x", "LREM s 0 a", "LREM s x a"),
    ],
    "pos": [
        *(
            "RPUSH k a b c 1 2 3 c c",
            "LPOS k c",
            "LPOS k c RANK 2",
            "LPOS k c RANK -1",
            "LPOS k c RANK -3",
            "LPOS k c RANK 4",
        ),
        *(
            "LPOS k c COUNT 0",
            "LPOS k c COUNT 2",
            "LPOS k c COUNT 2 RANK -1",
            "LPOS k c count 9 rank 2",
            "LPOS k x COUNT 1",
        ),
        *(
            "LPOS k c MAXLEN 2",
            "LPOS k c MAXLEN 3",
            "LPOS k c COUNT 0 MAXLEN 7",
            "LPOS k c COUNT 0 MAXLEN 2 RANK -1",
            "LPOS k x",
        ),
        *(
            "LPOS k c RANK 0",
            "LPOS k c RANK x",
            "LPOS k c RANK -9223372036854775808",
            "LPOS k c COUNT -1",
            "LPOS k c COUNT x",
        ),
        *(
            "LPOS k c MAXLEN -1",
            "LPOS k c RANK",
            "LPOS k c FOO",
            "LPOS k c COUNT",
            "LPOS none c",
            "LPOS none c COUNT 1",
        ),
        *("LPOS none c RANK 0", "SET s x", "LPOS s c", "LPOS s c FOO", "LPOS k", "LPOS k 1", "LPOS k c RANK 1 RANK 2"),
        *("LPOS k c RANK -9223372036854775807 COUNT 0", "LPOS k c COUNT 9223372036854775807"),
    ],
    "move": [
        *(
            "RPUSH a 1 2 3 4",
            "LMOVE a b LEFT RIGHT",
            "LMOVE a b right left",
            "LMOVE a b LEFT LEFT",
            "LRANGE b 0 -1",
            "EXISTS a",
        ),
        *(
            "LMOVE a b RIGHT RIGHT",
            "EXISTS a",
            "LMOVE a b LEFT LEFT",
            "RPOPLPUSH b a",
            "LRANGE a 0 -1",
            "RPOPLPUSH none a",
        ),
        *(
            "LMOVE b b LEFT RIGHT",
            "LRANGE b 0 -1",
            "RPOPLPUSH b b",
            "LRANGE b 0 -1",
            "DEL c",
            "RPUSH c x",
            "RPOPLPUSH c c",
        ),
        *(
            "LMOVE c c LEFT LEFT",
            "EXISTS c",
            "SET s x",
            "LMOVE b s LEFT LEFT",
            "LMOVE s b LEFT LEFT",
            "LMOVE none s LEFT LEFT",
        ),
        *(
            "RPOPLPUSH b s",
            "RPOPLPUSH s b",
            "LRANGE b 0 -1",
            "LMOVE a b up LEFT",
            "LMOVE a b LEFT up",
            "LMOVE none b up LEFT",
        ),
        *("LMOVE a b LEFT", "RPOPLPUSH a"),
    ],
    "mpop": [
        *(
            "RPUSH a 1 2 3 4",
            "RPUSH b 5 6",
            "LMPOP 2 a b LEFT",
            "LMPOP 2 a b right COUNT 2",
            "LMPOP 2 none a left count 9",
        ),
        *("LMPOP 3 none a b RIGHT COUNT 1", "EXISTS a b", "LMPOP 1 a LEFT", "LMPOP 2 a none LEFT COUNT 5", "SET s x"),
        *(
            "LMPOP 1 s LEFT",
            "LMPOP 2 s b LEFT",
            "LMPOP 2 b s LEFT",
            "LMPOP 2 none s LEFT",
            "LMPOP 0 a LEFT",
            "LMPOP x a LEFT",
        ),
        *(
            "LMPOP -1 a LEFT",
            "LMPOP 1 a up",
            "LMPOP 2 a LEFT",
            "LMPOP 1 a LEFT COUNT",
            "LMPOP 1 a LEFT COUNT 0",
            "LMPOP 1 a",
        ),
        *(
            "LMPOP 1 a LEFT COUNT x",
            "LMPOP 1 a LEFT FOO 1",
            "LMPOP 1 a LEFT COUNT 1 COUNT 2",
            "LMPOP 99999999999999999999 a LEFT",
        ),
        "LMPOP 9223372036854775807 a LEFT",
    ],
    "blocking ones that need not wait": [
        *("RPUSH a 1 2 3 4 5 6 7", "BLPOP a 0", "BRPOP none a 0", "BLMOVE a b LEFT RIGHT 0", "BRPOPLPUSH a b 0.5"),
        *(
            "BLMPOP 0 2 none a LEFT COUNT 2",
            "LRANGE a 0 -1",
            "LRANGE b 0 -1",
            "SET s x",
            "BLPOP s a 0",
            "BLPOP none s a 0",
        ),
        *("BLMOVE s b LEFT LEFT 0", "BLMOVE a s LEFT LEFT 0", "BRPOPLPUSH a s 0", "BLMPOP 0 1 s LEFT", "LRANGE a 0 -1"),
        *("BLPOP a", "BLPOP", "BLMOVE a b LEFT LEFT", "BRPOPLPUSH a b", "BLMPOP 0 1 a", "BLPOP s x", "BLPOP s -1"),
    ],
    "keeps its expiry": [
        *(
            "RPUSH a 1 2 3",
            "PEXPIREAT a 99999999999999",
            "RPUSH a 4",
            "LSET a 0 x",
            "LTRIM a 0 2",
            "LREM a 1 x",
            "PEXPIRETIME a",
        ),
        *(
            "RPOPLPUSH a b",
            "PEXPIRETIME a",
            "PEXPIRETIME b",
            "PEXPIREAT b 99999999999999",
            "RPOPLPUSH a b",
            "PEXPIRETIME b",
        ),
    ],
    "documents": [
        f"COMMAND GETKEYS {line}"
        for line in (
            *(
                "LPUSH a b c",
                "LMOVE a b LEFT LEFT",
                "LMPOP 2 a b LEFT",
                "BLMPOP 0 2 a b LEFT",
                "BLPOP a b c 0",
                "BLPOP a 0",
            ),
            *("BLMOVE a b LEFT LEFT 0", "BRPOPLPUSH a b 0", "LMPOP x a LEFT", "LMPOP 9 a LEFT", "RPOPLPUSH a b"),
        )
    ],
}


@mark.parametrize("name", SCRIPTS)
def test_answers_as_the_real_server(both, name):
    for line in SCRIPTS[name]:
        both(*shlex.split(line))


@mark.parametrize("count", [1, 4, 5, 100, 3000])
def test_long_replies(both, count):
    both("RPUSH", "k", *range(count))
    both("LRANGE", "k", "0", "-1")
    both("LRANGE", "k", "1", "-2")
    both("RPOP", "k", count // 2)
    both("LPOP", "k", count)


def test_memory_usage_is_near(both):
    for count in (1, 10, 100, 1000):
        both("DEL", "k")
        both("RPUSH", "k", *(f"element{number}" for number in range(count)))
        both.near("MEMORY", "USAGE", "k", within=200)


# Command, what it changes (dirty), the events it tells, and what is propagated instead of it
EFFECTS = [
    ("LPUSH n a b", 2, "new:n lpush:n"),
    ("RPUSH k x y", 2, "rpush:k"),
    ("LPUSHX none x", 0, ""),
    ("LPOP k", 1, "lpop:k"),
    ("RPOP k 2", 2, "rpop:k"),
    ("LPOP k 9", 4, "lpop:k del:k"),
    ("LPOP k 0", 0, ""),
    ("LSET k 0 x", 1, "lset:k"),
    ("LINSERT k AFTER 2 x", 1, "linsert:k"),
    ("LINSERT k AFTER none x", 0, ""),
    ("LTRIM k 1 2", 2, "ltrim:k"),
    ("LTRIM k 0 -1", 0, "ltrim:k"),
    ("LTRIM k 9 9", 4, "ltrim:k del:k"),
    ("LREM k 0 2", 1, "lrem:k"),
    ("LREM k 0 none", 0, ""),
    ("LMOVE k n LEFT LEFT", 1, "new:n lpush:n lpop:k"),
    ("LMOVE k k LEFT RIGHT", 1, "rpush:k lpop:k"),
    ("RPOPLPUSH one k", 1, "lpush:k rpop:one del:one"),
    ("LMPOP 2 none k LEFT COUNT 3", 3, "lpop:k", "LPOP k 3"),
    ("LMPOP 1 k RIGHT COUNT 9", 4, "rpop:k del:k", "RPOP k 4"),
    ("BLPOP none k 0", 1, "lpop:k", "LPOP k"),
    ("BRPOP one 0", 1, "rpop:one del:one", "RPOP one"),
    ("BLMOVE k one left RIGHT 0", 1, "rpush:one lpop:k", "LMOVE k one left RIGHT"),
    ("BRPOPLPUSH k n 0", 1, "new:n lpush:n rpop:k", "RPOPLPUSH k n"),
    ("BLMPOP 0 2 none k LEFT", 1, "lpop:k", "LPOP k 1"),
    ("SORT k DESC STORE n", 4, "new:n sortstore:n"),
    ("SORT k STORE one", 4, "overwritten:one sortstore:one"),
    ("SORT none STORE one", 1, "del:one"),
    ("SORT none STORE n", 0, ""),
]


@mark.parametrize(
    ("line", "dirty", "told", "sent"), [(*row[:3], row[3] if len(row) > 3 else row[0]) for row in EFFECTS]
)
def test_effects(line, dirty, told, sent):
    seen, propagated = [], []
    with RedisServer() as server, contextlib.closing(RawClient(server.port)) as client:
        client.ask("RPUSH", "k", *"1234")
        client.ask("RPUSH", "one", "1")
        space = server.engine.keyspace
        before = space.dirty
        space.observe(
            lambda db, key, event: event is events.KEY_MISS or seen.append((event.name + b":" + key).decode())
        )
        overhear(server.engine, lambda argv: propagated.append(b" ".join(argv).decode()))
        client.ask(*line.split())
        assert space.dirty - before == dirty
        assert " ".join(seen) == told
        assert propagated == ([sent] if dirty else [])
