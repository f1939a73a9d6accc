"""`oom-score-adj`: whom the system's out-of-memory killer takes first: children, then replicas, masters last.

`oom-score-adj-values` has a number for each of master, replica and child. They are added to what the process had
(`relative`, `yes`) or stand for themselves (`absolute`); `no` gives back what it had.
"""

from pathlib import Path

from pyredis.config.store import ConfigError
from pyredis.engine.engine import Engine
from pyredis.persistence.background import Background
from pyredis.replication.following import Following

_FILE = Path("/proc/self/oom_score_adj")
_MASTER, _REPLICA, _CHILD = range(3)
_MOST = 1000
_FAILED = "Failed to set current oom_score_adj. Check server logs."


class OomScore:
    """Of this process, while `engine` runs in it."""

    def __init__(self, engine: Engine) -> None:
        self._config = engine.config
        self._following = engine[Following]
        self._log = engine.log
        self._base: int | None = None  # what the process had, while it has another
        for name in ("oom-score-adj", "oom-score-adj-values"):
            engine.config.on_change(name, self._reconfigured)
        engine[Following].on_role.append(self.apply)
        engine[Background].on_child.append(lambda kind: self.apply(is_child=True))
        self.apply()

    def _reconfigured(self, _: object) -> None:
        if not self.apply():
            raise ConfigError(_FAILED)

    def apply(self, *, is_child: bool = False) -> bool:
        """Set what the configuration says; False, and the log says why, when that is not possible."""
        mode = self._config["oom-score-adj"]
        if mode == "no" and self._base is None:
            return True
        try:
            if self._base is None:
                self._base = int(_FILE.read_text())
        except OSError as error:
            self._log.warning("Unable to read oom_score_adj: %s", error.strerror)
            return False
        try:
            score = self._base if mode == "no" else self._wanted(mode, self._base, is_child)
            _FILE.write_text(f"{score}\n")
        except OSError as error:
            self._log.warning("Unable to write oom_score_adj: %s", error.strerror)
            return False
        if mode == "no":
            self._base = None
        return True

    def _wanted(self, mode: str, base: int, is_child: bool) -> int:
        role = _CHILD if is_child else _MASTER if self._following.master is None else _REPLICA
        score: int = self._config["oom-score-adj-values"][role]
        return max(-_MOST, min(score if mode == "absolute" else base + score, _MOST))
