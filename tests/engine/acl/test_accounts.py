"""Users of a server: where they come from, where they go, and what changing them does to clients."""

import shlex

from pytest import fixture, mark, raises

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.config.store import Config, ConfigError
from pyredis.engine.acl.accounts import Acl
from pyredis.engine.acl.acl_log import AclLog
from pyredis.engine.client import NullSink
from pyredis.engine.execution import gates
from pyredis.engine.execution.run import run
from pyredis.engine.observability.slowlog import SlowLog
from pyredis.engine.roster import Clients
from pyredis.errors import CommandError


class FakeSink(NullSink):
    def __init__(self):
        self.data = b""
        self.closed = False

    def write(self, data):
        self.data += data

    def close(self):
        self.closed = True

    def abort(self):
        self.closed = True


def configured(*lines, file=None):
    """An engine whose configuration has these lines."""
    config = Config()
    config.file = file
    config.load_lines("\n".join(lines), None)
    return build_engine(config, clock=ManualClock())


@fixture
def engine():
    return configured()


def connected(engine, user=None):
    """A client as the server welcomes it; of a user that asks no password."""
    client = engine[Clients].connect(FakeSink())
    engine[Acl].start_over(client)
    if user is not None:
        assert ask(client, f"AUTH {user} x") == b"+OK\r\n"
    return client


def ask(client, *lines):
    client.engine.tick()
    run(client.engine, client, [[word.encode() for word in shlex.split(line)] for line in lines])
    client.flush()
    reply, client.sink.data = client.sink.data, b""
    return reply


def users(engine):
    return [line.decode() for line in engine[Acl].lines]


# Gates


def test_only_who_is_limited_pays_for_it(engine):
    admin = connected(engine)
    ask(admin, "ACL SETUSER alice on nopass +@all ~* &*")
    client = connected(engine, "alice")
    assert not client.gates
    ask(admin, "ACL SETUSER alice -flushall")
    assert client.gates == gates.RESTRICTED
    assert ask(client, "PING", "FLUSHALL", "RESET") == (
        b"+PONG\r\n-NOPERM User alice has no permissions to run the 'flushall' command\r\n+RESET\r\n"
    )
    assert not client.gates
    assert ask(client, "AUTH alice x", "AUTH default x") == b"+OK\r\n+OK\r\n"
    assert not client.gates


def test_default_may_be_limited_too(engine):
    admin = connected(engine)
    ask(admin, "ACL SETUSER alice on nopass +@all ~* &*")
    admin = connected(engine, "alice")
    ask(admin, "ACL SETUSER default -get")
    assert ask(connected(engine), "GET k", "SET k v") == (
        b"-NOPERM User default has no permissions to run the 'get' command\r\n+OK\r\n"
    )


def test_default_that_asks_a_password_keeps_out(engine):
    admin, before = connected(engine), connected(engine)
    ask(admin, "ACL SETUSER default resetpass >secret")
    late = connected(engine)
    assert ask(late, "PING", "AUTH secret", "PING") == b"-NOAUTH Authentication required.\r\n+OK\r\n+PONG\r\n"
    assert ask(before, "PING") == b"+PONG\r\n"
    ask(admin, "ACL SETUSER default nopass off")
    assert ask(connected(engine), "PING").startswith(b"-NOAUTH")
    assert ask(connected(engine), "AUTH default x").startswith(b"-WRONGPASS")
    waiting = connected(engine)
    ask(admin, "ACL SETUSER default on")
    assert ask(waiting, "PING") == b"+PONG\r\n"
    assert ask(waiting, "HELLO 3").startswith(b"-NOAUTH")  # it never said who it is


