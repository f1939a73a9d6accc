import pytest

from pyredis.protocol.encoder import encode_command
from pyredis.replication.handshake import (
    Continue,
    FullSync,
    HandshakeFailed,
    History,
    Introduction,
    NotNow,
    handshake,
    is_id,
)

ID, OTHER = "a" * 40, "b" * 40
PORT = Introduction(6380)
GREETED = (b"+PONG", b"+OK", b"+OK", b"-ERR unknown")
"""The replies up to PSYNC: to PING, and to three REPLCONFs."""


def sent(*lines):
    return b"".join(encode_command(line.encode().split()) for line in lines)


def talk(who, history, *replies):
    """What is sent, and the outcome."""
    steps, said = handshake(who, history), []
    said.append(next(steps))
    for reply in replies:
        try:
            said.append(steps.send(reply))
        except StopIteration as done:
            return said, done.value
    return said, None


def outcome(reply, history=None):
    return talk(PORT, history or History(ID, 100), *GREETED, reply)[1]


def test_the_bytes_a_real_replica_sends_and_the_version_as_valkey_does():
    said, _ = talk(PORT, History(), *GREETED)
    assert said == [
        b"*1\r\n$4\r\nPING\r\n",
        sent("REPLCONF listening-port 6380", "REPLCONF capa eof capa psync2", "REPLCONF version 9.0.0"),
        b"",
        b"",
        b"*3\r\n$5\r\nPSYNC\r\n$1\r\n?\r\n$2\r\n-1\r\n",
    ]


@pytest.mark.parametrize(
    ("who", "lines"),
    [
        (Introduction(1, password=b"p"), ["AUTH p", "REPLCONF listening-port 1"]),
        (Introduction(1, b"", b"u", b"p"), ["AUTH u p", "REPLCONF listening-port 1"]),
        (Introduction(1, b"", b"u"), ["REPLCONF listening-port 1"]),
        (Introduction(1, b"10.0.0.1"), ["REPLCONF listening-port 1", "REPLCONF ip-address 10.0.0.1"]),
    ],
)
def test_what_it_says_of_itself_goes_in_one_piece(who, lines):
    said, _ = talk(who, History(), b"+PONG")
    assert said[1] == sent(*lines, "REPLCONF capa eof capa psync2", "REPLCONF version 9.0.0")


@pytest.mark.parametrize(
    ("history", "line"),
    [
        (History(), "PSYNC ? -1"),
        (History(ID, 100), f"PSYNC {ID} 101"),
        (History(ID, 100, failover=True), f"PSYNC {ID} 101 FAILOVER"),
    ],
)
def test_it_asks_for_what_it_lacks(history, line):
    assert talk(PORT, history, *GREETED)[0][-1] == sent(line)


@pytest.mark.parametrize("reply", [b"+PONG", b"+", b"-NOAUTH x", b"-NOPERM x", b"-ERR operation not permitted"])
def test_what_may_be_answered_to_ping(reply):
    assert talk(PORT, History(), reply)[1] is None


@pytest.mark.parametrize("reply", [b"", b"-ERR no", b"$4", b"-DENIED x", b"-LOADING x"])
def test_what_may_not(reply):
    with pytest.raises(HandshakeFailed, match="Error reply to PING from master: '"):
        talk(PORT, History(), reply)


def test_a_password_must_be_right_and_nothing_else_must():
    with pytest.raises(HandshakeFailed, match="Unable to AUTH to MASTER: -WRONGPASS"):
        talk(Introduction(1, password=b"p"), History(), b"+PONG", b"-WRONGPASS x")
    said, _ = talk(PORT, History(), b"+PONG", b"-ERR no", b"-ERR no", b"-ERR no")
    assert said[-1] == sent("PSYNC ? -1")


def test_a_busy_master_sends_empty_lines():
    said, found = talk(PORT, History(ID, 1), *GREETED, b"", b"", b"+CONTINUE " + OTHER.encode())
    assert (said[5:], found) == ([b"", b""], Continue(OTHER))


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (f"+FULLRESYNC {OTHER} 0", FullSync(OTHER, 0)),
        (f"+FULLRESYNC {OTHER} {2**63 - 1}", FullSync(OTHER, 2**63 - 1)),
        ("+CONTINUE", Continue(ID)),
        (f"+CONTINUE {OTHER}", Continue(OTHER)),
        ("+CONTINUE short", Continue(ID)),
        (f"+CONTINUE {OTHER} more", Continue(OTHER)),
        ("-LOADING x", NotNow(b"-LOADING x")),
        ("-NOMASTERLINK x", NotNow(b"-NOMASTERLINK x")),
        ("-ERR unknown command 'PSYNC'", FullSync("", -1, sent("SYNC"))),
    ],
)
def test_the_answer_decides(reply, expected):
    assert outcome(reply.encode()) == expected


def test_who_offers_his_part_and_is_refused_asks_for_nothing_else():
    line = b"-ERR PSYNC FAILOVER replid must match my replid."
    assert outcome(line, History(ID, 1, failover=True)) == NotNow(line)


BAD_WORDS = [
    *("", " x", f" {ID}", f" {ID} -1", f" {ID} 1x"),
    *(f" {ID} {2**63}", f" {ID[1:]} 1", f" {ID} 1 2", f" {'?' * 40} 1"),
]


@pytest.mark.parametrize("words", BAD_WORDS)
def test_a_full_sync_must_be_said_right(words):
    with pytest.raises(HandshakeFailed, match=r"wrong \+FULLRESYNC syntax"):
        outcome(b"+FULLRESYNC" + words.encode())


@pytest.mark.parametrize("reply", [b"+CONTINUE", b"+CONTINUE " + OTHER.encode()])
def test_nothing_can_be_gone_on_with(reply):
    with pytest.raises(HandshakeFailed, match="Unexpected reply to PSYNC"):
        outcome(reply, History())


@pytest.mark.parametrize("reply", [b"$5", b"hello", b"+OK", b"-DENIED"])
def test_anything_else(reply):
    with pytest.raises(HandshakeFailed, match="Unexpected reply to PSYNC"):
        outcome(reply)


def test_what_a_stream_may_be_called():
    assert is_id(b"0123456789abcdef" * 2 + b"01234567")
    assert not any(map(is_id, (b"", b"a" * 39, b"a" * 41, b"\xff" * 40, b"\0" * 40, b" " * 40)))
