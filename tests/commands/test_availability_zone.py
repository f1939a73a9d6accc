"""`availability-zone`, by which clients of Valkey find a replica near them."""

from pyredis.assembly import build_engine
from pyredis.engine.execution.run import run
from pyredis.engine.roster import Clients


def test_it_is_told_when_it_is_set():
    engine = build_engine()
    client = engine[Clients].connect()
    run(engine, client, [[b"HELLO", b"3"], [b"INFO", b"server"]])
    assert b"availability_zone" not in b"".join(client.out)
    client.out.clear()
    zone = [[b"CONFIG", b"SET", b"availability-zone", b"az1"], [b"CONFIG", b"GET", b"availability-zone"]]
    run(engine, client, [*zone, [b"HELLO", b"3"], [b"INFO", b"server"]])
    said = b"".join(client.out)
    assert b"$17\r\navailability_zone\r\n$3\r\naz1\r\n" in said and b"\r\navailability_zone:az1\r\n" in said
    assert b"$17\r\navailability-zone\r\n$3\r\naz1\r\n" in said
