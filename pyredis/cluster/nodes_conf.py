"""The form of `nodes.conf`: the lines of CLUSTER NODES, then the epochs.

    id ip:port@bus-port,hostname,tls-port=0,shard-id=… flags master|- ping pong epoch connected slots… [slot->-id]
    vars currentEpoch 6 lastVoteEpoch 0

A real server does not start with a field it does not know, so only those of Redis 7.2 are written; Valkey's and later
ones are read. Files of Redis 7.0 and before have no fields behind the hostname.
"""

import re
from collections.abc import Iterator

from pyredis.cluster.node import BUS_PORT_OFFSET, FAIL, FLAGS, MASTER, MYSELF, REPLICA, Node, is_id, slot_ranges
from pyredis.cluster.view import View
from pyredis.datatypes.key_slot import SLOTS
from pyredis.datatypes.numeric import parse_int

_LEAST_FIELDS = 8
_APART = re.compile(r"[\s,=]")  # what a name may have, but no word of the file
_FLAGS = {**FLAGS, b"noflags": 0}


class CorruptConfig(ValueError):
    """A file that is none of the cluster's; says the line."""


# Writing


def dump(view: View, *, times: bool = True) -> bytes:
    """The file; without `times` what is the same as long as nothing else changes."""
    lines = [
        _describe(view, node, _address(node) + _fields(node), times=times)
        for node in view.nodes.values()
        if not node.is_in_handshake
    ]
    lines.append(b"vars currentEpoch %d lastVoteEpoch %d" % (view.current_epoch, view.last_vote_epoch))
    return b"\n".join(lines) + b"\n"


def describe(view: View, node: Node) -> bytes:
    """A line of CLUSTER NODES: the fields behind the hostname are for the file only."""
    return _describe(view, node, _address(node))


def _address(node: Node) -> bytes:
    address = b"%b:%d@%d" % (node.ip.encode(), node.port, node.bus_port)
    return address + b"," + node.hostname.encode() if node.hostname else address


def _fields(node: Node) -> bytes:
    fields = [b"" if node.hostname else b",", b",tls-port=%d" % node.tls_port]
    if node.human_name:
        fields.append(b",nodename=" + _APART.sub("_", node.human_name).encode())
    return b"".join((*fields, b",shard-id=", node.shard_id))


def _describe(view: View, node: Node, address: bytes, *, times: bool = True) -> bytes:
    leader = node.leader or node
    state = b"connected" if node.link is not None or node.is_myself or not times else b"disconnected"
    sent, received = (node.ping_sent, node.pong_received) if times else (0, 0)
    words = [
        *(node.id, address, node.flag_names, node.master.id if node.master is not None else b"-"),
        *(b"%d" % sent, b"%d" % received, b"%d" % leader.config_epoch, state),
        *(b"%d" % first if first == last else b"%d-%d" % (first, last) for first, last in slot_ranges(node.slots)),
    ]
    if node.is_myself:
        words += _open_slots(view)
    return b" ".join(words)


def _open_slots(view: View) -> Iterator[bytes]:
    for slot in sorted({**view.migrating, **view.importing}):
        if slot in view.migrating:
            yield b"[%d->-%b]" % (slot, view.migrating[slot].id)
        else:
            yield b"[%d-<-%b]" % (slot, view.importing[slot].id)


# Reading


def load(view: View, text: bytes, now: int) -> None:
    """Take a file's beliefs into a view that has none yet. Raises CorruptConfig."""
    stranger = view.myself
    found: Node | None = None
    for line in text.split(b"\n"):
        words = line.split()
        if not words:
            continue
        try:
            if words[0].lower() == b"vars":
                _take_vars(view, words[1:])
            elif _take_node(view, words, now):
                found = view.nodes[words[0]]
        except (ValueError, LookupError):
            raise CorruptConfig(line.decode("utf-8", "backslashreplace")) from None
    if found is None or not found.flags & (MASTER | REPLICA) or (found.is_replica and found.master is None):
        raise CorruptConfig("no node says it is this one")
    view.myself = found
    view.remove(stranger)
    for node in view.nodes.values():  # a replica may stand before its master in the file
        node.shard_id = node.master.shard_id if node.master is not None else node.shard_id
    view.current_epoch = view.max_epoch()


def _take_vars(view: View, words: list[bytes]) -> None:
    if len(words) % 2:
        raise ValueError
    values = dict(zip(words[::2], words[1::2], strict=True))
    view.current_epoch = int(values.get(b"currentEpoch", 0))
    view.last_vote_epoch = int(values.get(b"lastVoteEpoch", 0))


def _take_node(view: View, words: list[bytes], now: int) -> bool:
    """A line; whether it is about this node."""
    if len(words) < _LEAST_FIELDS:
        raise ValueError
    node = _node(view, words[0], now)
    _take_address(node, words[1].split(b","))
    for name in words[2].split(b","):
        node.flags |= _FLAGS[name]
    if node.flags & FAIL:
        node.fail_time = now
    if words[3] != b"-":
        view.set_master(node, _node(view, words[3], now))
    node.ping_sent = now if int(words[4]) else 0
    node.pong_received = now if int(words[5]) else 0
    node.config_epoch = 0 if node.is_replica else int(words[6])
    for word in words[8:]:
        _take_slots(view, node, word, now)
    return bool(node.flags & MYSELF)


def _node(view: View, id: bytes, now: int) -> Node:
    if not is_id(id):
        raise ValueError
    node = view.find(id)
    if node is None:
        node = view.new_node(0, now, id)
        view.add(node)
    return node


def _take_address(node: Node, parts: list[bytes]) -> None:
    ip, _, ports = parts[0].rpartition(b":")
    port, at, bus_port = ports.partition(b"@")
    node.ip, node.port = ip.decode(), int(port)
    node.bus_port = int(bus_port) if at else node.port + BUS_PORT_OFFSET
    node.hostname = parts[1].decode() if len(parts) > 1 else ""
    for part in parts[2:]:
        name, equals, value = part.partition(b"=")
        if not equals:
            raise ValueError
        if name == b"shard-id":
            if not is_id(value):
                raise ValueError
            node.shard_id = value
        elif name == b"nodename":
            node.human_name = value.decode()
        elif name in (b"tcp-port", b"tls-port"):
            _take_port(node, name, int(value))


def _take_port(node: Node, name: bytes, port: int) -> None:
    if name == b"tls-port":
        node.tls_port = port
    else:  # what stood before is the other one
        node.tls_port, node.port = node.port, port


def _take_slots(view: View, node: Node, word: bytes, now: int) -> None:
    if word.startswith(b"["):
        slot, arrow, id = word[1:46].partition(b"-")[0], word.partition(b"-")[2][:1], word.rstrip(b"]")[-40:]
        moves = view.migrating if arrow == b">" else view.importing
        moves[_slot(slot)] = _node(view, id, now)
        return
    first, _, last = word.partition(b"-")
    slots = sum(1 << number for number in range(_slot(first), _slot(last or first) + 1))
    for other in view.nodes.values():
        slots &= ~other.slots  # the first line holds
    view.give(node, slots)


def _slot(word: bytes) -> int:
    slot = parse_int(word)
    if slot is None or not 0 <= slot < SLOTS:
        raise ValueError
    return slot
