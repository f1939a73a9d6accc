"""What becomes of keys and fields past their time is derived here, and nowhere else, from four facts.

| the fact                                    | keys past their time are                         |
|---------------------------------------------|--------------------------------------------------|
| a dataset is loaded, a log played back      | shown: they are as when the command ran first    |
| a replica, and its master's command runs    | shown: the master knows of no expiry yet         |
| a replica                                   | hidden: the master says when they go             |
| a pause                                     | hidden: nothing may change                       |
| none of these                               | deleted, by who looks at them or by the cycle    |

The first that holds decides. Whoever changes one of the facts calls `update` afterwards; nobody keeps what the view
was before, so facts may come and go in any order. A key that is *given* a time in the past is another matter: only
a load and a replica store it, since a command that runs in spite of a pause does what it says.
"""

from typing import TYPE_CHECKING

from pyredis.engine.execution import gates
from pyredis.keyspace.database import DELETE, HIDE, SHOW

if TYPE_CHECKING:
    from pyredis.engine.engine import Engine


def expiry_view(*, loading: bool, replica: bool, of_master: bool, paused: bool) -> int:
    """DELETE, HIDE or SHOW; `of_master`: the command that runs came from this replica's master."""
    if loading or (replica and of_master):
        return SHOW
    return HIDE if replica or paused else DELETE


class ExpiryView:
    """A component. Pause and loading stand in the engine's gates; what has no gate is told to `update`."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._replica = self._of_master = False

    def update(self, *, replica: bool | None = None, of_master: bool | None = None) -> None:
        """One of the facts may have changed: whether the server is a replica, and whether its master's command runs."""
        if replica is not None:
            self._replica = replica
        if of_master is not None:
            self._of_master = of_master
        word, space = self._engine.gates, self._engine.keyspace
        loading, paused = bool(word & gates.LOADING), bool(word & gates.PAUSED)
        space.view = expiry_view(loading=loading, replica=self._replica, of_master=self._of_master, paused=paused)
        space.stores_past = loading or self._replica
