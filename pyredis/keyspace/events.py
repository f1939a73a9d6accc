"""The names of what can happen to a key, with the class letter that `notify-keyspace-events` selects them by.

A command that mutates names the event at the mutation; whoever observes the keyspace (WATCH, blocked clients,
notifications, client-side caching) is told by the Database.
"""


class Event:
    """One kind of event: `name` as published, `kind` its class letter."""

    __slots__ = ("kind", "name")

    def __init__(self, name: bytes, kind: str) -> None:
        self.name = name
        self.kind = kind

    def __repr__(self) -> str:
        return f"Event({self.name!r}, {self.kind!r})"


DEL = Event(b"del", "g")
RENAME_FROM = Event(b"rename_from", "g")
RENAME_TO = Event(b"rename_to", "g")
MOVE_FROM = Event(b"move_from", "g")
MOVE_TO = Event(b"move_to", "g")
COPY_TO = Event(b"copy_to", "g")
RESTORE = Event(b"restore", "g")
EXPIRE = Event(b"expire", "g")
PERSIST = Event(b"persist", "g")
EXPIRED = Event(b"expired", "x")
EVICTED = Event(b"evicted", "e")
NEW = Event(b"new", "n")
KEY_MISS = Event(b"keymiss", "m")
FLUSHED = Event(b"", "")  # for WATCH and client caches only: Redis publishes nothing
SWAPPED = Event(b"", "")

SET = Event(b"set", "$")
SETRANGE = Event(b"setrange", "$")
APPEND = Event(b"append", "$")
INCRBY = Event(b"incrby", "$")
DECRBY = Event(b"decrby", "$")
INCRBYFLOAT = Event(b"incrbyfloat", "$")
SETBIT = Event(b"setbit", "$")