def test_requirepass_is_the_password_of_default(engine):
    admin = connected(engine)
    ask(admin, "ACL SETUSER default >other")
    ask(admin, "CONFIG SET requirepass secret")
    assert len(engine[Acl].default.passwords) == 1
    assert ask(connected(engine), "AUTH other", "AUTH secret").endswith(b"\r\n+OK\r\n")
    ask(admin, "ACL SETUSER default nopass")
    assert ask(admin, "CONFIG GET requirepass").endswith(b"$6\r\nsecret\r\n")
    assert ask(connected(engine), "PING") == b"+PONG\r\n"
    ask(admin, "CONFIG SET requirepass ''")
    assert engine[Acl].default.nopass


def test_a_waiting_client_is_asked_again_when_its_turn_comes(engine):
    admin = connected(engine)
    ask(admin, "ACL SETUSER alice on nopass +@all ~* &*")
    client = connected(engine, "alice")
    assert ask(client, "BLPOP l 0") == b""
    ask(admin, "ACL SETUSER alice -blpop", "RPUSH l a")
    assert ask(client).startswith(b"-NOPERM User alice has no permissions to run the 'blpop' command")
    assert ask(admin, "LLEN l") == b":1\r\n"


def test_what_was_queued_is_asked_again_at_exec(engine):
    admin = connected(engine)
    ask(admin, "ACL SETUSER alice on nopass +@all ~* &*")
    client = connected(engine, "alice")
    ask(client, "MULTI", "GET k", "PUBLISH c m", "SET k v", "PING")
    ask(admin, "ACL SETUSER alice -get resetchannels resetkeys ~x")
    reply = ask(client, "EXEC").split(b"\r\n")
    assert [line.partition(b"reason: ")[2] for line in reply[1:4]] == [
        b"no permission to execute the command or subcommand",
        b"no permission to access one of the channels used as arguments",
        b"no permission to touch the specified keys",
    ]
    assert reply[4] == b"+PONG"
    assert [entry.context for entry in engine[AclLog].entries] == [b"multi"] * 3


# Clients of users that go


def test_clients_of_a_deleted_user_are_disconnected(engine):
    admin = connected(engine)
    ask(admin, "ACL SETUSER alice on nopass +@all ~* &*", "ACL SETUSER bob on nopass +@all")
    client, other = connected(engine, "alice"), connected(engine, "bob")
    ask(client, "BLPOP l 0")
    assert ask(admin, "ACL DELUSER alice nosuch") == b":1\r\n"
    assert client.sink.closed and client.id not in engine[Clients].listed
    assert not other.sink.closed
    assert ask(other, "ACL DELUSER bob", "PING") == b":1\r\n"  # behind the reply
    assert other.sink.closed


def test_who_loses_a_channel_it_listens_to_is_disconnected(engine):
    admin = connected(engine)
    ask(admin, "ACL SETUSER alice on nopass +@all ~* resetchannels &news.* &other &p*")
    on_channel, on_pattern, on_shard, idle = (connected(engine, "alice") for _ in range(4))
    ask(on_channel, "SUBSCRIBE news.1")
    ask(on_pattern, "PSUBSCRIBE p*")
    ask(on_shard, "SSUBSCRIBE other")
    clients = (on_channel, on_pattern, on_shard, idle)
    for rules, closed in (
        ("&more", [False, False, False, False]),
        ("resetchannels &news.* &other &p* &x", [False, False, False, False]),
        ("resetchannels &news.1 &other &p* &pq", [False, False, False, False]),
        ("resetchannels &news.1 &other &p?", [False, True, False, False]),
        ("resetchannels &other", [True, True, False, False]),
        ("resetchannels (&other +@all)", [True, True, False, False]),
        ("clearselectors", [True, True, True, False]),
    ):
        assert ask(admin, f"ACL SETUSER alice {rules}") == b"+OK\r\n"
        assert [client.sink.closed for client in clients] == closed, rules


# The log


