"""Values and data of modules, which no server can read without the module: what they are called, and where they end.

A module's id is nine letters of 6 bits and 10 bits of version. What it saved is a sequence of marked words, so that it
can be passed over.
"""

from pyredis.rdb.encoding import Reader

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
END, SIGNED, UNSIGNED, FLOAT, DOUBLE, STRING = range(6)
"""The marks of words."""


def module_name(id: int) -> str:
    """The name of a module's type."""
    return "".join(_LETTERS[id >> shift & 63] for shift in range(58, 9, -6))


def module_id(name: str, version: int) -> int:
    """The id of a module's type in a version of its own."""
    number = 0
    for letter in name:
        number = number << 6 | _LETTERS.index(letter)
    return number << 10 | version


def skip_module(reader: Reader) -> str:
    """Pass over data of a module; returns its name. Raises CorruptData."""
    name = module_name(reader.length())
    skip_words(reader, name)
    return name


def skip_words(reader: Reader, name: str) -> None:
    """Pass over what a module saved. Raises CorruptData."""
    while (mark := reader.length()) != END:
        if mark in (SIGNED, UNSIGNED):
            reader.length()
        elif mark == FLOAT:
            reader.take(4)
        elif mark == DOUBLE:
            reader.take(8)
        elif mark == STRING:
            reader.string()
        else:
            raise reader.corrupt(f"module {name}: no word is marked {mark}")
