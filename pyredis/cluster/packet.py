"""Packets of the cluster bus, version 1: bytes to values, and back.

Every packet begins with a header that says who sends it and what he believes of himself: his epochs, his slots, his
master. Numbers are big-endian, texts are filled up with NULs. What has another length than its type and counts say is
no packet.

An extension (hostname, shard, …) is a length, a type and data filled up to 8 bytes. Type 4 and 5 mean one thing to
Redis and another to Valkey, so neither is written or believed.
"""

import re
from collections.abc import Iterable
from enum import IntEnum
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from pyredis.cluster.node import ID_BYTES, is_id

VERSION = 1
SIGNATURE = b"RCmb"
PAUSED, FORCE_ACK, EXTENSIONS = 1, 2, 4
"""What the first of a header's message flags may say: writes are paused for a failover; a vote is asked for though the
master works; extensions follow, or are understood."""

_HEADER = Struct(">4sIHHHHQQQ40s2048s40s46sH30xHHHB3s")
_GOSSIP = Struct(">40sII46sHHHHxx")
_UPDATE = Struct(">Q40s2048s")
_LENGTHS = Struct(">II")
_EXTENSION = Struct(">IHxx")
_MODULE_HEAD = 13
_NOBODY = bytes(ID_BYTES)

HEADER_BYTES = _HEADER.size
LEAD_BYTES = 8
"""So much of a packet tells its length."""


class Kind(IntEnum):
    """Types of packets."""

    PING = 0
    PONG = 1
    MEET = 2
    FAIL = 3
    PUBLISH = 4
    AUTH_REQUEST = 5
    AUTH_ACK = 6
    UPDATE = 7
    MFSTART = 8
    MODULE = 9
    PUBLISHSHARD = 10

    @property
    def label(self) -> str:
        """As in CLUSTER INFO."""
        return _LABELS.get(self, self.name.lower())


_KINDS = frozenset(Kind)
_WORD = re.compile(rb"[!-+\--<>-~]*")  # no space, comma or equals sign
_LABELS = {Kind.AUTH_REQUEST: "auth-req", Kind.AUTH_ACK: "auth-ack", Kind.PUBLISHSHARD: "publishshard"}


class ExtensionType(IntEnum):
    """Types of extensions that are believed."""

    HOSTNAME = 0
    HUMAN_NAME = 1
    FORGOTTEN = 2
    SHARD_ID = 3


class InvalidPacket(ValueError):
    """Bytes that are no packet, or none of this version."""


class Header(NamedTuple):
    """Who sends, and what he says of himself; `slots` and `config_epoch` are those of his master if he has one.

    `ip` is empty where he leaves it to the socket; `offset` is in bytes.
    """

    sender: bytes
    current_epoch: int
    config_epoch: int
    offset: int
    slots: int
    master: bytes
    ip: str
    port: int
    tls_port: int
    bus_port: int
    flags: int
    is_down: bool
    mflags: int


class Gossip(NamedTuple):
    """What the sender knows of another node. Times are whole seconds."""

    id: bytes
    ping_sent: int
    pong_received: int
    ip: str
    port: int
    bus_port: int
    flags: int
    tls_port: int


class Extensions(NamedTuple):
    """What the sender says of himself beyond the header; `forgotten`: ids, and for how many seconds."""

    hostname: str = ""
    human_name: str = ""
    shard_id: bytes = b""
    forgotten: tuple[tuple[bytes, int], ...] = ()


class Packet(NamedTuple):
    """One packet; of the fields behind `header` those of its kind are there.

    `about`: a FAIL's or an UPDATE's node. `extensions`: None where the sender knows of none.
    """

    kind: Kind
    header: Header
    gossip: tuple[Gossip, ...] = ()
    extensions: Extensions | None = None
    about: bytes = b""
    epoch: int = 0
    slots: int = 0
    channel: bytes = b""
    message: bytes = b""


def packet_length(lead: bytes) -> int:
    """The length of a packet that begins so. Raises InvalidPacket where none does."""
    length = int.from_bytes(lead[4:LEAD_BYTES], "big")
    if lead[:4] != SIGNATURE or length < HEADER_BYTES:
        raise InvalidPacket("Bad message length or signature received")
    return length


