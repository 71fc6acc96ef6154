"""The simulator's formats equal the recorded ones, and hostile text survives them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.model.arxiv_id import parse_versioned
from papers.model.paper import AnnounceType
from paperwire.simulator.formats import announcement_feed, api_feed, community_feed, daily_papers
from paperwire.simulator.formats.announcement_feed import AnnouncementRow
from paperwire.simulator.formats.api_feed import ApiQuery, ApiResult
from paperwire.simulator.formats.arxiv_xml import encode_tex_accents
from paperwire.simulator.world.manuscripts import (
    CommunityPick,
    Manuscript,
    Preprint,
    PreprintVersion,
)

NS = {"a": "http://www.w3.org/2005/Atom", "dc": "http://purl.org/dc/elements/1.1/"}
NS |= {"arxiv": "http://arxiv.org/schemas/atom"}
NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)
KINDS = {kind.label: kind for kind in AnnounceType}

HOSTILE = (
    "a < b & c > d",
    "]]>",
    "&lt;b&gt; is not <b>",
    "<script>alert(1)</script>",
    "quotes \" and ' and “these”",
    "emoji \U0001f680 and \U0001f468\u200d\U0001f469",
    "right to left: שלום عليكم",
    "combining e\u0301 and 한국어 中文",
    r"$x_i$ {braces} \textbf{bold} 50% of #1",
)


def text_of(node: ElementTree.Element, path: str) -> str:
    return node.findtext(path, "", NS)


def row_of(entry: ElementTree.Element) -> AnnouncementRow:
    id, version = parse_versioned(text_of(entry, "a:id"))
    text = Manuscript(
        title=text_of(entry, "a:title"),
        abstract=text_of(entry, "a:summary").split("\nAbstract: ", 1)[1],
        authors=(text_of(entry, "dc:creator"),),
        categories=tuple(c.attrib["term"] for c in entry.findall("a:category", NS)),
        license=text_of(entry, "dc:rights"),
        doi=text_of(entry, "arxiv:DOI"),
        journal_ref=text_of(entry, "arxiv:journal_reference"),
    )
    published = datetime.fromisoformat(text_of(entry, "a:published"))
    return AnnouncementRow(
        id, version or 0, KINDS[text_of(entry, "arxiv:announce_type")], text, published
    )


def test_announcement_feed_equals_the_recorded_bytes(recorded: Path) -> None:
    files = sorted((recorded / "arxiv_rss_rendered").glob("*.atom"))
    for file in files:
        root = ElementTree.fromstring(file.read_bytes())
        rows = [row_of(entry) for entry in root.findall("a:entry", NS)]
        built = datetime.fromisoformat(text_of(root, "a:updated"))
        query = text_of(root, "a:title").split()[0]
        assert (
            announcement_feed.render_announcement_feed(query, rows, built) == file.read_bytes()
        ), file.name
    assert len(files) == 3


def result_of(entry: ElementTree.Element) -> ApiResult:
    id, version = parse_versioned(text_of(entry, "a:id"))
    authors = entry.findall("a:author", NS)
    text = Manuscript(
        title=text_of(entry, "a:title"),
        abstract=text_of(entry, "a:summary"),
        authors=tuple(text_of(author, "a:name") for author in authors),
        affiliations=tuple(text_of(author, "arxiv:affiliation") for author in authors),
        categories=tuple(c.attrib["term"] for c in entry.findall("a:category", NS)),
        comment=text_of(entry, "arxiv:comment"),
        journal_ref=text_of(entry, "arxiv:journal_ref"),
        doi=text_of(entry, "arxiv:doi"),
    )
    published, updated = (
        datetime.fromisoformat(text_of(entry, f"a:{name}")) for name in ("published", "updated")
    )
    return ApiResult(id, version or 0, text, published, updated)


def recorded_api_pages(folder: Path) -> Iterator[tuple[str, int, ApiQuery, bytes]]:
    for file in sorted((folder / "arxiv_api").glob("*.json")):
        page = json.loads(file.read_text("utf-8"))
        query = parse_qs(urlsplit(page["url"]).query, keep_blank_values=True)
        start, size = int(query["start"][0]), int(query["max_results"][0])
        api_query = ApiQuery(query["search_query"][0], query["id_list"][0], start, size)
        yield file.name, page["status_code"], api_query, page["body"].encode()


def without_digest(body: bytes) -> bytes:
    return re.sub(rb"<id>https://arxiv\.org/api/[^<]{20,30}</id>", b"<id/>", body, count=1)


def test_api_page_equals_the_recorded_bytes(recorded: Path) -> None:
    statuses: Counter[int] = Counter()
    for name, status, query, body in recorded_api_pages(recorded):
        statuses[status] += 1
        root = ElementTree.fromstring(body)
        now = datetime.fromisoformat(text_of(root, "a:updated"))
        if status == 400:
            rendered = api_feed.render_api_error(text_of(root, "a:entry/a:summary"), now)
        else:
            results = [result_of(entry) for entry in root.findall("a:entry", NS)]
            total = int(root[5].text or "")
            rendered = api_feed.render_api_page(query, results, total, now)
        assert without_digest(rendered) == without_digest(body), name
    assert statuses == {200: 16, 400: 1}


def key_paths(node: Any, path: str = "") -> Iterator[str]:
    """Yield every path of keys in a JSON document."""
    if isinstance(node, dict):
        for name, value in node.items():
            yield f"{path}.{name}"
            yield from key_paths(value, f"{path}.{name}")
    elif isinstance(node, list):
        for value in node:
            yield from key_paths(value, f"{path}[]")


FULL_PICK = {
    "code": "https://github.com/a/b",
    "project": "https://a.github.io",
    "organization": "A Lab",
}


def rendered_item(**details: Any) -> dict[str, Any]:
    id, _ = parse_versioned("2611.00001")
    version = PreprintVersion(1, Manuscript(title="A Moment"), NOON, NOON.date())
    return daily_papers.daily_item_json(
        Preprint(id, (version,)), CommunityPick(id=id, at=NOON, **details)
    )


def test_daily_paper_has_the_recorded_keys(recorded: Path) -> None:
    items = [
        set(key_paths(item))
        for file in sorted((recorded / "hf_daily").glob("2026-*.json"))
        for item in json.loads(file.read_text("utf-8"))
    ]
    required = {key for key in set.intersection(*items) if key.count(".") <= 2}
    minimal, full = set(key_paths(rendered_item())), set(key_paths(rendered_item(**FULL_PICK)))
    assert required <= minimal
    assert full <= set.union(*items)
    assert {".paper.githubRepo", ".paper.projectPage", ".organization.name"} <= full - minimal


def shape(node: ElementTree.Element, path: str = "") -> Iterator[tuple[str, ...]]:
    """Yield every element's path with the names of its attributes."""
    path = f"{path}/{node.tag}"
    yield (path, *sorted(node.attrib))
    for child in node:
        yield from shape(child, path)


