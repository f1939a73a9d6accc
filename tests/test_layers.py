"""The rules of ARCHITECTURE.md: imports point downward, nothing is circular, asyncio stays where sockets are.

A rule is a function of a package's sources that yields what breaks it. Each is shown to fail on a package made for it.
"""

import ast
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.sources import Sources

LAYERS = (
    {"errors", "clock", "patterns", "log_levels", "config", "datatypes", "protocol"},
    {"keyspace"},
    {"rdb"},
    {"engine"},
    {"scripting", "persistence", "replication", "cluster", "sentinel"},
    {"commands"},
    {"assembly", "server"},
    {"cli", "check_aof", "check_rdb", "embedded", "local_cluster", "testing"},
    {"__main__"},
)
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
SIDEWAYS = {
    "config": {"errors", "patterns"},
    "datatypes": {"config", "errors"},
    "protocol": {"config", "datatypes", "errors"},
    "replication": {"persistence"},
    "cluster": {"persistence", "replication"},
}
"""Who may import whom within a layer."""

LOWEST_OF_ENGINE = {"command_table"}  # its folders that know none of the others; the rest has no order yet
MAY_WAIT = {
    *("cli", "server.asyncio_host", "server.listener", "server.loop", "server.process", "server.transport"),
    "local_cluster.resp_client",
    "testing.redis_server",
}
WAITS = {"asyncio", "uvloop", "socket", "select", "selectors", "ssl"}
CLOCKS = {"clock"}
FORMATS_TIME = {"strftime", "localtime"}
ONE_NAME: set[str] = set()  # modules that share a name
STANDARD_NAMES = {"struct"}  # named like a module of the standard library
CIRCLES: set[frozenset[str]] = set()
"""Modules that import each other for type checking only: they shall become none."""


def top(module):
    return (*module.split("."), "")[1]


def points_upward(sources):
    """Imports from a layer above; and what is in none."""
    yield from {f"{name} is in no layer" for name in sources.paths if top(name) and top(name) not in RANK}
    for importer, imported, _ in sources.inner_imports:
        if RANK.get(top(imported), -1) > RANK.get(top(importer), -1):
            yield f"{importer} imports {imported} from above"


def points_sideways(sources):
    """Imports within a layer, but for those that are wanted."""
    for importer, imported, _ in sources.inner_imports:
        one, other = top(importer), top(imported)
        if one != other and RANK.get(one) == RANK.get(other, -1) and other not in SIDEWAYS.get(one, ()):
            yield f"{importer} imports {imported} beside it"


def leaves_its_place_in_the_engine(sources):
    """The engine's lowest folders import nothing else of it."""
    for importer, imported, _ in sources.inner_imports:
        one, other = (module.split(".")[1:3] for module in (importer, imported))
        if top(importer) == top(imported) == "engine" and one != other and one[-1] in LOWEST_OF_ENGINE:
            yield f"{importer} imports {imported}"


def goes_in_circles(sources):
    """Modules that need each other to be loaded, at once or later."""
    yield from (" ↔ ".join(sorted(circle)) for circle in sources.circles(typing=False))


def circles_for_typing(sources):
    """Those beside the known ones, and the known ones that are gone: then CIRCLES is to be emptied."""
    yield from (" ↔ ".join(sorted(circle)) for circle in sources.circles(typing=True) ^ CIRCLES)


def waits_elsewhere(sources):
    """asyncio and sockets outside of the server, what tests it and what starts it."""
    for importer, imported, _ in sources.imports:
        if imported.split(".")[0] in WAITS and importer.removeprefix("pyredis.") not in MAY_WAIT:
            yield f"{importer} imports {imported}"


def asks_the_machine(sources):
    """Time and chance that are not injected."""
    for importer, imported, _ in sources.imports:
        module, _, name = imported.partition(".")
        if (module == "time" and name and top(importer) not in CLOCKS) or (module == "random" and name != "Random"):
            yield f"{importer} imports {imported}"
    for name, node in sources.nodes(ast.Attribute):
        word = ast.unparse(node)
        if top(name) not in CLOCKS and word.startswith("time.") and node.attr not in FORMATS_TIME:
            yield f"{name} uses {word}"
        if word in ("datetime.now", "datetime.utcnow", "datetime.today", "os.urandom", "uuid.uuid4"):
            yield f"{name} uses {word}"


