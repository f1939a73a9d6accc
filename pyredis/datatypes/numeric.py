"""Numbers as Redis 8.2 reads and prints them: 64 bit integers, doubles and 80 bit long doubles.

Integers are accepted in their canonical form only. Doubles follow C's `strtod` (hex floats, `inf`; no NaN, no
overflow, no underflow to zero) and are printed by Grisu2, as the real server does. About one number in a
thousand then gets more digits than its shortest form has, even short ones (381404.174497), hence our own
Grisu2 and not `repr`. INCRBYFLOAT and HINCRBYFLOAT work on the x87 `long double`: a 64 bit mantissa and
exponents down to -16445. Such a number is a `LongDouble`, an exact dyadic fraction `mantissa * 2**exponent`,
and every result is rounded half-even to what the hardware could hold.

"""

import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from math import copysign, frexp, isinf, isnan
from typing import NamedTuple

_PLAIN_MAX = 300  # characters of a decimal without exponent that cannot overflow, or underflow to zero
INT64_MIN, INT64_MAX = -(1 << 63), (1 << 63) - 1

_HEX_FLOAT = re.compile(rb"[+-]?0[xX](?=\.?[0-9a-fA-F])([0-9a-fA-F]*\.?[0-9a-fA-F]*)(?:[pP]([+-]?[0-9]+))?")
_DECIMAL = re.compile(rb"[+-]?(?=\.?[0-9])([0-9]*\.?[0-9]*)(?:[eE][+-]?[0-9]+)?")
_INFINITY = re.compile(rb"([+-]?)inf(?:inity)?", re.IGNORECASE)


def parse_int(text: bytes) -> int | None:
    """The signed 64 bit integer `text` canonically spells, or None (spaces, plus, leading zeros, `-0`, …)."""
    if len(text) > 20:
        return None
    try:
        number = int(text)
    except ValueError:
        return None
    return number if INT64_MIN <= number <= INT64_MAX and b"%d" % number == text else None


def is_canonical_int(text: bytes) -> bool:
    """Whether Redis would hold `text` as an integer."""
    return parse_int(text) is not None


def parse_float(text: bytes) -> float | None:
    """The double `text` spells as C's `strtod` reads it, or None for what commands refuse as a float."""
    if text.isdigit() and len(text) < _PLAIN_MAX:  # the commonest form, where C and `float` agree
        return float(text)
    if not text or b"_" in text or text[0] <= 32 or text[-1] <= 32:
        return None
    try:
        number = float(text)
        digits = text.lower().partition(b"e")[0]
    except ValueError:
        match = _HEX_FLOAT.fullmatch(text)
        if match is None:
            return None
        digits = match[1]
        try:
            number = float.fromhex(text.decode())
        except (OverflowError, ValueError):
            return None
    if isnan(number) or (isinf(number) and not _INFINITY.fullmatch(text)):
        return None
    if number == 0.0 and digits.strip(b"+-0."):  # an underflow, which strtod reports as ERANGE
        return None
    return number


def parse_floats(words: Sequence[bytes]) -> list[float] | None:
    """`parse_float` of all words, or None if it is None for one of them. Plain decimals are read in C."""
    if max(map(len, words)) < _PLAIN_MAX and not b"".join(words).translate(None, b"0123456789.-"):
        try:
            return [*map(float, words)]
        except ValueError:
            return None  # of these characters, C takes what Python takes
    numbers: list[float] = []
    for word in words:
        number = parse_float(word)
        if number is None:
            return None
        numbers.append(number)
    return numbers


def format_double(number: float) -> bytes:
    """How a double is written in replies, scores and AOF: the same text in RESP2 and RESP3."""
    if -4611686018427387904.0 <= number <= 4611686018427387904.0 and number == int(number) and number:
        return b"%d" % int(number)
    return shortest_double(number)


def shortest_double(number: float) -> bytes:
    """As `format_double`, but round numbers have an exponent where that is shorter: how DEBUG DIGEST takes scores."""
    if number != number:
        return b"nan"
    if isinf(number):
        return b"inf" if number > 0 else b"-inf"
    if number == 0.0:
        return b"-0" if copysign(1.0, number) < 0 else b"0"
    sign = b"-" if number < 0 else b""
    return sign + _layout(*_grisu2(abs(number))).encode()


