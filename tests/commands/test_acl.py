"""ACL as the real server answers it: rules, decisions, errors, the log."""

import contextlib
import re
import shlex

from hypothesis import given
from hypothesis import strategies as st
from pytest import fixture, mark

from tests.machines import sequences
from tests.oracle import RawClient

USERS = ("alice", "bob", "carol")
PUT = "ACL SETUSER alice "


@fixture
def users(both):
    """`both`, with no users but `default` before and after."""

    def clean():
        with contextlib.closing(RawClient(both.server.port)) as ours:
            ours.ask("ACL", "DELUSER", *USERS)
        if both.real:
            with contextlib.closing(RawClient(both.real.socket.getpeername()[1])) as real:
                real.ask("ACL", "DELUSER", *USERS)

    clean()
    yield both
    clean()


def lines(users, *commands):
    for line in commands:
        users(*shlex.split(line))


SCRIPTS = {
    "errors": [
        "ACL",
        "ACL FOO",
        "ACL WHOAMI",
        "ACL WHOAMI x",
        "ACL USERS x",
        "ACL GETUSER",
        "ACL GETUSER nosuch",
        "ACL SETUSER",
        "ACL SETUSER 'a b'",
        "ACL DELUSER",
        "ACL DELUSER default",
        "ACL DELUSER nosuch default",
        "ACL DELUSER nosuch",
        "ACL LOAD",
        "ACL SAVE",
        "ACL LOAD x",
        "ACL CAT nosuch",
        "ACL CAT a b",
        "ACL GENPASS 0",
        "ACL GENPASS -1",
        "ACL GENPASS 4097",
        "ACL GENPASS x",
        "ACL GENPASS 1 2",
        "ACL LOG x",
        "ACL LOG 1 2",
        "ACL LOG RESET",
        "ACL LOG 5",
        "ACL LOG -5",
        "ACL DRYRUN default",
        "ACL DRYRUN default get",
        "ACL DRYRUN nosuch get x",
        "ACL DRYRUN default nosuch x",
        "ACL DRYRUN default config",
        "ACL DRYRUN default config nosuch",
        "ACL DRYRUN default command nosuch",
        "ACL DRYRUN default command",
        "ACL DRYRUN default GET x",
        "ACL CAT",
    ],
    "users": [
        "ACL USERS",
        "ACL LIST",
        "ACL GETUSER default",
        "ACL SETUSER bob",
        "ACL SETUSER alice on >p +@read ~k*",
        "ACL USERS",
        "ACL LIST",
        "ACL GETUSER alice",
        "ACL DELUSER alice alice bob nosuch",
        "ACL LIST",
    ],
    "passwords": [
        PUT + "on >p >q >p",
        PUT + "<p",
        PUT + "<p",
        PUT + "#abc",
        PUT + "#" + "A" * 64,
        PUT + "!" + "a" * 64,
        PUT + "#" + "a" * 64,
        "ACL GETUSER alice",
        PUT + "!" + "a" * 64 + " nopass",
        "ACL GETUSER alice",
        PUT + ">r",
        "ACL GETUSER alice",
        PUT + "resetpass",
        "ACL GETUSER alice",
    ],
    "selectors": [
        PUT + "(+get ~a) (+set %W~b) '( %R~c  &d )'",
        "ACL GETUSER alice",
        "ACL LIST",
        PUT + "(+get",
        PUT + "(+get (+set ~x ) y",
        PUT + "(on)",
        PUT + "(+nosuch)",
        PUT + "'(\"+get ~a)'",
        PUT + ") ",
        "ACL GETUSER alice",
        PUT + "clearselectors",
        "ACL GETUSER alice",
    ],
    "all_or_none": [
        PUT + "on +get ~a >p",
        PUT + "+set ~b >q off nosuch",
        "ACL GETUSER alice",
        PUT + "~*",
        PUT + "+del ~x",
        PUT + "allchannels",
        PUT + "+del &x",
        PUT + "'+x y'",
        "ACL GETUSER alice",
        PUT + "reset",
        "ACL GETUSER alice",
    ],
    "parts": [
        PUT + "+config|get +CONFIG|set -config|SET +select|0 +SELECT|A",
        PUT + "+config|get|x",
        PUT + "+config|",
        PUT + "+get|",
        PUT + "-get|x",
        PUT + "+nosuch|x",
        "ACL GETUSER alice",
        "ACL DRYRUN alice config get x",
        "ACL DRYRUN alice config set x y",
        "ACL DRYRUN alice select 0",
        "ACL DRYRUN alice select a",
        "ACL DRYRUN alice select 1",
        PUT + "+@all -config -client|id +client -select",
        "ACL GETUSER alice",
        "ACL DRYRUN alice config get x",
        "ACL DRYRUN alice client id",
        "ACL DRYRUN alice select 0",
    ],
    "dryrun": [
        PUT + "+@all ~a* %R~r* %W~w* &c*",
        *(
            f"ACL DRYRUN alice {line}"
            for line in ("GET a", "GET r", "GET w", "SET r 1", "SET w 1", "SET w 1 GET", "SET b 1")
        ),
        *(
            f"ACL DRYRUN alice {line}"
            for line in ("EXISTS w", "STRLEN w", "EXISTS b", "TOUCH r", "DEL r", "LLEN w", "TYPE w")
        ),
        *(f"ACL DRYRUN alice {line}" for line in ("COPY r w", "COPY w r", "RENAME r w", "RENAME a w", "SMOVE a w x")),
        *(
            f"ACL DRYRUN alice {line}"
            for line in ("MGET a r w", "MSET w 1 r 2", "SORT r STORE w", "SORT a STORE r", "SORT w")
        ),
        *(
            f"ACL DRYRUN alice {line}"
            for line in ("SORT_RO r BY x", "GEORADIUS r 1 1 1 m STORE w", "GEORADIUS r 1 1 1 m STORE r")
        ),
        *(
            f"ACL DRYRUN alice {line}"
            for line in ("BITFIELD r GET u8 0", "BITFIELD r SET u8 0 1", "BITFIELD r GET u8", "BITFIELD r")
        ),
        *(
            f"ACL DRYRUN alice {line}"
            for line in ("EVAL x 1 r", "EVAL x 1 a", "EVAL_RO x 2 r a", "EVAL_RO x 1 w", "EVAL x 5 b")
        ),
        *(
            f"ACL DRYRUN alice {line}"
            for line in ("XREAD STREAMS r 0", "XREAD STREAMS w 0", "XREADGROUP GROUP g c STREAMS r >")
        ),
        *(
            f"ACL DRYRUN alice {line}"
            for line in ("ZUNIONSTORE w 2 r a", "ZUNIONSTORE r 1 a", "ZUNION 1 w", "LMPOP 1 r LEFT")
        ),
        *(
            f"ACL DRYRUN alice {line}"
            for line in ("PUBLISH c1 m", "PUBLISH d m", "SPUBLISH d m", "SUBSCRIBE c1 d", "SSUBSCRIBE d")
        ),
        *(
            f"ACL DRYRUN alice {line}"
            for line in ("PSUBSCRIBE c*", "PSUBSCRIBE c1", "UNSUBSCRIBE d", "PUNSUBSCRIBE d", "PING")
        ),
        *(
            f"ACL DRYRUN alice {line}"
            for line in ("OBJECT ENCODING w", "OBJECT ENCODING b", "MEMORY USAGE w", "XINFO STREAM w")
        ),
    ],
    "restricted": [
        PUT + "on nopass +@all -del ~a -@connection +auth &c",
        "AUTH alice x",
        "ACL WHOAMI",
        "GET a",
        "GET b",
        "get",
        "nosuch x",
        "DEL a",
        "ECHO x",
        "CONFIG GET nosuch",
        "PUBLISH c m",
        "PUBLISH d m",
        "AUTH alice",
        "AUTH nosuch x",
        "AUTH default x",
        "GET b",
    ],
    "in_a_transaction": [
        PUT + "on nopass +@all -set ~a",
        "AUTH alice x",
        "MULTI",
        "GET a",
        "SET a 1",
        "GET b",
        "EXEC",
        "MULTI",
        "GET a",
        PUT + "-get resetkeys +@keyspace",
        "GET a",
        "PUBLISH c m",
        "DBSIZE",
        "EXEC",
        PUT + "+@all ~* -exec",
        "MULTI",
        "GET a",
        "EXEC",
        "GET a",
    ],
    "in_a_script": [
        PUT + "on nopass +@scripting +get ~a",
        "AUTH alice x",
        "EVAL \"return redis.call('GET', 'b')\" 0",
        "EVAL \"return redis.call('SET', 'a', 1)\" 0",
        "EVAL \"return redis.pcall('CONFIG', 'GET', 'x')\" 0",
        "EVAL \"return redis.call('GET', 'a')\" 0",
        "EVAL \"return redis.call('GET', KEYS[1])\" 1 b",
        "EVAL \"return redis.acl_check_cmd('GET', 'b')\" 0",
        "EVAL \"return redis.acl_check_cmd('get', 'a')\" 0",
        "EVAL \"return redis.acl_check_cmd('set', 'a', 1)\" 0",
        "EVAL \"return redis.acl_check_cmd('nosuch')\" 0",
        'EVAL "return redis.acl_check_cmd()" 0',
        "FCALL nosuch 1 b",
    ],
    "sort": [
        "RPUSH l 2 1",
        PUT + "on nopass +sort +sort_ro ~l",
        "AUTH alice x",
        "SORT l",
        "SORT l BY nosort",
        "SORT l BY w*",
        "SORT l GET x*",
        "SORT l GET #",
        "SORT_RO l BY w* GET x*",
        "SORT_RO l FOO BY w*",
        "SORT l STORE m",
        "AUTH default x",
        PUT + "%R~*",
        "AUTH alice x",
        "SORT l BY w* GET # GET x*",
    ],
}


