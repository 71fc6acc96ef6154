"""Sizes of packages and modules, one name for one thing, and the words that names are made of."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.promises.source_tree import MODULES, PACKAGES, ROOT, TOP_LEVEL, source_files, syntax_tree

MAX_MODULES: Final = 12
MAX_LINES: Final = 300

MAY_REPEAT_UNDER: Final = ("commands", "doctor", "pages", "routes", "tasks")
"""Folders with one module a command, check, page, group of URLs or task: each is named after what
it presents, which has a module of that name elsewhere."""

PRIVATE_WORDS: Final = {
    "asked": "request, query, or the name of what is requested",
    "closing": "compaction",
    "desk": "context",
    "door": "flood guard",
    "doors": "flood guard",
    "lane": "rate limit, rate limiter",
    "likeness": "similarity, similar",
    "lying": "layout",
    "met": "matched, known",
    "mould": "template",
    "moulds": "template",
    "pair": "shingle",
    "remembered": "cached",
    "remembers": "caches",
    "room": "package",
    "rooms": "package",
    "spelled": "rendered",
    "standing": "recurring (task), list (feed), matching",
    "tell": "report, log, distinguish",
    "telling": "report, probe",
    "tells": "reports, logs, distinguishes",
    "told": "reported, logged, notified",
    "volume": "segment",
    "volumes": "segment",
    "wanted": "required, requested",
    "who": "the name of the actor: client, reader, writer",
}
"""Words that Paperwire once had for things that have a common name, and that name."""

MAY_SAY: Final = {
    "expected_volume": "how many records a day brings: the usual word for it",
    "VolumeCheck": "the same",
}


@pytest.mark.parametrize("package", PACKAGES)
def test_package_has_at_most_twelve_modules(package: str) -> None:
    modules = [path.name for path in PACKAGES[package].parent.glob("*.py")]
    assert len(set(modules) - {"__init__.py"}) <= MAX_MODULES, sorted(modules)


def test_modules_stay_short() -> None:
    lines = {name: len(path.read_text("utf-8").splitlines()) for name, path in MODULES.items()}
    assert {name: count for name, count in lines.items() if count > MAX_LINES} == {}


def public_names(kind: type[ast.ClassDef | ast.FunctionDef]) -> dict[str, list[str]]:
    """Each public module-level class or function, and the modules that define one of that name.

    Functions that a decorator registers by their name are left out: an endpoint or a command is
    unique where it is registered.
    """
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for module, path in MODULES.items():
        for node in syntax_tree(path).body:
            if isinstance(node, kind) and is_public(node):
                found[node.name] |= {module: None}
    return {name: list(modules) for name, modules in found.items()}


def is_public(node: ast.ClassDef | ast.FunctionDef) -> bool:
    return not node.name.startswith("_") and not any(map(is_registration, node.decorator_list))


def is_registration(decorator: ast.expr) -> bool:
    """True for `@site.get(…)`, `@click.command(…)`, `@main.command(…)` and their kind."""
    words = ast.unparse(decorator.func if isinstance(decorator, ast.Call) else decorator)
    return words.rpartition(".")[2] in ("get", "post", "route", "command", "group")


def repeated(names: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: modules for name, modules in names.items() if len(modules) > 1}


def test_class_names_are_unique() -> None:
    assert repeated(public_names(ast.ClassDef)) == {}


MAY_REPEAT: Final = {
    "main": "the function that a program runs",
    "run": "the functions that jobs in Redis name: `workers.jobs.run`, `workers.trial.run`",
}
"""Function names that several modules share, each with its reason."""


def test_function_names_are_unique() -> None:
    found = repeated(public_names(ast.FunctionDef))
    assert {name: found[name] for name in found.keys() - MAY_REPEAT.keys()} == {}
    assert MAY_REPEAT.keys() <= found.keys(), "an exception that is none any more"


def test_module_names_are_unique() -> None:
    counts = Counter(
        path.stem
        for path in source_files()
        if path.stem not in ("__init__", "__main__") and path.parent.name not in MAY_REPEAT_UNDER
    )
    assert {name for name, count in counts.items() if count > 1} == set()


def words_of(name: str) -> list[str]:
    """The words of a name: `find_cycle` and `FindCycle` are `find` and `cycle`."""
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower().split("_")


def defined_names(path: Path) -> Iterator[str]:
    """The module's name and every class and function it defines, at any depth."""
    yield path.stem
    for node in ast.walk(syntax_tree(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def test_names_are_made_of_common_words() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {name}: {word} → {PRIVATE_WORDS[word]}"
        for path in source_files(*TOP_LEVEL, "tests", "benchmarks")
        for name in defined_names(path)
        for word in words_of(name)
        if word in PRIVATE_WORDS and name.removeprefix("test_") not in MAY_SAY
    ]
    assert not found, "\n".join(found)
