"""What COMMAND DOCS tells beyond a command's row: its arguments, its history, and what sort of command it is.

These are facts about Redis, which clients make their hints of: `documentation.json` has them as Redis 8.2.3 answers
them, without the `display_text` of arguments that are shown by their name. `pytest
tests/engine/command_table/test_documentation.py --record` writes it. It is read when somebody asks for the first time.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from pyredis.protocol.replies import Status, Unordered

FILE = Path(__file__).with_name("documentation.json")

Reply = dict[bytes, Any]


@cache
def documentation() -> dict[str, Reply]:
    """By a command's full name, the fields `doc_flags`, `history` and `arguments`, as a reply; only those it has."""
    import json  # which a start can do without

    facts = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        name: {field.encode(): _REPLIES[field](value) for field, value in fields.items()}
        for name, fields in facts.items()
    }


def _statuses(words: list[str]) -> Unordered:
    return Unordered(Status(word.encode()) for word in words)


def _history(changes: list[list[str]]) -> Unordered:
    return Unordered([since.encode(), change.encode()] for since, change in changes)


def _arguments(arguments: list[dict[str, Any]]) -> list[Reply]:
    return [_argument(one) for one in arguments]


def _argument(fields: dict[str, Any]) -> Reply:
    answer: Reply = {b"name": fields["name"].encode(), b"type": fields["type"].encode()}
    if fields["type"] not in ("oneof", "block"):
        answer[b"display_text"] = answer[b"name"]
    for name, value in fields.items():
        answer[name.encode()] = _REPLIES[name](value) if name in _REPLIES else _plain(value)
    return answer


def _plain(value: str | int) -> bytes | int:
    return value.encode() if isinstance(value, str) else value


_REPLIES: dict[str, Callable[[Any], Any]] = {
    "doc_flags": _statuses,
    "flags": _statuses,
    "history": _history,
    "arguments": _arguments,
}
