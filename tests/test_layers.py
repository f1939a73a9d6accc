"""Imports point only downward, there are no cycles, and asyncio stays where sockets are (see ARCHITECTURE.md)."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pyredis"
LAYERS = [
    {"errors", "clock", "patterns", "log_levels", "config", "datatypes", "protocol"},
    {"keyspace"},
    {"rdb"},
    {"engine"},
    {"scripting", "persistence", "replication", "cluster", "sentinel"},
    {"commands"},
    {"assembly", "server"},
    {"cli", "embedded", "testing"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
FILES = sorted(PACKAGE.rglob("*.py"))
MAY_WAIT = {"transport", "asyncio_host", "loop", "cli", "redis_server"}
SHADOWED = {"string", "types", "random", "time", "logging", "signal", "socket", "json", "queue", "glob"}


def parts(path):
    return path.relative_to(PACKAGE).with_suffix("").parts


def imports(path):
    """(module, only for type checking) of every import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in guarded) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", id(node) in guarded


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(parts(path)))
def test_imports_point_downward(path):
    rank = RANK.get(parts(path)[0], len(LAYERS))
    for module, _ in imports(path):
        names = module.split(".")
        if names[0] == "pyredis" and len(names) > 1:
            assert RANK[names[1]] <= rank, f"{path.name} imports {module} from above"


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(parts(path)))
def test_asyncio_stays_with_the_sockets(path):
    if parts(path)[-1] not in MAY_WAIT:
        assert not {"asyncio", "uvloop"} & {module.split(".")[0] for module, _ in imports(path)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(parts(path)))
def test_time_and_chance_are_injected(path):
    if parts(path) == ("clock",):
        return
    text = path.read_text(encoding="utf-8")
    for forbidden in ("time.time(", "time.monotonic(", "time.time_ns(", "perf_counter"):
        assert forbidden not in text, f"{path.name} uses {forbidden}"
    for line in re.findall("^ *(?:import random|from random import) *(.*)", text, re.MULTILINE):
        assert line == "Random", f"{path.name} uses the random module"


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(parts(path)))
def test_each_server_has_a_log_of_its_own(path):
    if parts(path) != ("log_levels",):
        assert "getLogger(" not in path.read_text(encoding="utf-8")


def test_no_cycles():
    """In `server/` not even for type checking."""
    graph = {}
    for path in FILES:
        name = ".".join(("pyredis", *parts(path))).removesuffix(".__init__")
        found = imports(path)
        graph[name] = {module for module, typed in found if "pyredis" in module and (not typed or "server" in name)}
    done, path = set(), []

    def visit(name):
        if name in done or name not in graph:
            return
        assert name not in path, " → ".join([*path, name])
        path.append(name)
        for other in graph[name]:
            visit(other)
        done.add(path.pop())

    for name in graph:
        visit(name)


def test_files_and_functions_stay_readable():
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 900, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno - node.lineno < 80, f"{path}: {node.name}"


def test_folders_are_at_most_two_deep():
    assert all(len(parts(path)) <= 3 for path in FILES)
