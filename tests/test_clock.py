from pyredis.clock import EverySecond


def test_a_second_passes_once_a_second_and_anew_when_the_clock_is_turned_back():
    every_second = EverySecond()
    assert [every_second.has_passed(now) for now in (5000, 5999, 6000, 6500, 7100, 3000, 3500, 4000)] == [
        *(True, False, True, False, True),
        *(True, False, True),
    ]
