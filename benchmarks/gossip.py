"""What the cluster's bus costs as it grows: `python -m benchmarks.gossip`.

Members without servers under a virtual clock (`tests/cluster/members.py`), half of them masters, node timeout 15 s, as by
default: packets, bytes and ms of CPU a second a node, when nothing happens. *redis*: as many real servers, what they
count in CLUSTER INFO; only as many as a small machine can run. The goal is that ours grow no faster.
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks import report
from tests.cluster.members import Town

SIZES = (6, 20, 100)
REAL_SIZES = (6, 20)
SECONDS = 30
BRIEFLY = 5  # of more than a hundred nodes
NODE_TIMEOUT = 15_000


def in_process(size: int) -> dict[str, float]:
    """A settled cluster's traffic."""
    town = Town(1, NODE_TIMEOUT)
    town.settle_as_cluster(size // 2, 1)
    town.run_for(NODE_TIMEOUT)
    packets, size_of, seconds = 0, 0, SECONDS if size <= 100 else BRIEFLY
    carry = town.carry

    def count(link, data):  # type: ignore[no-untyped-def]
        nonlocal packets, size_of
        packets, size_of = packets + 1, size_of + len(data)
        carry(link, data)

    town.carry = count
    begun = time.process_time()
    town.run_for(seconds * 1000)
    share = size * seconds
    return {
        "packets": packets / share,
        "bytes": size_of / share,
        "cpu_ms": (time.process_time() - begun) * 1000 / share,
    }


def real(size: int, first_port: int = 21_000) -> dict[str, float]:
    """What real servers count: packets that each sent, a second."""
    ports = range(first_port, first_port + size)
    with tempfile.TemporaryDirectory() as folder:
        servers = []
        for port in ports:
            Path(folder, str(port)).mkdir()
            line = f"--port {port} --dir {folder}/{port} --cluster-enabled yes --save '' --logfile log"
            servers.append(subprocess.Popen(["/bin/sh", "-c", f"exec redis-server {line}"]))
        try:
            time.sleep(1)
            addresses = [f"127.0.0.1:{port}" for port in ports]
            options = ["--cluster-replicas", "1", "--cluster-yes"]
            subprocess.run(
                ["redis-cli", "--cluster", "create", *addresses, *options], stdout=subprocess.DEVNULL, check=True
            )
            time.sleep(NODE_TIMEOUT / 1000)
            before = sum(map(sent, ports))
            time.sleep(SECONDS)
            return {"packets": (sum(map(sent, ports)) - before) / size / SECONDS}
        finally:
            for server in servers:
                server.terminate()
            for server in servers:
                server.wait()


def sent(port: int) -> int:
    """Packets that a node has sent."""
    text = subprocess.run(["redis-cli", "-p", str(port), "cluster", "info"], capture_output=True, text=True).stdout
    return int(text.split("cluster_stats_messages_sent:")[1].split()[0])


def lines(figures: dict[str, dict[int, dict[str, float]]]) -> list[str]:
    """A line a size."""
    shown = [f"{'nodes':>6}{'packets/s':>11}{'redis':>8}{'KB/s':>8}{'CPU ms/s':>10}   a node"]
    for size, ours in figures["pyredis"].items():
        theirs = figures["redis"].get(size)
        other = f"{theirs['packets']:.1f}" if theirs else "-"
        shown.append(f"{size:>6}{ours['packets']:>11.1f}{other:>8}{ours['bytes'] / 1024:>8.1f}{ours['cpu_ms']:>10.2f}")
    return shown


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gossip", description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="how many nodes, even numbers")
    parser.add_argument("--no-redis", action="store_true", help="without real servers")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    figures = {
        "pyredis": {size: in_process(size) for size in sizes},
        "redis": {} if options.no_redis else {size: real(size) for size in sizes if size in REAL_SIZES},
    }
    print("\n".join(lines(figures)))
    print(report.shown(report.save("gossip", {"figures": figures})))


if __name__ == "__main__":
    main()
