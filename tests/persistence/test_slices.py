import pytest

from pyredis.clock import ManualClock
from pyredis.persistence.disk import Disk
from pyredis.persistence.slices import FileTarget, OutputTarget, Slices
from tests.observed import Observed

NEWEST = 12
"""The version of RDB."""


class Target:
    """Takes `room` pieces, and is safe when asked twice."""

    def __init__(self, room=1 << 30):
        self.room, self.taken, self.asked, self.is_closed = room, [], 0, False

    def wants(self):
        return len(self.taken) < self.room

    def take(self, data):
        self.taken.append(data)

    write = take

    def finish(self):
        self.asked += 1
        return self.asked == 2

    def close(self):
        self.is_closed = True


@pytest.fixture
def observed():
    observed = Observed(ManualClock(1_000_000))
    for number in range(10):
        observed.line(f"SET {number} value")
    return observed


def test_it_writes_as_much_as_is_wanted(observed):
    target = Target(room=3)
    slices = Slices(observed.engine, target, lambda space: iter([b"1", b"2", b"3", b"4"]), NEWEST)
    assert slices.go_on() is False
    assert target.taken == [b"1", b"2", b"3"]
    assert slices.go_on() is False
    target.room = 4
    target.taken.pop(0)
    assert (slices.go_on(), target.taken) == (False, [b"2", b"3", b"4"])
    assert (slices.go_on(), target.asked) == (True, 2)  # safe when the target says so


def test_it_stops_when_its_time_is_over(observed, monkeypatch):
    ticks = iter(range(0, 1 << 60, 1_000_000))
    monkeypatch.setattr(observed.engine.clock, "ticks_ns", lambda: next(ticks))
    target = Target()
    slices = Slices(observed.engine, target, lambda space: iter([b"x"] * 10), NEWEST)
    slices.go_on()
    assert 1 <= len(target.taken) <= 3


def test_what_goes_wrong_is_said_and_closing_gives_up(observed):
    def broken(data):
        raise OSError(28, "No space left on device")

    target = Target()
    target.write = broken
    slices = Slices(observed.engine, target, lambda space: iter([b"x"]), NEWEST)
    with pytest.raises(OSError, match="No space"):
        slices.go_on()
    slices.close()
    assert target.is_closed


def test_a_file_is_safe_when_it_is_synced(tmp_path, observed):
    path = tmp_path / "snapshot"
    slices = Slices(observed.engine, FileTarget(Disk(), path), lambda space: iter([b"one", b"two"]), NEWEST)
    while not slices.go_on():
        pass
    assert path.read_bytes() == b"onetwo"


def test_no_file_no_target(tmp_path):
    with pytest.raises(FileNotFoundError):
        FileTarget(Disk(), tmp_path / "nowhere" / "snapshot")


def test_an_output_has_all_that_it_took():
    target = Target(room=1)
    output = OutputTarget(target)
    assert output.wants()
    output.write(b"x")
    assert (output.wants(), output.finish(), target.taken) == (False, True, [b"x"])
    output.close()
