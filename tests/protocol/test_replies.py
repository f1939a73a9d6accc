"""What the marker types are in each protocol version, compared with the rules of RESP2 and RESP3."""

from pytest import mark

from pyredis.protocol.encoder import VERSIONS
from pyredis.protocol.replies import (
    NULL_ARRAY,
    OK,
    Attributed,
    BigNumber,
    Entries,
    ErrorReply,
    FlatMap,
    PairArrayMap,
    PairMap,
    Pairs,
    Push,
    RecordMap,
    Several,
    Status,
    Unordered,
    Verbatim,
)

A, B, ONE = b"$1\r\na\r\n", b"$1\r\nb\r\n", b":1\r\n"
FORMS = [
    (OK, b"+OK\r\n", b"+OK\r\n"),
    (Status(b"x y"), b"+x y\r\n", b"+x y\r\n"),
    (ErrorReply(b"ERR no"), b"-ERR no\r\n", b"-ERR no\r\n"),
    (None, b"$-1\r\n", b"_\r\n"),
    (NULL_ARRAY, b"*-1\r\n", b"_\r\n"),
    (True, ONE, b"#t\r\n"),
    (False, b":0\r\n", b"#f\r\n"),
    (1.5, b"$3\r\n1.5\r\n", b",1.5\r\n"),
    (-1, b":-1\r\n", b":-1\r\n"),
    (1 << 62, b":4611686018427387904\r\n", b":4611686018427387904\r\n"),
    ({b"a": 1}, b"*2\r\n" + A + ONE, b"%1\r\n" + A + ONE),
    ({b"a"}, b"*1\r\n" + A, b"~1\r\n" + A),
    (Unordered([b"a", b"a"]), b"*2\r\n" + A + A, b"~2\r\n" + A + A),
    (Push((b"a", 1)), b"*2\r\n" + A + ONE, b">2\r\n" + A + ONE),
    (Several([b"a", 1]), A + ONE, A + ONE),
    (Verbatim(b"a"), A, b"=5\r\ntxt:a\r\n"),
    (Verbatim(b"a", b"mkd"), A, b"=5\r\nmkd:a\r\n"),
    (BigNumber(b"1"), b"$1\r\n1\r\n", b"(1\r\n"),
    (Attributed({b"a": 1}, b"b"), B, b"|1\r\n" + A + ONE + B),
    (PairMap([(b"a", 1), (b"a", 1)]), b"*4\r\n" + (A + ONE) * 2, b"%2\r\n" + (A + ONE) * 2),
    (FlatMap([b"a", b"b"]), b"*2\r\n" + A + B, b"%1\r\n" + A + B),
    (RecordMap([(b"a", (1, b"b"))]), b"*3\r\n" + A + ONE + B, b"%1\r\n" + A + b"*2\r\n" + ONE + B),
    (Pairs([(b"a", 1)]), b"*2\r\n" + A + ONE, b"*1\r\n*2\r\n" + A + ONE),
    (PairArrayMap([(b"a", 1)]), b"*1\r\n*2\r\n" + A + ONE, b"%1\r\n" + A + ONE),
    (Entries([(1 << 64 | 2, (b"a", b"b"))]), *[b"*1\r\n*2\r\n$3\r\n1-2\r\n*2\r\n" + A + B] * 2),
]


@mark.parametrize(("value", "resp2", "resp3"), FORMS, ids=lambda value: type(value).__name__)
def test_forms(value, resp2, resp3):
    for version, form in ((2, resp2), (3, resp3)):
        assert VERSIONS[version][type(value)](value) == form
        assert VERSIONS[version][list]([value, 1]).endswith(form + ONE)  # the same inside of others


def test_every_kind_has_a_form_in_both():
    kinds = {type(value) for value, *_ in FORMS}
    assert VERSIONS[2].keys() == VERSIONS[3].keys() >= kinds


def test_an_error_reply_is_one_line():
    assert VERSIONS[2][ErrorReply](ErrorReply(b"ERR a\r\nb")).count(b"\n") == 1
