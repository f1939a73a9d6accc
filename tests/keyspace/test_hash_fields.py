"""The gate to fields, beside any command: what each view deletes, hides and tells."""

from random import Random

from pytest import fixture, mark

from pyredis.datatypes.hash import Hash, Limits
from pyredis.keyspace import events, hash_fields
from pyredis.keyspace.database import DELETE, HIDE, SHOW, Keyspace

NOW, LIMITS = 1000, Limits(128, 64)
views = mark.parametrize("view", [DELETE, HIDE, SHOW], ids=["delete", "hide", "show"])


class Kept:
    """A hash whose fields `p` and `q` are past their time, while `due` is just now and `stays` has none."""

    def __init__(self):
        self.space = Keyspace(1, Random(1))
        self.space.now = NOW
        self.db = self.space.databases[0]
        self.hash = Hash()
        for name, when in ((b"stays", None), (b"due", NOW), (b"p", NOW - 1), (b"q", NOW - 2)):
            self.hash.put(name, b"v", LIMITS)
            if when is not None:
                self.hash.expire_at(name, when)
        self.db.load(b"h", self.hash, None)
        self.told, self.sent = [], []
        self.space.observe(lambda db, key, event: self.told.append(event))
        self.space.on_fields_expired = lambda db, key, fields: self.sent.append((key, fields))


@fixture
def kept():
    return Kept()


@views
@mark.parametrize("asked", [(b"p", b"stays", b"p", b"none"), (b"p", b"q", b"due")])
def test_values(kept, view, asked):
    kept.space.view = view
    found = hash_fields.values(kept.db, b"h", kept.hash, asked)
    seen = {b"stays", b"due"} | ({b"p", b"q"} if view == SHOW else set())
    assert found == [b"v" if name in seen else None for name in asked]
    gone = [*dict.fromkeys(name for name in asked if name in (b"p", b"q"))] if view == DELETE else []
    assert len(kept.hash) == 4 - len(gone) and kept.space.expired_fields == len(gone)
    assert kept.sent == ([(b"h", gone)] if gone else [])
    assert kept.told == ([events.HEXPIRED] if gone else [])
    assert kept.db.dirty == 0


@views
def test_what_is_told_of_the_whole(kept, view):
    kept.space.view = view
    db, hash = kept.db, kept.hash
    shown = [b"q", b"p", b"due", b"stays"] if view == SHOW else [b"due", b"stays"]
    assert hash_fields.names(db, hash) == shown
    assert hash_fields.words(db, hash)[::2] == shown
    assert hash_fields.select(db, hash, [b"q", b"p", b"due", b"stays"]) == shown
    assert [name for name in (b"q", b"p", b"due", b"stays", b"none") if hash_fields.has(db, hash, name)] == shown
    assert (len(hash), kept.told, kept.sent) == (4, [], [])


@views
def test_drop_overdue(kept, view):
    kept.space.view = view
    hash_fields.drop_overdue(kept.db, b"h", kept.hash)
    assert len(kept.hash) == (2 if view == DELETE else 4)
    assert kept.sent == ([(b"h", [b"q", b"p"])] if view == DELETE else [])


def test_an_empty_hash_goes(kept):
    kept.space.now = NOW + 1
    kept.hash.remove(b"stays")
    hash_fields.drop_overdue(kept.db, b"h", kept.hash)
    assert (len(kept.db), kept.told) == (0, [events.HEXPIRED, events.DEL])


def test_the_cycle_takes_some_at_a_time(kept):
    assert [hash_fields.expire_some(kept.db, 1) for _ in range(3)] == [1, 1, 0]
    kept.space.now = NOW + 1
    assert hash_fields.expire_some(kept.db, 1) == 1
    assert hash_fields.names(kept.db, kept.hash) == [b"stays"]
