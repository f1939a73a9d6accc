"""EVAL and SCRIPT as the real server has them: conversions, error texts, the sandbox, and scripts that run too long."""

import re

from pytest import fixture, mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.roster import Clients
from pyredis.testing import RedisServer
from tests.observed import ask, overhear
from tests.oracle import RawClient, encode, wait_for

RETURNS = """
return 1
return 3.99
return -3.99
return 1e300
return 1/0
return 'a'
return true
return false
return nil
return {1,2,nil,4}
return {1,{2,{3}},'a',true,false}
return {err='my err'}
return {err='my\\r\\nerr\\r\\n'}
return {err=3}
return {ok='fine'}
return {ok=3}
return {{err='nested err'}}
return {map={a=1}}
return {set={a=true}}
return {double=3.5}
return {big_number='123456789012345678901234567890'}
return {verbatim_string={format='txt',string='abc'}}
return cjson.null
return function() end
return redis.status_reply('x')
return redis.status_reply(3)
return redis.error_reply('x')
return redis.error_reply('-x y')
return redis.error_reply('x y')
return redis.error_reply()
return redis.sha1hex('')
return redis.sha1hex()
return redis.replicate_commands()
return redis.breakpoint()
return {KEYS, ARGV}
return redis.REDIS_VERSION_NUM
return {redis.LOG_DEBUG, redis.LOG_WARNING, redis.REPL_ALL, redis.REPL_NONE}
return redis.acl_check_cmd('get','x')
return redis.acl_check_cmd('nosuch','x')
redis.setresp(4)
redis.setresp()
redis.setresp(3) return true
redis.setresp(3) return false
redis.set_repl(9)
redis.log('x',1)
redis.log(9,1)
""".strip().split("\n")

CALLS = """
return redis.call('set','k','v')
return redis.call('get','nokey')
return redis.call('rpush','l',1,2,3.5)
return redis.call('lrange','l',0,-1)
return redis.call('lpush','k','x')
return redis.pcall('lpush','k','x')
return {pcall(redis.call,'lpush','k','x')}
return redis.call()
return redis.call({})
return redis.call('get', true)
return redis.call(1)
return redis.call('get')
return redis.call('nosuch')
return redis.call('client','nosuch')
return redis.call('subscribe','x')
return redis.call('eval','return 1',0)
return redis.call('blpop','nokey',0)
return redis.call('echo',0.1)
return redis.call('echo',1e100)
return redis.call('echo',1e15)
return redis.call('echo',4611686018427387904)
redis.setresp(3) return redis.call('hgetall','nokey')
redis.call('hset','h','a','1') redis.setresp(3) return redis.call('hgetall','h')
redis.setresp(3) redis.call('sadd','s','a') return redis.call('smembers','s')
redis.setresp(3) return redis.call('get','nokey')
redis.setresp(3) return redis.call('incrbyfloat','f','1.5')
redis.setresp(3) redis.call('zadd','z',1.5,'m') return redis.call('zscore','z','m')
local ok, e = pcall(redis.call,'lpush','k','x') return type(e)..e
""".strip().split("\n")

ERRORS = """
error('x')
error({err='x y'})
error({'x'})
error()
error('x',0)
return nosuch
x=1
redis.x=1
rawset(_G,'x',1)
rawset(redis,'x',1)
table.insert(redis,1)
setmetatable(_G,{})
getmetatable('').__index.x=3
getmetatable(_G).__index=3
return redis.nosuch
return print
return rawget(_G,'print')
return loadstring('x=1')()
return os.time()
local a = nil; return a.b
return ('x'):rep({})
return table.insert(nil,1)
return math.random(0)
return coroutine.wrap(function() return redis.call('nosuch') end)()
return {xpcall(function() return redis.call('nosuch') end, function(e) return type(e) end)}
return {pcall(error,{err='z'})}
syntax error here
return {type(os), type(io), type(debug)}
math.randomseed(1) return tostring(math.random())..' '..math.random(10)..' '..math.random(5,9)
KEYS='x'
return cjson.encode({1,2,{a=1,b={}},'x"\\\\/\\n',1.5,1e20,true,cjson.null})
return cjson.encode({[1]=1,[2]=2,[4]=4})
return cjson.encode({[1]=1,[20]=2})
return cjson.encode(1/0)
return cjson.encode()
return cjson.decode('[1,')
return cjson.decode('{"a"')
return cjson.decode('nul')
return cjson.decode('"\\\\u00e9"')
return cjson.encode(cjson.decode('{"a":[1,2,{"b":null}]}'))
return {bit.band(5,3), bit.bnot(0), bit.lshift(1,31), bit.tohex(255), bit.bswap(1), bit.rol(1,33)}
return {struct.unpack('>I2i4', struct.pack('>I2i4', 513, -5))}
return struct.pack('>Bs', 1, 'ab')
return {struct.size('!8bd')}
""".strip().split("\n")


@mark.parametrize("script", RETURNS + CALLS + ERRORS)
def test_answers_as_the_real_server(both, script):
    both("SET", "k", "v")
    both("EVAL", script, "1", "key", "arg")


def test_scripts_by_digest(both):
    sha = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"
    both("SCRIPT", "FLUSH", "sync")
    both("EVALSHA", sha, "0")
    both("EVALSHA", "x", "0")
    both("SCRIPT", "LOAD", "return 1")
    both("SCRIPT", "LOAD", "return x y")
    both("SCRIPT", "EXISTS", sha, sha.upper(), "x")
    both("EVALSHA", sha.upper(), "0")
    both("EVALSHA_RO", sha, "0")
    both("SCRIPT", "FLUSH", "foo")
    both("SCRIPT", "KILL")
    both("EVAL", "return 1", "x")
    both("EVAL", "return 1", "2", "a")
    both("EVAL", "return 1", "-1")


