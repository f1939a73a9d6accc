"""What nodes answer, word for word: ours in one cluster, Redis 8.2.3's in another, in the same state.

`talks.py` has what is said. Ids and ports are compared by whose they are, moments and counts of messages not at all,
and what stands in no order is sorted. 8.2.3's answer decides where versions differ; to see that the tests themselves
are right, they may compare two real servers with each other:

    PYREDIS_SAME=redis-8.2,redis-8.2 pytest tests/cluster/test_same_answers.py
"""

import contextlib
import os
import re
from collections.abc import Iterator

import pytest

from tests.cluster.clusters import MAKES, Cluster, Node
from tests.cluster.talks import AFTER_CHANGES, DOWN, ENDING, KEYS, MOVING, REPLICA, SUBCOMMANDS
from tests.oracle import RawClient, encode
from tests.replication.topologies import OURS, REDIS_8_2, Kind, Topology, eventually

KINDS = [MAKES[name] for name in os.environ.get("PYREDIS_SAME", f"{OURS},{REDIS_8_2}").split(",")]
NOBODY = "f" * 40
END = b"+RESET\r\n"

pytestmark = pytest.mark.slow


class Scene:
    """The nodes of one make that a test talks to, by their names in the talks."""

    def __init__(self, topology: Topology, kind: Kind, names: str) -> None:
        self.cluster = Cluster(topology, [kind] * len(names), "--cluster-announce-ip", "127.0.0.1")
        self.nodes = dict(zip(names, self.cluster.nodes, strict=True))

    def __getitem__(self, name: str) -> Node:
        return self.nodes[name]

    def meet(self) -> None:
        """All know all."""
        first, *others = self.nodes.values()
        for node in others:
            first.ask("CLUSTER", "MEET", "127.0.0.1", node.port)
        everybody = {node.id for node in self.nodes.values()}
        eventually(lambda: all({*node.view()} == everybody for node in self.nodes.values()), self.cluster.told)

    def talk(self, name: str, line: str, resp: int = 2) -> list[bytes]:
        """The replies of one connection to a node, neutral, a line of the protocol each."""
        words = [written_out(command.split()) for command in line.split(" ; ")]
        with contextlib.closing(RawClient(self[name].port, resp)) as client:
            client.send(b"".join(encode([self._word(word) for word in command]) for command in words))
            client.send(encode(("RESET",)))
            told = b""
            while not told.endswith(END) and (data := client.socket.recv(1 << 16)):
                told += data
        replies = self.neutral(told.removesuffix(END))
        return sorted(replies) if UNORDERED.search(line) else replies

    def _word(self, word: str) -> str:
        if word[0] == "." and len(word) == 2:
            return NOBODY if word == ".X" else self[word[1]].id
        return "" if word == '""' else word.replace("\\n", "\n").replace("\\s", " ")

    def neutral(self, told: bytes) -> list[bytes]:
        """Without what differs from one cluster to another of the same form."""
        for name, node in self.nodes.items():
            for text, stands_for in ((node.id, "id"), (f"{node.port}", "port"), (f"{node.bus}", "bus")):
                told = told.replace(text.encode(), f"<{stands_for} of {name}>".encode())
        for pattern, stands_for in MOVING_PARTS:
            told = re.sub(pattern, stands_for, told)
        return told.split(b"\r\n")


def written_out(words: list[str]) -> list[str]:
    """FUNCTION LOAD's short form of the talks as a command; others as they are."""
    if words[:2] != ["FUNCTION", "LOAD"]:
        return words
    name, count, *flags = words[2:]
    body = "".join(f"redis.call('set','{key}','1')" for key in ("b", "c")[: int(count)])
    named = f"function_name='{name}',flags={{{''.join(map(repr, flags))}}}"
    library = f"#!lua name={name}\nredis.register_function{{{named},callback=function() {body} return 1 end}}"
    return ["FUNCTION", "LOAD", library]


UNORDERED = re.compile(r"CLUSTER NODES|GETKEYSINSLOT|KEYS|SCAN|CONFIG GET .*\*")
"""What is answered in any order."""

MOVING_PARTS = (
    (rb"\$\d+\r\n", b""),
    (rb"\b[0-9a-f]{40}\b(?<!f{40})", b"<id>"),
    (rb"\b\d{13}\b", b"<ms>"),
    (rb"cluster_stats_messages_\S+\r\n", b""),
    (rb"(replication-offset\r\n):\d+", rb"\1:<n>"),
    (rb"(connected\r\n):\d+", rb"\1:<n>"),
    (rb"(?<= connected)\n", b"\r\n"),
    (rb"\n(?=\w{40}|<id)", b"\r\n"),
)
"""What is a moment, a count or a made-up id, and the lengths of what holds it."""


@pytest.fixture
def topology(request):
    with Topology(request) as running:
        yield running


def differences(scenes: list[Scene], name: str, talks: str, resp: int = 2) -> Iterator[str]:
    for line in filter(None, map(str.strip, talks.splitlines())):
        ours, real = (scene.talk(name, line, resp) for scene in scenes)
        if ours != real:
            yield f"{name}> {line}\n   {ours}\n   {real}"


