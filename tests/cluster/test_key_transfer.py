"""The talk with MIGRATE's target, byte by byte."""

import pytest

from pyredis.cluster.key_transfer import Garbled, KeyTransfer, Parcel
from tests.oracle import encode

ONE, TWO = Parcel(b"a", 0, b"payload"), Parcel(b"", 7, b"other")


def after(transfer, data):
    transfer.feed(data)
    return transfer


def test_the_request_says_all_at_once():
    transfer = KeyTransfer([ONE, TWO], credentials=(b"user", b"secret"), database=3, replace=True)
    words = (
        ("AUTH", "user", "secret"),
        ("SELECT", 3),
        ("RESTORE", "a", 0, "payload", "REPLACE"),
        ("RESTORE", "", 7, "other", "REPLACE"),
    )
    assert transfer.request == b"".join(map(encode, words))


def test_what_is_not_needed_is_not_said():
    assert KeyTransfer([ONE], asking=True).request == encode(("RESTORE-ASKING", "a", 0, "payload"))


def test_replies_come_in_any_pieces():
    transfer = KeyTransfer([ONE, TWO], credentials=(b"secret",), database=0)
    seen = []
    for byte in b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n":
        transfer.feed(bytes((byte,)))
        seen.append((transfer.heard, list(transfer.arrived), transfer.is_done))
    assert seen[9] == (False, [], False)
    assert seen[14] == (True, [b"a"], False)
    assert seen[19] == (True, [b"a", b""], True)
    assert transfer.refusal == b""


def test_the_first_refusal_counts_and_only_what_was_taken_has_arrived():
    transfer = after(KeyTransfer([ONE, TWO, ONE]), b"-BUSYKEY there\r\n+OK\r\n-OOM none\r\n")
    assert (transfer.refusal, transfer.arrived, transfer.is_done) == (b"BUSYKEY there", [b""], True)


@pytest.mark.parametrize("lines", [b"-ERR no\r\n+OK\r\n", b"+OK\r\n-ERR no\r\n"])
def test_a_key_in_the_wrong_place_has_not_arrived(lines):
    transfer = after(KeyTransfer([ONE], credentials=(b"x",), database=1), lines + b"+OK\r\n")
    assert (transfer.refusal, transfer.arrived, transfer.is_done) == (b"ERR no", [], True)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b":1\r\n",
        b"$2\r\nOK\r\n",
        b"\r\n",
        b"+" + b"x" * 2000,
        b"+" + b"x" * 2000 + b"\r\n",
    ],
    ids=["http", "integer", "bulk", "empty", "endless", "long"],
)
def test_what_is_no_such_reply_is_believed_nothing(data):
    transfer = KeyTransfer([ONE, TWO])
    with pytest.raises(Garbled):
        transfer.feed(data)
    assert transfer.arrived == []


@pytest.mark.parametrize("more", [b"+OK\r\n", b"x", b"\r\n"])
def test_more_than_was_asked_for(more):
    transfer = KeyTransfer([ONE])
    with pytest.raises(Garbled):
        transfer.feed(b"+OK\r\n" + more)
    assert transfer.arrived == [b"a"]
