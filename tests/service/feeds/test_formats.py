from __future__ import annotations

import html
import json
import locale
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import feedparser
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lxml import etree

from papers.model.merge import merge
from papers.model.paper import Paper
from service.feeds import FORMATS
from service.feeds.entry import ARXIV_FIELDS, Entry
from service.feeds.event_entry import select_lead_pick
from service.markup.clean import single_line
from service.markup.latex_html import tex_to_text, title_to_text
from tests.service.feeds.made import SITE, make_feed, render_feed
from tests.service.made import FIRST_ANNOUNCED, make_paper, make_pick, make_revision, make_sighting

NS = {
    "a": "http://www.w3.org/2005/Atom",
    "arxiv": "http://arxiv.org/schemas/atom",
    "dc": "http://purl.org/dc/elements/1.1/",
    "h": "http://www.w3.org/1999/xhtml",
    "media": "http://search.yahoo.com/mrss/",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "thr": "http://purl.org/syndication/thread/1.0",
}
XML = ("atom", "rss")


def complete_paper() -> Paper:
    pick = make_pick(2)._replace(code="https://github.com/a/b")
    fields = {"comment": "9 pages", "journal_ref": "J. 1", "doi": "10.1/2"}
    return merge(
        merge(merge(None, make_sighting(2, **fields)), pick), make_revision(2, 2, **fields)
    )


def rendered(suffix: str, *papers: Paper, **fields: Any) -> bytes:
    return render_feed(suffix, make_feed(*papers, **fields))


def next_page(url: str) -> tuple[tuple[str, str], ...]:
    return (("next", url),)


def tree(body: bytes) -> Any:
    return etree.fromstring(body)


@pytest.mark.parametrize("suffix", FORMATS)
def test_formats_have_the_same_entries_in_the_same_order(suffix: str) -> None:
    body = rendered(suffix, *(make_paper(number) for number in (9, 5, 3)))
    ids = (
        [item["id"] for item in json.loads(body)["items"]]
        if suffix == "json"
        else [entry.id for entry in feedparser.parse(body).entries]
    )
    assert ids == [f"https://arxiv.org/abs/2611.{number:05}" for number in (9, 5, 3)]


@pytest.mark.parametrize("suffix", XML)
@pytest.mark.parametrize("papers", [(), (make_paper(1),), (make_paper(2), make_paper(1))])
def test_feedparser_finds_no_error(suffix: str, papers: tuple[Paper, ...]) -> None:
    parsed = feedparser.parse(rendered(suffix, *papers))
    assert not parsed.bozo
    assert len(parsed.entries) == len(papers)
    assert parsed.feed.title == "K · Paperwire"
    assert parsed.feed.link == f"{SITE}/k/k"


def test_atom_has_every_field() -> None:
    root = tree(
        rendered(
            "atom",
            complete_paper(),
            paging_links=next_page(f"{SITE}/feeds/k.atom?before=2611.00002"),
        )
    )
    links = {(link.get("rel"), link.get("type")) for link in root.findall("a:link", NS)}
    assert links == {
        ("self", "application/atom+xml"),
        ("alternate", "text/html"),
        ("alternate", "application/rss+xml"),
        ("next", "application/atom+xml"),
    }
    assert root.findtext("a:updated", None, NS) == "2026-11-05T03:00:00.200000+00:00"
    entry = root.find("a:entry", NS)
    assert [a.text for a in entry.findall("a:author/a:name", NS)] == ["Ada Lovelace", "José Ørsted"]
    assert entry.findtext("a:published", None, NS) == "2026-11-03T03:00:00.200000+00:00"
    assert entry.findtext("a:summary", None, NS) == complete_paper().abstract
    replies = entry.find("a:link[@rel='replies']", NS)
    assert replies.get(f"{{{NS['thr']}}}count") == "2"
    assert replies.get("type") == "text/html"
    assert entry.findtext("thr:total", None, NS) == "2"
    assert entry.find("arxiv:primary_category", NS).get("term") == "cs.CL"
    arxiv_fields = [entry.findtext(f"arxiv:{name}", None, NS) for name in ARXIV_FIELDS]
    assert arxiv_fields == ["9 pages", "J. 1", "10.1/2"]
    assert [child.tag for child in entry.find("a:content", NS)] == [f"{{{NS['h']}}}div"]


def test_atom_source_is_the_announcement_feed() -> None:
    source = tree(rendered("atom", complete_paper())).find("a:entry/a:source", NS)
    assert source.findtext("a:id", None, NS) == "http://rss.arxiv.org/atom/cs.CL"
    assert source.findtext("a:title", None, NS) == "cs.CL updates on arXiv.org"
    assert source.findtext("a:updated", None, NS) == "2026-11-05T03:00:00.200000+00:00"
    assert source.find("a:link", NS).get("rel") == "self"