def assert_same(scenes: list[Scene], name: str, talks: str, resp: int = 2) -> None:
    differing = list(differences(scenes, name, talks, resp))
    assert not differing, f"{len(differing)} differ:\n" + "\n".join(differing)


def scenes_of(topology: Topology, names: str) -> list[Scene]:
    return [Scene(topology, kind, names) for kind in KINDS]


def with_halves(topology: Topology, names: str) -> list[Scene]:
    """A has the slots up to 8191, B the others, and R is A's replica."""
    scenes = scenes_of(topology, names)
    for scene in scenes:
        for epoch, node in enumerate(scene.nodes.values(), 1):
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", epoch)
        scene.meet()
        scene["A"].ask("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
        scene["B"].ask("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
    for scene in scenes:
        scene.cluster.await_ok()
        if "R" in names:
            scene["R"].ask("CLUSTER", "REPLICATE", scene["A"].id)
        scene.cluster.await_well()
    return scenes


@pytest.mark.parametrize("resp", [2, 3])
def test_alone(topology, resp):
    """A node without slots that knows no other; then what changes it."""
    scenes = scenes_of(topology, "A")
    assert_same(scenes, "A", SUBCOMMANDS + KEYS, resp)


@pytest.mark.parametrize("resp", [2, 3])
def test_changes(topology, resp):
    assert_same(scenes_of(topology, "A"), "A", AFTER_CHANGES, resp)


@pytest.mark.parametrize("resp", [2, 3])
def test_keys_and_slots(topology, resp):
    """Of two masters one is asked about keys of its own slots, of the other's, and of both's."""
    assert_same(with_halves(topology, "AB"), "A", KEYS, resp)


def test_commands_of_others_are_counted_as_rejected(topology):
    scenes = with_halves(topology, "AB")
    told = []
    for scene in scenes:
        for line in ("GET d", "SET d 1 EX 10", "MGET b c", "MSET b 1 d 1", "MULTI ; GET d ; EXEC", "GET b ; GET d"):
            scene.talk("A", line)
        stats = b"\n".join(scene.talk("A", "INFO commandstats")).decode()
        counts = re.findall(
            r"cmdstat_(get|set|mget|mset|exec):calls=(\d+),.*(rejected_calls=\d+,failed_calls=\d+)", stats
        )
        told.append(
            (sorted(counts), re.findall(r"errorstat_.*", b"".join(scene.talk("A", "INFO errorstats")).decode()))
        )
    assert told[0] == told[1]


def test_moving_slot(topology):
    """Both ends of a migration; and B again when a key has come."""
    scenes = with_halves(topology, "AB")
    for scene in scenes:
        scene["A"].ask("MSET", "b", "1", "{b}kept", "1")
        scene["A"].ask("CLUSTER", "SETSLOT", 3300, "MIGRATING", scene["B"].id)
        scene["B"].ask("CLUSTER", "SETSLOT", 3300, "IMPORTING", scene["A"].id)
    assert_same(scenes, "A", MOVING)
    assert_same(scenes, "B", MOVING)
    assert_same(scenes, "B", "ASKING ; SET {b}gone 1\n" + MOVING)
    assert_same(scenes, "A", ENDING)
    assert_same(scenes, "B", ENDING)


def test_replica(topology):
    scenes = with_halves(topology, "ABR")
    for scene in scenes:
        scene["A"].ask("MSET", "b", "1", "{b}1", "1")
        assert scene["A"].values(("SET", "b", 1), ("WAIT", 1, 0))[1] == 1
    assert_same(scenes, "R", REPLICA)
    assert_same(scenes, "R", REPLICA, 3)


def test_shard_channels_are_left_with_the_master(topology):
    """A replica that gets another master has other channels."""
    scenes = with_halves(topology, "ABR")
    told = []
    for scene in scenes:
        with contextlib.closing(RawClient(scene["R"].port)) as client:
            told.append([client.ask("SSUBSCRIBE", "b")])
            told[-1].append(scene["R"].ask("CLUSTER", "REPLICATE", scene["B"].id))
            told[-1] += [client.reply(), client.ask("SSUBSCRIBE", "d")]
    assert told[0] == told[1]


@pytest.mark.parametrize("settings", ["", "allow-reads-when-down", "allow-pubsubshard-when-down", "full-coverage"])
def test_down(topology, settings):
    """Half of the slots are nobody's."""
    scenes = scenes_of(topology, "A")
    for scene in scenes:
        scene["A"].ask("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
        if settings == "allow-reads-when-down":
            scene["A"].ask("CONFIG", "SET", "cluster-allow-reads-when-down", "yes")
        if settings == "allow-pubsubshard-when-down":
            scene["A"].ask("CONFIG", "SET", "cluster-allow-pubsubshard-when-down", "no")
        if settings == "full-coverage":
            scene["A"].ask("CONFIG", "SET", "cluster-require-full-coverage", "no")
            scene.cluster.await_ok()
    assert_same(scenes, "A", DOWN)
