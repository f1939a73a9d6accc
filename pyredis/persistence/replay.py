"""Running the commands of a log: as a client whom no gate stops, nobody hears of and nobody answers.

Nothing expires meanwhile: a key whose time has passed since is as it was when the command ran first. What a log holds
of a transaction is run only when its EXEC has come. Who reads more of the log while a script overruns waits for it.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from pyredis.engine.execution.dispatch import apply
from pyredis.engine.execution.roles import LOG
from pyredis.engine.roster import Clients
from pyredis.errors import CommandError
from pyredis.protocol.parser import Argv

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine

_SECOND_US = 1_000_000


class CannotReplay(Exception):
    """A command that this server does not know, or whose words it does not; `text` says so to the log."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Replay:
    """One file's commands, fed as they are read. `errors` counts those that failed."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._client = engine[Clients].internal(LOG)
        self._held: list[Argv] | None = None
        self.errors = 0

    def run(self, commands: Iterable[Argv]) -> Iterator[None]:
        """Run commands; stops where something else must have its turn first. Raises CannotReplay."""
        delay = self._engine.config["key-load-delay"]
        for argv in commands:
            if self._held is not None or len(argv) == 1:
                if not self._hold(argv):
                    continue
                ready, self._held = self._held or [argv], None
            else:
                ready = [argv]
            for one in ready:
                self._call(one)
                while self._client.waiting is not None:
                    yield
            if delay:
                self._engine.clock.sleep(max(delay, 0) / _SECOND_US)
                yield

    def _hold(self, argv: Argv) -> bool:
        """Follow MULTI and EXEC; whether there is something to run now."""
        word = argv[0].upper() if len(argv) == 1 else b""
        if word == b"MULTI":
            self._held = []
        elif self._held is None:
            return word != b"EXEC"
        elif word == b"EXEC":
            if not self._held:
                self._held = None
                return False
            return True
        else:
            self._held.append(argv)
        return False

    def _call(self, argv: Argv) -> None:
        client = self._client
        try:
            entry = self._engine.find(argv)
        except CommandError:
            raise CannotReplay(f"Unknown command '{_shown(argv[0])}'") from None
        if not entry.takes(len(argv)):
            raise CannotReplay(f"Wrong number of arguments for '{entry.command.name}'")
        try:
            apply(self._engine, client, entry, argv)
        except CommandError as failure:
            self._complain(failure.line, entry.command.name)
        except Exception as failure:
            self._engine.log.error("Unexpected error in %s", entry.command.name, exc_info=failure)
            raise CannotReplay(f"Internal error in '{entry.command.name}'") from None

    def _complain(self, line: bytes, name: str) -> None:
        self.errors += 1
        if self.errors <= 10:
            text = "== CRITICAL == This server is sending an error to its AOF-loading-client: '%s' after processing "
            self._engine.log.warning(text + "the command '%s'", _shown(line), name)


def _shown(text: bytes) -> str:
    return text[:128].decode("utf-8", "replace")
