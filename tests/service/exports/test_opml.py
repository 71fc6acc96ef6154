from __future__ import annotations

import contextlib
import io
from typing import Any
from urllib.parse import urlsplit

import listparser
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from redis import Redis

from papers.errors import BadInput, BadParameter
from papers.query.parser import parse_query
from papers.state.keyword_record import Keyword
from papers.state.keywords import Keywords
from service.exports import keyword_lists
from service.exports.opml_reader import (
    OpmlOutline,
    keyword_from_outline,
    read_outlines,
)
from tests.papers.query_strategies import queries
from tests.service.conftest import SITE
from tests.service.made import NOW


def keyword(name: str, query: str, slug: str = "") -> Keyword:
    return Keyword(slug or name.lower().replace(" ", "-"), name, parse_query(query).canonical, NOW)


TWO = [
    keyword("R & D <ai>", '"r and d" OR cat:cs.AI', "r-d-ai"),
    keyword("Übung", "train", "ubung"),
]


def parsed_by_listparser(document: bytes) -> Any:
    found = listparser.parse(document)
    assert not found.bozo, found.bozo_exception
    return found


def test_listparser_reads_the_list() -> None:
    found = parsed_by_listparser(
        keyword_lists.subscriptions_opml(SITE, TWO, ["announced", "picked"])
    )
    assert found.meta.title == "Paperwire"
    assert [(feed.title, feed.url, feed.categories) for feed in found.feeds] == [
        ("R & D <ai>", f"{SITE}/feeds/r-d-ai.atom", [["Paperwire"]]),
        ("Übung", f"{SITE}/feeds/ubung.atom", [["Paperwire"]]),
        ("R & D <ai>", f"{SITE}/feeds/r-d-ai.atom?when=picked", [["Paperwire, picked"]]),
        ("Übung", f"{SITE}/feeds/ubung.atom?when=picked", [["Paperwire, picked"]]),
    ]


def test_list_has_standard_elements_and_attributes_only() -> None:
    root = etree.fromstring(keyword_lists.subscriptions_opml(SITE, TWO, ["announced"]))
    assert (root.tag, root.attrib, [node.tag for node in root]) == (
        "opml",
        {"version": "2.0"},
        ["head", "body"],
    )
    names = {name for node in root.iter("outline") for name in node.attrib}
    assert names == {"text", "title", "type", "description", "xmlUrl", "htmlUrl"}
    assert {node.tag for node in root.iter()} == {"opml", "head", "title", "body", "outline"}


def test_list_of_no_keywords_has_no_feeds() -> None:
    assert (
        parsed_by_listparser(keyword_lists.subscriptions_opml(SITE, [], ["announced"])).feeds == []
    )


@given(st.lists(queries(), max_size=5))
def test_exported_list_is_imported_as_the_same_keywords(exported: list[Any]) -> None:
    keywords = [keyword(f"Keyword {n}", query.canonical) for n, query in enumerate(exported)]
    document = keyword_lists.subscriptions_opml(SITE, keywords, ["announced"])
    found = [keyword_from_outline(outline) for outline in outlines(document)]
    assert [(w.name, w.query.canonical, w.is_guessed) for w in found if w] == [
        (k.name, k.query, False) for k in keywords
    ]


SEARCH_FEED = "https://other.example/wire/feeds/search.rss?n=50&q=reward+model"


def outlines(document: bytes) -> list[OpmlOutline]:
    return list(read_outlines(io.BytesIO(document)))


