"""How scripts end: errors that a script may catch, and the kill that it may not."""

from pyredis.errors import CommandError


class ScriptFault(CommandError):
    """An error whose line is given whole."""

    def __init__(self, line: bytes, *, counted: bool = False) -> None:
        super().__init__(line)
        self._line = line
        self.counted = counted

    @property
    def line(self) -> bytes:
        """The reply without the leading `-` and the line end."""
        return self._line


class Killed(ScriptFault):
    """SCRIPT KILL or FUNCTION KILL: no catch of the script's stops it."""


def fault(text: bytes, *, counted: bool = False) -> ScriptFault:
    """An error with the code ERR."""
    return ScriptFault(b"ERR " + text, counted=counted)


def killed() -> Killed:
    """What ends a killed script."""
    return Killed(b"ERR Script killed by user with SCRIPT KILL...")
