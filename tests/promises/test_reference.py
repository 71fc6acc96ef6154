"""The reference pages, against the code: generated parts, URLs, examples of keywords."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map

from papers.config.settings import Settings
from papers.model.paper import Paper
from papers.query.match import matches
from papers.query.parser import parse_query
from service import create_app
from tests.generated_pages import GENERATED, REFERENCE, current_page
from tests.promises.document_texts import PAGES, code_spans, page_id
from tests.promises.source_tree import DOCS
from tests.service.made import make_paper

LANGUAGE = (DOCS / "reference" / "keyword-language.md").read_text("utf-8")


@pytest.mark.parametrize("name", GENERATED)
def test_generated_part_of_a_page_is_current(name: str) -> None:
    """Otherwise: `python -m tests.generated_pages`."""
    assert (REFERENCE / name).read_text("utf-8") == current_page(name)


@pytest.mark.parametrize("folder", ["decisions", "tutorial", "how-to", "reference", "explanation"])
def test_every_page_is_on_a_map(folder: str) -> None:
    """On the map of the documents, or on that of the decisions."""
    maps = [DOCS / "README.md", DOCS / "decisions" / "README.md"]
    text = "".join(page.read_text("utf-8") for page in maps)
    names = {page.name for page in (DOCS / folder).glob("*.md")}
    assert sorted(name for name in names if name not in text) == []


@pytest.fixture(scope="module")
def url_map() -> Map:
    """Return the rules of the web app, which needs no store for that."""
    settings = Settings(redis_url="redis://127.0.0.1:1/0", public_url="http://wire.example")
    return create_app(settings).url_map


def matched_rule(url_map: Map, path: str, method: str = "GET") -> str | None:
    """Return the rule that a path is served by; None if there is none."""
    try:
        rule, _ = url_map.bind("").match(path, method, return_rule=True)
    except NotFound:
        return None
    return rule.rule


def url_paths(page: Path) -> set[str]:
    """Return the paths of URLs between backticks: `/k/NAME`, without their queries."""
    spans = code_spans(page.read_text("utf-8"))
    return {span.partition("?")[0].rstrip(",") for span in spans if re.match(r"/\w*", span)}


def test_every_route_is_in_the_reference(url_map: Map) -> None:
    paths = url_paths(DOCS / "reference" / "urls.md")
    found = {matched_rule(url_map, path) for path in paths}
    served = {rule.rule for rule in url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert sorted(served - found) == []


@pytest.mark.parametrize("page", PAGES, ids=page_id)
def test_paths_of_urls_in_documents_are_served(page: Path, url_map: Map) -> None:
    """A feed may be named without its suffix. The simulator's page has URLs of its own."""
    first = {rule.rule.split("/")[1] for rule in url_map.iter_rules()} - {"", "static", "api"}
    ours = {path for path in url_paths(page) if path.split("/")[1].partition(".")[0] in first}
    if page.name != "simulator.md":
        served = {p for p in ours for end in ("", ".atom") if matched_rule(url_map, p + end)}
        assert sorted(ours - served - {"/papers"}) == []


def example_rows(section: str) -> list[tuple[list[str], str, str]]:
    """Return the rows of a section's table: keywords, what they find, what they do not find."""
    text = LANGUAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.+?) \| (.*?) ?\| (.*?) ?\|$", text, re.MULTILINE)
    return [(re.findall(r"`([^`]+)`", typed), finds, misses) for typed, finds, misses in cells]


def names_in(cell: str) -> list[str]:
    """Return the names of a cell: its remarks begin with a small letter."""
    parts = (part.strip() for part in re.split(r"[,;:]", cell))
    return [part for part in parts if part and not part[0].islower() and part[0] != "("]


def texts_in(cell: str) -> list[str]:
    """Return the texts of a cell: what stands behind a colon or `which` is a remark."""
    texts = (re.split(r":|, which", part)[0].strip() for part in cell.split(";"))
    return [text for part in texts for text in part.split(", ") if text]


def with_title(text: str) -> Paper:
    return make_paper(title=f"On {text} today", abstract="")


def by_author(name: str) -> Paper:
    return make_paper(title="T", abstract="", authors=(name,))


@pytest.mark.parametrize("row", example_rows("Words"), ids=lambda row: row[0][0])
def test_examples_of_words_are_true(row: tuple[list[str], str, str]) -> None:
    keywords, finds, misses = row
    for query in map(parse_query, keywords):
        assert [text for text in texts_in(finds) if not matches(query, with_title(text))] == []
        assert [text for text in texts_in(misses) if matches(query, with_title(text))] == []


@pytest.mark.parametrize("row", example_rows("Authors"), ids=lambda row: row[0][0])
def test_examples_of_authors_are_true(row: tuple[list[str], str, str]) -> None:
    keywords, finds, misses = row
    for query in map(parse_query, keywords):
        assert [name for name in names_in(finds) if not matches(query, by_author(name))] == []
        assert [name for name in names_in(misses) if matches(query, by_author(name))] == []


def test_examples_of_keywords_are_not_few() -> None:
    assert len(example_rows("Words")) >= 7
    assert len(example_rows("Authors")) >= 10