PAPERWIRE_FEEDS = [
    # title in the list, URL, description → name, query, is_guessed
    ("RM", SEARCH_FEED, "", "RM", "reward model", False),
    ("RM · Paperwire", f"feed:{SEARCH_FEED}", "", "RM", "reward model", False),
    ("", SEARCH_FEED, "", "reward model", "reward model", False),
    ("奖励", SEARCH_FEED, "", "奖励", "reward model", False),
    ("RM", "/feeds/rm.json", "arXiv papers that match rl", "RM", "rl", False),
    (
        *("RM, picked · Paperwire", "http://x/feeds/rm.atom?when=picked"),
        *("arXiv papers that match rl -a, newest pick first, at least 3 votes. Late.",),
        *("RM", "rl -a", False),
    ),
    ("", "http://x/feeds/reward-model.atom", "", "reward-model", '"reward model"', True),
    ("My RM", "http://x/feeds/reward-model.atom", "Of old", "My RM", '"reward model"', True),
]


@pytest.mark.parametrize(
    ("title", "url", "description", "name", "query", "guessed"), PAPERWIRE_FEEDS
)
def test_paperwire_feed_is_imported_as_a_keyword(
    title: str, url: str, description: str, name: str, query: str, guessed: bool
) -> None:
    found = keyword_from_outline(OpmlOutline(1, title, url, description))
    assert found is not None
    assert (found.name, found.query, found.is_guessed) == (name, parse_query(query), guessed)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/feed.xml",
        "https://rss.arxiv.org/atom/cs.AI",
        "https://x/feeds/",
        "https://x/feeds/a.atom/b",
        "https://x/feeds/a.xml",
        "https://x/myfeeds/a.atom",
        "https://x?u=/feeds/a.atom",
        "https://[x/feeds/a.atom",
    ],
)
def test_other_feeds_are_not_imported(url: str) -> None:
    assert keyword_from_outline(OpmlOutline(1, "A", url, "")) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://x/feeds/search.atom",
        "https://x/feeds/search.atom?k=a&k=b",
        "https://x/feeds/search.atom?q=a&q=b",
        "https://x/feeds/search.atom?q=%22",
        "https://x/feeds/search.atom?q=-a",
    ],
)
def test_paperwire_feed_of_no_single_keyword_is_rejected(url: str) -> None:
    with pytest.raises(BadInput):
        keyword_from_outline(OpmlOutline(1, "A", url, ""))


def opml_document(body: str, prolog: str = "") -> bytes:
    return f'{prolog}<opml version="2.0"><body>{body}</body></opml>'.encode()


ENTITY_BOMB = '<!DOCTYPE o [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
EXTERNAL_ENTITY = '<!DOCTYPE o [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
INVALID_DOCUMENTS = {
    "not XML": b"{}",
    "empty": b"",
    "not OPML": b"<rss/>",
    "truncated": opml_document("<outline")[:-3],
    "entity bomb": opml_document('<outline text="&b;" xmlUrl="/feeds/a.atom"/>', ENTITY_BOMB),
    "external entity": opml_document(
        '<outline text="&a;" xmlUrl="/feeds/a.atom"/>', EXTERNAL_ENTITY
    ),
    "only a doctype": opml_document("", "<!DOCTYPE opml>"),
    "deep": opml_document("<outline>" * 5_000 + "</outline>" * 5_000),
}


@pytest.mark.parametrize("document", INVALID_DOCUMENTS.values(), ids=INVALID_DOCUMENTS)
def test_invalid_list_is_rejected(document: bytes) -> None:
    with pytest.raises(BadParameter):
        outlines(document)


