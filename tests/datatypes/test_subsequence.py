from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pyredis.datatypes.subsequence import lcs, lcs_length

TEXTS = st.lists(st.sampled_from([97, 98, 99, 100]), max_size=14).map(bytes)


def plain(first, second):
    """The textbook table and Redis's way back."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, a in enumerate(first, 1):
        for j, b in enumerate(second, 1):
            table[i][j] = table[i - 1][j - 1] + 1 if a == b else max(table[i - 1][j], table[i][j - 1])
    pairs = []
    i, j = len(first), len(second)
    while i and j:
        if first[i - 1] == second[j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif table[i - 1][j] > table[i][j - 1]:
            i -= 1
        else:
            j -= 1
    return pairs


@given(TEXTS, TEXTS)
def test_equals_the_plain_algorithm(first, second):
    pairs = plain(first, second)
    text, matches = lcs(first, second)
    assert text == bytes(first[i] for i, _ in reversed(pairs))
    assert lcs_length(first, second) == len(pairs)
    found = [(m.first_end - k, m.second_end - k) for m in matches for k in range(m.first_end - m.first_start + 1)]
    assert found == pairs
    assert sum(m.length for m in matches) == len(pairs)
    for later, earlier in pairwise(matches):
        assert (earlier.first_end + 1, earlier.second_end + 1) != (later.first_start, later.second_start)


def test_documented_example():
    text, matches = lcs(b"ohmytext", b"mynewtext")
    assert text == b"mytext"
    assert matches == [(4, 7, 5, 8), (2, 3, 0, 1)]
