"""`min-replicas-to-write`: a master refuses writes while fewer replicas than that acknowledge in time.

`count` is how many do, at most `min-replicas-max-lag` seconds late: who keeps replicas sets it and calls `update_gate`.
"""

from typing import TYPE_CHECKING

from pyredis.engine.execution import gates

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine


class GoodReplicas:
    """A component. While there are too few its gate FEW_REPLICAS stands."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self.count = 0
        self.applies = True  # a replica asks for none of its own
        for name in ("min-replicas-to-write", "min-replicas-max-lag"):
            engine.config.on_change(name, self.update_gate)
        self.update_gate()

    def update_gate(self, _: object = None) -> None:
        """Open or close the gate."""
        config = self._engine.config
        if self.applies and config["min-replicas-max-lag"] and self.count < config["min-replicas-to-write"]:
            self._engine.gates |= gates.FEW_REPLICAS
        else:
            self._engine.gates &= ~gates.FEW_REPLICAS
