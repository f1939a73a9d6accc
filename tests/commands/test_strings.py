"""String commands, line by line as the real server answers them, and what they tell the engine."""

import shlex
from random import Random

from pytest import fixture, mark

from pyredis.commands.strings import get
from tests.observed import Observed

# Keys: s a string, l a list, n an integer, f a fraction; `none…` are missing.
PREPARED = ["SET s abcdef", "SET n 10", "SET f 10.50"]

SCRIPTS = {
    "set": """
        SET s v
        GET s
        SET l v
        GET l
        SET none '' NX
        GET none
        SET s w NX
        SET none2 v XX
        SET s w XX
        GET s
        SET s v nx xx
        SET s v XX NX
        SET s v nx nx
        SET s v keepttl
        SET s v KEEPTTL keepttl
        SET s v KEEPTTL EX 5
        SET s v EX 5 KEEPTTL
        SET s v EX
        SET s v EX 5 EX
        SET s v EX 5 EX 10
        SET s v EX 5 PX 10
        SET s v EXAT 5 PXAT 10
        SET s v EX 0
        SET s v EX -1
        SET s v EX x
        SET s v EX 9223372036854775807
        SET s v EX 9223372036854775
        SET s v PX 9223372036854775807
        SET s v EXAT 9223372036854775807
        SET s v PXAT 9223372036854775807
        SET s v PERSIST
        SET s v foo
        SET s v EX 5 foo
        SET
        SET s
    """,
    "set get": """
        SET s v GET
        SET none v GET
        SET none2 v XX GET
        GET none2
        SET s w NX GET
        GET s
        SET none3 v NX GET
        SET s w get get EX 100
        SET l v GET
        SET l v EX 0 GET
        SET l v EX x GET
        SET l v NX GET
        GET n
    """,
    "set in the past": """
        SET s v EXAT 1
        GET s
        SET s v PXAT 1 GET
        GET s
        SETNX s w
        GET s
    """,
    "older sets": """
        SETNX s v
        SETNX none v
        SETNX l v
        SETEX s 100 v
        SETEX l 100 v
        GET l
        SETEX s 0 v
        SETEX s -1 v
        SETEX s x v
        SETEX s 9223372036854775807 v
        PSETEX s 100000 v
        PSETEX s 0 v
        PSETEX s 9223372036854775807 v
        PSETEX s 1.5 v
        GETSET s w
        GETSET none w
        GETSET l w
        GETSET n 11
        GET n
        SETEX s 1
        GETSET s
    """,
    "getdel and getex": """
        GETDEL s
        GETDEL s
        GETDEL l
        GETDEL n
        GETEX f
        GETEX none
        GETEX l
        GETEX l foo
        GETEX l EX 0
        GETEX none EX 0
        GETEX f EX 0
        GETEX f EX x
        GETEX f EX
        GETEX f EX 9223372036854775807
        GETEX f EXAT -1
        GETEX f PERSIST EX 1
        GETEX f EX 1 PERSIST
        GETEX f EX 100 EX 200
        GETEX f EX 1 PX 1
        GETEX f KEEPTTL
        GETEX f NX
        GETEX f persist persist
        GETEX f pxat 99999999999000
        GETEX f EXAT 1
        GET f
    """,
    "many keys": """
        MGET s l none n s
        MSET a 1 b 2 a 3
        MGET a b
        MSET l 1
        GET l
        MSET a 1 b
        MSET a
        MSETNX a 1 none 2
        MSETNX none 1 none 2
        GET none
        MSETNX c 1 d
        MSETNX c
        MGET
    """,
    "counters": """
        INCR n
        DECR n
        INCRBY n 5
        DECRBY n -5
        INCR none
        DECR none2
        GET none
        INCR s
        INCR f
        INCR l
        INCRBY l x
        INCRBY n 1.5
        INCRBY n 9223372036854775808
        DECRBY n -9223372036854775808
        DECRBY l -9223372036854775808
        SET n 9223372036854775807
        INCR n
        INCRBY n 1
        DECRBY n -1
        DECR n
        SET n -9223372036854775808
        DECR n
        DECRBY n 9223372036854775807
        INCR n
        SET n ' 1'
        INCR n
        SET n 01
        INCR n
        SET n +1
        INCR n
        SET n ''
        INCR n
        APPEND none2 0
        INCR none2
    """,
    "incrbyfloat": """
        INCRBYFLOAT f 0.1
        INCRBYFLOAT f -5
        INCRBYFLOAT f 5.0e3
        INCRBYFLOAT f 0x10
        INCRBYFLOAT n 1.50
        INCRBYFLOAT none 3.0
        INCRBYFLOAT none 1e-20
        INCRBYFLOAT none 1e18
        INCRBYFLOAT none 0.00000000000000001
        INCRBYFLOAT s 1
        INCRBYFLOAT l 1
        INCRBYFLOAT l x
        INCRBYFLOAT f x
        INCRBYFLOAT f ''
        INCRBYFLOAT f ' 1'
        INCRBYFLOAT f inf
        INCRBYFLOAT f -inf
        INCRBYFLOAT f nan
        INCRBYFLOAT f 1e5000
        SET f inf
        INCRBYFLOAT f 1
        SET f 1e4932
        INCRBYFLOAT f 1e4932
        SET f 3
        INCRBYFLOAT f -3
        INCRBYFLOAT f -1e-30
        INCR f
    """,
    "parts": """
        APPEND s xyz
        APPEND none 12
        APPEND none ''
        APPEND none2 ''
        GET none2
        APPEND n 5
        INCR n
        APPEND l x
        STRLEN s
        STRLEN n
        STRLEN none9
        STRLEN l
        GETRANGE s 0 -1
        GETRANGE s 2 4
        GETRANGE s -3 -1
        GETRANGE s -100 -100
        GETRANGE s 0 -100
        GETRANGE s -1 -3
        GETRANGE s 5 2
        GETRANGE s 100 200
        GETRANGE s 0 9223372036854775807
        GETRANGE s -9223372036854775808 0
        GETRANGE s x 1
        GETRANGE s 1 x
        GETRANGE l 1 x
        GETRANGE l 0 1
        GETRANGE none9 0 1
        GETRANGE n 0 0
        SUBSTR s 1 2
        SUBSTR l 1 2
        SETRANGE s 2 XX
        GET s
        SETRANGE s 12 XX
        GET s
        SETRANGE s 0 ''
        SETRANGE none9 5 ''
        GET none9
        SETRANGE none8 3 x
        GET none8
        SETRANGE n 1 9
        INCR n
        SETRANGE l 0 x
        SETRANGE l 0 ''
        SETRANGE l -1 x
        SETRANGE l x x
        SETRANGE none9 536870912 x
        SETRANGE s 9223372036854775807 x
        SETRANGE s 9223372036854775807 ''
    """,
    "lcs": """
        MSET a ohmytext b mynewtext
        LCS a b
        LCS a b LEN
        LCS a b IDX
        LCS a b IDX MINMATCHLEN 4
        LCS a b IDX MINMATCHLEN 4 WITHMATCHLEN
        LCS a b idx withmatchlen minmatchlen -1
        LCS a b IDX MINMATCHLEN 9
        LCS a b MINMATCHLEN 4
        LCS a b LEN WITHMATCHLEN
        LCS a b LEN IDX
        LCS a b MINMATCHLEN
        LCS a b MINMATCHLEN x
        LCS a b foo
        LCS a none
        LCS a none IDX
        LCS none none2 LEN
        LCS a l
        LCS l a foo
        LCS n n IDX
        LCS a
        SETRANGE none 20000 x
        LCS none none LEN
    """,
}


