"""Values and data of modules, which no server can read without the module: what they are called, and where they end.

A module's id is nine letters of 6 bits and 10 bits of version. What it saved is a sequence of marked words, so that it
can be passed over.
"""

from pyredis.persistence.rdb_encoding import Reader

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_END, _SIGNED, _UNSIGNED, _FLOAT, _DOUBLE, _STRING = range(6)


def module_name(id: int) -> str:
    """The name of a module's type."""
    return "".join(_LETTERS[id >> shift & 63] for shift in range(58, 9, -6))


def skip_module(reader: Reader) -> str:
    """Pass over a value or data of a module; returns its name. Raises CorruptData."""
    name = module_name(reader.length())
    while (mark := reader.length()) != _END:
        if mark in (_SIGNED, _UNSIGNED):
            reader.length()
        elif mark == _FLOAT:
            reader.take(4)
        elif mark == _DOUBLE:
            reader.take(8)
        elif mark == _STRING:
            reader.string()
        else:
            raise reader.corrupt(f"module {name}: no word is marked {mark}")
    return name
