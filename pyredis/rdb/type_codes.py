"""The types of values in RDB by their number, and the RDB versions that matter.

A type never changes its meaning, with one exception: 22 is a hash with times of a Redis 7.4 candidate (HASH_TIMES_RC),
and of Valkey (VALKEY_HASH_TIMES).
"""

STRING, LIST, SET, SORTED_SET, HASH, SORTED_SET_2, MODULE_1, MODULE_2 = range(8)
HASH_ZIPMAP, LIST_ZIPLIST, SET_INTSET, SORTED_SET_ZIPLIST, HASH_ZIPLIST, QUICKLIST = range(9, 15)
HASH_LISTPACK, SORTED_SET_LISTPACK, QUICKLIST_2, SET_LISTPACK = 16, 17, 18, 20
HASH_TIMES_RC, HASH_LISTPACK_TIMES_RC, HASH_TIMES, HASH_LISTPACK_TIMES = 22, 23, 24, 25
VALKEY_HASH_TIMES = 22

NO_TIME = -1
"""Of a field that does not expire."""

STREAM, STREAM_2, STREAM_3, STREAM_4, STREAM_5 = 15, 19, 21, 26, 27
ARRAY = 28

PLAIN_NODE, PACKED_NODE = 1, 2
"""A list's node holds one large element, or a listpack."""

PORTABLE_VERSION, SMALL_SETS_VERSION, FIELD_TIMES_VERSION, VALKEY_VERSION = 10, 11, 12, 80
"""Redis 7.0's; Redis 7.2's, with small sets as listpacks; Redis 7.4's to 8.2's; Valkey 9's, which went another way."""

NEWEST_FILE_VERSION = 15
"""Redis 8.10's, of which all is read but arrays."""

_FORMS = (
    *("string", "list-linked", "set-hashtable", "zset-v1", "hash-hashtable", "zset-v2", "module-pre-release"),
    *("module-value", "", "hash-zipmap", "list-ziplist", "set-intset", "zset-ziplist", "hash-ziplist", "quicklist"),
    *("stream", "hash-listpack", "zset-listpack", "quicklist-v2", "stream-v2", "set-listpack", "stream-v3"),
    *("hash-hashtable-md-pre-release", "hash-listpack-md-pre-release", "hash-hashtable-md", "hash-listpack-md"),
    *("stream-v4", "stream-v5", "array"),
    *("hash-template-listpack", "hash-template-listpack", "hash-template-array", "hash-template-array"),
)
_SPOKEN = {HASH_ZIPMAP: "Zipmap"} | dict.fromkeys((STREAM, STREAM_2, STREAM_3, STREAM_4, STREAM_5), "Stream listpack")


def form_name(code: int) -> str:
    """What redis-check-rdb calls a type."""
    return _FORMS[code] if code < len(_FORMS) else "unknown"


def integrity_text(code: int, reason: str) -> str:
    """What Redis's log says of a value of the type `code` that is not what it should be, and the reason."""
    form = _SPOKEN.get(code) or form_name(code).replace("-", " ").capitalize()
    return f"{form} integrity check failed: {reason}"


def version_of(code: int) -> int:
    """The RDB version that brought a type which is written; the portable one for all that are older."""
    if code in (HASH_TIMES, HASH_LISTPACK_TIMES):
        return FIELD_TIMES_VERSION
    return SMALL_SETS_VERSION if code in (SET_LISTPACK, STREAM_3) else PORTABLE_VERSION
