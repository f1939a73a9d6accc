"""Clients that know clusters, through a failover and a reshard: redis-py, valkey-py and, where npm finds it, ioredis.

Each increments keys of all shards all the time. It must come through by itself: from the moment on when the cluster is
well again, no increment fails, none is lost and none is done twice, also while slots move.
"""

import contextlib
import importlib
import json
import shutil
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.cluster.clusters import SLOTS, Cluster, keys_by_slot
from tests.cluster.following import Follower
from tests.replication.topologies import OURS, REDIS_8_2, Topology, eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

KEYS = [keys_by_slot()[slot] for slot in range(100, SLOTS, 1000)]
SETTLING_S = 2.0
"""How long after a failover a client may take to find the new master."""
MIXTURES = {
    "ours": [OURS] * 6,
    "ours and redis-8.2": [OURS, REDIS_8_2] * 3,
    "all redis-8.2": [REDIS_8_2] * 6,
}


class PythonLoad:
    """redis-py or valkey-py in threads of this process. `before` and `after` the mark: increments acknowledged."""

    def __init__(self, package: str, port: int) -> None:
        self.before: Counter[str] = Counter()
        self.after: Counter[str] = Counter()
        self.errors: list[tuple[bool, str, str]] = []
        module = importlib.import_module(package)
        kind = getattr(module, "RedisCluster", None) or module.ValkeyCluster
        self.client = kind(host="127.0.0.1", port=port)
        self._failure = getattr(module, "RedisError", None) or module.ValkeyError
        self._counts = self.before
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._ends.wait(0.001):
            for key in KEYS:
                counts = self._counts
                try:
                    self.client.incr(key)
                    counts[key] += 1
                except (self._failure, OSError) as error:
                    self.errors.append((counts is self.after, key, repr(error)))

    def mark(self) -> None:
        self._counts = self.after

    def has_gone_on(self) -> bool:
        """Every key was incremented ten times since the mark, or since the start."""
        return all(self._counts[key] >= 10 for key in KEYS)

    def stop(self) -> None:
        self._ends.set()
        self._thread.join()
        self.client.close()


class NodeLoad:
    """ioredis in a process of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        program = shutil.copy(Path(__file__).parent / "ioredis_load.js", folder)
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(["node", program, str(port), *KEYS], stdin=pipe, stdout=pipe, text=True)
        self._lines: list[str] = []
        self._from = 0
        self._reader = threading.Thread(target=lambda: self._lines.extend(iter(self._process.stdout.readline, "")))
        self._reader.start()

    def mark(self) -> None:
        self._from = len(self._lines)
        self._process.stdin.write("mark\n")
        self._process.stdin.flush()

    def has_gone_on(self) -> bool:
        return {line.strip() for line in self._lines[self._from :]} >= {*KEYS}

    def stop(self) -> None:
        self._process.stdin.close()
        self._reader.join()
        self._process.wait()
        self._process.stdout.close()
        told = json.loads(self._lines[-1])
        self.before, self.after = Counter(told["before"]), Counter(told["after"])
        self.errors = told["errors"]


@pytest.fixture
def cluster(request):
    with Topology(request) as topology:
        made = Cluster(topology, request.param)
        made.create()
        yield made


def through_failover_and_reshard(cluster, load):
    """The scripted run; the load was just begun."""
    try:
        eventually(load.has_gone_on, lambda: "never began")
        hit = cluster.masters()[0]
        slots = hit.view().myself().slots
        hit.kill()
        cluster.await_failover(min(slots), hit)
        hit.start()
        cluster.await_well()
        time.sleep(SETTLING_S)
        load.mark()
        eventually(load.has_gone_on, lambda: "did not come through the failover")
        source, target = cluster.masters()[:2]
        cluster.reshard(source, target, 300)
        cluster.reshard(target, source, 300)
        cluster.await_well()
    finally:
        load.stop()
    errors_after = [error for error in load.errors if error[0]]
    counts = [sum(load.before.values()), sum(load.after.values()), len(load.errors)]
    print("\n{} + {} increments, {} errors in the failover".format(*counts))
    assert not errors_after
    with contextlib.closing(Follower(cluster.ports)) as follower:
        found = {slot: int(follower.call("GET", keys_by_slot()[slot])) for slot in range(100, SLOTS, 1000)}
    failed = {key for _, key, _ in load.errors}
    for slot, number in found.items():
        key = keys_by_slot()[slot]
        if slot not in slots and key not in failed:
            assert number == load.before[key] + load.after[key], key
        assert number >= load.after[key], key


def mixtures(quick):
    return pytest.mark.parametrize(
        "cluster",
        [
            pytest.param(kinds, id=name, marks=() if name in quick else pytest.mark.proof)
            for name, kinds in MIXTURES.items()
        ],
        indirect=True,
    )


@pytest.mark.parametrize("package", ["redis", pytest.param("valkey", marks=pytest.mark.proof)])
@mixtures(quick=["ours"])
def test_python(cluster, package):
    pytest.importorskip(package)
    through_failover_and_reshard(cluster, PythonLoad(package, cluster.ports()[0]))


@pytest.fixture(scope="session")
def with_ioredis(tmp_path_factory):
    """A folder in which node finds ioredis."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("ioredis")
    command = ["npm", "install", "--silent", "--prefix", str(folder), "ioredis@5"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        pytest.skip(f"npm has no ioredis for us: {done.stderr}")
    return folder


@pytest.mark.proof
@mixtures(quick=())
def test_ioredis(cluster, with_ioredis):
    through_failover_and_reshard(cluster, NodeLoad(with_ioredis, cluster.ports()[0]))


def reading_from_replicas(package, port):
    module = pytest.importorskip(package)
    if package == "valkey":
        return module.ValkeyCluster(host="127.0.0.1", port=port, read_from_replicas=True)
    turns = importlib.import_module("redis.cluster").LoadBalancingStrategy.ROUND_ROBIN
    return module.RedisCluster(host="127.0.0.1", port=port, load_balancing_strategy=turns)


@pytest.mark.parametrize("package", ["redis", "valkey"])
@mixtures(quick=())
def test_python_whole(cluster, package):
    """What such a client has besides single keys: many at once, pipelines, transactions, scans, replicas, channels."""
    with contextlib.closing(reading_from_replicas(package, cluster.ports()[0])) as client:
        data = {f"key:{number}": str(number) for number in range(500)}
        assert client.mset_nonatomic(data)
        assert client.dbsize(target_nodes=client.PRIMARIES) == len(data)
        assert {key.decode() for key in client.scan_iter(match="key:*", count=50)} == {*data}
        with client.pipeline() as pipe:
            for key in data:
                pipe.incr(key)
            assert pipe.execute() == [int(value) + 1 for value in data.values()]
        for master in cluster.masters():
            assert master.ask("WAIT", 1, 5000) == 1
        assert [int(value) for value in client.mget_nonatomic(*data)] == [int(value) + 1 for value in data.values()]
        assert client.eval("return redis.call('incrby', KEYS[1], ARGV[1])", 1, "{t}a", 5) == 5
        assert client.cluster_info(target_nodes=client.ALL_NODES)
        assert client.delete(*[f"key:{number}" for number in range(500)]) == 500