def _layout(digits: str, exponent: int) -> str:
    """Place the point, or use an exponent, in `digits * 10**exponent`."""
    count = len(digits)
    magnitude = count + exponent - 1
    if exponent >= 0 and magnitude < count + 7:
        return digits + "0" * exponent
    if exponent < 0 and (exponent > -7 or abs(magnitude) < 4):
        point = count + exponent
        if point <= 0:
            return "0." + "0" * -point + digits
        return f"{digits[:point]}.{digits[point:]}"
    fraction = "." + digits[1:] if count > 1 else ""
    return f"{digits[0]}{fraction}e{magnitude:+d}"


# -- Grisu2 (Loitsch 2010): a 64 bit approximation of a power of ten brings the number into a range where
# -- integer arithmetic yields its digits, up to the first prefix within the rounding interval of the double.


@cache
def _power_of_ten(power: int) -> tuple[int, int]:
    """`10**power` rounded to 64 bits: mantissa and binary exponent."""
    numerator, denominator = (10**power, 1) if power >= 0 else (1, 10**-power)
    shift = numerator.bit_length() - denominator.bit_length() - 64
    while True:
        scaled, unit = (numerator, denominator << shift) if shift >= 0 else (numerator << -shift, denominator)
        quotient, rest = divmod(scaled, unit)
        if quotient < 1 << 63:
            shift -= 1
        elif quotient >= 1 << 64:
            shift += 1
        else:
            return quotient + (2 * rest >= unit), shift


@cache
def _cached_power(exponent: int) -> tuple[int, int, int]:
    """The power of ten, among every eighth, that brings a binary exponent into [-60, -32]."""
    index = (int(-(exponent + 87) * 0.30102999566398114) + 348) // 8
    while True:
        power = -348 + 8 * index
        mantissa, binary = _power_of_ten(power)
        current = exponent + binary + 64
        if current < -60:
            index += 1
        elif current > -32:
            index -= 1
        else:
            return mantissa, binary, power


@lru_cache(4096)
def _grisu2(number: float) -> tuple[str, int]:
    """Digits and power of ten of a positive finite double, as Grisu2 finds them."""
    fraction, exponent = frexp(number)
    mantissa, exponent = int(fraction * (1 << 53)), exponent - 53
    if exponent < -1074:  # subnormal: the interval is as wide as at the smallest normal number
        mantissa >>= -1074 - exponent
        exponent = -1074
    shift = 64 - (2 * mantissa + 1).bit_length()
    base = exponent - 1 - shift
    upper = (2 * mantissa + 1) << shift
    closer = mantissa == 1 << 52  # below a power of two doubles lie twice as dense
    lower = ((4 * mantissa - 1) << (shift - 1)) if closer else ((2 * mantissa - 1) << shift)
    power_mantissa, power_exponent, power = _cached_power(base)
    point, upper, lower = (
        (value * power_mantissa + (1 << 63)) >> 64 for value in (mantissa << (shift + 1), upper, lower)
    )
    digits, exponent = _digits(point, upper - 1, lower + 1, -(base + power_exponent + 64), _last_place(number) + power)
    return digits, exponent - power


def _last_place(number: float) -> int:
    """The power of ten that the last digit of the shortest text of a double stands for."""
    mantissa, _, exponent = repr(number).partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    zeros = 0 if fraction else len(whole) - len(whole.rstrip("0"))
    return int(exponent or 0) - len(fraction) + zeros


def _digits(point: int, upper: int, lower: int, bits: int, place: int) -> tuple[str, int]:
    """Digits of the fixed point number `upper` (`bits` after the point), as few as stay above `lower`.

    Grisu2 tries one digit, two, … But fewer than the shortest text of the double has are never enough, for its
    interval lies within the double's own: so the search begins at that text's last `place`.
    """
    while True:
        unit, factor = (10**place << bits, 1) if place >= 0 else (1 << bits, 10**-place)
        digits, rest = divmod(upper * factor, unit)
        delta = (upper - lower) * factor
        if rest < delta or (rest == delta and place >= 0):
            return _nearer(digits, delta, rest, unit, (upper - point) * factor), place
        place -= 1


def _nearer(digits: int, delta: int, rest: int, unit: int, distance: int) -> str:
    """Lower the last digit while that comes closer to the number and stays in its interval."""
    while (
        rest < distance
        and delta - rest >= unit
        and (rest + unit < distance or distance - rest > rest + unit - distance)
    ):
        digits -= 1
        rest += unit
    return str(digits)


# -- The x87 long double


class LongDouble(NamedTuple):
    """`mantissa * 2**exponent` with at most 64 bits of mantissa; an infinity has exponent INFINITE."""

    mantissa: int
    exponent: int

    @property
    def is_infinite(self) -> bool:
        """Whether INCRBYFLOAT has to refuse it."""
        return self.exponent == INFINITE


