"""Every cache in a process's memory is a row of `papers.config.process_caches.PROCESS_CACHES`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

import pytest

from papers.config.process_caches import PROCESS_CACHES
from tests.promises.source_tree import MODULES, resolves, syntax_tree

DECORATORS: Final = ("lru_cache", "cache")
CONSTRUCTORS: Final = ("LRUCache", "TTLCache", "ByteLRU", "lru_cache")
CONTAINERS: Final = ("dict", "list", "set", "defaultdict", "deque", "OrderedDict", "Counter")
MUTATORS: Final = ("setdefault", "update", "append", "extend", "add", "insert", "pop", "popitem")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def called_name(node: ast.expr) -> str:
    """The last name of what is called or subscripted: `lru_cache` of `functools.lru_cache(8)`."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return ast.unparse(node).rpartition(".")[2]


def cached_functions(tree: ast.Module) -> Iterator[str]:
    """Functions and methods under `lru_cache` or `cache`, by their dotted name in the module."""
    for node in tree.body:
        inner = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
        for function in (each for part in inner for each in ast.walk(part)):
            if isinstance(function, Function) and has_cache(function):
                yield prefix + function.name


def has_cache(function: Function) -> bool:
    return any(called_name(each) in DECORATORS for each in function.decorator_list)


def constructed_caches(tree: ast.Module) -> Iterator[str]:
    """Top-level classes, functions or names whose code makes a cache by calling its class."""
    for node in tree.body:
        nodes = (each for part in own_parts(node) for each in ast.walk(part))
        if any(isinstance(n, ast.Call) and called_name(n) in CONSTRUCTORS for n in nodes):
            yield defined_name(node)


def own_parts(node: ast.stmt) -> list[ast.AST]:
    """A statement without its decorators, which are seen by `cached_functions`."""
    if isinstance(node, Function):
        return list(node.body)
    if isinstance(node, ast.ClassDef):
        return [part for each in node.body for part in own_parts(each)]
    return [node]


def defined_name(node: ast.stmt) -> str:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name):
            return name
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name
    return ast.unparse(node)


def module_level_caches(tree: ast.Module) -> Iterator[str]:
    """Containers of a module that one of its functions changes."""
    changed = set()
    functions = (node for node in ast.walk(tree) if isinstance(node, Function))
    for node in (each for function in functions for each in ast.walk(function)):
        match node:
            case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
                changed.add(name)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=attribute)):
                changed |= {name} if attribute in MUTATORS else set()
            case ast.Global(names=names):
                changed.update(names)
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            name = defined_name(node)
            yield from [name] if is_container(node.value) and name in changed else []


def is_container(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        return called_name(value) in CONTAINERS
    return isinstance(value, ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp)


def found_caches() -> set[str]:
    """The dotted name of every cache that the code makes, or of the class that owns it."""
    return {
        f"{module}.{name}"
        for module, path in MODULES.items()
        for find in (cached_functions, constructed_caches, module_level_caches)
        for name in find(syntax_tree(path))
    }


NO_CACHES: Final = {
    "service.cache.lru.ByteLRU": "the class; each place that makes one is in the table",
}
"""What looks like a cache and is none, each with its reason."""


def test_every_cache_is_in_the_table() -> None:
    listed = {cache.where for cache in PROCESS_CACHES}
    assert sorted(found_caches() - listed - NO_CACHES.keys()) == []


def test_every_row_of_the_table_exists() -> None:
    assert [cache.where for cache in PROCESS_CACHES if not resolves(cache.where)] == []
    functions = {
        cache.where for cache in PROCESS_CACHES if cache.where.rpartition(".")[2].islower()
    }
    assert sorted(functions - found_caches()) == [], "listed, but no cache any more"


def test_rows_are_complete_and_sorted() -> None:
    names = [cache.where for cache in PROCESS_CACHES]
    assert names == sorted(set(names))
    assert all(all(cache) for cache in PROCESS_CACHES)


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("@lru_cache(maxsize=8)\ndef parse(text): ...", "parse"),
        ("class A:\n    @functools.cache\n    def b(self): ...", "A.b"),
        ("class A:\n    def __init__(self):\n        self.c = ByteLRU[str, int](9)", "A"),
        ("CLEAN: Final = lru_cache(8)(clean)", "CLEAN"),
        ("KNOWN = {}\ndef know(a):\n    KNOWN[a] = 1", "KNOWN"),
        ("SEEN: list[str] = []\ndef see(a):\n    SEEN.append(a)", "SEEN"),
    ],
)
def test_a_cache_is_recognized(code: str, name: str) -> None:
    tree = ast.parse(code)
    finders = (cached_functions, constructed_caches, module_level_caches)
    assert [found for find in finders for found in find(tree)] == [name]


def test_a_table_is_no_cache() -> None:
    tree = ast.parse("ROWS = {'a': 1}\ndef row(a):\n    b = {}\n    b[a] = ROWS[a]")
    assert not list(module_level_caches(tree))