FORGIVEN = {
    "blank lines first": b"\n \n<?xml version='1.0'?>",
    "a byte order mark": b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-16'?>",
    "an encoding that is none": b"<?xml version='1.0' encoding='none'?>",
    "a comment first": b"<!-- <outline xmlUrl='/feeds/no.atom'/> -->",
}
ODD_OUTLINES = {
    # what stands between two sound outlines → how many feeds are read of it
    '<outline title="caf&eacute;&nbsp;&bogus;" xmlUrl="https://other.example/"/>': 1,
    '<outline title="A&B" xmlUrl="https://other.example/rss?a=1&b=2&copy=3"/>': 1,
    "<outline title='x' XMLURL='https://other.example/'/>": 1,
    "<OUTLINE title=x xmlurl=https://other.example/ />": 1,
    '<outline type="rss" title="x" url="https://other.example/"/>': 1,
    '<outline title="a" title="b" xmlUrl="https://other.example/"/>': 1,
    '<outline title="&#0;&#x110000;&#99999999999;" xmlUrl="https://other.example/"/>': 1,
    '<outline title="a < b > c" xmlUrl="https://other.example/">': 1,
    '<outline title="a"><b></outline></outline></i><outline title="folder">': 0,
    "<!-- never closed": 0,
    "<![CDATA[ <outline xmlUrl='https://other.example/'/> ]]>": 0,
    '<outline type="link" url="https://other.example/"/>': 0,
    "\x00\x08\ufffe": 0,
}
BROKEN_OUTLINES = [
    '<outline title="A xmlUrl="https://other.example/"/>',
    '<outline title="A" xmlUrl="https://other.example/',
    "<outline title='A' = xmlUrl='https://other.example/'/>",
]
SOUND_OUTLINES = [f'\n<outline title="{n}" xmlUrl="/feeds/search.atom?q={n}"/>\n' for n in "ab"]


def imported(document: bytes) -> list[str]:
    found = [o for o in outlines(document) if not o.fault]
    return [k.query.canonical for o in found if (k := keyword_from_outline(o))]


@pytest.mark.parametrize("prolog", FORGIVEN.values(), ids=FORGIVEN)
def test_forgivable_prolog_costs_nothing(prolog: bytes) -> None:
    assert imported(prolog + opml_document("".join(SOUND_OUTLINES))) == ["a", "b"]


@pytest.mark.parametrize("odd", ODD_OUTLINES)
def test_odd_outline_costs_nothing_else(odd: str) -> None:
    document = opml_document(odd.join(SOUND_OUTLINES))
    found = outlines(document)
    assert [outline.fault for outline in found if outline.fault] == []
    assert len(found) == 2 + ODD_OUTLINES[odd]
    assert imported(document) == ["a", "b"]


@pytest.mark.parametrize("odd", BROKEN_OUTLINES)
def test_broken_outline_is_refused_alone(odd: str) -> None:
    document = opml_document(odd.join(SOUND_OUTLINES))
    (refused,) = [outline for outline in outlines(document) if outline.fault]
    assert refused.line == 3
    with pytest.raises(BadParameter, match="is no XML from here on"):
        keyword_from_outline(refused)
    assert imported(document) == ["a", "b"]