def shares_its_name(sources):
    """Two modules of one name, or one that hides the standard library's."""
    names = Counter(path.stem for path in sources.paths.values() if path.stem not in ("__init__", "__main__"))
    standard = names.keys() & sys.stdlib_module_names
    yield from {name for name, count in names.items() if count > 1} ^ ONE_NAME
    yield from standard - STANDARD_NAMES


def is_too_long(sources):
    """Files to 900 lines, functions under 80."""
    yield from (name for name, text in sources.texts.items() if text.count("\n") > 900)
    for name, node in sources.nodes(ast.FunctionDef, ast.AsyncFunctionDef):
        if node.end_lineno - node.lineno >= 80:
            yield f"{name}.{node.name}"


def lies_too_deep(sources):
    """Folders are at most two deep."""
    yield from (name for name in sources.paths if name.count(".") > 3)


BROKEN = [
    (points_upward, "pyredis.server", {"engine/engine.py": "from pyredis import server"}),
    (
        points_upward,
        "engine.client",
        {"keyspace/database.py": "def later():\n    from pyredis.engine.client import Client"},
    ),
    (points_upward, "pyredis.keyspace", {"protocol/parser.py": "from ..keyspace import database"}),
    (points_upward, "in no layer", {"utilities.py": ""}),
    (points_sideways, "scripting.scripts", {"persistence/saving.py": "import pyredis.scripting.scripts"}),
    (points_sideways, "protocol.parser", {"datatypes/table.py": "from pyredis.protocol import parser"}),
    (points_sideways, "assembly", {"server/server.py": "if TYPE_CHECKING:\n    from pyredis import assembly"}),
    (leaves_its_place_in_the_engine, "client", {"engine/command_table/entry.py": "from pyredis.engine import client"}),
    (
        goes_in_circles,
        "pyredis.engine.client ↔ pyredis.engine.engine",
        {
            "engine/client.py": "def later():\n    from pyredis.engine import engine",
            "engine/engine.py": "import pyredis.engine.client",
        },
    ),
    (
        goes_in_circles,
        "pyredis.a ↔ pyredis.b ↔ pyredis.c",
        {
            "a.py": "if TYPE_CHECKING:\n    pass\nelse:\n    from . import b",
            "b.py": "from pyredis.c import C",
            "c.py": "class C:\n    from .a import A",
        },
    ),
    (
        circles_for_typing,
        "pyredis.a ↔ pyredis.b",
        {"a.py": "from . import b", "b.py": "if TYPE_CHECKING:\n    from pyredis.a import A"},
    ),
    (waits_elsewhere, "asyncio.sleep", {"engine/engine.py": "def later():\n    from asyncio import sleep"}),
    (waits_elsewhere, "socket", {"cluster/transport.py": "import socket"}),
    (asks_the_machine, "time.time", {"engine/engine.py": "from time import time"}),
    (asks_the_machine, "time.monotonic", {"server/logs.py": "import time\nnow = time.monotonic"}),
    (asks_the_machine, "random.choice", {"datatypes/set.py": "from random import choice, Random"}),
    (asks_the_machine, "random", {"server/logs.py": "import random"}),
    (asks_the_machine, "datetime.now", {"server/logs.py": "datetime.now()"}),
    (shares_its_name, "events", {"keyspace/events.py": "", "cluster/events.py": ""}),
    (shares_its_name, "queue", {"engine/queue.py": ""}),
    (is_too_long, "pyredis.cli", {"cli.py": "\n" * 901}),
    (is_too_long, "pyredis.cli.main", {"cli.py": "async def main():\n" + "    pass\n" * 80}),
    (lies_too_deep, "rules.user", {"engine/acl/rules/user.py": ""}),
]
RULES = list(dict.fromkeys(rule for rule, *_ in BROKEN))


@pytest.fixture(scope="session")
def sources():
    return Sources(Path(__file__).parent.parent / "pyredis")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_rule_is_kept(rule, sources):
    assert not list(rule(sources)), rule.__doc__


@pytest.mark.parametrize(("rule", "found", "files"), BROKEN, ids=lambda value: getattr(value, "__name__", ""))
def test_every_rule_can_fail(rule, found, files, tmp_path):
    for name, text in files.items():
        path = tmp_path / "pyredis" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert any(found in broken for broken in rule(Sources(tmp_path / "pyredis")))
