"""How good are the tests? Change one thing in a module, and see whether a test fails.

    python -m tests.mutation pyredis/keyspace/database.py [more files or folders] [--limit 60] [--seed 1] [--jobs 2]

Each mutant differs from the sources in one place: a comparison, `and` or `or`, a `not`, a number, a sign, a statement
less, a value not returned, two arguments exchanged. It is tried in a copy of the tree, by the module's own test file
first, then by those of `WIDER`, without slow ones, up to the first failure; one that never ends is killed, too. What
survives is printed with its place: a test is missing there, or the change is none (say why, and do not count it).

The goal is to kill 90 % over engine/, keyspace/ and protocol/. This takes some 3 s a mutant, so CI does not do it.
"""

import argparse
import ast
import copy
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).parent.parent
COMMANDS = "strings transactions clients monitoring expiry generic lists acl administration scripting hash_expiry"
WIDER = {
    "pyredis/protocol": "tests/protocol tests/server/test_connection.py tests/server/test_limits.py",
    "pyredis/keyspace": "tests/keyspace tests/engine/memory",
    "pyredis/engine/acl": "tests/engine/acl tests/commands/test_acl.py",
    "pyredis/engine/messaging": "tests/engine/messaging tests/commands/test_pubsub.py tests/commands/test_tracking.py",
    "pyredis/engine/memory": "tests/engine/memory tests/commands/test_memory.py",
    "pyredis/engine": "tests/engine tests/server/test_connection.py tests/server/test_limits.py",
    "pyredis": " ".join(f"tests/commands/test_{name}.py" for name in COMMANDS.split()),
}
"""The tests that see most of a folder's modules, beside those that mirror them; a folder's come before its parent's."""

COMPARISONS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
COMPARISONS |= {ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In}
SIGNS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.Mult: ast.FloorDiv}
SIGNS |= {ast.And: ast.Or, ast.Or: ast.And, ast.FloorDiv: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift}

Mutant = namedtuple("Mutant", "path line before after source")


def mutants(path):
    """Every mutant of a module."""
    source = (ROOT / path).read_bytes()
    tree = ast.parse(source)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in living(tree):
        for place, changed in changes(node):
            start = starts[place.lineno - 1] + place.col_offset
            end = starts[place.end_lineno - 1] + place.end_col_offset
            after = ast.unparse(changed)
            text = f"({after})" if isinstance(place, ast.expr) else after
            yield Mutant(path, place.lineno, ast.unparse(place), after, source[:start] + text.encode() + source[end:])


