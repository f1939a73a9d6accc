"""What pip installs: everything the program reads, and types that a strict checker of somebody's code believes."""

import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROGRAM = """
from pyredis import REDIS_VERSION
from pyredis.clock import ManualClock
from pyredis.testing import Caller, RedisServer, Simulation

clock = ManualClock()
with RedisServer({"requirepass": "secret", "port": 6399}, clock=clock) as server:
    port: int = server.port
    url: str = server.url
    clock.advance(5)
    cycles: int = server.call(lambda: server.engine.connected)
caller = Caller(Simulation(seed=7).host("client"), ("a", 6379))
caller.send("SET", "k", "v")
version: str = REDIS_VERSION
"""

pytestmark = pytest.mark.slow


def run(*command, cwd=None):
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_all_that_is_read(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    sources = (path for path in (ROOT / "pyredis").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    assert {path.relative_to(ROOT).as_posix() for path in sources} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert all(name.startswith(("pyredis/", "pyredis_server-")) for name in names)


def test_its_types_hold_for_a_strict_checker(wheel, tmp_path):
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    python = environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    (site,) = environment.glob("**/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    run(
        *(sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file="),
        *("--python-executable", str(python), str(program)),
        cwd=tmp_path,
    )