def kind_of(data: bytes) -> int:
    """The type of a packet, known or not."""
    return int.from_bytes(data[12:14], "big")


# Reading


def decode(data: bytes) -> Packet:
    """A packet from all its bytes. Raises InvalidPacket."""
    try:
        fields = _HEADER.unpack_from(data)
    except StructError:
        raise InvalidPacket("shorter than a header") from None
    _, length, version, port, kind, count, current_epoch, config_epoch, offset, sender, slots, master, ip = fields[:13]
    extensions, tls_port, bus_port, flags, state, mflags = fields[13:]
    if version != VERSION:
        raise InvalidPacket(f"version {version}")
    if kind not in _KINDS:
        raise InvalidPacket(f"unknown packet type: {kind}")
    if length != len(data):
        raise InvalidPacket("another length than it says")
    if not is_id(sender) or (master != _NOBODY and not is_id(master)):
        raise InvalidPacket("sent by nobody")
    owned = int.from_bytes(slots, "little")
    said = (sender, current_epoch, config_epoch, offset, owned, master.strip(b"\0"), _text(ip))
    header = Header._make((*said, port, tls_port, bus_port, flags, state != 0, mflags[0]))
    return _decode_body(Kind(kind), header, data, count, extensions)


def _decode_body(kind: Kind, header: Header, data: bytes, count: int, extensions: int) -> Packet:
    if kind <= Kind.MEET:
        return _decode_ping(kind, header, data, count, extensions)
    if kind in (Kind.PUBLISH, Kind.PUBLISHSHARD):
        start = HEADER_BYTES + _LENGTHS.size
        _demand(len(data) >= start, kind, data)
        channel, message = _LENGTHS.unpack_from(data, HEADER_BYTES)
        _demand(len(data) == start + channel + message, kind, data)
        return Packet(kind, header, channel=data[start : start + channel], message=data[start + channel :])
    if kind is Kind.FAIL:
        _demand(len(data) == HEADER_BYTES + ID_BYTES, kind, data)
        return Packet(kind, header, about=data[HEADER_BYTES:])
    if kind is Kind.UPDATE:
        _demand(len(data) == HEADER_BYTES + _UPDATE.size, kind, data)
        epoch, about, slots = _UPDATE.unpack_from(data, HEADER_BYTES)
        return Packet(kind, header, about=about, epoch=epoch, slots=int.from_bytes(slots, "little"))
    if kind is Kind.MODULE:
        _demand(len(data) >= HEADER_BYTES + _MODULE_HEAD, kind, data)
    else:
        _demand(len(data) == HEADER_BYTES, kind, data)
    return Packet(kind, header)


def _decode_ping(kind: Kind, header: Header, data: bytes, count: int, extensions: int) -> Packet:
    end = HEADER_BYTES + count * _GOSSIP.size
    _demand(len(data) >= end, kind, data)
    gossip = tuple(
        Gossip(id, ping_sent, pong_received, _text(ip), port, bus_port, flags, tls_port)
        for id, ping_sent, pong_received, ip, port, bus_port, flags, tls_port in _GOSSIP.iter_unpack(
            data[HEADER_BYTES:end]
        )
    )
    said = None
    if header.mflags & EXTENSIONS:
        said, end = _decode_extensions(data, end, extensions)
    _demand(len(data) == end, kind, data)
    return Packet(kind, header, gossip, said)


