"""How many sequences the command machines run.

By default a few, the same each time, so that recorded answers fit. `PYREDIS_EXAMPLES=7000 pytest tests/commands -k
machine --timeout 3600` runs that many random ones a machine and protocol: more than 100,000 commands each.
"""

import os

from hypothesis import HealthCheck, settings

TIMES = int(os.environ.get("PYREDIS_EXAMPLES", "0"))


def sequences(usual):
    """Settings for `usual` sequences, or as many as the environment asks for."""
    return settings(
        max_examples=TIMES or usual,
        derandomize=not TIMES,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
