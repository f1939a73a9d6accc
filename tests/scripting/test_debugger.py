"""The Lua debugger talks as the real one does, on a copy of the dataset or on the dataset itself."""

import gc
import weakref

from pytest import fixture, mark, raises

from pyredis.scripting.debugger import SESSIONS_MAX
from pyredis.testing import RedisServer
from tests.oracle import RawClient, encode, wait_for

PARTED = """local a = 1
local t = {1,2,{x='y'}}
redis.call('set',KEYS[1],ARGV[1])
local r = redis.call('get',KEYS[1])
redis.debug('hi',a,t,-0)
if a == 1 then
  redis.breakpoint()
  a = 2
end
return {a,r}"""

NESTED = """local function f(a, ...)
  local b = a + 1
  return b
end
local x = f(1, 'more')
local co = coroutine.wrap(function(z) coroutine.yield(z)
  return 2 end)
co(7)
co()
local y = pcall(f, 2)
return x"""

REPLIES = """redis.call('del','l','h')
redis.call('rpush','l','a','b\\n')
redis.call('lrange','l',0,-1)
redis.call('get','none')
redis.call('hset','h','f','1')
redis.setresp(3)
redis.call('hgetall','h')
redis.call('get','none')
redis.call('zadd','z','1.5','x')
redis.call('zscore','z','x')
redis.pcall('incr','l')
redis.pcall('nosuch')
redis.call('del','1','2','3','4','5','6','7','8','9','10','11','12')
redis.call('get','none',1.5)
return 1"""

TALKS = {
    "parts": (PARTED, "s step n p|p t|print r|l|l 3|list 3 2|w|whole|b|b 9|b|b -9|b 99|t|r get k|redis ping|m|p t|m 0|"
              "nosuch|p nosuch|c|s|p a|c"),
    "frames": (NESTED, "s s t p|p x|p b|s|s s s t|s s s s t|c"),
    "replies": (REPLIES, "s s s s s s s s s s s s s s"),
    "breakpoints": ("local x=1\nx=2\nx=3\nx=4\nx=5\nreturn x", "b 3|b 3|b 2 4|b x|b -1|b|c|b 0|b|c"),
    "evaluating": ("local x = 1\nreturn x", "e 1+1|e return 5|e x|e x=5|e syntax(|e error('a')|e local a = 5|e {1,{2}}|"
                   "e KEYS[1]|e|m 10|e ('x'):rep(99)|m 0|e ('x'):rep(300)|c"),
    "values": ("local a,b,c,d = true,nil,1.5,'q\"\\n\\1'\nlocal u = {a={b={1,{2,nil,3}}},[5]=1}\nlocal x = {}\n"
               "x.x = x\nlocal i,j = 1e15, 0.1\nreturn 1", "s s s s s p|p u|p x|p KEYS|p ARGV|c"),
    "errors": ("local x = 1\nredis.pcall('get')\nlocal y = x + {}\nreturn 1", "s s s"),
    "abort": ("redis.call('set','k',1)\nredis.call('set','k',2)", "s a"),
    "shebang": ("#!lua\nlocal x = 5\nreturn x", "s w p c"),
    "blank": ("\n\n-- comment\nlocal a=1\n\nreturn a\n", "w|b 2|s|c"),
    "empty": ("", "s"),
    "words": ("local x=1\nx=2\nx=3\nreturn x", "S STEP ste Next|P x|quit|l 1 2 3|p a b|r|maxlen x|m 61|m 1 2|a"),
}  # fmt: skip


def steps(text):
    """`a b|c d e`: parts are commands, but in a part of nothing but letters each is one."""
    for part in text.split("|"):
        words = part.split(" ")
        if words[0] in ("e", "p", "b", "l", "r", "m", "P", "list", "print", "redis", "maxlen") and len(words) > 1:
            yield words
        else:
            yield from ([word] for word in words)


def up_to_closing(client, words):
    client.send(encode(words))
    data = b""
    while more := client.socket.recv(1 << 16):
        data += more
    return data


def at_last(both, *words):
    """A command behind which the connection is closed; what both send until then is the same."""
    for client in filter(None, (both.ours, both.real)):
        client.ask = lambda *words, client=client: up_to_closing(client, words)
    return both(*words)


@mark.parametrize("mode", ["YES", "SYNC"])
@mark.parametrize("talk", TALKS)
def test_it_talks_as_the_real_one(both, talk, mode):
    script, commands = TALKS[talk]
    both("SCRIPT", "DEBUG", mode)
    both("EVAL", script, "1", "k", "v")
    *most, last = steps(commands)
    for words in most:
        both(*words)
    assert b"+<endsession>\r\n" in at_last(both, *last)


@mark.parametrize("text", ["syntax(", "return 1"])
def test_what_cannot_run_ends_the_session(both, text):
    both("SCRIPT", "DEBUG", "YES")
    assert at_last(both, "EVAL", text, "x").startswith(b"*1\r\n+<endsession>\r\n-ERR ")


