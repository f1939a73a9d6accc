"""INFO keysizes: the real server's numbers, and who is shown them."""

from pytest import mark

from pyredis.assembly import build_engine
from pyredis.clock import ManualClock
from pyredis.engine.observability import keysizes
from pyredis.engine.roster import Clients
from tests.observed import ask

NUMBERS = (0, 1, 2, 3, 4, 1023, 1024, 1025)


def test_counts(both):
    for size in (*NUMBERS, 1 << 19, 1 << 20):
        both("SET", f"s{size}", b"x" * size)
    for words in ("SET i 12345", "SET n -9223372036854775808", "INCR c", "APPEND a xyz", "SETBIT b 100 1", "PFADD p a"):
        both(*words.split())
    for size in NUMBERS[1:]:
        both("RPUSH", f"l{size}", *range(size))
        both("SADD", f"t{size}", *range(size))
        both("HSET", f"h{size}", *range(2 * size))
        both("ZADD", f"z{size}", *range(2 * size))
    both("VADD", "v", "VALUES", "1", "1", "e")
    both("SELECT", "5")
    both("XADD", "x", "1-1", "a", "b")
    both("SELECT", "3")
    both("SET", "s", "a")
    both("INFO", "keysizes")
    both("FLUSHALL")
    both("INFO", "Keysizes")


@mark.parametrize(("section", "few", "many"), [("", True, False), ("all", True, False), ("keysizes", True, True)])
def test_where_it_is_shown(monkeypatch, section, few, many):
    monkeypatch.setattr(keysizes, "FEW", 3)
    client = build_engine(clock=ManualClock(1), seed=1)[Clients].connect()
    ask(client, "MSET a 1 b 1 c 1")
    assert (b"# Keysizes\r\ndb0_distrib_strings_sizes:1=3" in ask(client, f"INFO {section}")) is few
    ask(client, "SET d 1")
    assert (b"# Keysizes\r\ndb0_distrib_strings_sizes:1=4" in ask(client, f"INFO {section}")) is many
