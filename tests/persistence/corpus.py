"""Values of every type and encoding, each made by commands, for whoever saves and loads them."""

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.execution.dispatch import dispatch
from pyredis.engine.roster import Clients

NUMBERS = [
    edge + step for bits in (7, 8, 12, 13, 15, 16, 23, 24, 31, 32, 63) for edge in (1 << bits,) for step in (-1, 0)
]
EDGES = sorted({number for one in NUMBERS for number in (one, -one, -one - 1) if -(1 << 63) <= number < 1 << 63})
SIZES = [0, 1, 62, 63, 64, 65, 125, 126, 127, 128, 129, 4094, 4095, 4096, 4097, 16377, 16378, 16384]
FAR = 4_102_444_800_000


def noise(size, seed=1):
    """Bytes that do not compress, the same each time."""
    found = bytearray()
    while len(found) < size:
        seed = seed * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        found += (seed >> 33).to_bytes(4, "little")
    return bytes(found[:size])


def pairs(count, size=5):
    return [word for at in range(count) for word in (f"field{at}", "v" * size)]


COMMANDS = {
    "string": [["SET", "k", "text"]],
    "string empty": [["SET", "k", ""]],
    "string binary": [["SET", "k", bytes(range(256))]],
    "string raw": [["SET", "k", "a"], ["APPEND", "k", "b"]],
    "string repeating": [["SET", "k", b"abcdefg" * 700]],
    "string noise": [["SET", "k", noise(20_000)]],
    "string counted": [["SET", "k", "41"], ["INCR", "k"]],
    "string no number": [["SET", "k", "0042"]],
    **{f"string {number}": [["SET", "k", number]] for number in EDGES[::5]},
    "list": [["RPUSH", "k", "a", "b", "c"]],
    "list numbers": [["RPUSH", "k", *EDGES]],
    "list sizes": [["RPUSH", "k", *[noise(size, size) for size in SIZES]]],
    "list of nodes": [["RPUSH", "k", *range(6000)]],
    "list of long elements": [["RPUSH", "k", b"x" * 9000, "y", noise(10_000), "1"]],
    "set of integers": [["SADD", "k", 1, 2, 3]],
    "set of wide integers": [["SADD", "k", *EDGES]],
    "set of middling integers": [["SADD", "k", -40_000, 1, 70_000]],
    "set small": [["SADD", "k", "a", "b", 3]],
    "set large": [["SADD", "k", *[f"member{at}" for at in range(400)]]],
    "set of many integers": [["SADD", "k", *range(1000)]],
    "sorted set small": [["ZADD", "k", 1, "a", 2.5, "b", "inf", "c", "-inf", "d", -1e300, "e", 0.1, "f", 1 << 53, "g"]],
    "sorted set large": [["ZADD", "k", *[word for at in range(300) for word in (at / 7, f"member{at}")]]],
    "sorted set of a long member": [["ZADD", "k", 1, "x" * 70, "inf", "y", "-0.0", "z"]],
    "hash small": [["HSET", "k", "a", 1, "b", "two", "c", ""]],
    "hash of a long value": [["HSET", "k", "a", "x" * 70]],
    "hash large": [["HSET", "k", *pairs(700)]],
    "hash sizes": [["HSET", "k", *[word for size in SIZES for word in (noise(size, size), size)]]],
    "stream": [["XADD", "k", "5-1", "a", 1], ["XADD", "k", "5-2", "a", 2], ["XADD", "k", "6-0", "b", 3, "c", 4]],
    "stream of nodes": [["XADD", "k", f"{1000 + at // 3}-{at}", "n", at, "m", "x" * at] for at in range(1, 250)],
    "stream emptied": [["XADD", "k", "5-5", "a", 1], ["XDEL", "k", "5-5"]],
    "stream without entries": [["XGROUP", "CREATE", "k", "g", "$", "MKSTREAM"]],
    "stream with holes": [
        *[["XADD", "k", f"{at}-1", "a", at] for at in range(1, 30)],
        ["XDEL", "k", "1-1", "7-1", "8-1", "29-1"],
        ["XTRIM", "k", "MINID", "4"],
    ],
    "stream at the end of sequences": [
        ["XADD", "k", f"5-{(1 << 64) - 2}", "a", 1],
        ["XADD", "k", f"5-{(1 << 64) - 1}", "a", 2],
        ["XADD", "k", "6-0", "a", 3],
        ["XADD", "k", f"{(1 << 64) - 1}-7", "a", 4],
    ],
    "stream with groups": [
        *[["XADD", "k", f"{at}-{at}", "a", at] for at in range(1, 40)],
        ["XGROUP", "CREATE", "k", "g", "0"],
        ["XGROUP", "CREATE", "k", "ahead", "20-0", "ENTRIESREAD", "19"],
        ["XREADGROUP", "GROUP", "g", "alice", "COUNT", 12, "STREAMS", "k", ">"],
        ["XREADGROUP", "GROUP", "g", "bob", "COUNT", 5, "STREAMS", "k", ">"],
        ["XCLAIM", "k", "g", "bob", 0, "3-3", "RETRYCOUNT", 7],
        ["XACK", "k", "g", "1-1", "14-14"],
        ["XGROUP", "CREATECONSUMER", "k", "ahead", "idle"],
        ["XDEL", "k", "5-5"],
    ],
}

