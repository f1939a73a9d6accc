"""Comparing what hashes and sets answer where the real server's order is its hash function's."""

import hiredis

ORDERED = {"HGETALL", "HKEYS", "HVALS", "HSCAN", "HRANDFIELD"}
SORTED = {"SUNION", "SDIFF", "SPOP", "SMEMBERS", "SINTER", "SSCAN", "SRANDMEMBER"}
"""These collect their answer in a hash table, or read a set that was made in one's order by a STORE; intsets aside."""


def compare(both, words, keys):
    """Ask both. Where order is part of the answer it must be the same, unless one of the keys is in a form without."""
    name = words[0].upper()
    forms = {b"hashtable", b"listpack"} if name in SORTED else {b"hashtable"} if name in ORDERED else set()
    if not forms or not any(both("OBJECT", "ENCODING", key).split(b"\r\n")[1] in forms for key in keys):
        both(*words)
        return
    ours, real = both.replies(*words)
    assert ours[:1] == real[:1] and elements(ours, words) == elements(real, words), (words, ours, real)


def elements(reply, words):
    """An answer's elements without their order; fields stay with their values."""
    reader = hiredis.Reader()
    reader.feed(reply)
    value = reader.gets()
    name = words[0].upper()
    if name in ("HSCAN", "SSCAN") and isinstance(value, list):
        value = value[1]
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return str(value)
    no_values = any(str(word).upper() == "NOVALUES" for word in words)
    if name in ("HGETALL", "HSCAN") and not no_values:
        value = list(zip(value[::2], value[1::2], strict=True))
    return sorted(value)
