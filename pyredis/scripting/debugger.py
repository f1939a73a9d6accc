"""The Lua debugger: a client steps through the script that it runs, over its own connection (`redis-cli --ldb`).

After SCRIPT DEBUG YES or SYNC the client's next EVAL begins a session. The script runs in a greenlet and an interpreter
of its own, whose Lua tells of each line. Where it is to stop, the greenlet gives the event loop back; what the client
sends then are commands of the debugger, and one that lets the script go on switches back. So the server waits for its
user as it waits for anybody. While the script runs it gives way every few ms. The session ends with the script's reply,
and with it the connection: that is how redis-cli knows.

Whose dataset: with SYNC the server's own. All other clients are held back until the end, as if the server stood still,
and what was written stays. With YES Redis forks, and what is written dies with the child. Here the script runs on a
copy of the dataset, in an engine made for it (`assembly.copied`), which is forgotten at the end: that works on any
platform and beside threads, and others are served meanwhile. Price: the copy is made at once, in some 2 µs a short key.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent, greenlet

from pyredis.datatypes.numeric import shortest_double
from pyredis.engine.client import CLOSED
from pyredis.engine.execution import detours, gates
from pyredis.engine.execution.blocking import Blocking
from pyredis.engine.execution.dispatch import failed
from pyredis.engine.execution.pause import FOREVER, Pause
from pyredis.engine.execution.roles import NORMAL
from pyredis.engine.roster import Clients
from pyredis.errors import CommandError
from pyredis.protocol.encoder import VERSIONS
from pyredis.protocol.replies import NO_REPLY, ErrorReply
from pyredis.scripting.calls import Calls
from pyredis.scripting.debug_console import Console, command_text, quoted, reply_text
from pyredis.scripting.faults import Killed, ScriptFault
from pyredis.scripting.interpreter import PARTS, Interpreter

if TYPE_CHECKING:
    from pyredis.engine.client import Client
    from pyredis.engine.engine import Engine
    from pyredis.protocol.parser import Argv

DEBUGGING = "debugging"
"""A client's `waiting` while the script it debugs runs, and the purpose of the pause for others."""

SESSIONS_MAX = 16
"""Each may keep a copy of the dataset."""

SLICE_MS = 5
INTERVAL = 1000
"""Lua's instructions between two looks at the clock."""

_STOPPED, _PAUSED = object(), object()
_UNKNOWN = b"<error> Unknown Redis Lua debugger command or wrong number of arguments."
_GO, _GONE = (b"go", None), (b"gone", None)


Evaluate = Callable[["Client", "Argv", Calls, Interpreter, "Session"], Any]
"""EVAL or its kin for a client, by calls, Lua and a way to run (as `Overrun`'s) that are only for this."""


class Debugger:
    """Who debugs. `forked` is, by client, whether its scripts' writes are to be forgotten."""

    def __init__(self, engine: "Engine", copy: Callable[[], "Engine"], evaluate: Evaluate) -> None:
        self._engine, self._copy, self._evaluate = engine, copy, evaluate
        self.forked: dict[Client, bool] = {}
        self._sessions: dict[Client, Session] = {}
        engine.debugged = self.take
        engine[Clients].on_forget.append(self._forget)
        engine.on_stop.append(self._stop)

    def begin(self, client: "Client") -> Any:
        """EVAL: the client's command begins a session. Answers NO_REPLY."""
        if client.transaction is not None:
            raise CommandError(b"A script can't be debugged inside a transaction")
        if len(self._sessions) >= SESSIONS_MAX:
            raise CommandError(b"There are too many debugging sessions")
        forked = self.forked.pop(client)
        where = self._copy() if forked else self._engine
        self._sessions[client] = session = Session(self._engine, client, where, self._evaluate, self._over)
        client.rewritten = ()
        client.gates |= detours.DEBUGGED
        if session.stays:
            self._engine[Pause].begin(FOREVER, True, DEBUGGING)
        session.advance()
        return NO_REPLY

    def take(self, client: "Client", argv: "Argv") -> Any:
        """What a client sends in a session."""
        self._sessions[client].take(argv)
        return NO_REPLY

    def _over(self, session: "Session") -> None:
        self._sessions = {client: one for client, one in self._sessions.items() if one is not session}
        if session.stays:
            self._engine[Pause].end(DEBUGGING)
        if self._engine.gates & detours.WAITED_FOR:
            self._engine[Blocking].serve()

    def _forget(self, client: "Client") -> None:
        if client.waiting is not CLOSED:
            return  # RESET, which ends no debugging
        self.forked.pop(client, None)
        if client in self._sessions:
            self._sessions[client].leave()

    def _stop(self) -> None:
        for session in [*self._sessions.values()]:
            session.stop()