@mark.parametrize("name", SCRIPTS)
def test_script(both, name):
    both.prepare_list("l")
    for line in (*PREPARED, *SCRIPTS[name].strip().splitlines()):
        both(*shlex.split(line))


@mark.parametrize("seed", range(4))
def test_incrbyfloat_rounds_like_a_long_double(both, seed):
    source = Random(seed)

    def number():
        return source.choice(
            [
                lambda: f"{source.uniform(-1e6, 1e6):.{source.randint(0, 18)}f}",
                lambda: f"{source.randint(-(10**20), 10**20)}.{source.randint(0, 10**18)}",
                lambda: f"{source.randint(-(10**25), 10**25)}e{source.randint(-60, 60)}",
                lambda: f"0x{source.getrandbits(70):x}.{source.getrandbits(70):x}p{source.randint(-80, 80)}",
                lambda: f"{source.randint(1, 99)}e{source.choice((-4950, -4930, 4920, 4931))}",
                lambda: "".join(source.choices("0123456789.-+eExp", k=source.randint(1, 6))),
            ]
        )()

    for _ in range(150):
        both("SET", "f", number())
        both("INCRBYFLOAT", "f", number())
        both("INCRBYFLOAT", "f", number())


@fixture
def observed():
    return Observed()


# After `SET s 5` at 1,000,000 ms: changes, events and what propagates.
EFFECTS = [
    ("SET s v", 1, ["set"], ["SET s v"]),
    ("SET none v", 1, ["new", "set"], ["SET none v"]),
    ("SET s v NX", 0, [], []),
    ("SET s v EX 10", 1, ["set", "expire"], ["SET s v PXAT 1010000"]),
    ("SET s v PX 10 GET", 1, ["set", "expire"], ["SET s v PXAT 1000010"]),
    ("SET s v XX get", 1, ["set"], ["SET s v XX"]),
    ("SETEX s 10 v", 1, ["set", "expire"], ["SET s v PXAT 1010000"]),
    ("PSETEX s 10 v", 1, ["set", "expire"], ["SET s v PXAT 1000010"]),
    ("SETNX s v", 0, [], []),
    ("GETSET s v", 1, ["set"], ["SET s v"]),
    ("GETDEL s", 1, ["del"], ["DEL s"]),
    ("GETDEL none", 0, ["keymiss"], []),
    ("GETEX s", 0, [], []),
    ("GETEX s EX 10", 1, ["expire"], ["PEXPIREAT s 1010000"]),
    ("GETEX s PXAT 1000000", 1, ["del"], ["DEL s"]),
    ("GETEX s PERSIST", 0, [], []),
    ("MSET s v none w", 2, ["set", "new", "set"], ["MSET s v none w"]),
    ("MSETNX s v none w", 0, [], []),
    ("INCR s", 1, ["incrby"], ["INCR s"]),
    ("DECRBY none 2", 1, ["new", "incrby"], ["DECRBY none 2"]),
    ("INCRBYFLOAT s 1.50", 1, ["incrbyfloat"], ["SET s 6.5 KEEPTTL"]),
    ("APPEND s ''", 1, ["append"], ["APPEND s "]),
    ("SETRANGE s 1 ''", 0, [], []),
    ("SETRANGE s 1 x", 1, ["setrange"], ["SETRANGE s 1 x"]),
    ("SETBIT s 7 1", 0, [], []),
    ("SETBIT s 8 0", 1, ["setbit"], ["SETBIT s 8 0"]),
    ("BITFIELD s SET u8 0 1 SET u8 0 1", 1, ["setbit"], ["BITFIELD s SET u8 0 1 SET u8 0 1"]),
    ("BITFIELD s SET u8 0 1 INCRBY u8 0 1", 2, ["setbit"], ["BITFIELD s SET u8 0 1 INCRBY u8 0 1"]),
    ("BITFIELD none OVERFLOW FAIL SET u2 0 9", 0, ["new"], []),
    ("BITOP NOT d s", 1, ["new", "set"], ["BITOP NOT d s"]),
    ("BITOP AND s none none", 1, ["keymiss", "keymiss", "del"], ["BITOP AND s none none"]),
    ("BITOP AND none none2 none2", 0, ["keymiss", "keymiss"], []),
]


