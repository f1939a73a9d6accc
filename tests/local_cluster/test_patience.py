import pytest

from pyredis.local_cluster.patience import Patience
from pyredis.local_cluster.trouble import Trouble
from tests.local_cluster.clocks import JumpingClock


def test_it_asks_until_it_is_so():
    answers = iter([False, OSError("refused"), True])

    def holds():
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    clock = JumpingClock(0)
    Patience(clock).wait(holds, lambda: "never")
    assert 0 < clock.now_ms() < 1000


def test_it_ends():
    clock = JumpingClock(0)
    with pytest.raises(Trouble, match="never"):
        Patience(clock, seconds=5).wait(lambda: False, lambda: "never")
    assert 5000 <= clock.now_ms() < 5200


def test_other_errors_are_not_waited_for():
    with pytest.raises(ZeroDivisionError):
        Patience(JumpingClock()).wait(lambda: 1 / 0, lambda: "never")
