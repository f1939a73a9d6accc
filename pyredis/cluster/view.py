"""What a node believes of the cluster: who is in it, who has which slots, at which epoch.

Beliefs change here and nowhere else. Each change says what must follow from it before anything is told to others:
that the file is written (`unsaved`), that it is on disk for good (`unsynced`), that the cluster's state is judged anew
(`unjudged`). `Member.settle` does that.
"""

from collections.abc import Callable, Iterator
from random import Random

from pyredis.cluster.node import (
    HANDSHAKE,
    MASTER,
    MIGRATE_TO,
    MYSELF,
    NO_ADDRESS,
    REPLICA,
    Node,
    each_slot,
)
from pyredis.datatypes.key_slot import SLOTS

ALL_SLOTS = (1 << SLOTS) - 1
FORGOTTEN_S = 60


class View:
    """`owners`: by slot. `migrating` and `importing`: open slots, and to and from whom. `is_ok`: the cluster's state.

    `disowned`: slots whose owner no longer claims them, though nobody else does yet. `size`: masters that have slots.
    `forgotten`: ids that are not to be met again before a time, ms.
    """

    def __init__(self, random: Random, now: int) -> None:
        self._random = random
        self.nodes: dict[bytes, Node] = {}
        self.owners: list[Node | None] = [None] * SLOTS
        self.migrating: dict[int, Node] = {}
        self.importing: dict[int, Node] = {}
        self.disowned = 0
        self.current_epoch = self.last_vote_epoch = 0
        self.is_ok = False
        self.size = 0
        self.forgotten: dict[bytes, int] = {}
        self.unsaved = self.unsynced = self.unjudged = False
        self.on_slot: Callable[[int], None] = lambda slot: None  # its owner changed, or whether it is open
        self.on_unbound: Callable[[int], None] = lambda slot: None  # it left its owner
        self.myself = self.new_node(MYSELF | MASTER, now)
        self.add(self.myself)

    # What follows from a change

    def changed(self, *, sync: bool = False) -> None:
        """Something is to be saved, and may decide whether all is well; `sync`: it must outlast a power cut."""
        self.unsaved = self.unjudged = True
        self.unsynced |= sync

    # Nodes

    def new_id(self) -> bytes:
        """An id that nobody has."""
        return b"%040x" % self._random.getrandbits(160)

    def new_node(self, flags: int, now: int, id: bytes = b"") -> Node:
        """A node that is not in the table yet; in a shard of its own until more is known."""
        return Node(id or self.new_id(), flags, self.new_id(), now)

    def add(self, node: Node) -> None:
        """Know a node."""
        self.nodes[node.id] = node

    def find(self, id: bytes) -> Node | None:
        """The node of this id."""
        return self.nodes.get(id)

    def others(self) -> Iterator[Node]:
        """Everybody else, those in handshake too; the table may change meanwhile."""
        return iter([node for node in self.nodes.values() if node is not self.myself])

    def remove(self, node: Node) -> None:
        """Know a node no longer: its slots are nobody's, its replicas have no master."""
        self.give(None, node.slots)
        for moves in (self.migrating, self.importing):
            for slot in [slot for slot, other in moves.items() if other is node]:
                self.close(slot, moves)
        for other in self.nodes.values():
            other.reports.pop(node, None)
        for replica in node.replicas:
            replica.master = None
        self._leave_master(node)
        del self.nodes[node.id]
        for link in (node.link, node.inbound):
            if link is not None:
                link.close()

    def rename(self, node: Node, id: bytes) -> None:
        """It has said who it is."""
        del self.nodes[node.id]
        node.id = id
        self.add(node)

    def forget(self, node: Node, until: int) -> None:
        """Remove a node, and do not hear of it from others until then."""
        self.forgotten[node.id] = until
        self.remove(node)
        self.changed()

    def is_forgotten(self, id: bytes, now: int) -> bool:
        """Whether it is not to be met again yet."""
        self.forgotten = {id: until for id, until in self.forgotten.items() if until > now}
        return id in self.forgotten

    # Roles

    def set_master(self, node: Node, master: Node) -> None:
        """It is a replica of `master` now."""
        if node.is_master:
            node.flags = node.flags & ~(MASTER | MIGRATE_TO) | REPLICA
            self.changed()
        if node.master is not master:
            self._leave_master(node)
            node.master = master
            master.replicas.append(node)
            master.flags |= MIGRATE_TO
            self.set_shard(node, master.shard_id)
            self.changed()

    def set_as_master(self, node: Node) -> None:
        """It is a master now."""
        if node.is_master:
            return
        if node.master is not None:
            self._leave_master(node)
            if node is not self.myself:
                node.flags |= MIGRATE_TO
        node.flags = node.flags & ~REPLICA | MASTER
        self.changed()

    def set_as_replica(self, node: Node) -> None:
        """It says it is a replica, maybe of somebody unknown."""
        node.flags = node.flags & ~(MASTER | MIGRATE_TO) | REPLICA
        self.changed()

    def _leave_master(self, node: Node) -> None:
        master, node.master = node.master, None
        if master is not None:
            master.replicas.remove(node)
            if not master.replicas:
                master.flags &= ~MIGRATE_TO

    def set_shard(self, node: Node, shard_id: bytes) -> None:
        """It belongs to this shard; if it is this node's master, so does this node."""
        for one in (node, self.myself if self.myself.master is node else node):
            if one.shard_id != shard_id:
                one.shard_id = shard_id
                self.changed()

    def shards(self) -> list[list[Node]]:
        """All nodes by their shard."""
        shards: dict[bytes, list[Node]] = {}
        for node in self.nodes.values():
            if not node.is_in_handshake:
                shards.setdefault(node.shard_id, []).append(node)
        return list(shards.values())

    def shard_of(self, node: Node) -> list[Node]:
        """Who shares its slots."""
        return [other for other in self.nodes.values() if other.shard_id == node.shard_id]

    # Slots

    def give(self, node: Node | None, slots: int) -> None:
        """These slots are this node's, or nobody's. Who gets a first one may be given replicas, where there are any."""
        for other in self.nodes.values():
            other.slots &= ~slots
        self.disowned &= ~slots
        if node is not None:
            if not node.slots and any(other.is_master and other.replicas for other in self.nodes.values()):
                node.flags |= MIGRATE_TO
            node.slots |= slots
        for slot in each_slot(slots):
            before, self.owners[slot] = self.owners[slot], node
            if before is not None and before is not node:
                self.on_unbound(slot)
            self.on_slot(slot)

    def open(self, slot: int, moves: dict[int, Node], other: Node) -> None:
        """Keys of the slot are moved to or from another node: `moves` is `migrating` or `importing`."""
        moves[slot] = other
        self.on_slot(slot)

    def close(self, slot: int, moves: dict[int, Node]) -> None:
        """They no longer are."""
        if moves.pop(slot, None) is not None:
            self.on_slot(slot)

    def close_all(self) -> None:
        """No slot is open."""
        for moves in (self.migrating, self.importing):
            for slot in list(moves):
                self.close(slot, moves)

    # Epochs

    @property
    def my_epoch(self) -> int:
        """This node's, or its master's."""
        leader = self.myself.leader or self.myself
        return leader.config_epoch

    @property
    def quorum(self) -> int:
        """How many masters are most."""
        return self.size // 2 + 1

    def max_epoch(self) -> int:
        """The greatest that is known."""
        return max(self.current_epoch, *(node.config_epoch for node in self.nodes.values()))

    def next_epoch(self) -> None:
        """Give this node an epoch of its own, without asking anybody."""
        self.current_epoch += 1
        self.myself.config_epoch = self.current_epoch
        self.changed(sync=True)

    def bump_epoch(self) -> bool:
        """The same, if it does not have the greatest already."""
        if self.myself.config_epoch and self.myself.config_epoch == self.max_epoch():
            return False
        self.next_epoch()
        return True

    # Whole

    def start_over(self, *, hard: bool) -> None:
        """CLUSTER RESET: forget the cluster; `hard`: and who this node was."""
        self.close_all()
        self.give(None, ALL_SLOTS)
        for node in self.others():
            self.remove(node)
        self.forgotten.clear()
        if hard:
            self.current_epoch = self.last_vote_epoch = self.myself.config_epoch = 0
            self.rename(self.myself, self.new_id())
            self.myself.shard_id = self.new_id()
        self.changed(sync=True)


def is_reachable(node: Node) -> bool:
    """Whether it may be talked of, and to."""
    return not node.flags & (HANDSHAKE | NO_ADDRESS)