@mark.parametrize("name", SCRIPTS)
def test_replies(users, name):
    lines(users, *SCRIPTS[name])


@mark.parametrize("category", ["hash", "pubsub", "transaction", "blocking", "bitmap", "stream"])
def test_the_commands_of_a_category(users, category):
    users.unordered("ACL", "CAT", category.upper())


def test_passwords_are_made_as_long_as_asked(server):
    with contextlib.closing(RawClient(server.port)) as client:
        for bits, digits in ((None, 64), (1, 1), (5, 2), (256, 64), (4096, 1024)):
            words = ["ACL", "GENPASS", *([] if bits is None else [bits])]
            assert re.fullmatch(rb"\$%d\r\n[0-9a-f]{%d}\r\n" % (digits, digits), client.ask(*words))


def test_what_was_refused_is_logged(users):
    lines(
        users,
        "CONFIG SET acllog-max-len 128",
        "ACL LOG RESET",
        PUT + "on nopass +@all -del ~a resetchannels",
        "AUTH alice x",
        *("DEL a", "DEL a", "GET b", "PUBLISH c m", "MULTI", "DEL a", "EXEC", "AUTH nosuch x"),
        "EVAL \"return redis.pcall('DEL', 'a')\" 0",
        "AUTH default x",
    )
    ours, real = (shown(reply) for reply in users.replies("ACL", "LOG"))
    assert ours == real
    assert len(shown(users.replies("ACL", "LOG", "2")[0])) < len(ours)
    for line in ("CONFIG SET acllog-max-len 2", "AUTH nosuch x", "AUTH other x"):
        users(*line.split())
        ours, real = (shown(reply) for reply in users.replies("ACL", "LOG"))
        assert ours == real
    lines(users, "CONFIG SET acllog-max-len 0", "AUTH nosuch x", "ACL LOG", "CONFIG SET acllog-max-len 128")