@mark.parametrize(
    "head",
    ["#!lua", "#!lua\n", "#!foo\n", "#!lua a=b\n", "#!lua flags=x\n", "#!lua flags=no-writes,allow-oom\n", "#!\n"],
)
def test_shebangs(both, head):
    both("EVAL", head + "return redis.call('set','a','b')", "0")
    both("EVAL_RO", head + "return redis.call('get','a')", "0")


def test_reading_scripts_may_not_write(both):
    both("EVAL_RO", "return redis.call('set','a','b')", "0")
    both("EVAL_RO", "return redis.call('publish','a','b')", "0")


@fixture
def engine():
    return build_engine(clock=ManualClock())


def test_effects_propagate_as_one(engine):
    sent = []
    overhear(engine, lambda argv: sent.append(b" ".join(argv)))
    client = engine[Clients].connect()
    ask(client, "EVAL \"redis.call('set','a',1) redis.call('incr','a') redis.call('get','a')\" 0")
    assert sent == [b"MULTI", b"set a 1", b"incr a", b"EXEC"]


def test_no_python_object_is_in_reach(engine):
    client = engine[Clients].connect()
    script = "local t={} for k,v in pairs(_G) do if type(v)=='userdata' then t[#t+1]=k end end return t"
    assert ask(client, f'EVAL "{script}" 0') == b"*0\r\n"
    script = "local ok, e = pcall(redis.call, 'nosuch') return type(e)"
    assert ask(client, f'EVAL "{script}" 0') == b"$6\r\nstring\r\n"


def test_a_script_without_end_is_killed():
    with RedisServer({"busy-reply-threshold": "20"}) as server:
        caller, other = RawClient(server.port), RawClient(server.port)
        caller.send(encode(("EVAL", "while true do pcall(function() while true do end end) end", "0")))
        wait_for(lambda: other.ask("PING").startswith(b"-BUSY"))
        assert other.ask("SCRIPT", "KILL") == b"+OK\r\n"
        assert caller.reply().startswith(b"-ERR Script killed by user with SCRIPT KILL...")
        assert other.ask("PING") == b"+PONG\r\n"
        caller.close()
        other.close()


@mark.parametrize("bomb", ["local function f() return 1+f() end return f()", "local s='x' while true do s=s..s end"])
def test_a_bomb_ends_the_script_only(engine, bomb):
    client = engine[Clients].connect()
    assert ask(client, f'EVAL "{bomb}" 0').startswith(b"-ERR ")
    assert ask(client, 'EVAL "return 1" 0') == b":1\r\n"


WRONG = "local e = redis.pcall('hget', KEYS[1], 'f') "
ERRORS = (
    "return {err='NOSPACE'}",
    "return {err='NOSPACE '}",
    "error({err='NOSPACE'})",
    "return {err=''}",
    "return {err=' x'}",
    "return {err='\\r\\nMY err\\r\\n'}",
    "return {err='MY\\0x err'}",
    "error({err='MY\\0x err'})",
    "error('MY\\0x err')",
    "return redis.error_reply('\\r\\nMY err')",
    f"return redis.error_reply('{'x' * 30} y')",
    f"return redis.error_reply('{'x' * 31} y')",
    "return redis.pcall()",
    "return redis.pcall({})",
    "return {{err='MY err'}}",
    "return {{err='MY err'},{err='NOSPACE'}}",
    "return {map={a={err='MY err'}}}",
    WRONG + "return {e}",
    WRONG + "return {e,e}",
    WRONG + "return {{err='MY err'},{err='MY err'},e,{{e}}}",
    WRONG + "e.ignore_error_stats_update = nil return {e}",
    WRONG + "error(e)",
    "return _G['a\\0b']",
)


@mark.parametrize(
    "body",
    [
        "return redis.pcall('hget', KEYS[1], 'f')",
        "return redis.call('hget', KEYS[1], 'f')",
        "redis.pcall('hget', KEYS[1], 'f') return 1",
        "local ok, e = pcall(redis.call, 'hget', KEYS[1], 'f') return e",
        "return redis.pcall('nosuch')",
        "return redis.call('set', KEYS[1])",
        "return redis.error_reply('MY err')",
        "error('x')",
        *ERRORS,
    ],
)
def test_an_error_is_counted_once(both, body):
    both("SET", "s", "x")
    both("CONFIG", "RESETSTAT")
    both("EVAL", body, "1", "s")
    both("INFO", "errorstats")
    ours, real = (failures(reply) for reply in both.replies("INFO", "commandstats"))
    assert ours == real


def failures(reply):
    """The rejected and failed calls of each command."""
    counts = re.findall(rb"cmdstat_(\S+?):calls=(\d+).*?rejected_calls=(\d+),failed_calls=(\d+)", reply)
    return sorted(counts)


def test_a_function_that_answers_errors_has_failed(both):
    library = b"""#!lua name=l
    redis.register_function('once', function() return {err='NOSPACE'} end)
    redis.register_function('inside', function() return {{err='MY err'}, redis.pcall('hget', 's', 'f')} end)"""
    both("FUNCTION", "LOAD", "REPLACE", library)
    both("SET", "s", "x")
    both("CONFIG", "RESETSTAT")
    both("MULTI")
    both("FCALL", "once", "0")
    both("FCALL", "inside", "0")
    both("EXEC")
    both("INFO", "errorstats")
    ours, real = (failures(reply) for reply in both.replies("INFO", "commandstats"))
    assert ours == real
