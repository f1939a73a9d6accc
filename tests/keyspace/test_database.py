"""The gate to the keyspace: every way in, in the three views of expiry, of a plain and of a slotted database."""

from random import Random

import pytest
from pytest import mark, raises

from pyredis.datatypes.hash import Hash
from pyredis.datatypes.hash import Limits as HashLimits
from pyredis.datatypes.key_slot import key_slot
from pyredis.datatypes.list import List
from pyredis.errors import WrongType
from pyredis.keyspace import events
from pyredis.keyspace.database import DELETE, HIDE, SHOW, Keyspace
from tests.observed import Observed, ask

NOW = 1000
LIMITS = HashLimits(128, 64)


class Seen:
    """A database of two, and what it told: events by name, keys as (database, key)."""

    def __init__(self, slotted):
        self.space = Keyspace(2, Random(1), slotted=slotted)
        self.space.now = NOW
        self.db, self.other = self.space.databases
        self.told, self.propagated = [], []
        self.space.on_expired = lambda db, key: self.propagated.append((db.index, key))

    def listen(self):
        self.space.observe(self._note)

    def _note(self, db, key, event):
        self.told.append((db.index, key, event))

    def add(self, key, value, when=None):
        self.db.load(key, value, when)

    @property
    def counts(self):
        return self.db.hits, self.db.misses, self.db.dirty, self.space.expired_count


@pytest.fixture(params=[False, True], ids=["plain", "slotted"])
def seen(request):
    return Seen(request.param)


views = mark.parametrize("view", [DELETE, HIDE, SHOW], ids=["delete", "hide", "show"])
READS = {
    "get": lambda db, key: db.get(key),
    "string": lambda db, key: db.string(key),
    "get_as": lambda db, key: db.get_as(key, bytes),
    "look": lambda db, key: db.look(key),
    "get_many": lambda db, key: db.get_many([key])[0],
    "look_many": lambda db, key: db.look_many([key])[0],
    "take": lambda db, key: db.take(key),
    "take_as": lambda db, key: db.take_as(key, bytes),
    "take_string": lambda db, key: db.take_string(key),
    "peek": lambda db, key: db.peek(key),
}
COUNTED = {"get", "string", "get_as", "look", "get_many", "look_many"}


@views
@mark.parametrize("way", READS)
@mark.parametrize("observed", [False, True], ids=["alone", "observed"])
@mark.parametrize("others", [0, 1], ids=["", "volatile"])
def test_reading(seen, way, view, observed, others):
    """`there`, not there, and past its time: value, hits, misses, events."""
    seen.add(b"there", b"v")
    seen.add(b"past", b"v", NOW - 1)
    for number in range(others):
        seen.add(b"volatile:%d" % number, b"v", NOW + 1)
    if observed:
        seen.listen()
    seen.space.view = view
    read, counted = READS[way], way in COUNTED
    assert read(seen.db, b"there") == b"v"
    assert seen.counts == (counted, 0, 0, 0)
    assert read(seen.db, b"none") is None
    assert seen.counts == (counted, counted, 0, 0)
    assert read(seen.db, b"past") == (b"v" if view == SHOW else None)
    assert seen.counts == (counted * (1 + (view == SHOW)), counted * (1 + (view != SHOW)), 0, view == DELETE)
    assert (b"past" in seen.db.table) == (view != DELETE)
    assert seen.propagated == [(0, b"past")] * (view == DELETE)
    missed = [(0, b"none", events.KEY_MISS)] * counted
    expired = [(0, b"past", events.EXPIRED)] * (view == DELETE)
    missed_too = [(0, b"past", events.KEY_MISS)] * (counted and view != SHOW)
    assert seen.told == (missed + expired + missed_too if observed else [])


@mark.parametrize("way", ["string", "take_string", "get_as", "take_as"])
@mark.parametrize("volatile", [False, True])
def test_another_type_is_refused(seen, way, volatile):
    seen.add(b"k", List())
    seen.add(b"n", 5, NOW + 1 if volatile else None)
    with raises(WrongType):
        READS[way](seen.db, b"k")
    assert seen.db.string(b"n") == 5
    assert isinstance(seen.db.get_as(b"k", List), List) and isinstance(seen.db.take_as(b"k", List), List)


def test_who_gets_hold_of_a_value_is_told(seen):
    used = []
    seen.space.on_access = lambda db, key: used.append(key)
    seen.space.before_use = lambda db, key, value: used.append(value)
    seen.space.update_access_hooks()
    seen.add(b"k", b"v")
    for way in ("get", "string", "get_as", "take", "take_as", "take_string", "get_many"):
        READS[way](seen.db, b"k")
        assert used == [b"k", b"v"], way
        used.clear()
    for way in ("look", "peek", "look_many"):
        READS[way](seen.db, b"k")
    assert used == []


