"""What a node says of its cluster: the lines of CLUSTER NODES, and CLUSTER INFO."""

from typing import Any, NamedTuple

from pyredis.local_cluster.node_links import Nodes
from pyredis.local_cluster.slot_plan import Range

_NOBODY = "-"


class OpenSlot(NamedTuple):
    """A slot on its way: `leaves` to the node `other`, or comes from there."""

    slot: int
    leaves: bool
    other: str


class Entry(NamedTuple):
    """A node as another knows it, or itself. `master` is the id of whom it follows, or ''."""

    id: str
    port: int
    flags: frozenset[str]
    master: str
    is_linked: bool
    slots: tuple[Range, ...]
    open_slots: tuple[OpenSlot, ...]

    @property
    def is_myself(self) -> bool:
        """Whether this is who speaks."""
        return "myself" in self.flags

    @property
    def is_master(self) -> bool:
        """Whether it follows nobody."""
        return "master" in self.flags

    @property
    def is_met(self) -> bool:
        """Whether it is known, and can be talked to."""
        return self.is_myself or (self.is_linked and not self.flags & {"handshake", "noaddr", "fail", "fail?"})


class Report(NamedTuple):
    """One node's view of all. `epoch` tells how new it is."""

    entries: list[Entry]
    is_ok: bool
    epoch: int
    keys: int = 0

    @property
    def myself(self) -> Entry:
        """Who speaks."""
        return next(entry for entry in self.entries if entry.is_myself)


def parse_nodes(text: str) -> list[Entry]:
    """CLUSTER NODES. Raises ValueError for what is no such text."""
    return [_entry(line.split()) for line in text.splitlines() if line]


def _entry(words: list[str]) -> Entry:
    if len(words) < 8:
        raise ValueError(f"no line of CLUSTER NODES: {' '.join(words)}")
    id, address, flags, master, _, _, _, link, *slots = words
    return Entry(
        id,
        int(address.split(",")[0].split("@")[0].rpartition(":")[2]),
        frozenset(flags.split(",")),
        "" if master == _NOBODY else master,
        link == "connected",
        tuple(_range(word) for word in slots if not word.startswith("[")),
        tuple(_open_slot(word) for word in slots if word.startswith("[")),
    )


def _range(word: str) -> Range:
    first, _, last = word.partition("-")
    return int(first), int(last or first)


def _open_slot(word: str) -> OpenSlot:
    slot, mark, other = word.strip("[]").split("-", 2)
    return OpenSlot(int(slot), mark == ">", other)


def fields_of(info: bytes) -> dict[str, str]:
    """What stands in a text of lines `name:value`."""
    lines = (line.partition(":") for line in info.decode("utf-8", "replace").split("\r\n"))
    return {name: value for name, colon, value in lines if colon}


def report_of(nodes: Nodes, port: int) -> Report:
    """What a node says now. Raises OSError, or Refused."""
    text, info, keys = _words(nodes.ask_all(port, [("CLUSTER", "NODES"), ("CLUSTER", "INFO"), ("DBSIZE",)]))
    fields = fields_of(info)
    entries = parse_nodes(text.decode("utf-8", "replace"))
    return Report(entries, fields["cluster_state"] == "ok", int(fields["cluster_current_epoch"]), keys)


def _words(replies: list[Any]) -> tuple[bytes, bytes, int]:
    text, info, keys = replies
    return text, info, keys
