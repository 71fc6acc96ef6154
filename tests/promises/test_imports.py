"""Which package imports which: the `May import:` line of each package against its real imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from typing import Final

import pytest

from tests.promises.source_tree import (
    MODULES,
    PACKAGES,
    ROOT,
    TOP_LEVEL,
    dotted_name,
    find_cycle,
    imported_modules,
    imported_names,
    is_within,
    source_files,
    syntax_tree,
)

ALLOWED_TOP_LEVEL: Final = {
    "papers": set(),
    "workers": {"papers"},
    "service": {"papers"},
    "paperwire": {"papers", "workers", "service"},
}
HTTP_CLIENTS: Final = {
    "feedparser",
    "arxiv",
    "requests",
    "urllib3",
    "urllib.request",
    "http.client",
}
FORBIDDEN_LIBRARIES: Final = {
    "papers": {"flask", "feedgen", "rq", *HTTP_CLIENTS},
    "workers": {"flask", "feedgen", "granian"},
    "service": HTTP_CLIENTS,
}


TEST_MODULE: Final = re.compile(r"tests\.([\w.]+\.)?test_\w+")
IN_TEXTS: Final = re.compile(r"(?:from|import) (tests\.[\w.]+)")


@pytest.mark.parametrize("package", ALLOWED_TOP_LEVEL)
def test_top_level_packages_import_only_what_they_may(package: str) -> None:
    forbidden = FORBIDDEN_LIBRARIES.get(package, set())
    for path in source_files(package):
        names = set(imported_names(path))
        imported = {name.partition(".")[0] for name in names} & set(ALLOWED_TOP_LEVEL)
        assert imported <= ALLOWED_TOP_LEVEL[package] | {package}, path
        assert not {name for name in names for no in forbidden if is_within(name, no)}, path


def test_no_module_imports_a_module_of_tests() -> None:
    """Shared helpers are in modules without tests. Programs in texts count too."""
    imports = {
        f"{dotted_name(path)} imports {name}"
        for path in source_files("tests", "benchmarks", *TOP_LEVEL)
        for name in (*imported_names(path), *IN_TEXTS.findall(path.read_text("utf-8")))
        if TEST_MODULE.match(name)
    }
    assert imports == set()


def arrow_node(module: str) -> str:
    """The package of a module. A module at the root of a top-level package is a node of its own."""
    if module in PACKAGES or module.rpartition(".")[0] in TOP_LEVEL:
        return module
    return module.rpartition(".")[0]


def owner(node: str) -> str:
    """The package whose docstring speaks for a node."""
    return node if node in PACKAGES else node.rpartition(".")[0]


def import_graph() -> dict[str, set[str]]:
    """Node → the other nodes that its modules import."""
    graph: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        node = arrow_node(module)
        targets = {arrow_node(name) for name in imported_modules(path)}
        graph.setdefault(node, set()).update(targets - {node})
    return graph


GRAPH: Final = import_graph()


def real_imports(package: str) -> set[str]:
    """The nodes outside of a package that its own modules import, sub-packages not counted."""
    nodes = [node for node in GRAPH if owner(node) == package]
    return {target for node in nodes for target in GRAPH[node] if owner(target) != package}


def stated_imports(package: str) -> set[str]:
    """The names of the docstring's `May import: a, b.` line, which may wrap.

    "nothing of Paperwire" is no name.
    """
    docstring = ast.get_docstring(syntax_tree(PACKAGES[package])) or ""
    line = re.search(r"^May import: (.+?)\.$", docstring, re.DOTALL | re.MULTILINE)
    assert line, f"{package}/__init__.py: no line 'May import: ….'; {suggested_line(package)}"
    names = {" ".join(name.split()) for name in line[1].split(",")}
    return names - {"nothing of Paperwire"}


def suggested_line(package: str) -> str:
    names = ", ".join(sorted(real_imports(package))) or "nothing of Paperwire"
    return f"its imports make it 'May import: {names}.'"


def covers(stated: str, node: str) -> bool:
    """True if a stated name allows a node; a top-level name allows all that is in it."""
    return is_within(node, stated) if stated in TOP_LEVEL else node == stated


@pytest.mark.parametrize("package", PACKAGES)
def test_package_imports_what_its_docstring_states(package: str) -> None:
    stated, real = stated_imports(package), real_imports(package)
    unknown = stated - set(GRAPH)
    assert not unknown, f"{package} may import {unknown}: no such package"
    forbidden = {node for node in real if not any(covers(name, node) for name in stated)}
    assert not forbidden, f"{package} imports {forbidden}; {suggested_line(package)}"
    unused = {name for name in stated if not any(covers(name, node) for node in real)}
    assert not unused, f"{package} does not import {unused}; {suggested_line(package)}"


def test_packages_import_each_other_in_no_circle() -> None:
    assert find_cycle(GRAPH) == []


def test_find_cycle_finds_one() -> None:
    assert find_cycle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c", "b"]
    assert find_cycle({"a": ["b", "c"], "b": ["c"], "c": []}) == []


SLOW: Final = ("flask", "pyroaring", "redis", "feedparser", "rq", "requests", "lxml", "granian")
WEB_LIBRARIES: Final = ("flask", "rq", "requests", "urllib3", "arxiv", "granian")
QUICK: Final = [
    "import sys; sys.argv[1:] = ['--help']; from paperwire.cli import main;"
    "main(standalone_mode=False)",
    "import papers.config.settings, papers.errors, papers.redis_backend.keys",
    "import papers.model.arxiv_id, papers.query.parser, papers.model.merge",
    "import paperwire.run.tether",
]


@pytest.mark.parametrize(
    ("code", "slow"),
    [
        *((code, SLOW) for code in QUICK),
        ("import workers.bulk.processes", WEB_LIBRARIES),
        ("import workers.schedule.scheduler, workers.jobs", ("numpy",)),
    ],
)
def test_slow_modules_are_not_imported_where_they_are_not_needed(
    code: str, slow: tuple[str, ...]
) -> None:
    """The keyword language needs no store, a bulk load no web library, `--help` none of them.

    The scheduler needs no numpy.
    """
    print_loaded = "import sys; print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\n{print_loaded}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(slow) & set(ran.stderr.split())