@views
def test_set(seen, view):
    seen.space.view = view
    seen.listen()
    seen.db.set(b"k", b"1", events.SET)
    assert seen.told == [(0, b"k", events.NEW), (0, b"k", events.SET)]
    seen.told.clear()
    seen.db.expire_at(b"k", NOW + 5, None)
    seen.db.set(b"k", b"2", events.SET)
    assert seen.told == [(0, b"k", events.OVERWRITTEN), (0, b"k", events.SET)]
    assert (seen.db.expire_time(b"k"), seen.db.dirty, len(seen.db)) == (None, 2, 1)
    seen.told.clear()
    seen.db.set(b"k", List(), events.SET)
    assert [event for _, _, event in seen.told] == [events.OVERWRITTEN, events.TYPE_CHANGED, events.SET]


@views
@mark.parametrize("observed", [False, True])
@mark.parametrize("way", ["set", "set_pairs"])
def test_setting_what_is_past(seen, view, observed, way):
    """Where it may be deleted it goes as expired, and the key is new; else it is overwritten."""
    seen.add(b"k", b"old", NOW - 1)
    seen.space.view = view
    if observed:
        seen.listen()
    if way == "set":
        seen.db.set(b"k", b"new", events.SET)
    else:
        seen.db.set_pairs([b"k", b"new", b"l", b"2"], events.SET)
        assert seen.db.string(b"l") == b"2"
    assert (seen.db.string(b"k"), seen.db.expire_time(b"k")) == (b"new", None)
    assert seen.space.expired_count == len(seen.propagated) == (view == DELETE)
    told = [event for _, key, event in seen.told if key == b"k"]
    ways = {DELETE: [events.EXPIRED, events.NEW], HIDE: [], SHOW: [events.OVERWRITTEN]}
    assert told == ([*ways[view], events.SET] if observed else [])


def test_put_keeps_the_expiry(seen):
    seen.listen()
    seen.add(b"k", b"1", NOW + 5)
    seen.db.put(b"k", b"2", events.APPEND)
    seen.db.put(b"new", b"3", events.APPEND, 4)
    assert (seen.db.expire_time(b"k"), seen.db.dirty) == (NOW + 5, 5)
    assert seen.told == [(0, b"k", events.APPEND), (0, b"new", events.NEW), (0, b"new", events.APPEND)]


@mark.parametrize("same", [False, True], ids=["other database", "same database"])
def test_move_takes_the_expiry_along(seen, same):
    seen.listen()
    target = seen.db if same else seen.other
    seen.add(b"k", b"v", NOW + 5)
    target.load(b"to", List(), NOW + 9)
    seen.db.move(b"k", target, b"to", events.RENAME_FROM, events.RENAME_TO)
    assert b"k" not in seen.db.table and b"k" not in seen.db.expires
    assert (target.string(b"to"), target.expire_time(b"to"), seen.space.dirty) == (b"v", NOW + 5, 1)
    at = target.index
    assert seen.told == [
        *[(at, b"to", events.NEW), (0, b"k", events.RENAME_FROM), (at, b"to", events.RENAME_TO)],
        *[(at, b"to", events.OVERWRITTEN), (at, b"to", events.TYPE_CHANGED)],
    ]


def test_copy_has_the_same_expiry(seen):
    seen.listen()
    seen.add(b"k", b"v", NOW + 5)
    seen.db.copy(b"k", b"v", seen.other, b"to")
    assert (seen.other.string(b"to"), seen.other.expire_time(b"to"), seen.other.dirty) == (b"v", NOW + 5, 1)
    assert seen.told == [(1, b"to", events.NEW), (1, b"to", events.COPY_TO)]


def test_expire_at_and_persist(seen):
    seen.listen()
    seen.add(b"k", b"v")
    seen.db.expire_at(b"k", NOW + 5)
    assert seen.db.expire_time(b"k") == NOW + 5
    assert seen.db.persist(b"k") and not seen.db.persist(b"k")
    assert (seen.db.expire_time(b"k"), seen.db.dirty) == (None, 2)
    assert seen.told == [(0, b"k", events.EXPIRE), (0, b"k", events.PERSIST)]


@views
@mark.parametrize("observed", [False, True])
def test_remove(seen, view, observed):
    """What is hidden is deleted when told, as a master tells; what may expire does, and was not there."""
    for key in (b"a", b"b", b"c"):
        seen.add(key, b"v")
    for key in (b"past", b"past too"):
        seen.add(key, b"v", NOW - 1)
    seen.space.view = view
    if observed:
        seen.listen()
    assert seen.db.remove(b"a") and not seen.db.remove(b"a")
    assert seen.db.remove(b"past") == (view != DELETE)
    assert seen.db.remove_many([b"b", b"past too", b"none", b"b"]) == 1 + (view != DELETE)
    assert sorted(seen.db.table) == [b"c"] and not seen.db.expires.count
    assert (seen.db.dirty, seen.space.expired_count) == ((2, 2) if view == DELETE else (4, 0))


