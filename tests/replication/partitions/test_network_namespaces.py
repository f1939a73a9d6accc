import contextlib
import subprocess
from pathlib import Path

import pytest

from tests.oracle import wait_for
from tests.replication.partitions.network_namespaces import missing, network, process

WHY_NOT = missing()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(WHY_NOT is not None, reason=str(WHY_NOT))]


def reaches(net, source, target):
    """Whether a node's packets come to another: a connection that nobody listens to is refused, not lost."""
    address = net.address(target)
    code = f"import socket; s = socket.socket(); s.settimeout(0.2); s.connect_ex(('{address}', 9)) == 111 or exit(1)"
    return subprocess.run([*net.inside(source), "python3", "-c", code], check=False).returncode == 0


def test_a_side_hears_nothing_of_the_other_until_healed():
    with network(3) as net:
        assert reaches(net, 1, 2)
        net.cut([1], [2, 3])
        assert not reaches(net, 1, 2)
        assert not reaches(net, 3, 1)
        assert reaches(net, 2, 3)
        net.heal()
        wait_for(lambda: reaches(net, 1, 2))  # a node that was looked for in vain is looked for again after a second
        wait_for(lambda: reaches(net, 3, 1))


def test_a_connection_is_made_on_the_node_itself():
    listener = "import socket; s = socket.create_server(('', 7000)); print(flush=True); s.accept()[0].sendall(b'here')"
    with network(2) as net, process([*net.inside(2), "python3", "-c", listener], stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        with pytest.raises(ConnectionRefusedError):
            net.connect(1, 7000, 5)
        with contextlib.closing(net.connect(2, 7000, 5)) as sock:
            assert sock.recv(10) == b"here"


def test_nothing_is_left_and_the_machine_sees_nothing():
    before = set(Path("/sys/class/net").iterdir())
    with network(2) as net:
        holders = list(net._holders.values())
        assert set(Path("/sys/class/net").iterdir()) == before
    assert not any(Path(f"/proc/{holder}").exists() for holder in holders)