def test_rss_has_every_field() -> None:
    channel = tree(
        rendered("rss", complete_paper(), paging_links=next_page(f"{SITE}/feeds/k.rss?before=x"))
    )[0]
    rels = [link.get("rel") for link in channel.findall("a:link", NS)]
    assert rels == ["self", "alternate", "next"]
    item = channel.find("item")
    assert item.find("guid").get("isPermaLink") == "false"
    assert item.findtext("guid") == item.findtext("link") == "https://arxiv.org/abs/2611.00002"
    assert [c.text for c in item.findall("dc:creator", NS)] == ["Ada Lovelace, José Ørsted"]
    assert item.findtext("pubDate") == "Tue, 03 Nov 2026 03:00:00 GMT"
    assert item.findtext("slash:comments", None, NS) == "2"
    assert item.findtext("comments").endswith("#community")
    assert item.find("source").get("url") == "https://rss.arxiv.org/atom/cs.CL"
    assert [c.text for c in item.findall("category")] == ["cs.CL", "cs.AI"]


def test_json_has_every_field() -> None:
    document = json.loads(
        rendered("json", complete_paper(), paging_links=next_page(f"{SITE}/feeds/k.json?before=x"))
    )
    assert document["version"] == "https://jsonfeed.org/version/1.1"
    assert document["next_url"].endswith("before=x")
    assert document["_paperwire"] == {"links": {"next": document["next_url"]}}
    (item,) = document["items"]
    assert item["authors"] == [{"name": "Ada Lovelace"}, {"name": "José Ørsted"}]
    assert item["url"] == item["external_url"] == item["id"] == "https://arxiv.org/abs/2611.00002"
    assert item["content_html"].startswith("<p>We reason")
    assert item["content_text"].startswith("We reason")
    assert item["tags"] == ["cs.CL", "cs.AI"]
    assert item["attachments"][0]["mime_type"] == "application/pdf"
    assert (item["_arxiv"]["votes"], item["_arxiv"]["comments"]) == (5, 2)
    assert item["_arxiv"]["version"] == 2


@pytest.mark.parametrize("suffix", FORMATS)
def test_votes_are_only_where_readers_do_not_compare_them(suffix: str) -> None:
    def body(votes: int, comments: int) -> str:
        record = merge(make_paper(1), make_pick(1, votes=votes, comments=comments))
        text = rendered(suffix, record).decode()
        for allowed in (
            r'thr:count="\d+"',
            r"<(thr:total|slash:comments)>\d+",
            r'"(votes|comments)":\d+',
        ):
            text = re.sub(allowed, "", text)
        return text

    assert body(votes=1, comments=1) == body(votes=777, comments=888)


@pytest.mark.parametrize("suffix", XML)
def test_thumbnail_is_only_in_feeds_of_picks(suffix: str) -> None:
    record = merge(make_paper(1), make_pick(1, thumbnail="https://t.example/1.png"))
    picked = Entry(record, lead_pick=select_lead_pick(record))
    assert b"media:thumbnail" in rendered(suffix, entries=(picked,))
    assert b"media:thumbnail" not in rendered(suffix, record)


def test_empty_feed_has_a_fixed_date() -> None:
    assert make_feed().updated == datetime(1991, 8, 14, tzinfo=UTC)
    assert b"<updated>1991-08-14T00:00:00+00:00</updated>" in rendered("atom")


def test_rss_does_not_switch_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the locale belongs to the process")

    monkeypatch.setattr(locale, "setlocale", refuse)
    assert b"GMT" in rendered("rss", make_paper(1))


WORDS = st.text(
    st.characters(codec="utf-8", exclude_characters="$"), min_size=1, max_size=80
).filter(lambda text: not re.search(r"\\[(\[]", text))
"""Texts without formulas."""


def text_of_paragraphs(markup: str) -> str:
    """Return the text of an HTML description's paragraphs, without the footer."""
    body = markup.rpartition("<p>")[0]
    return html.unescape(re.sub(r"</?p>", " ", body)).strip()


@settings(max_examples=150, deadline=None)
@given(title=WORDS, abstract=WORDS, author=WORDS)
@example(title=r"R\&D", abstract=r"\&", author=r"Schr\"odinger")
def test_text_survives_every_format(title: str, abstract: str, author: str) -> None:
    record = make_paper(1, title=title, abstract=abstract, authors=(author,))
    entry = Entry(record)
    atom = tree(rendered("atom", record)).find("a:entry", NS)
    assert atom.findtext("a:title", None, NS) == entry.title
    assert (atom.findtext("a:summary", None, NS) or "") == entry.summary
    names = tuple(name.text for name in atom.findall("a:author/a:name", NS))
    assert names == entry.authors
    item = tree(rendered("rss", record))[0].find("item")
    assert item.findtext("title") == entry.title
    assert single_line(text_of_paragraphs(item.findtext("description") or "")) == single_line(
        tex_to_text(entry.summary)
    )
    (in_json,) = json.loads(rendered("json", record))["items"]
    assert in_json["title"] == entry.title
    body = in_json["content_text"].rpartition("Authors:" if entry.authors else "Categories:")[0]
    assert single_line(body) == single_line(entry.summary)


