"""The longest common subsequence of two strings, as LCS answers it.

The table of the classic dynamic programme costs a cell a pair of bytes. The length alone needs one row, kept
as a big integer: bit j of row i is clear where the length grows at byte j (Hyyrö's bit-parallel recurrence).
Those rows are also all that the way back needs, since lengths of neighbours differ by at most one: one bit a
pair instead of Redis's four bytes. Among equally long subsequences the one is found that steps back in the
second string first, as in Redis.

"""

from typing import NamedTuple


class Match(NamedTuple):
    """A run common to both strings: first and last index in each, both included."""

    first_start: int
    first_end: int
    second_start: int
    second_end: int

    @property
    def length(self) -> int:
        """The run's length in bytes."""
        return self.first_end - self.first_start + 1


def lcs_length(first: bytes, second: bytes) -> int:
    """The length of the longest common subsequence."""
    return len(second) - _rows(first, second)[-1].bit_count()


def lcs(first: bytes, second: bytes) -> tuple[bytes, list[Match]]:
    """The subsequence and the runs it is made of, from the strings' ends to their starts."""
    rows = _rows(first, second)
    result = bytearray()
    matches: list[Match] = []
    i, j = len(first), len(second)
    run_i = run_j = 0  # where the open run ends, exclusive, if it is longer than nothing
    run = 0
    while i and j:
        if first[i - 1] == second[j - 1]:
            if not run:
                run_i, run_j = i, j
            result.append(first[i - 1])
            i, j, run = i - 1, j - 1, run + 1
            continue
        if run:
            matches.append(Match(run_i - run, run_i - 1, run_j - run, run_j - 1))
            run = 0
        # Where the length grows at this column, the column to the left has less, so the row above has more.
        if rows[i] >> (j - 1) & 1:
            j -= 1
        else:
            i -= 1
    if run:
        matches.append(Match(run_i - run, run_i - 1, run_j - run, run_j - 1))
    result.reverse()
    return bytes(result), matches


def _rows(first: bytes, second: bytes) -> list[int]:
    """Row i tells by clear bits where the length of the LCS of `first[:i]` and a prefix of `second` grows."""
    full = (1 << len(second)) - 1
    backwards = second[::-1]  # so that bit 0 stands for the first byte
    places = {byte: int(backwards.translate(_digits(byte)) or b"0", 2) for byte in set(first)}
    row = full
    rows = [row]
    for byte in first:
        common = row & places[byte]
        row = ((row + common) | (row - common)) & full
        rows.append(row)
    return rows


def _digits(byte: int) -> bytes:
    """The translation of `byte` to the digit 1 and of all others to 0."""
    return b"0" * byte + b"1" + b"0" * (255 - byte)
