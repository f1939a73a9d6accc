"""The data folder: `cluster.json` says which nodes there are, and `node-<port>/` is what each of them keeps.

    pyredis-cluster/
        cluster.json      the nodes' ports, and how they are started
        node-7000/        nodes.conf, the data, node.log, and pid, that of the process started last
        …

The file is replaced as a whole, so that who reads it meanwhile sees one state or the other. `is_made` is false until
the cluster was whole for the first time: what is there before can be begun anew.
"""

import contextlib
import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pyredis.local_cluster.trouble import Trouble

_FILE = "cluster.json"
_TEXTS = {"up.lock", "change.lock"}


@dataclass
class Layout:
    """`server`: a command line in place of this package's server. `node_timeout` in ms."""

    folder: Path
    ports: list[int] = field(default_factory=list)
    server: list[str] = field(default_factory=list)
    node_timeout: int = 5000
    is_made: bool = False

    def node_folder(self, port: int) -> Path:
        """What the node keeps."""
        return self.folder / f"node-{port}"

    def log_file(self, port: int) -> Path:
        """What the node's processes say."""
        return self.node_folder(port) / "node.log"

    def nodes_file(self, port: int) -> Path:
        """What the node itself keeps of the cluster."""
        return self.node_folder(port) / "nodes.conf"

    def pid_file(self, port: int) -> Path:
        """Which process it was last."""
        return self.node_folder(port) / "pid"

    def save(self) -> None:
        """Write `cluster.json`."""
        kept = asdict(self)
        del kept["folder"]
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = self.folder / f"{_FILE}.new"
        temporary.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        temporary.replace(self.folder / _FILE)

    def forget(self, port: int) -> None:
        """A node is none any more: nothing is kept of it."""
        if port in self.ports:
            self.ports.remove(port)
            self.save()
        shutil.rmtree(self.node_folder(port), ignore_errors=True)

    def clear(self) -> None:
        """Nothing is kept of any node."""
        for port in list(self.ports):
            self.forget(port)

    def demand(self, port: int) -> None:
        """Raises Trouble if there is no such node."""
        if port not in self.ports:
            raise Trouble(f"There is no node {port}. The nodes are: {', '.join(map(str, self.ports))}.")


def find(folder: Path) -> Layout | None:
    """What is in a folder; None if that has no cluster. Raises Trouble for a file that cannot be read."""
    path = folder / _FILE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Layout(folder, **kept)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise Trouble(
            f"{path} cannot be read: {error}. Choose another folder with --dir, or remove this one."
        ) from None


def load(folder: Path) -> Layout:
    """What is in a folder. Raises Trouble if that has no cluster."""
    layout = find(folder)
    if layout is None:
        raise Trouble(
            f"There is no cluster in {folder}. `pyredis-cluster up` makes one; --dir names the folder of another."
        )
    return layout


def demand_unused(folder: Path) -> None:
    """Raises Trouble for a folder that holds something else, or cannot hold anything."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = {path.name for path in folder.iterdir()} - _TEXTS
    except OSError as error:
        raise Trouble(f"{folder} cannot be used: {error.strerror}. Choose another folder with --dir.") from None
    if others:
        raise Trouble(f"{folder} is not empty, and holds no cluster. Choose another folder with --dir.")


def pid_of(layout: Layout, port: int) -> int | None:
    """The process that was started last for a node, if that is known."""
    with contextlib.suppress(OSError, ValueError):
        return int(layout.pid_file(port).read_text(encoding="ascii"))
    return None
