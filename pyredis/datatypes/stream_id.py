"""Stream IDs: `<ms>-<sequence>`, two unsigned 64 bit numbers, held as the one integer `ms << 64 | sequence`.

So IDs compare and count as numbers do: the next one is `id + 1`, and a sequence that overflows carries into the
milliseconds. What counts as a number is what Redis 8.2 reads with C's `strtoull`.
"""

import re

SEQUENCE_MASK = (1 << 64) - 1
MAX_ID = (1 << 128) - 1

_LONGEST = 127
_SURE = 19  # so many digits cannot overflow
_LENIENT = re.compile(rb"[ \t-\r]*([+-]?[0-9]+)")


def format_id(id: int) -> bytes:
    """How an ID is written."""
    return b"%d-%d" % (id >> 64, id & SEQUENCE_MASK)


def parse_id(text: bytes, missing: int = 0) -> int | None:
    """The ID that `text` spells, or None; `missing` is the sequence where it names only milliseconds."""
    ms, dash, sequence = text.partition(b"-")
    if ms.isdigit() and sequence.isdigit() and len(ms) <= _SURE and len(sequence) <= _SURE:
        return int(ms) << 64 | int(sequence)
    if len(text) > _LONGEST:
        return None
    ms, dash, sequence = text.partition(b"\0")[0].partition(b"-")
    high = _unsigned(ms)
    low = _unsigned(sequence) if dash else missing
    return None if high is None or low is None else high << 64 | low


def parse_prefix(text: bytes) -> int | None:
    """The first ID of the millisecond in `<ms>-*`, or None if `text` has another form."""
    if not text.endswith(b"-*") or len(text) > _LONGEST or b"\0" in text:
        return None
    ms = _unsigned(text[:-2])
    return None if ms is None else ms << 64


def _unsigned(text: bytes) -> int | None:
    """An unsigned 64 bit number. What is written in an odd way (`-03`) may be negative: it wraps around."""
    match = _LENIENT.fullmatch(text)
    if match is None:
        return None
    number = int(match[1])
    if number < 0 and b"%d" % number == text and number >= -(1 << 63):
        return None
    return number & SEQUENCE_MASK if abs(number) <= SEQUENCE_MASK else None
