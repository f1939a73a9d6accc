"""What is not there is refused or named; nothing that a configuration says is ignored in silence."""

import io
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pyredis
from pyredis.assembly import build_engine
from pyredis.cli import main
from pyredis.config import absent
from pyredis.config.parameters import ALL
from pyredis.config.store import Config, ConfigError
from pyredis.log_levels import ServerLog
from tests.oracle import ask, binary_8_2, free_port

ROWS = ("_parameters.py", "absent.py")


def loaded(text):
    config = Config()
    config.load_lines(text)
    return config


def test_every_parameter_is_read_or_has_its_row():
    root = Path(pyredis.__file__).parent
    source = "".join(path.read_text() for path in root.rglob("*.py") if not path.name.endswith(ROWS))
    read = set(re.findall(r'["\']([a-z][a-z-]*)["\']', source))
    listed = absent.REFUSED.keys() | absent.WHY.keys()
    names = {row.name for row in ALL}
    assert listed <= names
    assert not listed & set(re.findall(r'config\["([a-z-]+)"\]', source)) - {"tls-port"}
    assert not names - listed - read
    assert len(absent.WHY) == sum(len(names.split()) for names in absent.IDLE.values())


def test_the_documentation_lists_what_changes_nothing():
    text = (Path(pyredis.__file__).parents[1] / "docs" / "operating.md").read_text()
    rows = re.findall(r"^\| (`.*`) \| (.*) \|$", text, re.MULTILINE)
    assert {reason: names.replace("`", "").split() for names, reason in rows} == {
        reason: names.split() for reason, names in absent.IDLE.items()
    }


@pytest.mark.parametrize(
    "line",
    [
        "tls-port 6380",
        "port 0\ntls-port 6380",
        "tls-replication yes",
        "tls-cluster yes",
        "loadmodule /x.so",
        "loadmodule /x.so a b",
        "redisearch.nothing 1",
    ],
)
def test_what_could_lose_data_is_refused(line, tmp_path, monkeypatch, capsys):
    with pytest.raises(ConfigError, match="FATAL CONFIG FILE ERROR"):
        build_engine(loaded(line))
    (tmp_path / "inner.conf").write_text(line)
    (tmp_path / "outer.conf").write_text(f"include {tmp_path}/inner.conf\n")
    for arguments in ([str(tmp_path / "inner.conf")], [str(tmp_path / "outer.conf")], ["-"]):
        monkeypatch.setattr(sys, "stdin", io.StringIO(line))
        assert main(arguments) == 1
        told = capsys.readouterr().err
        name = line.split("\n")[-1].split()[0]
        assert name in told, told


@pytest.mark.parametrize("line", ["cluster-enabled no", "tls-port 0", "tls-cert-file /x"])
def test_what_asks_for_nothing_is_taken(line):
    build_engine(loaded(line))


@pytest.mark.parametrize("arguments", [["--sentinel"], ["x.conf", "--sentinel"]])
def test_no_sentinel(arguments, capsys):
    assert main(arguments) == 1
    assert "Sentinel" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["redis-sentinel", "pyredis-sentinel"])
def test_no_sentinel_by_name(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [f"/usr/bin/{name}"])
    assert main() == 1
    assert "Sentinel" in capsys.readouterr().err


@pytest.mark.parametrize("pair", [("tls-port", "1"), ("tls-replication", "yes"), ("tls-cluster", "yes")])
def test_config_set_refuses_too(pair, server):
    """The text is that of 7.0.15; 8.2.3 without TLS ends here with signal 11."""
    was = ask(server.port, "CONFIG", "GET", pair[0])
    reply = ask(server.port, "CONFIG", "SET", "hz", "20", *pair)
    assert (
        reply
        == (
            f"-ERR CONFIG SET failed (possibly related to argument '{pair[0]}') - "
            "Unable to update TLS configuration. Check server logs.\r\n"
        ).encode()
    )
    assert ask(server.port, "CONFIG", "GET", pair[0]) == was
    assert b"$2\r\n10" in ask(server.port, "CONFIG", "GET", "hz")


@pytest.mark.parametrize(
    "words",
    [
        ("CONFIG", "SET", "cluster-enabled", "yes"),
        ("CONFIG", "SET", "loadmodule", "/x.so"),
        ("CONFIG", "SET", "tls-cert-file", "/x"),
        ("CONFIG", "SET", "tls-cert-file", ""),
    ],
)
def test_config_set_answers(both, words):
    both(*words)


def test_idle_ones_are_named_in_one_line(caplog):
    config = loaded("io-threads 4\nactivedefrag yes\nset-proc-title no\nreplica-priority 100\ntls-ciphers x")
    with caplog.at_level(logging.WARNING, "pyredis"):
        absent.warn(config, ServerLog())
        (line,) = caplog.messages
        assert line.startswith("Without effect in this server: activedefrag (") and "io-threads (commands" in line
        assert "tls-ciphers" in line and "set-proc-title" not in line and "replica-priority" not in line
        caplog.clear()
        for name, value in ((b"activedefrag", b"no"), (b"activedefrag", b"yes"), (b"list-compress-depth", b"7")):
            config.set_many([(name, value)])
        config.set_many([(b"list-compress-depth", b"8")])
    assert caplog.messages == ["Without effect in this server: list-compress-depth (lists are kept uncompressed)"]


def test_defaults_are_silent(caplog):
    with caplog.at_level(logging.WARNING, "pyredis"):
        absent.warn(Config(), ServerLog())
    assert not caplog.messages


def said_at_start(binary, arguments):
    done = subprocess.run([*binary, "--save", "", *arguments], capture_output=True, text=True, check=False, timeout=20)
    return done.returncode, done.stdout.splitlines()[-1].partition(" # ")[2]


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [("--port", "0"), ("--bind", ""), ("--bind", "-1.2.3.4")])
def test_a_server_that_listens_nowhere_does_not_start(arguments):
    arguments = ("--port", str(free_port()), *arguments)
    ours = said_at_start([sys.executable, "-m", "pyredis.cli"], arguments)
    assert ours == (1, "Configured to not listen anywhere, exiting.")
    if binary_8_2():
        assert said_at_start([binary_8_2()], arguments) == ours
