"""The hash slot of a key in a cluster: CRC16 modulo 16384, of its hash tag alone if it has one.

A tag stands between the first `{` and the first `}` behind it, and is not empty: `{user}:1` and `{user}:2` have one
slot.
"""

import re
from binascii import crc_hqx

SLOT_BITS = 14
SLOTS = 1 << SLOT_BITS
_OPEN = re.compile(rb"[*?\[\\]")
_TAG = re.compile(rb"[^{*?\[\\]*\{([^}*?\[\\]+)\}")


def key_slot(key: bytes) -> int:
    """The slot, 0 to 16383."""
    start = key.find(b"{") + 1
    if start:
        end = key.find(b"}", start)
        if end > start:
            key = key[start:end]
    return crc_hqx(key, 0) & (SLOTS - 1)


def pattern_slot(pattern: bytes) -> int | None:
    """The slot of all keys that a glob pattern, or one of SORT, can match: by a tag before whatever it leaves open."""
    tag = _TAG.match(pattern)
    if tag is not None:
        return crc_hqx(tag[1], 0) & (SLOTS - 1)
    return None if _OPEN.search(pattern) else key_slot(pattern)
