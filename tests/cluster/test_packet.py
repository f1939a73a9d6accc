"""The codec of the bus: its layout, what is refused, and that no bytes do harm."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyredis.cluster import packet
from pyredis.cluster.packet import (
    EXTENSIONS,
    HEADER_BYTES,
    Extensions,
    Gossip,
    Header,
    InvalidPacket,
    Kind,
    Packet,
    decode,
)
from tests.cluster.members import Town

ID, OTHER = b"a" * 40, b"b0" * 20
HEADER = Header(
    sender=ID,
    current_epoch=7,
    config_epoch=5,
    offset=1 << 40,
    slots=1 << 16383 | 0b101,
    master=b"",
    ip="127.0.0.1",
    port=7000,
    tls_port=0,
    bus_port=17000,
    flags=0x11,
    is_down=True,
    mflags=EXTENSIONS,
)
GOSSIP = Gossip(OTHER, 1, 2, "::1", 7001, 17001, 2, 7002)
ids = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=40, max_size=40).map(str.encode)
u16, u32, u64 = (st.integers(0, (1 << bits) - 1) for bits in (16, 32, 64))
ips = st.sampled_from(["", "10.0.0.1", "fe80::1"])
headers = st.builds(
    Header,
    *(ids, u64, u64, u64, st.integers(0, (1 << 16384) - 1), st.one_of(st.just(b""), ids), ips),
    *(u16, u16, u16, u16, st.booleans(), st.just(EXTENSIONS)),
)
gossips = st.builds(Gossip, ids, u32, u32, ips, u16, u16, u16, u16)
names = st.text("abc-.", max_size=30)
extensions = st.builds(Extensions, names, names, ids, st.lists(st.tuples(ids, u64), max_size=3).map(tuple))


def test_layout():
    data = packet.encode_ping(Kind.MEET, HEADER, [GOSSIP], Extensions("host"))
    assert data[:4] == b"RCmb" and int.from_bytes(data[4:8], "big") == len(data) == 2256 + 104 + 8 + 8
    assert data[8:16] == bytes((0, 1, 7000 >> 8, 7000 & 255, 0, 2, 0, 1))  # version, port, type, count
    assert data[40:80] == ID and data[80] == 0b101 and data[80 + 2047] == 0x80  # a slot's bit, the least first
    assert data[2128:2168] == bytes(40) and data[2168:2177] == b"127.0.0.1"
    assert data[2214:2216] == b"\0\1" and data[2250:2256] == bytes((0, 0x11, 1, 4, 0, 0))
    assert data[2256:2296] == OTHER and data[2256 + 104 :] == bytes((0, 0, 0, 16, 0, 0, 0, 0)) + b"host\0\0\0\0"


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (packet.encode_bare(Kind.AUTH_REQUEST, HEADER), 2256),
        (packet.encode_fail(HEADER, OTHER), 2296),
        (packet.encode_update(HEADER, OTHER, 9, 5), 4352),
        (packet.encode_publish(Kind.PUBLISH, HEADER, b"ch", b"message"), 2256 + 8 + 9),
    ],
)
def test_sizes(data, size):
    assert len(data) == size == packet.packet_length(data[:8])


@given(st.sampled_from([Kind.PING, Kind.PONG, Kind.MEET]), headers, st.lists(gossips, max_size=4), extensions)
def test_pings_come_back(kind, header, gossip, said):
    assert decode(packet.encode_ping(kind, header, gossip, said)) == Packet(kind, header, tuple(gossip), said)


@given(headers, ids, u64, st.integers(0, (1 << 16384) - 1), st.binary(max_size=50), st.binary(max_size=50))
def test_others_come_back(header, about, epoch, slots, channel, message):
    assert decode(packet.encode_fail(header, about)) == Packet(Kind.FAIL, header, about=about)
    update = Packet(Kind.UPDATE, header, about=about, epoch=epoch, slots=slots)
    assert decode(packet.encode_update(header, about, epoch, slots)) == update
    published = Packet(Kind.PUBLISHSHARD, header, channel=channel, message=message)
    assert decode(packet.encode_publish(Kind.PUBLISHSHARD, header, channel, message)) == published
    assert decode(packet.encode_bare(Kind.MFSTART, header)) == Packet(Kind.MFSTART, header)


def changed(data, at, value):
    return data[:at] + value + data[at + len(value) :]


PING = packet.encode_ping(Kind.PING, HEADER, [GOSSIP], Extensions("host", "name", OTHER, ((ID, 9),)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PING[:100],
        changed(PING, 8, b"\0\2"),  # a version of its own
        changed(PING, 12, b"\0\x0b"),  # a type that nobody knows
        changed(PING, 12, b"\x80\4"),  # Valkey's light header, which is sent to nobody who did not ask
        changed(PING, 14, b"\0\2"),  # counts beyond the length
        changed(PING, 14, b"\xff\xff"),
        changed(PING, 14, b"\0\0"),
        PING + bytes(8),
        changed(PING, 4, (len(PING) + 8).to_bytes(4, "big")) + bytes(8),
        changed(PING, 2214, b"\xff\xff"),  # extensions beyond the length
        changed(PING, HEADER_BYTES + 104, b"\0\0\0\5"),  # one that is not filled up to 8 bytes
        changed(PING, HEADER_BYTES + 104, b"\0\0\0\0"),  # one without an end
        changed(PING, HEADER_BYTES + 104, b"\xff\xff\xff\xf8"),
        changed(PING, 40, b"A"),  # ids are in lower case
        changed(PING, 40, bytes(40)),
        changed(PING, 2168, b"1 2\n"),  # an address that would spoil the file of nodes
        changed(PING, HEADER_BYTES + 48, b"1,2"),
        changed(packet.encode_publish(Kind.PUBLISH, HEADER, b"ch", b"m"), HEADER_BYTES, b"\xff\xff\xff\xff"),
        changed(packet.encode_fail(HEADER, OTHER), 12, b"\0\7"),
    ],
)
def test_what_is_no_packet(data):
    with pytest.raises(InvalidPacket):
        decode(data)


@pytest.mark.parametrize("lead", [b"RCmc\0\0\x10\0", b"RCmb\0\0\0\x10", b"GET / HT", b"RCmb\0\0\x08\xcf"])
def test_what_no_packet_begins_with(lead):
    with pytest.raises(InvalidPacket):
        packet.packet_length(lead)


def test_extensions_of_others_are_passed_over():
    secret = bytes((0, 0, 0, 16, 0, 4, 0, 0)) + b"12345678"
    data = packet.encode_ping(Kind.PING, HEADER, [], Extensions("host")) + secret
    data = changed(changed(data, 4, len(data).to_bytes(4, "big")), 2214, b"\0\2")
    assert decode(data).extensions == Extensions("host")


def test_a_name_that_would_spoil_the_file_is_none():
    data = packet.encode_ping(Kind.PING, HEADER, [], Extensions("a\nb", "my node", OTHER))
    assert decode(data).extensions == Extensions("", "", OTHER)


# Bytes that do harm


def beliefs(view):
    """All that a packet could change for good."""
    nodes = [(node.id, node.flags, node.slots, node.config_epoch, node.ip, node.port) for node in view.nodes.values()]
    return view.current_epoch, view.last_vote_epoch, view.disowned, nodes


def mutate(random, data):
    """Some bytes are others, some are gone, some are new."""
    data = bytearray(data)
    for _ in range(random.randint(1, 4)):
        at = random.choice(
            (random.randrange(len(data)), random.randrange(16), random.randrange(min(2214, len(data) - 1), len(data)))
        )
        how = random.random()
        if how < 0.7:
            data[min(at, len(data) - 1)] = random.choice((0, 1, 255, random.randrange(256)))
        elif how < 0.8:
            del data[at : at + random.randint(1, 64)]
        elif how < 0.9:
            data[at:at] = random.randbytes(random.randint(1, 64))
        else:
            data[4:8] = random.choice((len(data), random.getrandbits(32))).to_bytes(4, "big")
    return bytes(data)


def pelt(seed, count):
    """Throw mutated packets at a member, over a stranger's link and over a known node's."""
    town = Town(seed)
    town.found(3, 1)
    random, victim, source = Random(seed), town.residents[0], town.residents[1]
    seen = []
    town.carry = lambda link, data: seen.append(data)
    source.member.sender.pong_all()
    source.member.sender.fail(source.view.find(town.residents[2].view.myself.id))
    source.member.sender.ask_for_votes(force=True)
    source.member.sender.publish(b"ch", b"m", sharded=False)
    source.flush()
    known = victim.view.find(source.view.myself.id).inbound
    refused = 0
    for _ in range(count):
        data = mutate(random, random.choice(seen))
        try:
            decode(data)
        except InvalidPacket:
            refused += 1
            before = beliefs(victim.view), victim.member.dropped
            victim.member.received(data, known)
            assert (beliefs(victim.view), victim.member.dropped - 1) == before
        else:
            victim.member.received(data, known)
            victim.member.settle()
        victim.outbox.clear()
        if not _ % 1000:
            for node in [node for node in victim.view.others() if node.is_in_handshake or len(victim.view.nodes) > 50]:
                victim.view.remove(node)
                known = victim.view.find(source.view.myself.id)
                known = known and known.inbound
            if known is None:
                return _ + 1, refused
    return count, refused


def test_mutated_packets():
    count, refused = pelt(1, 3000)
    assert refused > 500 and count > 500


@pytest.mark.proof
@pytest.mark.parametrize("part", range(10))
def test_a_million_mutated_packets(part):
    left, seed = 100_000, part * 1000
    while left > 0:
        seed += 1
        left -= pelt(seed, min(left, 20_000))[0]