def test_community_feed_has_the_recorded_elements(recorded: Path) -> None:
    file = recorded / "community" / "hf_daily_huangboming.rss"
    item = community_feed.CommunityFeedItem(
        "A Moment", "https://arxiv.org/abs/2611.00001", "<p>…</p>", NOON
    )
    rendered = ElementTree.fromstring(community_feed.render_community_feed("weekly", [item], NOON))
    assert set(shape(rendered)) == set(shape(ElementTree.fromstring(file.read_bytes())))


def announcement_entry(text: Manuscript) -> Any:
    id, _ = parse_versioned("2611.00001")
    body = announcement_feed.render_announcement_feed(
        "cs.CL", [AnnouncementRow(id, 1, AnnounceType.NEW, text, NOON)], NOON
    )
    (entry,) = feedparser.parse(body).entries
    return entry


def api_entry(text: Manuscript) -> Any:
    id, _ = parse_versioned("2611.00001")
    body = api_feed.render_api_page(ApiQuery(), [ApiResult(id, 1, text, NOON, NOON)], 1, NOON)
    (entry,) = feedparser.parse(body).entries
    return entry


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_round_trips(text: str) -> None:
    paper = Manuscript(title=text, abstract=text, authors=(text, text))
    announced, result = announcement_entry(paper), api_entry(paper)
    assert (announced.title, result.title) == (text, text)
    assert announced.summary.split("\nAbstract: ", 1)[1] == text
    assert result.summary == text
    assert [author.name for author in result.authors] == [text, text]


ANY_TEXT = st.text(
    st.characters(
        exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="\ufffe\uffff"
    ),
    min_size=1,
)


def looks_misdecoded(text: str) -> bool:
    """True if feedparser takes a text for wrongly decoded UTF-8, and decodes it again."""
    try:
        return not text.isascii() and bool(text.encode("latin-1").decode("utf-8"))
    except UnicodeError:
        return False


@given(ANY_TEXT.filter(lambda text: not looks_misdecoded(text)))
def test_any_text_round_trips_through_both_feeds(text: str) -> None:
    paper = Manuscript(title=text)
    assert announcement_entry(paper).title == text
    assert api_entry(paper).title == text


@pytest.mark.parametrize(
    ("name", "announced"),
    [
        ("Eduardo García-Portugués", r"Eduardo Garc\'ia-Portugu\'es"),
        ("Jürgen Schröder", r"J\"urgen Schr\"oder"),
        ("Ondřej Dvořák", r"Ond\v{r}ej Dvo\v{r}\'ak"),
        ("Søren Yıldız", "Søren Yıldız"),
        ("王小明", "王小明"),
    ],
)
def test_announcements_encode_accents_as_tex(name: str, announced: str) -> None:
    assert encode_tex_accents(name) == announced


def test_announcements_put_affiliations_in_parentheses() -> None:
    paper = Manuscript(title="x", authors=("A", "B"), affiliations=("LRI, Paris", ""))
    assert announcement_entry(paper).author == "A (LRI, Paris), B"
