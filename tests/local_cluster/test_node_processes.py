import os
import sys

import pytest

from pyredis.clock import Clock
from pyredis.local_cluster.layout import Layout
from pyredis.local_cluster.lifecycle import was_replica
from pyredis.local_cluster.node_processes import NodeProcesses, command_line, demand_free
from pyredis.local_cluster.trouble import Trouble
from pyredis.testing import RedisServer


def test_a_node_is_a_server_in_its_own_folder(tmp_path):
    layout = Layout(tmp_path, [7000], node_timeout=1234)
    command = command_line(layout, 7000)
    assert command[:3] == [sys.executable, "-m", "pyredis.cli"]
    options = dict(zip(command[3::2], command[4::2], strict=True))
    assert (
        options.items()
        >= {
            "--port": "7000",
            "--bind": "127.0.0.1",
            "--dir": str(tmp_path / "node-7000"),
            "--cluster-enabled": "yes",
            "--cluster-node-timeout": "1234",
        }.items()
    )
    assert command_line(Layout(tmp_path, [7000], ["x", "-y"]), 7000)[:3] == ["x", "-y", "--port"]


@pytest.mark.parametrize("port", [0, 55536, 65535])
def test_a_node_needs_two_ports(port):
    with pytest.raises(Trouble, match=f"cannot have port {port}: .* 55535 is the highest"):
        demand_free(port)


def test_another_s_server_is_none_of_its_nodes(tmp_path):
    with RedisServer() as server:
        layout = Layout(tmp_path, [server.port])
        layout.node_folder(server.port).mkdir()
        processes = NodeProcesses(layout, Clock())
        assert not processes.is_there(server.port)
        layout.pid_file(server.port).write_text("1\n")
        assert not processes.is_there(server.port)
        assert not processes.kill(server.port)
        layout.pid_file(server.port).write_text(f"{os.getpid()}\n")
        assert processes.is_there(server.port)


@pytest.mark.parametrize(("role", "answer"), [("myself,slave", True), ("myself,master", False), ("slave", False)])
def test_what_a_node_was_stands_in_its_file(tmp_path, role, answer):
    layout = Layout(tmp_path, [7000])
    assert not was_replica(layout, 7000)
    layout.node_folder(7000).mkdir()
    layout.nodes_file(7000).write_text(
        f"{'a' * 40} 127.0.0.1:7000@17000 {role} - 0 0 1 connected\nvars currentEpoch 1\n"
    )
    assert was_replica(layout, 7000) is answer
