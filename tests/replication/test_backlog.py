"""The backlog keeps what is asked for, and little more, however large the pieces are that it gets."""

import pytest

from pyredis.replication.backlog import BLOCK_BYTES, Backlog

KEPT = 64 * 1024


@pytest.mark.parametrize("size", [1, 100, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 1_000_000])
def test_it_keeps_no_more_than_a_block_beyond_what_is_asked_for(size):
    backlog, written = Backlog(0), b""
    while len(written) < 3 * KEPT:
        data = bytes(len(written) + at & 255 for at in range(size))
        backlog.append(data, KEPT)
        backlog.trim(KEPT, backlog.end)
        written += data
        assert min(KEPT, len(written)) <= len(backlog) <= KEPT + BLOCK_BYTES
    assert backlog.end == len(written) + 1
    offset, read = backlog.first, b""
    while offset + len(read) < backlog.end:
        read += backlog.read(offset + len(read))
    assert read == written[offset - 1 :]


def test_what_somebody_needs_stays():
    backlog = Backlog(1000)
    backlog.append(bytes(10 * KEPT), KEPT)
    backlog.trim(KEPT, 1001)
    assert backlog.covers(1001)
    backlog.trim(KEPT, 1001 + 5 * KEPT)
    assert not backlog.covers(1001)
    assert backlog.covers(1001 + 5 * KEPT)