def _decode_extensions(data: bytes, at: int, count: int) -> tuple[Extensions, int]:
    """What they say, and where they end."""
    said: dict[int, bytes] = {}
    forgotten = []
    for _ in range(count):
        if len(data) < at + _EXTENSION.size:
            raise InvalidPacket("an extension exceeds the packet")
        length, kind = _EXTENSION.unpack_from(data, at)
        if length % 8 or length < _EXTENSION.size or len(data) < at + length:
            raise InvalidPacket("an extension without proper padding, or one that exceeds the packet")
        content = data[at + _EXTENSION.size : at + length]
        if kind == ExtensionType.FORGOTTEN and len(content) >= ID_BYTES + 8:
            forgotten.append((content[:ID_BYTES], int.from_bytes(content[ID_BYTES : ID_BYTES + 8], "big")))
        said[kind] = content
        at += length
    shard_id = said.get(ExtensionType.SHARD_ID, b"")[:ID_BYTES]
    hostname, human_name = (_name(said.get(kind, b"")) for kind in (ExtensionType.HOSTNAME, ExtensionType.HUMAN_NAME))
    return Extensions(hostname, human_name, shard_id if is_id(shard_id) else b"", tuple(forgotten)), at


def _demand(is_right: bool, kind: Kind, data: bytes) -> None:
    if not is_right:
        raise InvalidPacket(f"a {kind.label} packet of length {len(data)}")


def _text(field: bytes) -> str:
    """An address up to its first NUL. Raises InvalidPacket for what could not stand in `nodes.conf`."""
    text = field.partition(b"\0")[0]
    if not _WORD.fullmatch(text):
        raise InvalidPacket("an address that is none")
    return text.decode()


def _name(field: bytes) -> str:
    """A name up to its first NUL; none where it could not stand in `nodes.conf`: it is of no consequence."""
    text = field.partition(b"\0")[0]
    return text.decode() if _WORD.fullmatch(text) else ""


# Writing


def encode_ping(kind: Kind, header: Header, gossip: Iterable[Gossip], extensions: Extensions | None) -> bytes:
    """A PING, PONG or MEET; `extensions` None: for one who knows of none, or is not known to."""
    told = b"".join(
        _GOSSIP.pack(*entry[:3], entry.ip.encode(), entry.port, entry.bus_port, entry.flags, entry.tls_port)
        for entry in gossip
    )
    said = [] if extensions is None else list(_encode_extensions(extensions))
    count = len(told) // _GOSSIP.size
    return _encode(kind, header, told + b"".join(said), count, len(said))


def encode_bare(kind: Kind, header: Header) -> bytes:
    """A packet that is all header."""
    return _encode(kind, header, b"")


def encode_fail(header: Header, about: bytes) -> bytes:
    """`about` has failed."""
    return _encode(Kind.FAIL, header, about)


def encode_update(header: Header, about: bytes, epoch: int, slots: int) -> bytes:
    """`about` has these slots since that epoch."""
    return _encode(Kind.UPDATE, header, _UPDATE.pack(epoch, about, slots.to_bytes(2048, "little")))


def encode_publish(kind: Kind, header: Header, channel: bytes, message: bytes) -> bytes:
    """A message for who listens to a channel."""
    return _encode(kind, header, _LENGTHS.pack(len(channel), len(message)) + channel + message)


def _encode(kind: Kind, header: Header, body: bytes, count: int = 0, extensions: int = 0) -> bytes:
    return (
        _HEADER.pack(
            *(SIGNATURE, HEADER_BYTES + len(body), VERSION, header.port, kind, count),
            *(header.current_epoch, header.config_epoch, header.offset, header.sender),
            *(header.slots.to_bytes(2048, "little"), header.master, header.ip.encode(), extensions),
            *(header.tls_port, header.bus_port, header.flags, header.is_down, bytes((header.mflags, 0, 0))),
        )
        + body
    )


def _encode_extensions(extensions: Extensions) -> Iterable[bytes]:
    if extensions.hostname:
        yield _extension(ExtensionType.HOSTNAME, extensions.hostname.encode() + b"\0")
    if extensions.human_name:
        yield _extension(ExtensionType.HUMAN_NAME, extensions.human_name.encode() + b"\0")
    for id, seconds in extensions.forgotten:
        yield _extension(ExtensionType.FORGOTTEN, id + seconds.to_bytes(8, "big"))
    if extensions.shard_id:
        yield _extension(ExtensionType.SHARD_ID, extensions.shard_id)


def _extension(kind: ExtensionType, content: bytes) -> bytes:
    filled = content + bytes(-len(content) % 8)
    return _EXTENSION.pack(_EXTENSION.size + len(filled), kind) + filled
