"""cmsgpack's limits and offsets are C's integers, whatever a script gives."""

import pytest

NUMBERS = "nil 0 1 1.5 -0.5 -1 -1.5 2^31 -2^31 2^32 2^53 2^63 -2^63 1e308 0/0 1/0 -1/0 '1' '0x1' 'x' '' {} true".split()  # noqa: SIM905
CALLS = ["unpack_limit('aaa', %s)", "unpack_limit('aaa', 1, %s)", "unpack_limit('aaa', 0, %s)", "unpack_one('aaa', %s)"]


@pytest.mark.parametrize("call", CALLS)
def test_limits_and_offsets(call, both):
    for number in NUMBERS:
        both("EVAL", f"return {{cmsgpack.{call % number}}}", "0")
