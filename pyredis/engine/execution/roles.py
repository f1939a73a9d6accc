"""What a client is to the server: that decides whether it may wait, which gates hold, how much may wait for it."""

from typing import NamedTuple

from pyredis.engine.execution import gates

_ALL = ~0


class Role(NamedTuple):
    """`gates`: those of the engine's gates that hold for it. `output_class`: whose `client-output-buffer-limit`.

    Who is obeyed sends what was admitted elsewhere, maybe under other limits: a refusal would be a divergence.
    Who is not answered may not send what would be.
    """

    name: str
    may_wait: bool
    gates: int
    output_class: str = "normal"
    is_answered: bool = True
    is_obeyed: bool = False


NORMAL = Role("normal", may_wait=True, gates=_ALL)
SCRIPT = Role("script", may_wait=False, gates=_ALL)
"""Runs the commands of scripts: `scripting.calls` asks what stands between."""
LOG = Role("log", may_wait=False, gates=0, is_obeyed=True)
"""Plays back what was admitted before."""
MASTER = Role("master", may_wait=False, gates=gates.LOADING | gates.BUSY, is_obeyed=True)
"""Sends what another server has admitted."""
REPLICA = Role("replica", may_wait=True, gates=_ALL & ~gates.PAUSED, output_class="replica", is_answered=False)
"""Is fed what was written; what it says is about that."""
