"""Profiles: a server's engine is one of several that the same class can be."""

from pyredis.assembly import SERVER, Profile, build_engine
from pyredis.engine.acl.accounts import Acl
from pyredis.engine.command_table.command import TABLE
from pyredis.engine.execution.expiry_view import ExpiryView
from pyredis.engine.observability.slowlog import SlowLog
from pyredis.engine.roster import Clients
from pyredis.keyspace.active_expiry import ActiveExpiry
from tests.observed import ask

TABLE_OF_THREE = {name: TABLE[name] for name in ("ping", "set", "get")}
TINY = Profile(TABLE_OF_THREE, (Clients, Acl, ExpiryView, ActiveExpiry), lambda _: None)


def test_an_engine_of_three_commands():
    engine = build_engine(seed=1, profile=TINY)
    client = engine[Clients].connect()
    assert ask(client, "PING", "SET k v PX 100000", "GET k", "get none", "set k w GET") == (
        b"+PONG\r\n+OK\r\n$1\r\nv\r\n$-1\r\n$1\r\nv\r\n"
    )
    for line in ("DEL k", "MULTI", "EXEC", "INFO", "CONFIG GET port"):
        name, _, rest = line.partition(" ")
        shown = "".join(f"'{word}' " for word in rest.split())
        error = f"-ERR unknown command '{name}', with args beginning with: {shown}\r\n"
        assert ask(client, line, "GET k") == error.encode() + b"$1\r\nw\r\n"
    assert {entry.command.name for entry in engine.rows()} == {"ping", "set", "get"}
    assert SlowLog not in engine.components
    engine.cron()
    engine[Clients].disconnect(client)


def test_its_info_is_what_its_components_bring():
    text = build_engine(seed=1, profile=TINY).info.render(["all"])
    assert b"# Memory\r\nmem_replica_full_sync_buffer:0\r\n" in text
    assert b"used_memory" not in text


def test_a_server_has_all_commands():
    engine = build_engine(seed=1)
    assert {entry.command.name.lower() for entry in engine.rows()} == {*TABLE} == {*SERVER.commands}