INFINITE = 1 << 20
_LEAST_EXPONENT = -16445
_LARGEST = 16384
_LONGEST_TEXT = 5 * 1024


def parse_long_double(text: bytes) -> LongDouble | None:
    """The long double `text` spells as C's `strtold` reads it, or None. It may be infinite, never NaN."""
    if len(text) >= _LONGEST_TEXT:
        return None
    number = parse_int(text)
    if number is not None:
        return LongDouble(number, 0)
    infinity = _INFINITY.fullmatch(text)
    if infinity:
        return LongDouble(-1 if infinity[1] == b"-" else 1, INFINITE)
    ratio = _decimal_ratio(text) or _hex_ratio(text)
    if ratio is None:
        return None
    rounded = _round(*ratio)
    if rounded.is_infinite or (rounded.mantissa == 0 and ratio[0]):
        return None
    return rounded


def add_long_double(left: LongDouble, right: LongDouble) -> LongDouble:
    """The sum, infinite where it (or NaN) would be."""
    if left.is_infinite or right.is_infinite:
        return LongDouble(left.mantissa if left.is_infinite else right.mantissa, INFINITE)
    low = min(left.exponent, right.exponent)
    total = (left.mantissa << left.exponent - low) + (right.mantissa << right.exponent - low)
    return _round(total, 1, low)


def format_long_double(number: LongDouble) -> bytes:
    """Up to 17 digits after the point, trailing zeros trimmed, never an exponent (so up to 4,950 bytes)."""
    mantissa, exponent = number
    if number.is_infinite:
        return b"inf" if mantissa > 0 else b"-inf"
    if exponent >= 0:
        return _plain(mantissa << exponent).encode()
    scaled = abs(mantissa) * 10**17
    quotient, rest = scaled >> -exponent, scaled & ((1 << -exponent) - 1)
    half = 1 << (-exponent - 1)
    quotient += rest > half or (rest == half and quotient & 1)
    if not quotient:
        return b"0"
    text = _plain(quotient).rjust(18, "0")
    digits = f"{text[:-17]}.{text[-17:]}".rstrip("0").rstrip(".")
    return (("-" if mantissa < 0 else "") + digits).encode()


def _plain(number: int) -> str:
    """All digits of an integer, of which `str` refuses more than 4,300."""
    return format(Decimal(number), "f")


def _decimal_ratio(text: bytes) -> tuple[int, int, int] | None:
    """Numerator, denominator and power of two of a decimal text. Out of range stays so, but small."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    if not match[1].strip(b"0."):
        return 0, 1, 0
    try:
        number = Decimal(text.decode())
        adjusted = number.adjusted()
    except InvalidOperation:
        return None
    if not number.is_finite() or number == 0 or not -4960 < adjusted < 4940:
        # Not worth the arithmetic: overflow and underflow are both refused.
        return None
    return (*number.as_integer_ratio(), 0)


def _hex_ratio(text: bytes) -> tuple[int, int, int] | None:
    """As `_decimal_ratio`, for C's hexadecimal floats."""
    match = _HEX_FLOAT.fullmatch(text)
    if match is None:
        return None
    whole, _, fraction = match[1].partition(b".")
    mantissa = int(whole + fraction, 16)
    if not mantissa:
        return 0, 1, 0
    power = (match[2] or b"0")[:4000]
    exponent = int(power) - 4 * len(fraction)
    if not -64000 < exponent < 64000:
        return None
    return -mantissa if text.startswith(b"-") else mantissa, 1, exponent


def _round(numerator: int, denominator: int, exponent: int) -> LongDouble:
    """`numerator / denominator * 2**exponent` rounded half-even to a long double."""
    magnitude = abs(numerator)
    if not magnitude:
        return LongDouble(0, 0)
    # One bit more than the mantissa has, or the subnormal limit, decides how far to shift.
    shift = max(magnitude.bit_length() - denominator.bit_length() - 64, _LEAST_EXPONENT - exponent)
    while True:
        scaled, unit = (magnitude, denominator << shift) if shift >= 0 else (magnitude << -shift, denominator)
        quotient, rest = divmod(scaled, unit)
        if quotient.bit_length() <= 64:
            break
        shift += 1
    quotient += 2 * rest > unit or (2 * rest == unit and quotient & 1)
    if quotient >> 64:
        quotient, shift = quotient >> 1, shift + 1
    if quotient.bit_length() + exponent + shift > _LARGEST:
        return LongDouble(-1 if numerator < 0 else 1, INFINITE)
    return LongDouble(-quotient if numerator < 0 else quotient, exponent + shift)
