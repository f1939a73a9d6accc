"""`maxclients` and the limit of open files: the values are those of 7.0.15 and 8.2.3, which agree."""

import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests import processes
from tests.oracle import ask, binary_7_0, binary_8_2, wait_for

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.slow
OURS = processes.SERVER
SERVERS = [OURS, *([path] for path in (binary_7_0(), binary_8_2()) if path)]
TRY_WITH = (
    "-ERR CONFIG SET failed (possibly related to argument 'maxclients') - "
    "The operating system is not able to handle the specified number of clients, try with {}\r\n"
)
REDUCED = (
    "You requested maxclients of {} requiring at least {} max file descriptors.",
    "Server can't set maximum open files to {1} because of OS error: Operation not permitted.",
    "Current maximum open files is {2}. maxclients has been reduced to {3} to compensate for low ulimit. "
    "If you need higher maxclients increase 'ulimit -n'.",
)

if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 3000:
    pytest.skip("the hard limit is too low", allow_module_level=True)


def limited(soft, hard):
    """What a child does before it becomes a server."""
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def may_raise_hard_limits():
    code = "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (64, 64)); r.setrlimit(r.RLIMIT_NOFILE, (64, 65))"
    return not subprocess.run([sys.executable, "-c", code], stderr=subprocess.DEVNULL, check=False).returncode


if may_raise_hard_limits():
    pytest.skip("hard limits do not bind this user", allow_module_level=True)


@contextmanager
def started(binary, path, soft, hard, maxclients):
    """A server's port, the file of its log and its process."""
    log = path / "log"
    arguments = ("--save", "", "--logfile", str(log), "--dir", str(path), "--maxclients", str(maxclients))
    with processes.started(*arguments, command=binary, ready=False, preexec_fn=limited(soft, hard)) as (port, process):
        wait_for(lambda: process.poll() is not None or ask(port, "PING") == b"+PONG\r\n")
        yield port, log, process


def max_clients(port):
    return int(ask(port, "CONFIG", "GET", "maxclients").split(b"\r\n")[-2])


def messages(log):
    return [line.split(" ", 6)[-1] for line in log.read_text().splitlines()]


@pytest.mark.parametrize("binary", SERVERS, ids=lambda words: words[0].split("/")[-3])
@pytest.mark.parametrize(
    ("soft", "hard", "limit"), [(1024, 1024, 1024), (1024, 2005, 2000), (1999, 2005, 2000), (33, 33, 33)]
)
def test_what_the_system_has_not_is_not_promised(binary, soft, hard, limit, tmp_path):
    with started(binary, tmp_path, soft, hard, 10000) as (port, log, _):
        room = limit - 32
        assert max_clients(port) == room
        lines = [line.format(10000, 10032, limit, room) for line in REDUCED]
        assert [line for line in messages(log) if line in lines] == lines
        assert ask(port, "CONFIG", "SET", "maxclients", "1") == b"+OK\r\n"
        for asked in (room + 16, 3000, 1_000_000):
            assert ask(port, "CONFIG", "SET", "maxclients", str(asked)) == TRY_WITH.format(room).encode()
            assert max_clients(port) == 1
        assert ask(port, "CONFIG", "SET", "hz", "20", "maxclients", "3000") == TRY_WITH.format(room).encode()
        assert b"$2\r\n10" in ask(port, "CONFIG", "GET", "hz")
        assert ask(port, "CONFIG", "SET", "maxclients", str(room)) == b"+OK\r\n"


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="others' limits cannot be read")
@pytest.mark.parametrize("binary", SERVERS, ids=lambda words: words[0].split("/")[-3])
def test_the_soft_limit_is_raised(binary, tmp_path):
    with started(binary, tmp_path, 256, 2500, 1000) as (port, log, process):
        assert max_clients(port) == 1000
        assert "Increased maximum number of open files to 1032 (it was originally set to 256)." in messages(log)
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] == 1032
    with started(binary, tmp_path, 256, 2500, 100) as (port, log, process):
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] == 256
        assert ask(port, "CONFIG", "SET", "maxclients", "2001") == b"+OK\r\n"
        assert max_clients(port) == 2001
        assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] == 2033


def test_it_can_be_raised_again(tmp_path):
    """A real server lowers the hard limit with the first step, and then refuses."""
    with started(OURS, tmp_path, 256, 2500, 1000) as (port, _, _):
        assert ask(port, "CONFIG", "SET", "maxclients", "2400") == b"+OK\r\n"
        assert ask(port, "CONFIG", "SET", "maxclients", "2469") == TRY_WITH.format(2453).encode()


def test_no_overflow(tmp_path):
    """A real server adds the reserved files to 32 bits, finds that 31 are enough, and takes it."""
    with started(OURS, tmp_path, 256, 256, 100) as (port, _, _):
        assert ask(port, "CONFIG", "SET", "maxclients", "4294967295") == TRY_WITH.format(224).encode()


@pytest.mark.parametrize("binary", SERVERS, ids=lambda words: words[0].split("/")[-3])
@pytest.mark.parametrize("limit", [20, 32])
def test_too_few_to_start(binary, limit, tmp_path):
    with started(binary, tmp_path, limit, limit, 100) as (_, log, process):
        assert process.wait(20) == 1
        assert messages(log)[-1] == (
            f"Your current 'ulimit -n' of {limit} is not enough for the server to start. "
            "Please increase your open file limit to at least 132. Exiting."
        )
