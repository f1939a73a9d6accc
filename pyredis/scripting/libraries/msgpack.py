"""Numbers as MessagePack has them; the rest of `cmsgpack` is in Lua."""

from struct import error as StructError
from struct import pack, unpack

_READ = {
    0xCA: ">f",
    0xCB: ">d",
    0xCC: ">B",
    0xCD: ">H",
    0xCE: ">I",
    0xCF: ">Q",
    0xD0: ">b",
    0xD1: ">h",
    0xD2: ">i",
    0xD3: ">q",
}
_UNSIGNED = ((1 << 8, 0xCC), (1 << 16, 0xCD), (1 << 32, 0xCE), (1 << 64, 0xCF))
_SIGNED = ((1 << 7, 0xD0), (1 << 15, 0xD1), (1 << 31, 0xD2), (1 << 63, 0xD3))


def pack_number(number: float) -> bytes:
    """The shortest form of a number: an integer if it is whole, else 4 or 8 bytes of floating point."""
    if isinstance(number, int):
        return _integer(number)
    try:
        short = pack(">f", number)
    except (OverflowError, StructError):
        return b"\xcb" + pack(">d", number)
    return b"\xca" + short if unpack(">f", short)[0] == number else b"\xcb" + pack(">d", number)


def _integer(number: int) -> bytes:
    if -32 <= number < 128:
        return bytes((number & 0xFF,))
    bounds = _UNSIGNED if number > 0 else _SIGNED
    code = next(code for bound, code in bounds if -bound <= number < bound)
    return bytes((code,)) + pack(_READ[code], number)


def unpack_number(code: int, data: bytes) -> float:
    """The number whose format byte is `code`."""
    return float(unpack(_READ[code], data)[0])
