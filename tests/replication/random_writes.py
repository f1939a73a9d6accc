"""Random writes of every type, the same for the same seed, in commands that Redis 7.0 and all later servers know.

What a master may not pass on as it came is among them on purpose: relative expiries, random members, IDs chosen by
the server, pops of whatever is there, effects of scripts and functions, transactions over several databases. Some
answer an error (another type, no such group): that is wanted, too, since nothing may be propagated then.

A form is a line: its words in lower case are drawn by the method of that name, all others stand for themselves.
"""

from collections.abc import Iterator
from random import Random

DATABASES = 4
KEYS = 24
"""How many names a type has."""

FORMS = {
    "strings": """
        SET str value
        SET str value EX seconds
        SET str value PX short
        SET str value KEEPTTL GET
        SET str value NX PXAT soon
        SETEX str seconds value
        PSETEX str short value
        SETNX str value
        GETSET str value
        GETDEL str
        GETEX str EX seconds
        GETEX str PX short
        GETEX str PERSIST
        APPEND str value
        SETRANGE str small value
        MSET str value str value
        MSETNX str value str value
        LCS str str
    """,
    "numbers": """
        INCR num
        DECRBY num integer
        INCRBY num integer
        INCRBYFLOAT num float
        SET num integer EX seconds
    """,
    "bits": """
        SETBIT bits offset 1
        SETBIT bits offset 0
        BITOP XOR bits bits str
        BITOP NOT bits str
        BITFIELD bits SET u8 #3 integer INCRBY i5 offset 1
        BITFIELD bits OVERFLOW SAT INCRBY u4 offset integer GET u4 0
        BITFIELD bits GET u8 0
    """,
    "lists": """
        RPUSH list values
        LPUSH list values
        RPUSH list values
        LPUSHX list value
        LPOP list
        RPOP list 2
        LSET list 0 value
        LINSERT list BEFORE small value
        LREM list integer small
        LTRIM list 0 40
        LMOVE list list LEFT RIGHT
        RPOPLPUSH list list
        LMPOP 2 list list RIGHT COUNT 3
    """,
    "sets": """
        SADD set members
        SADD set members
        SADD set integer integer
        SREM set member member
        SPOP set
        SPOP set 3
        SMOVE set set member
        SINTERSTORE set set set
        SUNIONSTORE set set set
        SDIFFSTORE set set set
        SRANDMEMBER set
    """,
    "sorted sets": """
        ZADD zset score member score member
        ZADD zset float member float member score member
        ZADD zset GT CH score member
        ZADD zset XX INCR float member
        ZINCRBY zset float member
        ZREM zset member
        ZPOPMIN zset
        ZPOPMAX zset 2
        ZMPOP 2 zset zset MIN COUNT 2
        ZREMRANGEBYRANK zset 50 -1
        ZREMRANGEBYSCORE zset score score
        ZADD lex 0 member 0 member 0 member
        ZREMRANGEBYLEX lex [member1 [member11
        ZRANGESTORE zset zset 0 20
        ZUNIONSTORE zset 2 zset zset WEIGHTS 2 0.5 AGGREGATE MAX
        ZUNIONSTORE zset 2 zset set
        ZINTERSTORE zset 2 zset zset
        ZDIFFSTORE zset 2 zset zset
    """,
    "hashes": """
        HSET hash member value member value
        HSET hash member value member value member value
        HMSET hash member value
        HSETNX hash member value
        HDEL hash member member
        HINCRBY hash counter integer
        HINCRBYFLOAT hash rate float
    """,
    "streams": """
        XADD stream * member value
        XADD stream * member value member value
        XADD stream MAXLEN ~ 20 * member value
        XADD stream MAXLEN 30 * member value
        XADD stream NOMKSTREAM MINID ~ 0-1 * member value
        XADD stream 5-* member value
        XTRIM stream MAXLEN 25
        XTRIM stream MAXLEN ~ 10 LIMIT 100
        XDEL stream 5-0 1-1
        XSETID stream 99999999999999-7
        XGROUP CREATE stream group 0 MKSTREAM
        XGROUP CREATE stream group $ ENTRIESREAD 3
        XGROUP SETID stream group 0
        XGROUP CREATECONSUMER stream group consumer
        XGROUP DELCONSUMER stream group consumer
        XGROUP DESTROY stream group
        XREADGROUP GROUP group consumer COUNT 3 STREAMS stream >
        XREADGROUP GROUP group consumer COUNT 3 STREAMS stream >
        XREADGROUP GROUP group consumer NOACK STREAMS stream >
        XREADGROUP GROUP group consumer COUNT 2 STREAMS stream 0
        XAUTOCLAIM stream group consumer 0 0 COUNT 2
        XAUTOCLAIM stream group consumer 0 0 COUNT 2 JUSTID
        XCLAIM stream group consumer 0 5-0 FORCE
        XACK stream group 5-0
    """,
    "approximations": """
        PFADD pf values
        PFADD pf member value
        PFCOUNT pf
        PFMERGE pf pf pf
        GEOADD geo longitude latitude member
        GEOADD geo CH longitude latitude member longitude latitude member
        GEOSEARCHSTORE zset geo FROMLONLAT longitude latitude BYRADIUS 4000 km
        GEOSEARCHSTORE geo geo FROMLONLAT longitude latitude BYBOX 9000 9000 km ASC
        GEORADIUS geo longitude latitude 3000 km STORE zset
    """,
    "keys": """
        EXPIRE any seconds
        EXPIRE any seconds NX
        PEXPIRE any short
        PEXPIRE any seconds GT
        PEXPIREAT any soon LT
        EXPIREAT any 1
        PERSIST any
        DEL any
        UNLINK any any
        RENAME any any
        RENAMENX any any
        COPY any any
        COPY any any DB db REPLACE
        MOVE any db
        SORT set ALPHA STORE list
        SORT set BY nosort STORE list
        SORT list ALPHA DESC LIMIT 0 9 STORE list
        TOUCH any
        PUBLISH channel value
    """,
    "scripts": """
        EVAL script 2 str list value value
        EVAL script 2 set set member member
        EVAL script 2 num any integer value
        FUNCTION LOAD REPLACE library
        FCALL both0 2 str hash member value
        FCALL both1 2 str hash member value
        FCALL pop0 1 set
        FUNCTION DELETE lib1
    """,
}

