"""`pyredis-cluster`: the command line."""

import argparse
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from pyredis.clock import Clock
from pyredis.local_cluster.folder_lock import FolderLock
from pyredis.local_cluster.layout import Layout, demand_unused, find, load
from pyredis.local_cluster.lifecycle import Lifecycle, status
from pyredis.local_cluster.live_display import LiveDisplay
from pyredis.local_cluster.resp_client import Refused
from pyredis.local_cluster.status_table import table
from pyredis.local_cluster.trouble import Trouble

_FOLDER = "pyredis-cluster"
_FEW = """\
With fewer than 3 shards nobody can take over from a master that fails: that takes a majority of masters."""
_READY = """\
The cluster is ready: connect a cluster client to 127.0.0.1:%d.
Ctrl-C ends it. In another terminal: pyredis-cluster status | kill NODE | start NODE | add | rebalance | down"""


def main(argv: list[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    options = _parser().parse_args(argv)
    options.folder = Path(options.dir).absolute()
    try:
        code: int = options.run(options)
        return code
    except Trouble as trouble:
        print(f"pyredis-cluster: {trouble}", file=sys.stderr)
    except Refused as refused:
        print(f"pyredis-cluster: a node refused what it was asked for: {refused}", file=sys.stderr)
    except OSError as error:
        print(f"pyredis-cluster: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("pyredis-cluster", description="A local cluster in one command, for development.")
    always = argparse.ArgumentParser(add_help=False)
    always.add_argument(
        "--dir", default=_FOLDER, metavar="FOLDER", help=f"where the cluster keeps its data (default: ./{_FOLDER})"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    up = commands.add_parser("up", parents=[always], help="make a cluster, or start it again, and show what happens")
    up.add_argument("--shards", type=_positive, metavar="N", help="masters, which share the slots (default: 3)")
    up.add_argument("--replicas", type=_natural, metavar="N", help="replicas of each master (default: 1)")
    up.add_argument("--port", type=_positive, metavar="PORT", help="of the first node (default: 7000)")
    up.add_argument(
        "--node-timeout", type=_positive, metavar="MS", help="silence after which a node is failed over (default: 5000)"
    )
    up.add_argument("--server", help=argparse.SUPPRESS)
    up.set_defaults(run=_up)

    for name, run, text in (
        ("down", _down, "end all nodes; their data stays"),
        ("status", _status, "show the nodes; the exit code is 0 if the cluster is ok"),
    ):
        commands.add_parser(name, parents=[always], help=text).set_defaults(run=run)
    for name, run, text in (
        ("kill", _kill, "end a node hard, to see who takes over"),
        ("start", _start, "start a node that was killed"),
    ):
        command = commands.add_parser(name, parents=[always], help=text)
        command.add_argument("node", type=int, metavar="NODE", help="its port")
        command.set_defaults(run=run)

    rebalance = commands.add_parser("rebalance", parents=[always], help="let all masters have as many slots")
    rebalance.set_defaults(run=_rebalance)

    add = commands.add_parser("add", parents=[always], help="start another node: a master with a share of the slots")
    kind = add.add_mutually_exclusive_group()
    kind.add_argument("--replica-of", type=int, metavar="NODE", help="a replica of this master instead")
    kind.add_argument("--empty", action="store_true", help="a master without slots")
    add.set_defaults(run=_add)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def _natural(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


def _up(options: argparse.Namespace) -> int:
    layout = find(options.folder)
    if layout is None:
        demand_unused(options.folder)
    lock = FolderLock(options.folder, "up.lock")
    if not lock.take():
        raise Trouble(
            f"The cluster in {options.folder} is shown in another terminal already. End that with Ctrl-C, or make "
            "another cluster: pyredis-cluster up --dir another-folder --port 7100"
        )
    _take_signals()
    display = LiveDisplay(sys.stdout, Clock())
    try:
        return _run(layout, options, display)
    finally:
        lock.release()


def _run(layout: Layout | None, options: argparse.Namespace, display: LiveDisplay) -> int:
    shards = options.shards or 3
    if layout is None or not layout.is_made:
        if layout is not None:
            Lifecycle(layout, Clock(), display.say).discard()
        layout = _new_layout(options, shards)
        if shards < 3:
            display.say(_FEW)
    elif any((options.shards, options.replicas, options.port)):
        display.say("The cluster exists: --shards, --replicas and --port count only when one is made.")
    life = Lifecycle(layout, Clock(), display.say)
    try:
        if layout.is_made:
            life.restart(options.node_timeout)
        else:
            life.make(shards)
        display.say(_READY % layout.ports[0])
        life.watch(display)
    except KeyboardInterrupt:
        display.say("Ending the nodes")
    finally:
        life.stop()
    display.say("No node runs any more.")
    return 0


def _new_layout(options: argparse.Namespace, shards: int) -> Layout:
    replicas = 1 if options.replicas is None else options.replicas
    first = options.port or 7000
    ports = list(range(first, first + shards * (1 + replicas)))
    server = shlex.split(options.server or "", posix=os.name == "posix")
    return Layout(options.folder, ports, server, options.node_timeout or 5000)


def _take_signals() -> None:
    """Whatever asks for the end is as Ctrl-C."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, interrupt)


def _down(options: argparse.Namespace) -> int:
    _life(options).stop()
    print("No node runs any more.")
    return 0


def _status(options: argparse.Namespace) -> int:
    found = status(options.folder)
    print("\n".join(table(found)))
    return 0 if found.is_well else 1


def _kill(options: argparse.Namespace) -> int:
    life = _life(options, options.node)
    life.kill(options.node)
    print(f"Node {options.node} was killed. `pyredis-cluster start {options.node}` brings it back.")
    return 0


def _start(options: argparse.Namespace) -> int:
    _life(options, options.node).start(options.node)
    print(f"Node {options.node} runs.")
    return 0


def _add(options: argparse.Namespace) -> int:
    life = _life(options, *([] if options.replica_of is None else [options.replica_of]))
    with _alone(options.folder):
        life.add(replica_of=options.replica_of, empty=options.empty)
    return 0


def _rebalance(options: argparse.Namespace) -> int:
    life = _life(options)
    with _alone(options.folder):
        life.rebalance()
    return 0


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else changes the cluster. Raises Trouble."""
    lock = FolderLock(folder, "change.lock")
    if not lock.take():
        raise Trouble("Another command is changing the cluster. Try again when that is done.")
    try:
        yield
    finally:
        lock.release()


def _life(options: argparse.Namespace, *nodes: int) -> Lifecycle:
    """Of the cluster in the folder, which is to have some nodes."""
    layout = load(options.folder)
    for node in nodes:
        layout.demand(node)
    return Lifecycle(layout, Clock(), print)


if __name__ == "__main__":
    sys.exit(main())
