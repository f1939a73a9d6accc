"""Which event loop: uvloop's where it is installed, asyncio's own elsewhere."""

import asyncio
from collections.abc import Callable


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes a loop for `asyncio.Runner`; None is asyncio's default."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