def living(node):
    """The nodes that do something: no annotations, no imports, nothing for the type checker or the log only."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            is_part = isinstance(child, ast.expr | ast.stmt | ast.comprehension | ast.match_case | ast.ExceptHandler)
            if is_part and field not in ("annotation", "returns", "decorator_list") and not is_silent(child):
                if hasattr(child, "lineno"):
                    yield child
                yield from living(child)
            elif isinstance(child, ast.keyword | ast.arguments):
                yield from living(child)


def is_silent(node):
    """Imports, what the log says, and what is for the type checker."""
    starts = ("log.", "assert ", "if TYPE_CHECKING")
    return isinstance(node, ast.Import | ast.ImportFrom | ast.JoinedStr) or ast.unparse(node).startswith(starts)


def changes(node):
    """(what changes, what takes its place) for a node."""
    match node:
        case ast.Compare():
            for at, sign in enumerate(node.ops):
                yield node, altered(node, ops=[*node.ops[:at], COMPARISONS[type(sign)](), *node.ops[at + 1 :]])
        case ast.BoolOp() | ast.BinOp() | ast.AugAssign() if type(node.op) in SIGNS:
            yield node, altered(node, op=SIGNS[type(node.op)]())
        case ast.UnaryOp(op=ast.Not()):
            yield node, node.operand
        case ast.If(test=test) | ast.IfExp(test=test) if isinstance(test, ast.Name | ast.Attribute | ast.Call):
            yield test, ast.UnaryOp(ast.Not(), test)
        case ast.Constant(value=bool(value)):
            yield node, ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield node, ast.Constant(value + 1)
            yield node, ast.Constant(value - 1)
        case ast.Return(value=value) if value is not None and ast.unparse(value) != "None":
            yield node, ast.Return(None)
        case ast.Break() | ast.Continue():
            yield node, ast.Continue() if isinstance(node, ast.Break) else ast.Break()
        case ast.Call(args=[one, two, *rest]) if not any(isinstance(arg, ast.Starred) for arg in node.args):
            yield node, altered(node, args=[two, one, *rest])
    if may_go(node):
        yield node, ast.Pass()


def may_go(node):
    """Whether a statement can be left out without a name being unknown then."""
    match node:
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript(), *_]) | ast.Expr(value=ast.Call()):
            return True
    return isinstance(node, ast.AugAssign | ast.Raise | ast.Delete)


def altered(node, **fields):
    clone = copy.copy(node)
    for name, value in fields.items():
        setattr(clone, name, value)
    return clone


def tests_of(path):
    """Test files, those that are nearest first."""
    own = ROOT / "tests" / path.relative_to("pyredis").with_name(f"test_{path.name}")
    near = [own] if own.exists() else []
    for folder in path.parents:
        for name in WIDER.get(folder.as_posix(), "").split():
            near += sorted((ROOT / name).rglob("test_*.py")) if (ROOT / name).is_dir() else [ROOT / name]
    return [str(one.relative_to(ROOT)) for one in dict.fromkeys(near)]


def passes(tree, tests, timeout, marked="not proof and not slow"):
    """Whether the tests pass in a copy of the sources, in time."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", "-m", marked, *tests]
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    with (tree / "mutation.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tree, env=environment, start_new_session=True, stdout=log, stderr=log)
    try:
        return process.wait(timeout) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class Trial:
    """Copies of the tree, one for each job, in which mutants are tried."""

    def __init__(self, folder, jobs):
        self.trees = Queue()
        self.seconds = {}  # that the tests of a file take
        ignored = shutil.ignore_patterns(".git", "__pycache__", ".*_cache", ".hypothesis")
        for number in range(jobs):
            self.trees.put(shutil.copytree(ROOT, Path(folder) / str(number), ignore=ignored))

    def measure(self, path):
        """The tests have to pass without a change; how long that takes is how long a mutant may."""
        tree = self.trees.get()
        started = time.monotonic()
        if not passes(tree, tests_of(path), 900):
            raise SystemExit(
                f"the tests of {path} fail without a mutant: {(tree / 'mutation.log').read_text()[-2000:]}"
            )
        self.seconds[path] = 3 * (time.monotonic() - started) + 10
        self.trees.put(tree)

    def survives(self, mutant):
        """Whether no test sees a mutant: neither of the nearest ones nor of the others."""
        tree = self.trees.get()
        place = tree / mutant.path
        original = place.read_bytes()
        place.write_bytes(mutant.source)
        try:
            near, *wider = tests_of(mutant.path)
            return all(not files or passes(tree, files, self.seconds[mutant.path]) for files in ([near], wider))
        finally:
            place.write_bytes(original)
            self.trees.put(tree)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--limit", type=int, default=60, help="mutants at most, drawn at random (60)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--list", action="store_true", help="show the mutants, try none")
    options = parser.parse_args()
    files = [file for path in options.paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])]
    found = [mutant for file in files for mutant in mutants(file)]
    chosen = random.Random(options.seed).sample(found, min(options.limit, len(found)))
    chosen.sort(key=lambda mutant: (str(mutant.path), mutant.line))
    if options.list:
        for mutant in chosen:
            print(describe(mutant))
        return
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as pool:
        trial = Trial(folder, options.jobs)
        for path in dict.fromkeys(mutant.path for mutant in chosen):
            trial.measure(path)
        alive = 0
        for mutant, lives in zip(chosen, pool.map(trial.survives, chosen), strict=True):
            alive += lives
            if lives:
                print(describe(mutant), flush=True)
    killed = len(chosen) - alive
    print(f"{killed} of {len(chosen)} killed, {killed / max(len(chosen), 1):.0%}; {len(found)} there are")


def describe(mutant):
    before, after = (text.partition("\n")[0][:110] for text in (mutant.before, mutant.after))
    return f"{mutant.path}:{mutant.line}: {before}  →  {after}"


if __name__ == "__main__":
    main()