def shown(reply):
    """A reply of ACL LOG without what differs from server to server."""
    reply = re.sub(rb"\$\d+\r\nid=\d+ [^\r]*?cmd=(\S+) user=(\S+)[^\r]*", rb"\1 \2", reply)
    reply = re.sub(rb"(age-seconds\r\n)(?:\$\d+\r\n|,)[\d.e-]+", rb"\1", reply)
    return re.sub(rb"(entry-id|timestamp-created|timestamp-last-updated)\r\n:\d+", rb"\1", reply).split(b"\r\n")


def test_info_counts_what_was_refused(server):
    with contextlib.closing(RawClient(server.port)) as client:

        def counts():
            found = re.findall(rb"acl_access_denied_(\w+):(\d+)", client.ask("INFO", "stats"))
            return {name: int(count) for name, count in found}

        before = counts()
        for line in (
            *(PUT + "on nopass +@all -del ~a", "AUTH alice x", "DEL a", "GET b", "GET c", "PUBLISH c m"),
            *("AUTH nosuch x", "AUTH default x", "ACL DELUSER alice"),
        ):
            client.ask(*line.split())
        after = counts()
    assert {name: after[name] - before[name] for name in after} == {b"auth": 1, b"cmd": 1, b"key": 2, b"channel": 1}


