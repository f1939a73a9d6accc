"""A replica whose master has failed has itself elected by the other masters.

It waits a little, the longer the more its sisters are ahead of it, asks for votes in a new epoch, and with those of
most masters takes over. What comes too late is tried again with a new epoch, after a while.
"""

from pyredis.cluster.manual_failover import ManualFailover
from pyredis.cluster.node import NO_FAILOVER, Node
from pyredis.cluster.own_role import OwnRole
from pyredis.cluster.packet import Packet
from pyredis.cluster.sender import Sender
from pyredis.cluster.view import View
from pyredis.cluster.world import World

_FIXED_DELAY = _RANDOM_DELAY = 500
_RANK_DELAY = 1000
_TIMEOUT_LEAST = 2000
_RELOG_PERIOD = 10_000
_NO_LOG_MARGIN = 5000

DATA_AGE = (
    "Disconnected from master for longer than allowed. "
    "Please check the 'cluster-replica-validity-factor' configuration option."
)
WAITING_DELAY = "Waiting the delay before I can start a new failover."
EXPIRED = "Failover attempt expired."
WAITING_VOTES = "Waiting for votes, but majority still not reached."


class Elections:
    """This node as a candidate. `start`: when it asks, or asked, for votes; `epoch`: in which."""

    def __init__(self, view: View, world: World, sender: Sender, handover: ManualFailover, role: OwnRole) -> None:
        self._view = view
        self._world = world
        self._sender = sender
        self._handover = handover
        self._role = role
        self.start = 0
        self.epoch = 0
        self._rank = 0
        self._asked = False
        self._votes: set[Node] = set()
        self._why_not = ""
        self._logged = 0

    def advance(self) -> None:
        """Go a step further, if there is anything to do: on every tick, and whenever something was heard."""
        world, by_hand = self._world, bool(self._handover.until and self._handover.may_start)
        if not self._is_due(by_hand):
            self._why_not = ""
            return
        if not by_hand and self._is_too_old():
            self._cannot(DATA_AGE)
            return
        patience = max(2 * world.settings.node_timeout, _TIMEOUT_LEAST)
        if world.now - self.start > 2 * patience:
            self._schedule()
            if not self._handover.until:
                return
        self._mind_rank()
        if world.now < self.start:
            self._cannot(WAITING_DELAY)
        elif world.now - self.start > patience:
            self._cannot(EXPIRED)
        elif not self._asked:
            self._ask()
        elif len(self._votes) >= self._view.quorum:
            self._win()
        else:
            self._cannot(WAITING_VOTES)

    def _is_due(self, by_hand: bool) -> bool:
        master = self._view.myself.master
        if self._view.myself.is_master or master is None or not master.slots:
            return False
        return by_hand or (master.has_failed and not self._world.settings.no_failover)

    def _is_too_old(self) -> bool:
        """Whether this replica was without its master for longer than it took to see that that has failed."""
        settings, age = self._world.settings, self._world.data_age
        if age > settings.node_timeout:
            age -= settings.node_timeout
        return 0 < settings.validity_ms < age

    def _schedule(self) -> None:
        world = self._world
        self._asked = False
        self._votes.clear()
        if self._handover.until:
            self._rank, self.start = 0, world.now
        else:
            self._rank = self._current_rank()
            wait = _FIXED_DELAY + int(world.random.random() * _RANDOM_DELAY) + self._rank * _RANK_DELAY
            self.start = world.now + wait
        world.log.info(
            "Start of election delayed for %d milliseconds (rank #%d, offset %d).",
            *(self.start - world.now, self._rank, world.offset),
        )
        self._sender.pong_siblings()

    def _current_rank(self) -> int:
        """How many sisters have more of the stream."""
        view, offset = self._view, self._world.offset
        assert view.myself.master is not None
        return sum(
            sister is not view.myself and not sister.flags & NO_FAILOVER and sister.offset > offset
            for sister in view.myself.master.replicas
        )

    def _mind_rank(self) -> None:
        """Sisters may have said meanwhile that they have more."""
        if self._asked or self._handover.until:
            return
        rank = self._current_rank()
        if rank > self._rank:
            added = (rank - self._rank) * _RANK_DELAY
            self.start += added
            self._rank = rank
            self._world.log.info("Replica rank updated to #%d, added %d milliseconds of delay.", rank, added)

    def _ask(self) -> None:
        view = self._view
        view.current_epoch += 1
        self.epoch = view.current_epoch
        self._asked = True
        self._world.log.info("Starting a failover election for epoch %d.", self.epoch)
        self._sender.ask_for_votes(force=bool(self._handover.until))
        view.changed(sync=True)

    def got_vote(self, packet: Packet, voter: Node) -> None:
        """A master's vote, if it is for this election."""
        if voter.is_master and voter.slots and packet.header.current_epoch >= self.epoch and self._asked:
            self._votes.add(voter)

    def _win(self) -> None:
        view = self._view
        self._world.log.info("Failover election won: I'm the new master.")
        if view.myself.config_epoch < self.epoch:
            view.myself.config_epoch = self.epoch
            self._world.log.info("configEpoch set to %d after successful failover", self.epoch)
        self._role.take_over()
        self._sender.pong_all()

    def _cannot(self, why: str) -> None:
        """Log why there is no failover, when that lasts."""
        world, master = self._world, self._view.myself.master
        if why is self._why_not and world.now - self._logged < _RELOG_PERIOD:
            return
        self._why_not = why
        recent = world.settings.node_timeout + _NO_LOG_MARGIN
        if master is not None and master.has_failed and world.now - master.fail_time < recent:
            return
        self._logged = world.now
        world.log.info("Currently unable to failover: %s", why)
        if why in (WAITING_VOTES, EXPIRED):
            text = "Needed quorum: %d. Number of votes received so far: %d"
            world.log.info(text, self._view.quorum, len(self._votes))