class Session:
    """One run of a script under the debugger: on the keys of the engine `where`. `on_over` is told of its end."""

    def __init__(
        self,
        engine: "Engine",
        client: "Client",
        where: "Engine",
        evaluate: Evaluate,
        on_over: Callable[["Session"], None],
    ) -> None:
        self._engine, self._client, self._where = engine, client, where
        self._evaluate, self._on_over = evaluate, on_over
        self._argv = client.argv
        self.console = Console(self._argv[1])
        self.calls = LoggedCalls(where, self)
        self.stepping, self.stops_next = True, False
        self.stays = where is engine  # what the script writes
        self._late = False  # it runs on for too long
        self._left = self._killed = self._is_under_way = False
        self._commands: list[Argv] = []
        self._ticks = engine.clock.ticks_ns
        self._began = self._went_on = 0
        self._greenlet: Any = greenlet(self._work)
        self._interpreter = DebugInterpreter(where, self)

    # On the server's side

    def advance(self) -> None:
        """Let the script run until it stops, is over, or gives way, to go on soon."""
        client = self._client
        self._began = self._ticks()
        outcome = self._greenlet.switch()
        if outcome is _PAUSED:
            self._is_under_way = True
            if not self._left:
                client.waiting = DEBUGGING
            self._engine.host.soon(self._go_on)
        elif outcome is _STOPPED:
            client.out.append(self.console.taken())
        else:
            self._end(outcome)

    def take(self, argv: "Argv") -> None:
        """A command of the debugger's."""
        self._commands.append(argv)
        self.advance()

    def leave(self) -> None:
        """Its user is gone: the script runs on to its end if that is for the server, and else ends where it stands."""
        self._left, self.stepping, self._went_on = True, False, self._ticks()
        if not self.stays:
            self._kill()
        if not self._is_under_way:
            self.advance()

    def stop(self) -> None:
        """The server ends."""
        self._kill()
        self._left = True
        while not self._greenlet.dead:
            self._greenlet.switch()

    def _kill(self) -> None:
        self._killed = True
        if self.calls.run is not None:
            self.calls.run.killed = True

    def _go_on(self) -> None:
        client = self._client
        self._is_under_way = False
        if self._greenlet.dead:
            return
        if not self._left:
            client.waiting = None
        self.advance()
        if not (self._left or self._is_under_way or self._greenlet.dead):
            client.flush_soon()
            client.sink.resume()

    def _end(self, value: Any) -> None:
        client = self._client
        self._on_over(self)
        if not self._left:
            client.gates &= ~detours.DEBUGGED
            client.out += (self.console.taken(), client.encoders[value.__class__](value))
            client.close()

    # In the script's greenlet

    def _work(self) -> Any:
        client, where, argv = self._client, self._where, self._argv
        standin = where[Clients].internal(NORMAL)
        standin.id, standin.user, standin.argv = client.id, client.user, argv
        standin.db = where.keyspace.databases[client.db.index]
        standin.talk(client.resp)
        standin.gates = client.gates & gates.RESTRICTED
        entry = where.find(argv)
        try:
            value = self._evaluate(standin, argv, self.calls, self._interpreter, self)
        except Exception as failure:
            value = failed(where, standin, entry, failure)
        self.console.tell(b"<endsession>")
        return value

    def run(self, client: "Client", step: Callable[..., Any], *words: Any) -> Any:
        """As `Overrun.run`: the script is in a greenlet already."""
        return step(*words)

    def tick(self, interval: int, memory: int) -> int:
        """As `Overrun.tick`: give way now and then, and stop a script that seems to run for ever."""
        now = self._ticks()
        threshold = self._engine.config["busy-reply-threshold"] * 1_000_000
        self._late = not self.stepping and 0 < threshold < now - self._went_on
        if self._late and self._left:
            self._kill()
        if not self._killed and now - self._began > SLICE_MS * 1_000_000 and getcurrent() is self._greenlet:
            self._greenlet.parent.switch(_PAUSED)
        return 0 if self._killed else INTERVAL

    def arrived(self, line: int) -> bool:
        """The script has come to a line: whether it stops there."""
        console = self.console
        console.line = line
        if self._left:
            return False
        if console.is_breakpoint(line) and not self.stepping:
            reason = b"break point"
        elif self.stops_next:
            reason = b"redis.breakpoint() called"
        elif self.stepping:
            reason = b"step over"
        elif self._late:
            reason = b"timeout reached, infinite loop?"
        else:
            return False
        self.stepping, self.stops_next, self._late = True, False, False
        console.tell(b"* Stopped at %d, stop reason = %b" % (line, reason))
        console.tell_line(line)
        return True

    def request(self) -> tuple[bytes, bytes | None]:
        """Wait for the user: what Lua has to do, and with what word."""
        while True:
            self._greenlet.parent.switch(_STOPPED)
            if self._left:
                return _GONE if self._killed else _GO
            wish = self._answer(self._commands.pop(0))
            if wish is not None:
                return wish

    def _answer(self, argv: "Argv") -> tuple[bytes, bytes | None] | None:
        """Obey a command, or say what Lua has to do."""
        word, words = argv[0].lower(), argv[1:]
        if word in (b"s", b"step", b"n", b"next", b"c", b"continue"):
            self.stepping, self._went_on = word[:1] != b"c", self._ticks()
            return _GO
        if word in (b"a", b"abort"):
            return b"abort", None
        if word in (b"p", b"print"):
            return (b"one", words[0]) if len(words) == 1 else (b"all", None)
        if word in (b"t", b"trace"):
            return b"trace", None
        if word in (b"e", b"eval"):
            return b"eval", b" ".join(words)
        if word in (b"r", b"redis") and words:
            self._run(words)
        elif word in _SHOWS:
            _SHOWS[word](self.console, words)
        else:
            self.console.tell(_UNKNOWN)
        return None

    def _run(self, words: Sequence[bytes]) -> None:
        try:
            self.calls.execute(words)
        except ScriptFault:
            return  # it was told