@mark.parametrize(("line", "changes", "events", "sent"), EFFECTS, ids=[row[0] for row in EFFECTS])
def test_effects(observed, line, changes, events, sent):
    observed("SET s 5")
    assert observed(line) == (changes, events, sent)


def test_lazy_expiry_unlinks(observed):
    observed.engine.config.replace("lazyfree-lazy-expire", True)
    observed("SET s 5")
    assert observed("GETEX s EXAT 1") == (1, ["del"], ["UNLINK s"])


def test_persist_through_getex(observed):
    observed("SET s 5 EX 10")
    assert observed("GETEX s PERSIST") == (1, ["persist"], ["PERSIST s"])


@mark.parametrize(
    "line", ["INCR s", "APPEND s x", "SETRANGE s 0 x", "SETBIT s 0 1", "INCRBYFLOAT s 1", "SET s v KEEPTTL"]
)
def test_changes_in_place_keep_the_expiry(observed, line):
    observed("SET s 5 PX 10")
    observed(line)
    assert observed.client.db.expire_time(b"s") == 1_000_010
    observed.clock.advance(11)
    assert observed("GET s") == (0, ["expired", "keymiss"], ["DEL s"])


def test_replies_are_not_changed_afterwards(observed):
    """What a transaction or a script holds on to stays as it was answered."""
    observed("APPEND s x")
    observed("APPEND s y")
    answer = get(observed.client, b"s")
    observed("SETRANGE s 0 zz")
    assert answer == b"xy"


@mark.parametrize("overdue", [False, True])
def test_mset_takes_an_old_expiry_away(overdue):
    observed = Observed()
    observed.engine.keyspace.unobserve(observed._note)  # several are set at once only where nobody looks
    observed.line("SET a old PX 100")
    observed.clock.advance(200 * overdue)
    observed.line("MSET a 1 b 2")
    observed.clock.advance(1_000)
    assert observed.line("MGET a b") == b"*2\r\n$1\r\n1\r\n$1\r\n2\r\n"
    assert observed.line("TTL a") == b":-1\r\n"
    assert observed.engine.keyspace.expired_count == overdue
