"""A package as its sources tell it: modules, who imports whom, what is called. For the rules of `test_layers.py`."""

import ast
from collections import namedtuple
from functools import cached_property

Import = namedtuple("Import", "importer imported typing_only")
"""`imported` is a module where there is such a file, else as written: `asyncio`, `random.Random`."""


class Sources:
    """All modules under a package's folder; names are dotted and begin with the package's."""

    def __init__(self, folder):
        self.root = folder.name
        self.paths = {".".join((folder.name, *parts(folder, path))): path for path in sorted(folder.rglob("*.py"))}
        self.texts = {name: path.read_text(encoding="utf-8") for name, path in self.paths.items()}
        self.trees = {name: ast.parse(text) for name, text in self.texts.items()}

    @cached_property
    def imports(self):
        """Every import, wherever it stands: in a function, in an `else`, of a package or of a module in it."""
        return [one for name in self.trees for one in self._imports_of(name)]

    @cached_property
    def inner_imports(self):
        """Those of the package's own modules."""
        return [one for one in self.imports if one.imported.split(".")[0] == self.root]

    def _imports_of(self, name):
        tree = self.trees[name]
        guards = [node for node in ast.walk(tree) if isinstance(node, ast.If) and is_type_checking(node.test)]
        guarded = {id(inner) for guard in guards for line in guard.body for inner in ast.walk(line)}
        for node in ast.walk(tree):
            for module in self._modules(name, node):
                yield Import(name, module, id(node) in guarded)

    def _modules(self, name, node):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                package = name if self.paths[name].name == "__init__.py" else name.rpartition(".")[0]
                base = ".".join(filter(None, (package.rsplit(".", node.level - 1)[0], base)))
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in self.paths or base not in self.paths else base

    def circles(self, *, typing):
        """The sets of modules that import each other, over however many others."""
        graph = {name: set() for name in self.paths}
        for one in self.imports:
            if one.imported in graph and one.imported != one.importer and (typing or not one.typing_only):
                graph[one.importer].add(one.imported)
        ahead = {name: reachable(graph, name) for name in graph}
        return {
            frozenset(other for other in ahead[name] if name in ahead[other]) for name in graph if name in ahead[name]
        }

    def nodes(self, *kinds):
        """(module, node) of every node of these kinds."""
        return ((name, node) for name, tree in self.trees.items() for node in ast.walk(tree) if isinstance(node, kinds))


def parts(folder, path):
    names = path.relative_to(folder).with_suffix("").parts
    return names[:-1] if names[-1] == "__init__" else names


def is_type_checking(test):
    return ast.unparse(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def reachable(graph, start):
    """What is imported from `start` on; itself only if it lies on a circle."""
    seen, ahead = set(), list(graph[start])
    while ahead:
        name = ahead.pop()
        if name not in seen:
            seen.add(name)
            ahead += graph[name]
    return seen
