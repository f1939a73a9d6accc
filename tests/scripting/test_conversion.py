"""Whatever a command answers, a script can have it."""

from pytest import mark

from pyredis.assembly import build_engine
from pyredis.engine.roster import Clients
from pyredis.protocol.encoder import VERSIONS
from pyredis.protocol.replies import ArrayHead, Encoded, NoReply, Push, Several
from pyredis.scripting.scripts import Scripts
from tests.observed import ask

NEVER_IN_SCRIPTS = {ArrayHead, Encoded, NoReply, Push, Several}


@mark.parametrize("version", [2, 3])
def test_every_kind_of_reply_has_a_form_in_lua(version):
    tables = build_engine()[Scripts].interpreter._to_lua.tables
    assert set(VERSIONS[version]) - NEVER_IN_SCRIPTS <= set(tables[version])


def test_stream_entries_are_read(both):
    both("XADD", "s", "1-1", "f", "v", "g", "w")
    both("XADD", "s", "2-0", "f", "x")
    both("EVAL", "return redis.call('XRANGE', 's', '-', '+')", 0)
    both("EVAL", "return redis.call('XREAD', 'STREAMS', 's', '1')", 0)
    both("EVAL", "redis.setresp(3); local r = redis.call('XREAD', 'STREAMS', 's', '0'); return r.map.s[1][1]", 0)


def test_lua_is_loaded_by_the_first_script_only():
    engine = build_engine()
    assert engine[Scripts]._interpreter is None
    assert ask(engine[Clients].connect(), "EVAL 'return 1' 0") == b":1\r\n"
    assert engine[Scripts]._interpreter is not None
