"""The names of what can happen to a key, with the class letter that `notify-keyspace-events` selects them by.

A command that mutates names the event at the mutation; whoever observes the keyspace (WATCH, blocked clients,
notifications, client-side caching) is told by the Database.
"""


class Event:
    """One kind of event: `name` as published, `kind` its class letter.

    Only one that `modifies` counts for WATCH, only one that `wakes` for clients that wait for the key.
    """

    __slots__ = ("kind", "modifies", "name", "wakes")

    def __init__(self, name: bytes, kind: str, *, modifies: bool = True, wakes: bool = True) -> None:
        self.name = name
        self.kind = kind
        self.modifies = modifies
        self.wakes = wakes

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
OVERWRITTEN = Event(b"overwritten", "o")
TYPE_CHANGED = Event(b"type_changed", "c")
KEY_MISS = Event(b"keymiss", "m", modifies=False)
FLUSHED = Event(b"", "")  # every key of a database goes: told once, with no key, before. Redis publishes nothing
SLOT_LOST = Event(b"", "")  # another node has the key's slot: told to WATCH and client caches only
SWAPPED = Event(b"", "")  # the database of a watched key took the place of another: what WATCH makes of `on_swap`

SET = Event(b"set", "$")
SETRANGE = Event(b"setrange", "$")
APPEND = Event(b"append", "$")
INCRBY = Event(b"incrby", "$")
DECRBY = Event(b"decrby", "$")
INCRBYFLOAT = Event(b"incrbyfloat", "$")
SETBIT = Event(b"setbit", "$")
PFADD = Event(b"pfadd", "$")
PFCOUNT = Event(b"", "")  # the estimate was kept: told to WATCH and client caches only

VECTORS = Event(b"", "")  # vector sets are a module in Redis: told to WATCH and client caches only

HSET = Event(b"hset", "h")
HDEL = Event(b"hdel", "h")
HINCRBY = Event(b"hincrby", "h")
HINCRBYFLOAT = Event(b"hincrbyfloat", "h")
HEXPIRE = Event(b"hexpire", "h")
HEXPIRED = Event(b"hexpired", "h")
HPERSIST = Event(b"hpersist", "h")

SADD = Event(b"sadd", "s")
SREM = Event(b"srem", "s")
SPOP = Event(b"spop", "s")
SUNIONSTORE = Event(b"sunionstore", "s")
SINTERSTORE = Event(b"sinterstore", "s")
SDIFFSTORE = Event(b"sdiffstore", "s")

LPUSH = Event(b"lpush", "l")
RPUSH = Event(b"rpush", "l")
LPOP = Event(b"lpop", "l")
RPOP = Event(b"rpop", "l")
LSET = Event(b"lset", "l")
LINSERT = Event(b"linsert", "l")
LTRIM = Event(b"ltrim", "l")
LREM = Event(b"lrem", "l")
SORTSTORE = Event(b"sortstore", "l")

ZADD = Event(b"zadd", "z")
ZINCR = Event(b"zincr", "z")
ZREM = Event(b"zrem", "z")
ZREMRANGEBYRANK = Event(b"zremrangebyrank", "z")
ZREMRANGEBYSCORE = Event(b"zremrangebyscore", "z")
ZREMRANGEBYLEX = Event(b"zremrangebylex", "z")
ZPOPMIN = Event(b"zpopmin", "z")
ZPOPMAX = Event(b"zpopmax", "z")
ZUNIONSTORE = Event(b"zunionstore", "z")
ZINTERSTORE = Event(b"zinterstore", "z")
ZDIFFSTORE = Event(b"zdiffstore", "z")
ZRANGESTORE = Event(b"zrangestore", "z")
GEOSEARCHSTORE = Event(b"geosearchstore", "z")
GEORADIUSSTORE = Event(b"georadiusstore", "z")

XADD = Event(b"xadd", "t")
XTRIM = Event(b"xtrim", "t", wakes=False)
XDEL = Event(b"xdel", "t", wakes=False)
XSETID = Event(b"xsetid", "t", modifies=False, wakes=False)
XGROUP_CREATE = Event(b"xgroup-create", "t", modifies=False, wakes=False)
XGROUP_SETID = Event(b"xgroup-setid", "t", modifies=False, wakes=False)
XGROUP_DESTROY = Event(b"xgroup-destroy", "t", modifies=False)
XGROUP_CREATECONSUMER = Event(b"xgroup-createconsumer", "t", modifies=False, wakes=False)
XGROUP_DELCONSUMER = Event(b"xgroup-delconsumer", "t", modifies=False, wakes=False)