@views
def test_keys_and_scan_and_random_keys(seen, view):
    for number in range(1000):
        seen.add(b"%d" % number, b"v", NOW + number % 2 * 2 - 1)  # the even ones are past
    seen.space.view = view
    visible = {b"%d" % number for number in range(1000) if view == SHOW or number % 2}
    assert {*seen.db.keys()} == visible
    assert seen.space.expired_count == 0
    drawn = [seen.db.random_key() for _ in range(50)]
    assert {*drawn} <= visible
    found, cursor = [], None
    while cursor != 0:
        cursor, keys = seen.db.scan(cursor or 0, 10)
        found += keys
    assert {*found} == visible
    assert len(seen.db) == (500 if view == DELETE else 1000)


def test_a_random_key_where_all_are_hidden(seen):
    seen.add(b"past", b"v", NOW - 1)
    seen.space.view = HIDE
    assert seen.db.random_key() == b"past"
    seen.space.view = DELETE
    assert seen.db.random_key() is None


def test_flush(seen):
    seen.listen()
    seen.add(b"k", b"v", NOW + 5)
    made = Hash()
    made.put(b"f", b"v", LIMITS)
    made.expire_at(b"f", NOW + 5)
    seen.add(b"h", made)
    assert seen.db.flush() == 2 and seen.db.flush() == 0
    assert (len(seen.db), len(seen.db.expires), seen.db.fields_due, seen.db.dirty) == (0, 0, None, 2)
    assert seen.told == [(0, b"", events.FLUSHED)] * 2


def test_swap(seen):
    seen.add(b"k", b"v", NOW + 5)
    swapped = []
    seen.space.on_swap.append(lambda one, two: swapped.append((one.index, two.index)))
    seen.space.swap(0, 1)
    seen.space.swap(1, 1)
    assert (seen.db.string(b"k"), seen.other.string(b"k"), seen.other.expire_time(b"k")) == (None, b"v", NOW + 5)
    assert (swapped, seen.space.dirty) == ([(0, 1)], 2)


def test_a_slot_is_removed_with_what_stands_beside():
    seen = Seen(slotted=True)
    seen.listen()
    made = Hash()
    made.put(b"f", b"v", LIMITS)
    made.expire_at(b"f", NOW + 5)
    seen.add(b"{a}1", b"v", NOW + 5)
    seen.add(b"{a}2", made)
    seen.add(b"b", b"v", NOW + 5)
    assert seen.db.count_in_slot(key_slot(b"a")) == 2
    assert seen.db.keys_in_slot(key_slot(b"a"), 1) == [b"{a}1"]
    assert seen.db.remove_slot(key_slot(b"a")) == [b"{a}1", b"{a}2"]
    assert ([*seen.db.table], [*seen.db.expires], len(seen.db.fields_due)) == ([b"b"], [b"b"], 0)
    assert seen.db.dirty == 2 and sorted(seen.told) == [(0, b"{a}1", events.SLOT_LOST), (0, b"{a}2", events.SLOT_LOST)]


def test_commands_on_a_slotted_keyspace():
    plain, slotted = Observed(), Observed()
    space = slotted.engine.keyspace
    space.databases[:] = Keyspace(len(space.databases), space.random, slotted=True).databases
    for db in space.databases:
        db.space = space
    slotted.client.db = space.databases[0]
    lines = [
        *("SET {t}s 5 PX 10", "GET {t}s", "INCR {t}s", "APPEND {t}s x", "GETSET {t}s 7", "SETNX {t}s 8", "STRLEN {t}s"),
        *("MSET a 1 b 2 c 3", "MGET a b none", "EXISTS a b none", "DEL a none", "RENAME b {t}b", "TYPE {t}b"),
        *("HSET h f 1 g 2", "HINCRBY h f 2", "HGET h f", "HGETALL h", "LPUSH l a b c", "LRANGE l 0 -1", "LPOP l"),
        *("SADD s a b c", "SISMEMBER s a", "SINTERCARD 2 s s", "ZADD z 1 a 2 b", "ZRANGE z 0 -1", "XADD x 1-1 f v"),
        *("LPUSH h x", "GET h", "COPY h hh", "DBSIZE", "PERSIST {t}s", "EXPIRE a 5", "OBJECT ENCODING h"),
        *("MOVE c 1", "SWAPDB 0 1", "GET c", "SWAPDB 0 1", "SET {t}v 1 PX 5", "DUMP s", "UNLINK s l z", "FLUSHALL"),
        *("DBSIZE", "RANDOMKEY", "MSET" + "".join(f" {{t}}{at} v {at} w" for at in range(500)), "DBSIZE"),
    ]
    for line in lines:
        assert slotted.line(line) == plain.line(line), line
        assert (slotted.events, slotted.sent) == (plain.events, plain.sent)
    assert slotted.engine.keyspace.dirty == plain.engine.keyspace.dirty
    db = slotted.client.db
    assert sum(db.table.count_in_slot(slot) for slot in range(1 << 14)) == len(db) == 1000
    assert ask(slotted.client, "RANDOMKEY").startswith(b"$")
