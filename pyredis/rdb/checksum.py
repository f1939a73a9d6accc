"""CRC-64/Jones reflected, initial value 0, nothing inverted: the checksum of RDB files and DUMP payloads.

The package is imported by the first checksum, for a server that neither loads nor saves never needs one.
"""

from collections.abc import Callable

_calculate: Callable[[bytes | memoryview, int], int] | None = None


def crc64(data: bytes | memoryview, before: int = 0) -> int:
    """The checksum of `data`, going on from that of what came before."""
    global _calculate
    if _calculate is None:
        from anycrc import Model

        _calculate = Model("CRC64-REDIS").calc
    return _calculate(data, before)
