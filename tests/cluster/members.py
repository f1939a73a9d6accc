"""Members of a cluster without servers: a heap of packets and ticks under one virtual clock.

    town = Town(seed=3)
    town.found(masters=3, replicas=1)
    town.run_until(town.is_ok, 10_000)

A way from one member to another may be cut, lose packets, repeat or reorder them; a member may stand still, or lose all
but what it saved. What is written to links leaves after `settle`, as on a server.
"""

import logging
from heapq import heappop, heappush
from random import Random

from pyredis.cluster import nodes_conf
from pyredis.cluster.member import TICK_MS, Member
from pyredis.cluster.view import View

QUIET = logging.Logger("members", logging.CRITICAL + 1)
START = 1_700_000_000_000


class Settings:
    """What a real configuration says."""

    def __init__(self, node_timeout=2000):
        self.node_timeout = node_timeout
        self.ping_interval = 0
        self.validity_ms = 10_000 + 10 * node_timeout
        self.no_failover = False
        self.migration_barrier = 1
        self.allows_replica_migration = True
        self.requires_full_coverage = True


class TownLink:
    """One end of a connection."""

    other = None

    def __init__(self, town, owner, peer, node, *, is_inbound):
        self.town, self.owner, self.peer, self.node, self.is_inbound = town, owner, peer, node, is_inbound
        self.created = town.now
        self.peer_ip, self.local_ip = peer.ip, owner.ip
        self.is_open = True

    def send(self, packet):
        self.owner.outbox.append((self, packet))

    def close(self):
        if self.is_open:
            self.is_open = False
            self.owner.member.lost(self)
            self.town.after(1, self.other.fall)

    def fall(self):
        """The other end closed."""
        if self.is_open:
            self.is_open = False
            self.owner.member.lost(self)


class Resident:
    """A member and its World."""

    announced_ip = ""
    is_paused = False

    def __init__(self, town, name, settings):
        self.town, self.name, self.settings = town, name, settings
        self.ip, self.port = f"10.0.{name >> 8}.{name & 255}", 7000
        self.random = Random(town.random.getrandbits(64))
        self.log = QUIET
        self.disk = b""
        self.sent = {}
        self.is_up = False
        self.data_heard = 0
        self.start()

    def start(self):
        """Begin, with what was saved."""
        view = View(self.random, self.town.now)
        if self.disk:
            nodes_conf.load(view, self.disk, self.town.now)
        view.myself.ip, view.myself.port, view.myself.bus_port = self.ip, self.port, self.port + 10_000
        self.view, self.outbox, self.links = view, [], []
        self.master = None
        self.offset = 0
        self.keys = {}
        self.is_up, self.stands_still, self.asked = True, False, False
        self.member = Member(view, self)
        self.town.after(self.random.randrange(TICK_MS), self._tick, self.member)

    def _tick(self, member):
        if member is not self.member or not self.is_up:
            return
        if self.stands_still:
            self.town.after(10, self._tick, member)
            return
        self.town.after(TICK_MS, self._tick, member)
        self.member.tick()
        self.flush()

    def die(self):
        """kill -9."""
        self.is_up = False
        for link in list(self.links):
            link.is_open = False
            self.town.after(1, link.other.fall)

    def flush(self):
        outbox, self.outbox = self.outbox, []
        for link, packet in outbox:
            self.town.carry(link, packet)

    def settle(self):
        self.asked = False
        if self.is_up:
            self.member.settle()
            self.flush()

    # A World

    @property
    def now(self):
        return self.town.now

    def dial(self, node):
        return self.town.dial(self, node)

    def count_sent(self, kind):
        self.sent[kind] = self.sent.get(kind, 0) + 1

    def settle_soon(self):
        if not self.asked:
            self.asked = True
            self.town.after(0, self.settle)

    def introduce(self):
        pass

    def save(self, *, sync):
        self.disk = nodes_conf.dump(self.view)

    @property
    def is_following(self):
        return self.master is not None

    @property
    def data_age(self):
        master = self.town.by_address.get((self.master.ip, self.master.port)) if self.master else None
        if master is not None and self.town.is_reachable(self, master):
            self.data_heard = self.now
        return self.now - self.data_heard

    def follow(self, master):
        self.master, self.data_heard = master, self.now

    def promote(self):
        self.master = None

    def count_keys(self, slot):
        return self.keys.get(slot, 0)

    def drop_keys(self, slots):
        self.keys = {slot: count for slot, count in self.keys.items() if not slots >> slot & 1}

    def drop_data(self):
        self.keys = {}

    def pause_writes(self, until):
        self.is_paused = True

    def resume_writes(self):
        self.is_paused = False

    def publish(self, channel, message, *, sharded):
        self.town.heard.append((self.name, channel, message, sharded))


