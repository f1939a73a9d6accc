"""As measured with Redis 8.2.3, whose INFO tells it."""

from pyredis.clock import ManualClock
from pyredis.replication.link_times import LinkTimes


def seen(times):
    return times.attempts, times.all_attempts, times.up_since, times.down_since, times.down_in_all


def test_attempts_and_times():
    clock = ManualClock(1000)
    times = LinkTimes(clock)
    assert seen(times) == (0, 0, None, None, 0)
    times.another_master()
    times.tried()
    times.tried()
    clock.advance(50)
    times.up()
    assert seen(times) == (2, 2, 1050, None, 0)  # it had never worked: that time does not count
    clock.advance(50)
    times.down()
    times.tried()
    clock.advance(30)
    assert seen(times) == (1, 3, None, 1100, 30)
    times.up()
    clock.advance(70)
    assert seen(times) == (1, 3, 1130, None, 30)
    times.down()
    times.another_master()
    times.tried()
    clock.advance(5)
    assert seen(times) == (1, 1, None, 1200, 35)
    times.up()
    times.start_over()
    times.another_master()
    times.tried()
    assert seen(times) == (1, 1, None, None, 35)
