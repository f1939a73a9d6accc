"""The bits of a client's and the engine's word: looked at together, so none may mean two things."""

from pyredis.engine.execution import detours, gates
from pyredis.engine.execution.admission import GATES, standing

BITS = {name: value for name, value in {**vars(gates), **vars(detours)}.items() if name.isupper()}
OBSERVED = BITS.pop("OBSERVED_CALLS")


def test_every_bit_is_one_bit_and_its_own():
    assert all(value.bit_count() == 1 for value in BITS.values())
    assert len(set(BITS.values())) == len(BITS)


def test_what_stands_is_asked_in_order_and_nothing_else():
    asked = [gate for _, gate in GATES]
    assert list(standing(sum(set(BITS.values())))) == asked
    assert standing(0) == standing(OBSERVED | detours.REPLY_MODE | detours.CLOSING | detours.WAITED_FOR) == ()
    for bit in BITS.values():
        assert standing(bit) == tuple(gate for one, gate in GATES if one == bit)
