"""What documents say of commands, keywords, files and names, against what there is."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest
from click.testing import CliRunner

from papers.query.parser import parse_query
from paperwire.cli import main
from tests.promises.document_texts import PAGES, code_spans, page_id
from tests.promises.source_tree import (
    DOCS,
    MODULES,
    PYPROJECT,
    ROOT,
    resolves,
    source_files,
    tracked_files,
)

IMAGE_TAG: Final = re.compile(r"\b(?:paperwire:|newTag: )(\d+\.\d+\.\d+)\b")
README: Final = (ROOT / "README.md").read_text("utf-8")
FENCES: Final = re.DOTALL | re.MULTILINE
FOLDERS: Final = "papers workers service paperwire tests benchmarks docs deploy .ci".split()


def blocks(kind: str) -> list[str]:
    """The README's fenced blocks of one language."""
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


@pytest.mark.parametrize("page", ["README.md", "docs/reference/keyword-language.md"])
def test_keywords_of_a_document_parse(page: str) -> None:
    (block,) = re.findall(
        r"^```\n(reward model  .*?)^```$", (ROOT / page).read_text("utf-8"), FENCES
    )
    queries = [re.split(r"\s{3,}", line)[0] for line in block.splitlines()]
    assert len(queries) >= 10
    for query in queries:
        parse_query(query)


def test_readme_takes_three_minutes() -> None:
    """Its blocks of code are looked at, not read."""
    assert len(re.sub(r"^```.*?^```$", "", README, flags=FENCES).split()) <= 550


def test_every_command_is_documented() -> None:
    table = (DOCS / "reference" / "commands.md").read_text("utf-8")
    for name in main.commands:
        assert re.search(rf"`{name}\b", table), name


def test_arxiv_is_thanked() -> None:
    thanks = "Thank you to arXiv for use of its open access interoperability."
    assert thanks in README
    templates = (ROOT / "service" / "templates").glob("*.html")
    assert any(thanks in path.read_text("utf-8") for path in templates)


def test_version_is_the_same_everywhere() -> None:
    version = PYPROJECT["project"]["version"]
    output = CliRunner().invoke(main, ["--version"]).output
    assert output == f"paperwire, version {version}\n"
    for name in ("docker-compose.yml", "deploy/kustomization.yaml"):
        assert set(IMAGE_TAG.findall((ROOT / name).read_text("utf-8"))) == {version}, name
    for page in PAGES:
        if page.name != "CHANGELOG.md" and "upgrad" not in page.name:
            assert set(IMAGE_TAG.findall(page.read_text("utf-8"))) <= {version}, page


def test_documents_named_in_code_and_comments_exist() -> None:
    """Also in settings, manifests and lock files."""
    files = [path for path in tracked_files() if path.suffix not in {".png", ".md", ".aof", ".rdb"}]
    named = {
        (page_id(path), name)
        for path in files
        for name in re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text("utf-8", "replace"))
    }
    assert len(named) > 10
    assert [each for each in sorted(named) if not (ROOT / each[1]).exists()] == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_links_between_documents_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)", page.read_text("utf-8")):
        if link.startswith("https://"):
            continue
        target, _, anchor = link.partition("#")
        linked = page.parent / target if target else page
        assert linked.exists(), link
        assert not anchor or anchor in anchors(linked), link


def is_path(word: str) -> bool:
    """True of what names a file or folder of the repository: `papers/store.py`, `service/http/`."""
    first, slash, _ = word.partition("/")
    return (first in FOLDERS and bool(slash)) or bool(re.fullmatch(r"[\w/]+\.py", word))


def exists(path: str) -> bool:
    """True if a path leads somewhere. A bare `name.py` may name any module: names are unique."""
    return any(ROOT.glob(path)) or any(file.name == path for file in MODULES.values())


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_paths_in_documents_exist(page: Path) -> None:
    words = {word.rstrip(",") for word in code_spans(page.read_text("utf-8"))}
    paths = {word for word in words if is_path(word)} - {"__init__.py"}
    assert [path for path in sorted(paths) if not exists(path)] == []


DOTTED: Final = re.compile(r"`((?:papers|workers|service|paperwire|tests|benchmarks)(?:\.\w+)+)`")


FILE_SUFFIXES: Final = (".toml", ".env", ".gz", ".service")


def dotted_names(text: str) -> set[str]:
    """The names between backticks that begin with a package of ours: `papers.store.Store`."""
    return {name for name in DOTTED.findall(text) if not name.endswith(FILE_SUFFIXES)}


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_dotted_names_in_documents_resolve(page: Path) -> None:
    names = dotted_names(page.read_text("utf-8"))
    assert [name for name in sorted(names) if not resolves(name)] == []


def docstrings(path: Path) -> Iterator[str]:
    """Every string that stands alone in a module: docstrings, and those of constants."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield text


def test_dotted_names_in_docstrings_resolve() -> None:
    files = [*MODULES.values(), *source_files("tests", "benchmarks")]
    names = {
        (name, page_id(path))
        for path in files
        for text in docstrings(path)
        for name in dotted_names(text)
    }
    assert [(name, path) for name, path in sorted(names) if not resolves(name)] == []


def glossary_rows() -> list[tuple[str, str, str]]:
    page = (DOCS / "glossary.md").read_text("utf-8")
    return re.findall(r"^\| (?!term |---)(.+?) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)


def test_glossary_explains_each_term_once_and_names_its_code() -> None:
    rows = glossary_rows()
    terms = [term for term, _, _ in rows]
    assert len(terms) >= 30
    assert sorted(terms, key=str.lower) == terms, "in alphabetical order"
    assert len(set(terms)) == len(terms)
    for term, _, places in rows:
        found = [word for word in code_spans(places) if is_path(word) or resolves(word)]
        assert found == list(code_spans(places)) != [], f"{term}: {places}"