_SHOWS: dict[bytes, Callable[[Console, Sequence[bytes]], None]] = {}
for _names, _show in (
    ((b"b", b"break"), Console.break_at),
    ((b"l", b"list"), Console.list),
    ((b"w", b"whole"), Console.whole),
    ((b"m", b"maxlen"), Console.limit),
    ((b"h", b"help"), Console.help),
):
    _SHOWS.update(dict.fromkeys(_names, _show))


class LoggedCalls(Calls):
    """Commands of a script, told while it is stepped through."""

    def __init__(self, engine: "Engine", session: Session) -> None:
        super().__init__(engine)
        self._session = session

    def execute(self, argv: Sequence[Any]) -> Any:
        """As any script's, and told."""
        session, console = self._session, self._session.console
        try:
            words = self.words(argv)
            if session.stepping:
                console.tell(b"<redis> " + command_text(words))
            value = super().execute(words)
        except Killed:
            raise
        except ScriptFault as failure:
            console.tell(b"<error> " + failure.line.removeprefix(b"ERR "))
            raise
        if value.__class__ is ErrorReply:
            console.tell(b"<error> -" + value.line)
        if session.stepping:
            wire = VERSIONS[self.client.resp][value.__class__](value)
            console.tell_capped(b"<reply> " + reply_text(wire))
        return value


class DebugInterpreter(Interpreter):
    """Lua that tells of each line."""

    parts = (*PARTS, "debugger")

    def __init__(self, engine: "Engine", session: Session) -> None:
        self._session = session
        super().__init__(engine, session.calls, session.tick, chunk=b"user_script")

    def _host(self) -> dict[bytes, Callable[..., Any]]:
        session, console = self._session, self._session.console
        return {
            **super()._host(),
            b"arrived": session.arrived,
            b"request": session.request,
            b"told": console.tell,
            b"told_capped": console.tell_capped,
            b"told_line": console.tell_line,
            b"line_now": lambda: console.line,
            b"quoted": quoted,
            b"number_text": lambda number: shortest_double(float(number)),
        }

    def _api(self) -> dict[bytes, Any]:
        api = super()._api()
        for name in (b"sha1hex", b"log", b"setresp", b"set_repl", b"acl_check_cmd"):
            api[name] = self._told(api[name])
        return {**api, b"breakpoint": self._breakpoint}

    def _told(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function whose errors are told."""

        def told(*words: Any) -> Any:
            try:
                return function(*words)
            except ScriptFault as failure:
                self._session.console.tell(b"<error> " + failure.line.removeprefix(b"ERR "))
                raise

        return told

    def _breakpoint(self, *_: Any) -> bool:
        self._session.stops_next = True
        return True
