"""The tree as the tests of this package see it: its modules, their imports and their names."""

from __future__ import annotations

import ast
import pkgutil
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PYPROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
TOP_LEVEL: Final = ("papers", "workers", "service", "paperwire")
"""The packages at the root that are Paperwire; tests and benchmarks stand beside them."""


def source_files(*folders: str) -> Iterator[Path]:
    """The Python files below folders at the root; by default those of Paperwire."""
    for folder in folders or TOP_LEVEL:
        yield from sorted((ROOT / folder).rglob("*.py"))


def dotted_name(path: Path) -> str:
    """The dotted name of a module; of an `__init__.py`, its package's."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def syntax_tree(path: Path) -> ast.Module:
    """A file's syntax tree, parsed once per test run."""
    return ast.parse(path.read_text("utf-8"))


MODULES: Final = {dotted_name(path): path for path in source_files()}
"""Every module and package of Paperwire by its dotted name."""

PACKAGES: Final = {name: path for name, path in MODULES.items() if path.name == "__init__.py"}


def imported_names(path: Path) -> Iterator[str]:
    """Every name that a file imports, at any depth: `import a.b` and `from a.b import c`.

    The latter is both `a.b` and `a.b.c`, for `c` may be a module.
    """
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports by full names only"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imported_modules(path: Path) -> set[str]:
    """The modules of Paperwire that a file imports.

    `from a.b import c` imports the module `a.b.c` where there is one, else `a.b`.
    """
    found: set[str] = set()
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module or "" for name in names}
    return found & MODULES.keys()


def is_within(name: str, package: str) -> bool:
    """True of a package itself and of all that is in it."""
    return name == package or name.startswith(f"{package}.")


def find_cycle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return one cycle of a directed graph as the nodes on it, or an empty list."""
    done: set[str] = set()

    def visit(node: str, path: list[str]) -> list[str]:
        if node in path:
            return [*path[path.index(node) :], node]
        if node in done:
            return []
        cycles = (visit(target, [*path, node]) for target in sorted(graph.get(node, ())))
        cycle = next((cycle for cycle in cycles if cycle), [])
        done.add(node)
        return cycle

    return next((cycle for node in sorted(graph) if (cycle := visit(node, []))), [])


def tracked_files() -> list[Path]:
    """The files under version control; skips the test outside of a clone."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("no git, or no clone: cannot tell which files belong to the project")
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def resolves(name: str) -> bool:
    """True if a dotted name is a module or package, or can be reached from one by import."""
    module = ROOT / name.replace(".", "/")
    if module.is_dir() or module.with_suffix(".py").exists():
        return True
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True
