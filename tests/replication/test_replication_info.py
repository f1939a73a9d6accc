"""INFO replication and ROLE, field by field as the real servers have them."""

import re

import pytest

from pyredis.testing import RedisServer
from tests.oracle import ask, binary_7_0, binary_8_2, real_server, wait_for

REAL = {"7.0.15": binary_7_0, "8.2.3": binary_8_2}
NOT_IN_7_0 = (
    "replica_full_sync_buffer_size",
    "replica_full_sync_buffer_peak",
    "master_current_sync_attempts",
    "master_total_sync_attempts",
    "master_link_up_since_seconds",
    "total_disconnect_time_sec",
)


def lines(port):
    text = ask(port, "INFO", "replication").decode().partition("\r\n")[2]
    return [line for line in text.split("\r\n") if ":" in line]


def shape(port):
    """The fields, their order, and their values where these do not depend on the moment."""
    varies = re.compile(r"(?<=[:=])(\d+|-1|[0-9a-f]{40})(?=,|$)")
    return [varies.sub("#", line) for line in lines(port)]


def is_up(port):
    return b"master_link_status:up" in ask(port, "INFO", "replication")


def is_fed(port):
    return b"state=online" in ask(port, "INFO", "replication")


class Pair:
    """A master and a replica, both of one kind."""

    def __init__(self, master, replica):
        self.master, self.replica = master, replica

    def begin(self):
        ask(self.master, "CONFIG", "SET", "repl-diskless-sync-delay", "0")
        ask(self.replica, "REPLICAOF", "127.0.0.1", str(self.master))
        wait_for(lambda: is_up(self.replica) and is_fed(self.master))

    def shapes(self):
        """What both say: alone, together, and when the replica waits for a master that is not there."""
        found = {"alone": shape(self.master)}
        self.begin()
        found |= {"master": shape(self.master), "replica": shape(self.replica)}
        found["roles"] = [re.sub(rb"\d+", b"#", ask(port, "ROLE")) for port in (self.master, self.replica)]
        ask(self.replica, "REPLICAOF", "127.0.0.1", "1")
        wait_for(lambda: b"master_link_status:down" in ask(self.replica, "INFO", "replication"))
        found["down"] = shape(self.replica)
        ask(self.replica, "REPLICAOF", "NO", "ONE")
        found["promoted"] = shape(self.replica)
        return found


@pytest.fixture(scope="module")
def ours():
    with RedisServer() as master, RedisServer() as replica:
        yield Pair(master.port, replica.port).shapes()


@pytest.mark.slow
@pytest.mark.parametrize("version", REAL)
def test_as_the_real_server(ours, version):
    binary = REAL[version]()
    if binary is None:
        pytest.skip(f"no Redis {version}")
    with real_server(binary) as master, real_server(binary) as replica:
        real = Pair(master, replica).shapes()
    if version == "7.0.15":
        ours = {what: [line for line in said if not str(line).startswith(NOT_IN_7_0)] for what, said in ours.items()}
    for what, expected in real.items():
        assert ours[what] == expected, what