COMMANDS = ("get", "set", "GETDEL", "config", "config|get", "Config|Set", "select|0", "select", "nosuch", "client|id")
CATEGORIES = ("all", "read", "write", "STRING", "dangerous", "keyspace", "pubsub", "slow", "nosuch")
PATTERNS = ("a*", "b", "*", "", "[ab]", "a b", "ab?")
WORDS = (
    *("on", "off", "nopass", "resetpass", "reset", "sanitize-payload", "skip-sanitize-payload", "clearselectors"),
    *(
        "allkeys",
        "resetkeys",
        "allchannels",
        "resetchannels",
        "allcommands",
        "nocommands",
        "foo",
        "(",
        ")",
        "",
        "%",
        "%x~a",
    ),
    *(">p", ">q", "<p", "#" + "a" * 64, "!" + "a" * 64, "#abc", "NOPASS", "AllKeys"),
)
command_rule = st.tuples(st.sampled_from("+-"), st.sampled_from(COMMANDS)).map("".join)
category_rule = st.tuples(st.sampled_from(("+@", "-@")), st.sampled_from(CATEGORIES)).map("".join)
key_rule = st.tuples(st.sampled_from(("~", "%R~", "%W~", "%RW~", "%r~", "%wr~", "%~")), st.sampled_from(PATTERNS)).map(
    "".join
)
channel_rule = st.sampled_from(PATTERNS).map(lambda pattern: "&" + pattern)
selector_rule = st.one_of(command_rule, category_rule, key_rule, channel_rule)
selector = st.lists(selector_rule, max_size=3).map(lambda rules: f"({' '.join(rules)})")
rule = st.one_of(st.sampled_from(WORDS), command_rule, category_rule, selector_rule, selector)
settings = st.lists(st.lists(rule, min_size=1, max_size=4), min_size=1, max_size=8)

ASKED = (
    *("GET a", "SET ab 1", "SET b 1 GET", "GETDEL b", "MGET a b", "COPY a b", "EXISTS b", "DEL ab", "SELECT 0"),
    *(
        "SELECT 1",
        "CONFIG GET x",
        "CONFIG SET x y",
        "CLIENT ID",
        "PUBLISH a m",
        "SUBSCRIBE b ab",
        "PSUBSCRIBE a*",
        "PING",
    ),
)


@sequences(40)
@given(settings)
def test_machine(users, sequence):
    users("ACL", "SETUSER", "alice", "reset")
    for rules in sequence:
        users("ACL", "SETUSER", "alice", *rules)
        users("ACL", "GETUSER", "alice")
        users("ACL", "LIST")
        for line in ASKED:
            users("ACL", "DRYRUN", "alice", *line.split())
