"""A steady writer for the pause measurement: strings come, grow and go.

It runs in a process of its own, so that it does not delay the client that times the round trips.

Run: `python -m benchmarks.churn PORT COMMANDS_PER_SECOND` (until it is ended)
"""

import sys
import time
from collections.abc import Iterator
from itertools import count

from benchmarks import wire

BATCH = 20
APPENDS = 5000
KEYS = 100_000


def commands() -> Iterator[bytes]:
    """For ever: SET, DEL, GET of the deleted key (one line of reply), APPEND; at times a DEL of that text."""
    for turn in count():
        key = b"churn:%d" % (turn % KEYS)
        yield wire.encode(b"SET", key, b"x" * (turn % 100))
        yield wire.encode(b"DEL", key)
        yield wire.encode(b"GET", key)
        yield wire.encode(b"APPEND", b"churn:text", b"part %d" % turn)
        if turn % APPENDS == APPENDS - 1:
            yield wire.encode(b"DEL", b"churn:text")


def paced(rate: int) -> Iterator[bytes]:
    """The same, `rate` a second, in small batches."""
    started = time.monotonic()
    for sent, command in enumerate(commands()):
        if sent % BATCH == 0:
            time.sleep(max(0.0, started + sent / rate - time.monotonic()))
        yield command


if __name__ == "__main__":
    with wire.connect(int(sys.argv[1])) as connection:
        wire.send_lines(connection, paced(int(sys.argv[2])), BATCH)