@pytest.mark.parametrize(
    "text",
    [
        "a < b and b > c, $x_i < y_j$ & so on",
        "<script>alert(1)</script> ]]> <![CDATA[ &amp; &lt;",
        "日本語 العربية עברית \U0001f600 e\u0301",
        r"Schr\"odinger's cat & {100} of $\alpha \& \beta$",
    ],
)
def test_feedparser_reads_back_the_exact_text(text: str) -> None:
    parsed = feedparser.parse(rendered("atom", make_paper(1, title=text, abstract=text)))
    (entry,) = parsed.entries
    assert (entry.title, entry.summary) == (title_to_text(text), text)


@pytest.mark.parametrize(
    ("suffix", "names"),
    [("atom", ["Ada Lovelace", "José Ørsted"]), ("rss", ["Ada Lovelace, José Ørsted"])],
)
def test_every_author_is_an_element_in_atom_and_all_are_one_in_rss(
    suffix: str, names: list[str]
) -> None:
    (entry,) = feedparser.parse(rendered(suffix, complete_paper())).entries
    assert [author.name for author in entry.authors] == names


@pytest.mark.parametrize("suffix", FORMATS)
def test_each_formula_stands_once(suffix: str) -> None:
    paper = make_paper(1, abstract=r"So $x_i$ and $\frac{alpha}{beta}$.")
    if suffix == "json":
        (item,) = json.loads(rendered("json", paper))["items"]
        markup = item["content_html"]
    elif suffix == "atom":
        content = tree(rendered("atom", paper)).find("a:entry/a:content", NS)
        markup = etree.tostring(content, encoding="unicode")
    else:
        markup = tree(rendered("rss", paper))[0].findtext("item/description")
        assert r"So x<sub>i</sub> and $\frac{alpha}{beta}$." in markup
    text = re.sub("<[^>]*>", "", markup)
    assert [text.count(word) for word in ("xi", "alpha", "beta")] == [1, 1, 1]


def test_entries_of_one_announcement_are_dated_apart_and_alike_in_every_format() -> None:
    papers = [make_paper(number, announced_at=FIRST_ANNOUNCED) for number in (3, 2, 1)]
    atom = tree(rendered("atom", *papers))
    dates = [node.text for node in atom.findall("a:entry/a:updated", NS)]
    assert dates == sorted(set(dates), reverse=True)
    items = json.loads(rendered("json", *papers))["items"]
    assert [item["date_modified"] for item in items] == dates
    channel = tree(rendered("rss", *papers))[0]
    assert [node.text for node in channel.findall("item/a:updated", NS)] == dates
    pub_dates = [parsedate_to_datetime(node.text) for node in channel.findall("item/pubDate")]
    assert pub_dates == [datetime.fromisoformat(date).replace(microsecond=0) for date in dates]


def test_feedparser_reads_rel_type_and_title_of_links() -> None:
    (entry,) = feedparser.parse(rendered("atom", complete_paper())).entries
    assert {(link.rel, link.type, link.title) for link in entry.links} >= {
        ("alternate", "text/html", "Abstract"),
        ("related", "application/pdf", "PDF"),
        ("related", "text/html", "Code"),
        ("via", "text/html", "Hugging Face Daily Papers"),
        ("replies", "text/html", "Discussion at Hugging Face Daily Papers"),
    }


@pytest.mark.parametrize("suffix", FORMATS)
def test_paper_without_texts_is_an_entry(suffix: str) -> None:
    bare = make_paper(1, title="", abstract="", authors=(), categories=())
    assert "2611.00001" in rendered(suffix, bare).decode()


def test_json_has_the_original_title_with_tex() -> None:
    written = r"Schr\"odinger's cat"
    accented, plain = json.loads(rendered("json", make_paper(1, title=written), make_paper(2)))[
        "items"
    ]
    assert (accented["title"], accented["_arxiv"]["title"]) == ("Schrödinger's cat", written)
    assert "title" not in plain["_arxiv"]


@pytest.mark.parametrize("name", ARXIV_FIELDS)
def test_arxiv_fields_are_in_every_format(name: str) -> None:
    paper = make_paper(1, **{name: "a field of arXiv"})
    for suffix in XML:
        texts = tree(rendered(suffix, paper)).xpath(f"//arxiv:{name}/text()", namespaces=NS)
        assert texts == ["a field of arXiv"]
    (item,) = json.loads(rendered("json", paper))["items"]
    assert item["_arxiv"][name] == "a field of arXiv"
