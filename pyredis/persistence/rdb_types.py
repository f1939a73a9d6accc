"""The types of values in RDB by their number, and the RDB versions that matter.

A type never changes its meaning, with one exception: 22 is a hash with times of a Redis 7.4 candidate, and of Valkey.
"""

STRING, LIST, SET, SORTED_SET, HASH, SORTED_SET_2, MODULE_1, MODULE_2 = range(8)
HASH_ZIPMAP, LIST_ZIPLIST, SET_INTSET, SORTED_SET_ZIPLIST, HASH_ZIPLIST, QUICKLIST = range(9, 15)
HASH_LISTPACK, SORTED_SET_LISTPACK, QUICKLIST_2, SET_LISTPACK = 16, 17, 18, 20
HASH_TIMES_RC, HASH_LISTPACK_TIMES_RC, HASH_TIMES, HASH_LISTPACK_TIMES = 22, 23, 24, 25
STREAM, STREAM_2, STREAM_3 = 15, 19, 21

PLAIN_NODE, PACKED_NODE = 1, 2
"""A list's node holds one large element, or a listpack."""

PORTABLE_VERSION, SMALL_SETS_VERSION, FIELD_TIMES_VERSION, VALKEY_VERSION = 10, 11, 12, 80
"""Redis 7.0's; Redis 7.2's, with small sets as listpacks; Redis 7.4's to 8.2's; Valkey 9's, which went another way."""


def version_of(code: int) -> int:
    """The RDB version that brought a type which is written; the portable one for all that are older."""
    if code in (HASH_TIMES, HASH_LISTPACK_TIMES):
        return FIELD_TIMES_VERSION
    return SMALL_SETS_VERSION if code in (SET_LISTPACK, STREAM_3) else PORTABLE_VERSION