class Town:
    """All of it. `delay`: ms a packet takes, at most; `loss`, `repeats`: how likely it is lost, or comes twice."""

    def __init__(self, seed=0, node_timeout=2000):
        self.random = Random(seed)
        self.now = START
        self.settings = Settings(node_timeout)
        self.residents = []
        self.by_address = {}
        self.heard = []
        self.delay, self.loss, self.repeats, self.reorders = 2, 0.0, 0.0, False
        self.cuts = set()  # (from, to)
        self._heap, self._count = [], 0

    def settle_down(self, count):
        """So many new members, strangers to each other."""
        for _ in range(count):
            resident = Resident(self, len(self.residents), self.settings)
            self.residents.append(resident)
            self.by_address[resident.ip, resident.port] = resident
        return self.residents[-count:]

    def found(self, masters=3, replicas=1):
        """A cluster: `masters` with all slots between them, and so many replicas of each."""
        everybody = self.settle_down(masters * (1 + replicas))
        first = everybody[0]
        for index, resident in enumerate(everybody):
            view = resident.view
            if index < masters:
                for slot in range(index * 16384 // masters, (index + 1) * 16384 // masters):
                    view.give(view.myself, 1 << slot)
            view.myself.config_epoch = view.current_epoch = index + 1
            view.changed()
            if resident is not first:
                resident.member.meetings.meet(first.ip, first.port, first.port + 10_000)
        knows_all = lambda: all(  # noqa: E731
            len(one.view.nodes) == len(everybody) and not any(n.is_in_handshake for n in one.view.nodes.values())
            for one in everybody
        )
        assert self.run_until(knows_all, 30_000)
        for index, resident in enumerate(everybody[masters:]):
            master = resident.view.find(everybody[index % masters].view.myself.id)
            resident.member.role.follow(master)
            resident.settle()
        assert self.run_until(self.is_ok, 60_000)

    def settle_as_cluster(self, masters=3, replicas=1):
        """The same at once, as if all had been restarted: each has all others in its file."""
        everybody = self.settle_down(masters * (1 + replicas))
        lines = []
        for index, resident in enumerate(everybody):
            master = everybody[index % masters].view.myself.id.decode() if index >= masters else "-"
            first, last = index * 16384 // masters, (index + 1) * 16384 // masters - 1
            myself = resident.view.myself
            role, slots = ("slave", "") if index >= masters else ("master", f" {first}-{last}")
            address = f"{resident.ip}:{resident.port}@{myself.bus_port},,tls-port=0,shard-id="
            shard = everybody[index % masters].view.myself.shard_id.decode()
            lines.append(f"{myself.id.decode()} {address}{shard} {role} {master} 0 0 {index + 1} connected{slots}")
        ending = f"vars currentEpoch {len(everybody)} lastVoteEpoch 0"
        for index, resident in enumerate(everybody):
            mine = [line.replace(" slave ", " myself,slave ").replace(" master ", " myself,master ") for line in lines]
            text = "\n".join([*lines[:index], mine[index], *lines[index + 1 :], ending])
            resident.disk = text.encode()
            resident.start()
        assert self.run_until(self.is_ok, 20_000)

    # Time

    def after(self, ms, step, *args):
        self._count += 1
        heappush(self._heap, (self.now + ms, self._count, step, args))

    def run_for(self, ms):
        end = self.now + ms
        while self._heap and self._heap[0][0] <= end:
            self._next()
        self.now = end

    def run_until(self, happened, ms):
        """Whether it happened in time; asked every 50 ms."""
        end = self.now + ms
        while self.now < end:
            if happened():
                return True
            self.run_for(50)
        return happened()

    def _next(self):
        self.now, _, step, args = heappop(self._heap)
        step(*args)

    # Network

    def is_reachable(self, one, other):
        return other.is_up and not {(one.name, other.name), (other.name, one.name)} & self.cuts

    def dial(self, owner, node):
        peer = self.by_address.get((node.ip, node.port))
        if peer is None or not peer.is_up:
            return None
        link = TownLink(self, owner, peer, node, is_inbound=False)
        link.other = TownLink(self, peer, owner, None, is_inbound=True)
        link.other.other = link
        self.after(self._travel(), self._connect, link)
        owner.links.append(link)
        peer.links.append(link.other)
        return link

    def _connect(self, link):
        if (link.owner.name, link.peer.name) in self.cuts:
            self.after(50, self._connect, link)
        elif not link.peer.is_up:
            link.fall()
        elif link.is_open and link.owner.is_up:
            link.owner.member.connected(link)

    def carry(self, link, packet):
        if self.random.random() < self.loss:
            return
        for _ in range(1 + (self.random.random() < self.repeats)):
            self.after(self._travel(), self._arrive, link, packet)

    def _travel(self):
        return 1 + int(self.random.random() * self.delay) if self.reorders else self.delay

    def _arrive(self, link, packet):
        if (link.owner.name, link.peer.name) in self.cuts or link.peer.stands_still:
            if link.is_open:
                self.after(20, self._arrive, link, packet)
        elif link.is_open and link.other.is_open and link.peer.is_up:
            link.peer.member.received(packet, link.other)

    def cut(self, one_side, *, both=True):
        """Nothing goes from these names to others; with `both` nothing comes either."""
        for name in one_side:
            for other in range(len(self.residents)):
                if other not in one_side:
                    self.cuts.add((name, other))
                    if both:
                        self.cuts.add((other, name))

    def heal(self):
        self.cuts.clear()

    # What is

    def up(self):
        return [one for one in self.residents if one.is_up]

    def is_ok(self):
        """All that run think that all is well, and the same of each slot."""
        up = self.up()
        owners = [[owner and owner.id for owner in one.view.owners] for one in up]
        return all(one.view.is_ok for one in up) and all(each == owners[0] for each in owners)

    def roles(self):
        return {one.name: one.view.myself.is_master for one in self.residents}
