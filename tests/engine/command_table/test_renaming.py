"""`rename-command` directives, in the order of the file."""

import pytest

from pyredis.assembly import build_engine
from pyredis.config.store import Config, ConfigError
from pyredis.engine.execution.dispatch import execute
from pyredis.engine.roster import Clients


def client(*lines):
    config = Config()
    config.load_lines("\n".join(lines))
    engine = build_engine(config)
    return lambda *argv: execute(engine, engine[Clients].connect(), list(argv))


def test_the_new_name_works_in_any_case_and_the_old_one_no_more():
    ask = client("rename-command eCHo RePeat")
    for name in (b"repeat", b"REPEAT", b"rEpEaT"):
        assert ask(name, b"x") == b"x"
    for name in (b"echo", b"ECHO", b"Echo"):
        assert b"unknown command" in ask(name, b"x").line


def test_an_empty_new_name_removes():
    assert b"unknown command" in client('rename-command PING ""')(b"ping").line


def test_later_directives_see_what_earlier_ones_did():
    ask = client("rename-command echo repeat", "rename-command ping echo", 'rename-command repeat ""')
    assert ask(b"ECHO", b"x") == b"x"
    assert ask(b"ECHO", b"x", b"y").line == b"ERR wrong number of arguments for 'ping' command"
    assert b"unknown command" in ask(b"repeat", b"x").line


def test_one_engine_s_names_are_not_another_s():
    client("rename-command echo repeat")
    assert client()(b"echo", b"x") == b"x"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("rename-command nosuch other", "No such command in rename-command"),
        ("rename-command config|get other", "No such command in rename-command"),
        ("rename-command echo PING", "Target command name already exists"),
    ],
)
def test_what_is_not_possible_names_the_line(line, reason):
    with pytest.raises(ConfigError) as caught:
        client("port 0", line)
    assert f"at line 2\n>>> '{line}'\n{reason}" in str(caught.value)