def test_the_same_within_a_minute_is_one_entry(engine):
    client = connected(engine)
    log = engine[AclLog]
    ask(client, "AUTH nosuch x")
    engine.clock.advance(60_000)
    ask(client, "AUTH nosuch y")
    (entry,) = log.entries
    assert (entry.count, entry.updated - entry.created, entry.object, entry.user) == (2, 60_000, b"AUTH", b"nosuch")
    engine.clock.advance(60_001)
    ask(client, "AUTH nosuch x", "HELLO 3 AUTH nosuch x")
    assert [(entry.count, entry.object, entry.id) for entry in log.entries] == [
        *((1, b"HELLO", 2), (1, b"AUTH", 1), (2, b"AUTH", 0)),
    ]
    engine.clock.advance(1500)
    assert b"age-seconds\r\n$3\r\n1.5\r\n" in ask(client, "ACL LOG 1")


def test_only_the_latest_entries_are_compared(engine):
    client = connected(engine)
    for number in (*range(11), 0, 5):
        ask(client, f"AUTH u{number} x")
    entries = engine[AclLog].entries
    assert [entry.user for entry in entries[:3]] == [b"u5", b"u0", b"u10"]
    assert [entry.count for entry in entries[:3]] == [2, 1, 1]


def test_what_a_script_is_refused_is_its_callers(engine):
    ask(connected(engine), "ACL SETUSER alice on nopass +@scripting ~a")
    client = connected(engine, "alice")
    assert b"ACL failure in script" in ask(client, "EVAL \"return redis.call('SET', 'a', 'b')\" 0")
    (entry,) = engine[AclLog].entries
    assert (entry.context, entry.object, entry.reason) == (b"lua", b"set", b"command")
    assert entry.client.startswith(b"id=%d " % client.id) and b" cmd=eval user=alice " in entry.client


def test_no_log_shows_rules_and_names(engine):
    admin = connected(engine)
    ask(admin, "CONFIG SET slowlog-log-slower-than 0", "SLOWLOG RESET")
    ask(admin, "ACL SETUSER alice >secret", "ACL GETUSER alice", "ACL DELUSER alice")
    redacted = b"(redacted)"
    assert [entry.argv for entry in engine[SlowLog].entries][:3] == [
        [b"ACL", b"DELUSER", redacted],
        [b"ACL", b"GETUSER", redacted],
        [b"ACL", b"SETUSER", redacted, redacted],
    ]


# The configuration


def test_users_of_the_configuration():
    engine = configured("requirepass secret", "user alice on nopass (+get ~a) +set", "user default on nopass +@all")
    assert users(engine) == [
        "user alice on nopass sanitize-payload resetchannels -@all +set (~a resetchannels -@all +get)",
        "user default on nopass sanitize-payload resetchannels +@all",
    ]


def test_new_users_may_begin_with_all_channels():
    engine = configured("acl-pubsub-default allchannels", "user alice on (+get)")
    assert users(engine)[0] == "user alice on sanitize-payload &* -@all (&* -@all +get)"


@mark.parametrize(
    "lines, reason",
    [
        (["user alice on bad"], "at line 1\n>>> 'user alice on bad'\nError in user declaration 'alice': Syntax error"),
        (["user alice bad"], "Error in user declaration 'user': Syntax error"),
        (["user alice (+get"], "Error in user declaration 'user': Wrong format"),
        (
            ["port 1", "user alice", "user alice"],
            "at line 3\n>>> 'user alice'\nError in user declaration 'alice': Duplicate user found. "
            "A user can only be defined once in config files",
        ),
        (
            ["user alice +nosuch"],
            "Error loading ACL rule '+nosuch' for the user named 'alice': Unknown command or category name in ACL\n",
        ),
        (["user 'a b' on"], "Spaces not allowed in ACL usernames"),
        (["user alice on", "aclfile x"], "Configuring Redis with users defined in redis.conf and at the same setting"),
        (["aclfile nosuch"], "ACL errors: Error loading ACLs, opening file 'nosuch': No such file or directory"),
    ],
)
def test_a_server_with_wrong_users_does_not_start(lines, reason):
    with raises(ConfigError) as caught:
        configured(*lines)
    assert reason in str(caught.value)