def test_modes(both):
    for words in (["x"], ["YES", "x"], [], ["YES"], ["no"]):
        both("SCRIPT", "DEBUG", *words)
    both("EVAL", "return 1", "0")
    both("SCRIPT", "DEBUG", "sync")
    both("EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0")
    both("EVALSHA_RO", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0")
    both("RESET")
    both("EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0")
    both("SCRIPT", "DEBUG", "NO")
    for words in (["MULTI"], ["SCRIPT", "DEBUG", "YES"], ["EXEC"]):
        both(*words)
    both("EVAL", "return redis.breakpoint()", "0")
    both("EVAL", "return select('#', redis.debug(1))", "0")
    both("EVAL", "return 1", "0")


@fixture
def node():
    with RedisServer({"busy-reply-threshold": "100"}) as running:
        yield running


@fixture
def connect(node):
    clients = []

    def connected():
        clients.append(RawClient(node.port))
        return clients[-1]

    yield connected
    for client in clients:
        client.close()


WRITES = "redis.call('set','k',1)\nredis.call('rpush','q','x')\nreturn 1"


def begun(client, mode, script=WRITES):
    assert client.ask("SCRIPT", "DEBUG", mode) == b"+OK\r\n"
    assert b"Stopped at 1" in client.ask("EVAL", script, "0")


def test_with_yes_others_are_served_and_nothing_stays(connect):
    user, other = connect(), connect()
    other.ask("SET", "before", "1")
    begun(user, "YES")
    user.ask("s")
    assert other.ask("GET", "k") == b"$-1\r\n"
    other.ask("SET", "k", "mine")
    assert b'<reply> "1"' in user.ask("r", "get", "k")
    assert b'<reply> "1"' in user.ask("r", "get", "before")
    assert user.ask("c") == b"*1\r\n+<endsession>\r\n:1\r\n"
    with raises(ConnectionError):
        user.reply()
    assert other.ask("GET", "k") == b"$4\r\nmine\r\n"
    assert other.ask("EXISTS", "q") == b":0\r\n"


def test_with_sync_others_wait_and_all_stays(connect):
    user, other, waiter = connect(), connect(), connect()
    waiter.send(encode(("BLPOP", "q", "0")))
    begun(user, "SYNC")
    other.send(encode(("GET", "k")))
    assert b"+<reply>" in user.ask("s")
    assert b'<reply> "1"' in user.ask("r", "get", "k")
    other.socket.settimeout(0.05)
    with raises(TimeoutError):
        other.reply()
    other.socket.settimeout(10)
    user.ask("c")
    assert other.reply() == b"$1\r\n1\r\n"
    assert waiter.reply() == b"*2\r\n$1\r\nq\r\n$1\r\nx\r\n"


def test_with_sync_a_script_whose_user_leaves_runs_to_its_end(connect):
    user, other = connect(), connect()
    begun(user, "SYNC")
    user.close()
    assert other.ask("LRANGE", "q", "0", "-1") == b"*1\r\n$1\r\nx\r\n"


@mark.parametrize("mode", ["YES", "SYNC"])
def test_an_endless_script_whose_user_leaves_is_ended(connect, mode):
    user, other = connect(), connect()
    begun(user, mode, "local x = 1\nwhile true do x = x + 1 end")
    user.send(encode(("c",)))
    user.close()
    assert other.ask("PING") == b"+PONG\r\n"
    assert other.ask("SET", "k", "1") == b"+OK\r\n"


ENDLESS = ("while true do end", "while true do pcall(error) end", "local function f() return f() end f()")


@mark.parametrize("code", ENDLESS)
def test_whatever_is_evaluated_others_are_served(connect, code):
    user, other = connect(), connect()
    begun(user, "YES")
    user.send(encode(("e", code)))
    for _ in range(5):
        assert other.ask("PING") == b"+PONG\r\n"


def test_a_script_that_seems_endless_stops(connect):
    user = connect()
    begun(user, "YES", "local x = 1\nwhile true do x = x + 1 end")
    assert b"timeout reached, infinite loop?" in user.ask("c")
    assert b"<endsession>" in user.ask("a")


def test_commands_may_come_together(connect):
    user = connect()
    begun(user, "YES", "local x = 1\nx = 2\nx = 3\nreturn x")
    user.send(encode(("s",)) + encode(("s",)) + encode(("c",)))
    assert b"Stopped at 2" in user.reply()


def test_debugging_needs_a_connection_without_replies_to_come(connect):
    user = connect()
    user.send(encode(("PING",)) + encode(("SCRIPT", "DEBUG", "YES")))
    assert user.reply() == b"+PONG\r\n-ERR SCRIPT DEBUG must be called outside a pipeline\r\n"
    assert user.ask("EVAL", "return 1", "0") == b":1\r\n"


def test_a_transaction_is_refused_before_anything_is_written(connect):
    user = connect()
    user.ask("SCRIPT", "DEBUG", "SYNC")
    user.ask("MULTI")
    user.ask("EVAL", WRITES, "0")
    assert user.ask("EXEC") == b"*1\r\n-ERR A script can't be debugged inside a transaction\r\n"
    user.ask("SCRIPT", "DEBUG", "NO")
    assert user.ask("EXISTS", "k") == b":0\r\n"


def test_a_user_may_do_no_more_than_else(connect):
    user = connect()
    user.ask("ACL", "SETUSER", "joe", "on", "nopass", "~*", "+@all", "-get")
    user.ask("AUTH", "joe", "")
    begun(user, "YES")
    assert b"<error> ACL failure in script: User joe has no permissions to run the 'get' command" in user.ask(
        "r", "get", "k"
    )


def test_sessions_are_bounded(connect):
    for _ in range(SESSIONS_MAX):
        begun(connect(), "YES")
    one_more = connect()
    one_more.ask("SCRIPT", "DEBUG", "YES")
    assert one_more.ask("EVAL", "return 1", "0") == b"-ERR There are too many debugging sessions\r\n"


def test_the_server_ends_though_a_script_stands(node, connect):
    begun(connect(), "SYNC")
    node.stop()


def test_the_copy_is_forgotten(node, connect):
    from pyredis.scripting.scripts import Scripts

    made, copy = [], node.engine[Scripts].copy
    node.engine[Scripts].copy = lambda: made.append(copied := copy()) or copied
    user = connect()
    begun(user, "YES")
    copied = weakref.ref(made.pop())
    user.ask("c")

    def is_gone():
        gc.collect()
        return copied() is None

    wait_for(is_gone)
