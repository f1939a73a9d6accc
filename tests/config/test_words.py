import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.config.words import quote_word, split_words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", []),
        (b"  \t", []),
        (b"set k v", [b"set", b"k", b"v"]),
        (rb'"\x41\n\r\t\b\a\q\x4"', [b"A\n\r\t\b\aqx4"]),
        (rb"'it\'s \n'", [rb"it's \n"]),
        (b"pre\"fix\" 'x'", [b"prefix", b"x"]),
        (b'""', [b""]),
        (b'"a"b', None),
        (b"'a'b", None),
        (b'"open', None),
        (b"'open\\'", None),
        (b"x'open", None),
        (b'"a"\vb', [b"a", b"b"]),
        (b"\va\vb", [b"a\vb"]),
        (b"a\0 b", [b"a"]),
        (b'"a\0"', None),
        (b"a\\b", [b"a\\b"]),
    ],
)
def test_split(line, words):
    assert split_words(line) == words


def test_quote():
    assert quote_word(b'a"\\\n\r\t\a\b\x00\x7f\xff z') == rb'"a\"\\\n\r\t\a\b\x00\x7f\xff z"'


@given(st.lists(st.binary(max_size=20), max_size=6))
def test_what_is_quoted_is_split_again(words):
    assert split_words(b" ".join(map(quote_word, words))) == words