# Fields that expire, for servers that know them all: Redis 8.0 and Valkey 9.1.
FIELD_TIMES = """
    HEXPIRE hash seconds FIELDS 2 member member
    HEXPIRE hash seconds NX FIELDS 1 rate
    HPEXPIRE hash short FIELDS 2 member member
    HPEXPIREAT hash soon FIELDS 1 member
    HEXPIREAT hash 1 FIELDS 1 member
    HPERSIST hash FIELDS 2 member member
    HGETEX hash PX short FIELDS 2 member member
    HGETEX hash PERSIST FIELDS 1 member
    HGETDEL hash FIELDS 1 member
    HSETEX hash EX seconds FIELDS 2 member value member value
    HSETEX hash PX short FIELDS 1 member value
    HSETEX hash FXX KEEPTTL FIELDS 1 member value
"""

# At most once in a transaction, where nothing waits.
WAITING = """
    BLPOP list list 0
    BRPOP list 0
    BRPOPLPUSH list list 0
    BLMOVE list list RIGHT RIGHT 0
    BLMPOP 0 2 list list LEFT
    BZPOPMIN zset 0
    BZMPOP 0 1 zset MAX
    XREADGROUP GROUP group consumer BLOCK 0 STREAMS stream >
"""

SCRIPTS = [
    "redis.call('SET', KEYS[1], ARGV[1]) redis.call('RPUSH', KEYS[2], ARGV[1], ARGV[2]) return 1",
    "return redis.call('APPEND', KEYS[1], ARGV[1])",
    "local t = redis.call('TIME') redis.call('SET', KEYS[1], t[1] .. t[2]) return redis.call('INCR', KEYS[1])",
    "local m = redis.call('SPOP', KEYS[1]) if m then redis.call('SADD', KEYS[2], m) end return m",
    "local m = redis.call('SRANDMEMBER', KEYS[1]) if m then redis.call('SADD', KEYS[2], m, ARGV[1]) end",
    "redis.call('SET', KEYS[1], ARGV[1], 'PX', 20) redis.call('EXPIRE', KEYS[2], 1000)",
    "redis.call('SELECT', 1) redis.call('SET', KEYS[1], ARGV[1]) redis.call('SELECT', 2) redis.call('DEL', KEYS[2])",
    "redis.call('SET', KEYS[1], math.random()) return redis.error_reply('after a write')",
    "redis.call('SET', KEYS[1], ARGV[1]) redis.pcall('LPUSH', KEYS[1], 'x') return redis.call('DEL', KEYS[2])",
    "return redis.call('EXISTS', KEYS[1])",
]