TIMED_COMMANDS = {
    "hash small with times": [
        ["HSET", "k", "a", 1, "b", 2, "c", 3, "d", 4],
        ["HPEXPIREAT", "k", FAR, "FIELDS", 2, "a", "b"],
        ["HPEXPIREAT", "k", FAR - 5, "FIELDS", 1, "d"],
    ],
    "hash large with times": [
        ["HSET", "k", *pairs(700)],
        ["HPEXPIREAT", "k", FAR, "FIELDS", 2, "field1", "field2"],
        ["HPEXPIREAT", "k", FAR + 1000, "FIELDS", 1, "field3"],
    ],
}
"""Only Redis 7.4 and later has fields that expire."""


def vectors(form, count=20, *options):
    """VADDs of vectors that point in different directions."""
    numbers = noise(count * 6, 7)
    for at in range(count):
        vector = [byte - 127.5 for byte in numbers[6 * at : 6 * at + 6]]
        attributes = ["SETATTR", f'{{"n":{at}}}'] if at % 3 == 1 else []
        yield ["VADD", "k", *options, "VALUES", 6, *vector, f"element{at}", form, *attributes, "M", 5]


VECTOR_COMMANDS = {
    "vector set of one": [["VADD", "k", "VALUES", 3, 1, 0, 0.5, "a"]],
    "vector set of floats": [*vectors("NOQUANT"), ["VREM", "k", "element3"]],
    "vector set of bytes": [*vectors("Q8"), ["VADD", "k", "VALUES", 6, *range(6), "element5", "Q8", "M", 5]],
    "vector set of bits": [*vectors("BIN")],
    "vector set reduced": [*vectors("NOQUANT", 20, "REDUCE", 3)],
    "vector set of blocks": [*vectors("Q8", 1100)],
}
"""Redis 8.0 brought vector sets."""

ALL_COMMANDS = {**COMMANDS, **TIMED_COMMANDS, **VECTOR_COMMANDS}


class Server:
    """An engine in this process with one client: `ask` answers the bytes of the reply."""

    def __init__(self):
        self.engine = build_engine(clock=ManualClock())
        self.client = self.engine[Clients].connect()

    @property
    def space(self):
        return self.engine.keyspace

    def ask(self, *words):
        dispatch(self.engine, self.client, [word if isinstance(word, bytes) else str(word).encode() for word in words])
        reply = b"".join(self.client.out)
        self.client.out.clear()
        return reply

    def make(self, commands, key="k"):
        """Run the commands of a corpus entry, on another key."""
        for words in commands:
            reply = self.ask(*[key if word == "k" else word for word in words])
            assert not reply.startswith(b"-"), (words, reply)


def whole(commands_by_name=ALL_COMMANDS):
    """A server with every value, under its name."""
    server = Server()
    for name, commands in commands_by_name.items():
        server.make(commands, name)
    return server
