"""Since when the connection to the master works, or does not, and how often it was tried: what INFO tells of it."""

from pyredis.clock import Clock


class LinkTimes:
    """Times are ms since 1970. `up_since` and `down_since`: None, or both of them before it ever worked.

    `attempts` counts those since it last worked, `all_attempts` those with the present master.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._down_before = 0
        self.attempts = self.all_attempts = 0
        self.start_over()

    @property
    def down_in_all(self) -> int:
        """How long it was down, with whatever masters, after it had worked: ms."""
        since = self.down_since
        return self._down_before + (0 if since is None else self._clock.now_ms() - since)

    def start_over(self) -> None:
        """There is no master."""
        self.up_since: int | None = None
        self.down_since: int | None = None

    def another_master(self) -> None:
        """Whose attempts are counted anew."""
        self.attempts = self.all_attempts = 0

    def tried(self) -> None:
        """A connection is begun."""
        self.attempts += 1
        self.all_attempts += 1

    def up(self) -> None:
        """It works."""
        self._down_before = self.down_in_all
        self.up_since, self.down_since = self._clock.now_ms(), None

    def down(self) -> None:
        """It does no longer."""
        self.up_since, self.down_since = None, self._clock.now_ms()
        self.attempts = 0