LIBRARY = """#!lua name=lib{0}
redis.register_function('both{0}', function(keys, args)
  redis.call('SET', keys[1], args[1])
  return redis.call('HSET', keys[2], args[1], '{1}')
end)
redis.register_function('pop{0}', function(keys, args) return redis.call('SPOP', keys[1], 2) end)
"""

KINDS = ("str", "num", "bits", "list", "set", "zset", "hash", "stream", "pf", "geo")
"""What names of keys begin with."""

Word = str | bytes | int | float
Command = list[Word]


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


class RandomWrites:
    """`commands(count)` yields that many commands or a few more: a transaction is never left open.

    `start_ms` is the time that absolute expiries are near; `size` the length of long values; with `field_times` fields
    of hashes expire, too.
    """

    def __init__(self, seed: int, start_ms: int, size: int = 300, *, field_times: bool = False) -> None:
        self.random = Random(seed)
        self.start_ms, self.size = start_ms, size
        self.forms = [lines(forms) for forms in (*FORMS.values(), *([FIELD_TIMES] if field_times else []))]
        self.waiting = lines(WAITING)

    def commands(self, count: int) -> Iterator[Command]:
        made = 0
        while made < count:
            some = self._some()
            made += len(some)
            yield from some

    def _some(self) -> list[Command]:
        chance = self.random.random()
        if chance < 0.04:
            inside = [self._one() for _ in range(self.random.randrange(5))]
            return [["MULTI"], *inside, ["EXEC"]]
        if chance < 0.05:
            return [["MULTI"], self._made(self._any(self.waiting)), ["SELECT", self.db()], self._one(), ["EXEC"]]
        if chance < 0.07:
            return [["SELECT", self.db()]]
        if chance < 0.072:
            return [["SWAPDB", self.db(), self.db()]]
        if chance < 0.0722:
            return [[self._any(["FLUSHDB", "FLUSHALL"]), self._any(["ASYNC", "SYNC"])]]
        return [self._one()]

    def _one(self) -> Command:
        return self._made(self._any(self._any(self.forms)))

    def _made(self, form: str) -> Command:
        command: Command = []
        for word in form.split():
            drawn = self._drawn(word)
            command += drawn if isinstance(drawn, list) else [drawn]
        return command

    def _drawn(self, word: str) -> Word | list[Word]:
        if word in KINDS:
            return self._named(word)
        return getattr(self, word, lambda: word)()

    def _any(self, choices):
        return self.random.choice(choices)

    def _named(self, kind: str) -> str:
        return f"{kind}:{self.random.randrange(KEYS)}"

    # What a word in lower case is.

    def db(self):
        return self.random.randrange(DATABASES)

    def any(self):
        return self._named(self._any(KINDS))

    def lex(self):
        """A sorted set of one score, which nothing else touches: with several, a range of words is not defined."""
        return self._named("lex")

    def value(self):
        chance = self.random.random()
        if chance < 0.3:
            return self.integer()
        if chance < 0.8:
            return f"v{self.random.randrange(1000)}"
        return self.random.randbytes(self.random.randrange(self.size if chance > 0.95 else 20))

    def values(self):
        return [self.value() for _ in range(self.random.randrange(1, 9))]

    def member(self):
        return f"member{self.random.randrange(60)}"

    def members(self):
        return [self.member() for _ in range(self.random.randrange(1, 9))]

    def integer(self):
        return self.random.randrange(-200, 200)

    def small(self):
        return self.random.randrange(12)

    def offset(self):
        return self.random.randrange(400)

    def score(self):
        return self.random.randrange(-40, 40) / 4

    def float(self):
        return round(self.random.uniform(-5, 5), 3)

    def seconds(self):
        return self.random.randrange(500, 5000)

    def short(self):
        return self.random.randrange(1, 60)

    def soon(self):
        return self.start_ms + self.random.randrange(-1000, 30_000)

    def longitude(self):
        return round(self.random.uniform(-180, 180), 6)

    def latitude(self):
        return round(self.random.uniform(-85, 85), 6)

    def group(self):
        return f"group{self.random.randrange(3)}"

    def consumer(self):
        return f"consumer{self.random.randrange(3)}"

    def script(self):
        return self._any(SCRIPTS)

    def library(self):
        return LIBRARY.format(self.random.randrange(2), self.random.randrange(100))