def test_config_rewrite_writes_the_users(tmp_path):
    file = tmp_path / "redis.conf"
    file.write_text("user alice on nopass\nport 1234\nuser bob on\n")
    engine = configured(*file.read_text().split("\n"), file=file)
    ask(connected(engine), "ACL SETUSER alice +get (~x)", "ACL DELUSER bob")
    engine.config.rewrite()
    written = file.read_text().split("\n")
    assert [line for line in written if line.startswith("user")] == users(engine)
    assert users(configured(*written)) == users(engine)


# The ACL file


@fixture
def file(tmp_path):
    return tmp_path / "users.acl"


def with_file(file):
    return configured(f"dir {file.parent}", f"aclfile {file.name}")


def test_the_file_is_read_and_written(file):
    file.write_text("\n  user alice on nopass  (+get ~a) +set \r\nuser default on nopass ~* +@all\n\n")
    engine = with_file(file)
    admin = connected(engine)
    assert users(engine)[0] == (
        "user alice on nopass sanitize-payload resetchannels -@all +set (~a resetchannels -@all +get)"
    )
    ask(admin, "ACL SETUSER alice +del", "ACL SETUSER bob")
    assert ask(admin, "ACL SAVE") == b"+OK\r\n"
    assert file.read_text().split("\n") == [*users(engine), ""]
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert users(with_file(file)) == users(engine)


def test_a_file_without_default_leaves_it_almighty(file):
    file.write_text("user alice on\n")
    engine = with_file(file)
    assert users(engine)[1] == "user default on nopass sanitize-payload ~* &* +@all"


def test_loading_disconnects_whose_user_or_channel_is_gone(file):
    everything = "on nopass +@all ~*"
    file.write_text(f"user alice {everything} &*\nuser bob {everything}\nuser carol {everything} &c\n")
    engine = with_file(file)
    admin = connected(engine)
    alice, bob, carol, listener = (connected(engine, name) for name in ("alice", "bob", "carol", "carol"))
    assert not alice.gates
    ask(listener, "SUBSCRIBE c")
    file.write_text(f"user alice {everything} -get\nuser carol {everything} &d\n")
    assert ask(admin, "ACL LOAD") == b"+OK\r\n"
    assert [client.sink.closed for client in (alice, bob, carol, listener)] == [False, True, False, True]
    assert ask(alice, "GET x").startswith(b"-NOPERM")
    assert alice.user is engine[Acl].users[b"alice"]


def test_a_wrong_file_changes_nothing(file):
    file.write_text("user alice on\n")
    engine = with_file(file)
    before = users(engine)
    file.write_text(
        "user bob off +nosuch bad +@xx &* &y\nuser bob on\nfoo\nuser\nuser a\tb on\nuser carol (+get\nuser dave on\n"
    )
    name = file.name
    with raises(CommandError) as caught:
        engine[Acl].load()
    assert caught.value.text.decode() == (
        f"{name}:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. "
        f"{name}:1: Syntax error. "
        f"{name}:1: Error in applying operation '+@xx': Unknown command or category name in ACL. "
        "WARNING: Duplicate user 'bob' found on line 2. "
        f"{name}:3 should start with user keyword followed by the username. "
        f"{name}:4 should start with user keyword followed by the username. "
        f"'{name}:5: username 'a\tb' contains invalid characters. "
        f"{name}:6: Unmatched parenthesis in selector definition."
        "WARNING: ACL errors detected, no change to the previously active ACL rules was performed"
    )
    assert users(engine) == before
    file.unlink()
    with raises(CommandError, match=r"opening file 'users\.acl': No such file"):
        engine[Acl].load()


def test_a_file_that_cannot_be_written(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "users.acl"
    file.write_text("")
    engine = with_file(file)
    file.unlink()
    folder.rmdir()
    with raises(CommandError, match="There was an error trying to save the ACLs"):
        engine[Acl].save()