def test_cut_list_is_imported_as_far_as_it_goes() -> None:
    whole = opml_document("".join(SOUND_OUTLINES))
    for end in range(whole.index(b"/>") + 2, whole.index(b"</opml>") + 6):
        cut = outlines(whole[:end])
        assert imported(whole[:end])[:1] == ["a"]
        assert "the file is cut here" in cut[-1].fault


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "piece", ["<!--", "<![CDATA[", "<outline ", "<outline a='", "<outline a=", "&#"]
)
def test_flood_of_openings_takes_linear_time(piece: str) -> None:
    with contextlib.suppress(BadParameter):
        outlines(opml_document(piece * (900_000 // len(piece))))


VALID_LIST = opml_document(
    '<outline text="A"><outline title="B" xmlUrl="/feeds/b.atom"/></outline>'
)


@given(
    st.binary(max_size=200)
    | st.tuples(
        st.integers(0, len(VALID_LIST)), st.integers(0, len(VALID_LIST)), st.binary(max_size=20)
    ).map(lambda cut: VALID_LIST[: cut[0]] + cut[2] + VALID_LIST[cut[1] :])
)
def test_any_bytes_are_imported_or_rejected(document: bytes) -> None:
    try:
        found = outlines(document)
    except BadParameter:
        return
    for outline in found:
        with contextlib.suppress(BadInput):
            keyword_from_outline(outline)


def test_outlines_have_their_lines() -> None:
    body = '\n<outline text="F">\n<outline title="A" xmlUrl=" u "/></outline><outline xmlUrl="v"/>'
    assert outlines(opml_document(body)) == [
        OpmlOutline(3, "A", "u", ""),
        OpmlOutline(3, "", "v", ""),
    ]


def test_opml_of_all_keywords(client: FlaskClient, redis: Redis) -> None:
    Keywords(redis).add("Agents", "agent", now=NOW)
    answer = client.get("/opml")
    assert answer.status_code == 200
    assert answer.content_type == "text/x-opml; charset=utf-8"
    feeds = parsed_by_listparser(answer.data).feeds
    assert [feed.title for feed in feeds] == ["Agents", "Reward Model"]
    for feed in feeds:
        assert client.get(urlsplit(feed.url).path).status_code == 200
    again = client.get("/opml", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("path", "titles"),
    [
        ("/opml?k=reward-model", ["Reward Model"]),
        ("/opml?k=agents&k=reward-model", ["Agents", "Reward Model"]),
        ("/opml?k=agents&when=announced,picked", ["Agents", "Agents"]),
        ("/opml?k=agents&when=revised,code", ["Agents", "Agents"]),
        ("/opml?k=agents&when=lists", ["Picked", "Daily", "Weekly", "Monthly", "Trending"]),
    ],
)
def test_opml_of_selected_keywords(
    client: FlaskClient, redis: Redis, path: str, titles: list[str]
) -> None:
    Keywords(redis).add("Agents", "agent", now=NOW)
    assert [feed.title for feed in parsed_by_listparser(client.get(path).data).feeds] == titles


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/opml?k=Reward+Model", "/opml?k=reward-model"),
        ("/opml?k=b&k=a&k=a&utm_source=x", "/opml?k=a&k=b"),
        ("/opml?when=announced", "/opml"),
        ("/opml?when=picked,announced&k=", "/opml?when=announced,picked"),
    ],
)
def test_selection_redirects_to_its_canonical_url(
    client: FlaskClient, path: str, canonical: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Location"]) == (301, canonical)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/opml?k=nobody", 404),
        ("/opml?k=%E5%A5%96", 404),
        ("/opml?n=5", 400),
        ("/opml?when=never", 400),
        ("/opml?when=picked&when=picked", 400),
        ("/opml?" + "&".join(f"k=k{n}" for n in range(101)), 400),
    ],
)
def test_bad_selection_is_rejected(client: FlaskClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_keyword_is_restored_from_the_feeds_own_subtitle(app: Flask, client: FlaskClient) -> None:
    """A reader's export has the feed's own subtitle in place of the outline's description."""
    feed: Any = client.get("/feeds/reward-model.json").json
    found = keyword_from_outline(
        OpmlOutline(1, feed["title"], feed["feed_url"], feed["description"])
    )
    assert found is not None
    assert (found.name, found.query.canonical) == ("Reward Model", '"reward model"')
    assert not found.is_guessed


@pytest.mark.parametrize("saved", [[], TWO[:1], TWO])
@pytest.mark.parametrize("orders", [["announced"], ["announced", "picked"]])
def test_streamed_list_is_the_same_document(saved: list[Keyword], orders: list[str]) -> None:
    parts = keyword_lists.stream_subscriptions(SITE, saved, orders)
    whole = keyword_lists.subscriptions_opml(SITE, saved, orders)
    assert parsed_by_listparser(b"".join(parts)) == parsed_by_listparser(whole)
    if saved:
        assert b"".join(keyword_lists.stream_subscriptions(SITE, saved, orders)) == whole


def test_every_listed_feed_and_page_is_there(client: FlaskClient) -> None:
    path = "/opml?when=announced,picked,revised,withdrawn,code,lists"
    outlines = etree.fromstring(client.get(path).data).findall(".//outline[@xmlUrl]")
    assert len(outlines) == 5 + 5
    for outline in outlines:
        for name in ("xmlUrl", "htmlUrl"):
            address = outline.get(name, "").removeprefix(SITE)
            assert client.get(address, follow_redirects=True).status_code == 200, address
