"""Digests are those of the real server, whatever the encodings."""

from pytest import fixture, mark

VALUES = {
    "strings": ["SET s abc", "SET n 5", "INCR n", "SET empty ''", "APPEND s def"],
    "lists": ["RPUSH l a b 1 a", "LPUSH l -7"],
    "large_lists": [f"RPUSH l {'x' * 9000} {'y' * 9000} z"],
    "sets": ["SADD i 3 1 2", "SADD t a b", f"SADD h {'m' * 70} a 1"],
    "sorted_sets": ["ZADD z 1 a 2.5 b -0.1 c inf d", f"ZADD y 1e20 {'m' * 70} 3 b"],
    "hashes": ["HSET h a 1 b 2", f"HSET g {'f' * 70} 1", "HSET e a 1 b 2", "HEXPIRE e 100 FIELDS 1 a"],
    "streams": ["XADD x 1-1 f v g w", "XADD x 5-0 f v", "XADD x 5-7 other 1", "XDEL x 5-0", "XADD y 0-1 f ''"],
    "expiring": ["SET e x EX 100", "RPUSH l a", "EXPIRE l 100"],
    "databases": ["SET a 1", "SELECT 3", "SET a 1", "SELECT 0"],
    "nothing": ["DEL none"],
}


@fixture
def digests(both):
    """Of each key and of everything; both servers must agree."""

    def ask():
        keys = [word.decode() for word in both.ours.ask("KEYS", "*").split(b"\r\n")[2::2]]
        return both("DEBUG", "DIGEST-VALUE", *keys, "none"), both("DEBUG", "DIGEST")

    return ask


@mark.parametrize("name", VALUES)
def test_digests_are_the_real_server_s(both, digests, name):
    for line in VALUES[name]:
        both(*(word.strip("'") for word in line.split()))
    digests()


def test_the_order_of_keys_does_not_count_but_that_of_elements_does(both, digests):
    both("MSET", "a", 1, "b", 2)
    first = digests()[1]
    both("FLUSHALL")
    both("MSET", "b", 2, "a", 1)
    assert digests()[1] == first
    both("RPUSH", "l", 1, 2)
    second = digests()[1]
    both("LPUSH", "l", "2")
    both("RPOP", "l")
    assert digests()[1] != second
