"""Clients that wait for keys: BLPOP, BZPOPMIN, XREAD BLOCK and their kin.

A handler that finds nothing returns `Blocked`. The client is parked in the queue of each key; when a command, as a
whole, has brought such a key a value of the awaited class, the clients in its queue run their command once more, in
the order in which they came. One that still finds nothing goes to the end of the queue with the deadline it had
(Redis 7.2, `blocked.c`). What a client sent while it waited runs only when the command that freed it, a whole
transaction maybe, is done. The keyspace is observed only while somebody waits.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from pyredis.engine.execution import detours, gates
from pyredis.engine.roster import Clients
from pyredis.keyspace import events
from pyredis.protocol.replies import NO_REPLY, NULL_ARRAY, ErrorReply

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.command_table.entry import Entry
    from pyredis.engine.engine import Engine
    from pyredis.engine.host import Timer
    from pyredis.keyspace.database import Database
    from pyredis.protocol.parser import Argv

    Place = tuple[int, bytes]


class Blocked(NamedTuple):
    """What a handler returns to wait.

    `classes` are the classes of values that can serve it, `timeout` is ms (0: for ever). `on_timeout` answers when
    time is up (or is called for the answer), `denied` where nothing may wait (MULTI, scripts). With `wakes_on_loss` the
    command also runs again when a key goes or changes its type (XREADGROUP). `again` are the words to run again where
    they are not those the client sent (XREAD of `$`). Who waits for no key brings `until`: it is asked at each
    `look_again`, until it has an answer.
    """

    keys: Sequence[bytes]
    classes: tuple[type, ...]
    timeout: int
    on_timeout: Any = NULL_ARRAY
    denied: Any = NULL_ARRAY
    wakes_on_loss: bool = False
    again: "Argv | None" = None
    until: Callable[[], Any] | None = None


class Wait:
    """A parked client: its `waiting`. `deadline` is ms since 1970, None for ever."""

    __slots__ = ("argv", "blocked", "blocking", "client", "deadline", "entry", "timer")

    def __init__(self, blocking: "Blocking", client: "Client", entry: "Entry", argv: "Argv", blocked: Blocked) -> None:
        self.blocking = blocking
        self.client = client
        self.entry = entry
        self.argv = argv
        self.blocked = blocked
        self.deadline = blocking.now + blocked.timeout if blocked.timeout else None
        self.timer: Timer | None = None

    def places(self) -> list["Place"]:
        """The keys waited for, each once, in order."""
        index = self.client.db.index
        return [(index, key) for key in dict.fromkeys(self.blocked.keys)]

    @property
    def answer_in_vain(self) -> Any:
        """What is answered when time is up."""
        answer = self.blocked.on_timeout
        return answer() if callable(answer) else answer

    def unblock(self, is_error: bool) -> None:
        """CLIENT UNBLOCK: end the wait as if time were up, or with an error."""
        text = b"client unblocked via CLIENT UNBLOCK"
        answer = ErrorReply(b"UNBLOCKED " + text) if is_error else self.answer_in_vain
        self.blocking.release(self, answer)


class Blocking:
    """Who waits for which key."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._queues: dict[Place, dict[Wait, None]] = {}
        self._waits: dict[Client, Wait] = {}
        self._ready: dict[Place, None] = {}
        self._released: deque[Client] = deque()
        self._resuming = False
        self.retry: Callable[[Client, Entry, Argv], Any]  # how a command runs again: `execution` fills it in
        engine[Clients].on_forget.append(self._forget)
        names = ("total_blocking_keys", "total_blocking_keys_on_nokey", "clients_in_timeout_table")
        engine.info.add("Clients", lambda: dict(zip(names, self.counts, strict=True)))
        engine.keyspace.on_swap.append(self._swapped)
        engine.cron_steps.append(self._serve_ready)

    @property
    def now(self) -> int:
        """The engine's time, ms since 1970."""
        return self._engine.keyspace.now

    @property
    def counts(self) -> tuple[int, int, int]:
        """Keys waited for, those whose loss wakes somebody, and clients with a deadline."""
        lossy = {place for wait in self._waits.values() if wait.blocked.wakes_on_loss for place in wait.places()}
        return len(self._queues), len(lossy), sum(wait.deadline is not None for wait in self._waits.values())

    def park(self, client: "Client", entry: "Entry", argv: "Argv", blocked: Blocked) -> None:
        """Let a client wait for what its command did not find."""
        self._enqueue(Wait(self, client, entry, blocked.again or argv, blocked))

    def serve(self) -> None:
        """A command is done: those run again whose keys it made ready, then go on with what they sent meanwhile."""
        if self._engine.gates & gates.BUSY:
            return  # the command that made them ready, a script, is not done
        if self._ready:
            self._engine.tick()  # a key that expired while the command ran serves nobody
        while self._ready:
            place = next(iter(self._ready))
            del self._ready[place]
            for wait in list(self._queues.get(place, ())):
                self._offer(wait, place)
        if self._resuming:
            return  # called by a client that goes on below
        self._resuming = True
        try:
            while self._released:
                client = self._released.popleft()
                if client.waiting is None:  # else it was killed after all
                    client.sink.resume()
        finally:
            self._resuming = False
        if not self._waits:
            self._engine.gates &= ~detours.WAITED_FOR

    def look_again(self) -> None:
        """Something happened that somebody may wait for: answer those whose `until` has an answer."""
        self.release_where(lambda wait: wait.blocked.until() if wait.blocked.until is not None else None)

    def release_all(self, answer: Any) -> None:
        """End all waits: what they wait for cannot come any more."""
        self.release_where(lambda wait: answer)

    def release_where(self, answer_to: Callable[[Wait], Any]) -> None:
        """End the waits that `answer_to` has an answer to."""
        for wait in list(self._waits.values()):
            answer = answer_to(wait)
            if answer is not None and wait.client.waiting is wait:
                self.release(wait, answer)
        if self._released:
            self._engine.host.soon(self.serve)

    def _serve_ready(self) -> None:
        """Cron: serve those whose keys went meanwhile."""
        if self._ready or self._released:
            self.serve()

    def _time_is_up(self, wait: Wait) -> None:
        if wait.client.waiting is wait:  # else it was killed
            self.release(wait, wait.answer_in_vain)
            self.serve()

    def release(self, wait: Wait, answer: Any) -> None:
        """End a wait with a reply; it counts as a call. The client goes on at the next `serve`."""
        self._dequeue(wait)
        client, engine = wait.client, self._engine
        client.waiting = None
        wait.entry.calls += 1
        wait.entry.sample(0)
        engine.stats.commands += 1
        client.commands += 1
        if isinstance(answer, ErrorReply):
            wait.entry.failed += 1
            engine.stats.count_error(answer.line)
        self._answer(client, answer)

    def _offer(self, wait: Wait, place: "Place") -> None:
        """Run a waiting command again if the key now holds what it waits for, or is lost where that matters."""
        client = wait.client
        if client.waiting is not wait:
            return  # served by another key, or gone
        db, key = client.db, place[1]
        value = None if db.is_due(key) else db.table.get(key)  # which does not expire it, as nobody asked for it
        if not isinstance(value, wait.blocked.classes) and not wait.blocked.wakes_on_loss:
            return
        self._dequeue(wait)
        client.waiting = None
        mark, self._engine.running = len(client.out), client
        meter = self._engine.meter
        begun = None if meter is None else meter.begin()
        answer = self.retry(client, wait.entry, wait.argv)
        self._engine.running = None
        pushes = client.out[mark:]  # what its own command invalidated: that comes behind the reply
        del client.out[mark:]
        if isinstance(answer, Blocked):
            wait.blocked = answer
            self._enqueue(wait)
        elif answer is not NO_REPLY:  # else something holds the command back: it runs yet another time
            self._answer(client, answer)
        client.out += pushes
        if meter is not None:
            meter.end(begun, client, wait.argv, answer, sum(map(len, client.out[mark:])))

    def _answer(self, client: "Client", answer: Any) -> None:
        """Reply, if the client wants replies, and let it go on at the next `serve`."""
        client.answer(answer)
        client.gates &= ~detours.ASKING
        self._released.append(client)

    def _enqueue(self, wait: Wait) -> None:
        if not self._waits:
            self._engine.gates |= detours.WAITED_FOR
            self._engine.keyspace.observe(self._changed)
        wait.client.waiting = wait
        self._waits[wait.client] = wait
        for place in wait.places():
            self._queues.setdefault(place, {})[wait] = None
        if wait.deadline is not None:
            step = partial(self._engine.when_free, partial(self._time_is_up, wait))
            wait.timer = self._engine.host.at(wait.deadline, step)

    def _dequeue(self, wait: Wait) -> None:
        del self._waits[wait.client]
        if wait.timer is not None:
            wait.timer.cancel()
        for place in wait.places():
            queue = self._queues[place]
            del queue[wait]
            if not queue:
                del self._queues[place]
        if not self._waits:
            self._engine.keyspace.unobserve(self._changed)

    def _forget(self, client: "Client") -> None:
        if client in self._waits:
            self._dequeue(self._waits[client])

    def _swapped(self, one: "Database", two: "Database") -> None:
        """Two databases took each other's place: who waits for a key that is or was there looks again."""
        for place in self._queues:
            if place[0] in (one.index, two.index) and (place[1] in one.table or place[1] in two.table):
                self._ready[place] = None

    def _changed(self, db: "Database", key: bytes, event: events.Event) -> None:
        if event is events.FLUSHED:
            self._ready |= {place: None for place in self._queues if place[0] == db.index and place[1] in db.table}
        elif event.wakes and (db.index, key) in self._queues:
            self._ready[db.index, key] = None


def unless_blocked(value: Any) -> Any:
    """A value where nothing may wait: what a Blocked answers at once."""
    return value.denied if value.__class__ is Blocked else value
