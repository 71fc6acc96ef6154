from __future__ import annotations

import contextlib
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
from papers.state.keywords import Keyword, Keywords
from service.exports import keyword_lists
from service.exports.opml_reader import (
    MAX_OPML_BYTES,
    MAX_OPML_FEEDS,
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


def judged(document: bytes) -> Any:
    """What a stranger's parser reads in a list."""
    found = listparser.parse(document)
    assert not found.bozo, found.bozo_exception
    return found


def test_a_stranger_reads_the_list() -> None:
    found = judged(keyword_lists.subscriptions_opml(SITE, TWO, ["announced", "picked"]))
    assert found.meta.title == "Paperwire"
    assert [(feed.title, feed.url, feed.categories) for feed in found.feeds] == [
        ("R & D <ai>", f"{SITE}/feeds/r-d-ai.atom", [["Paperwire"]]),
        ("Übung", f"{SITE}/feeds/ubung.atom", [["Paperwire"]]),
        ("R & D <ai>", f"{SITE}/feeds/r-d-ai.atom?when=picked", [["Paperwire, picked"]]),
        ("Übung", f"{SITE}/feeds/ubung.atom?when=picked", [["Paperwire, picked"]]),
    ]


def test_the_list_is_plain_opml() -> None:
    root = etree.fromstring(keyword_lists.subscriptions_opml(SITE, TWO, ["announced"]))
    assert (root.tag, root.attrib, [node.tag for node in root]) == (
        "opml",
        {"version": "2.0"},
        ["head", "body"],
    )
    names = {name for node in root.iter("outline") for name in node.attrib}
    assert names == {"text", "title", "type", "description", "xmlUrl", "htmlUrl"}
    assert {node.tag for node in root.iter()} == {"opml", "head", "title", "body", "outline"}


def test_no_keyword_gives_a_list_without_feeds() -> None:
    assert judged(keyword_lists.subscriptions_opml(SITE, [], ["announced"])).feeds == []


@given(st.lists(queries(), max_size=5))
def test_a_list_comes_back_as_the_keywords_it_was_made_of(made: list[Any]) -> None:
    keywords = [keyword(f"Keyword {n}", query.canonical) for n, query in enumerate(made)]
    document = keyword_lists.subscriptions_opml(SITE, keywords, ["announced"])
    found = [keyword_from_outline(outline) for outline in read_outlines(document)]
    assert [(w.name, w.query.canonical, w.is_guessed) for w in found if w] == [
        (k.name, k.query, False) for k in keywords
    ]


SEARCHED = "https://other.example/wire/feeds/search.rss?n=50&q=reward+model"
OURS = [
    # name in the list, URL, description → name, query, guessed
    ("RM", SEARCHED, "", "RM", "reward model", False),
    ("RM · Paperwire", f"feed:{SEARCHED}", "", "RM", "reward model", False),
    ("", SEARCHED, "", "model reward", "reward model", False),
    ("奖励", SEARCHED, "", "model reward", "reward model", False),
    ("RM", "/feeds/rm.json", "arXiv papers that match rl", "RM", "rl", False),
    (
        *("RM, picked · Paperwire", "http://x/feeds/rm.atom?when=picked"),
        *("arXiv papers that match rl -a, newest pick first, at least 3 votes. Late.",),
        *("RM", "rl -a", False),
    ),
    ("", "http://x/feeds/reward-model.atom", "", "reward-model", '"reward model"', True),
    ("My RM", "http://x/feeds/reward-model.atom", "Of old", "My RM", '"reward model"', True),
]


@pytest.mark.parametrize(("title", "url", "about", "name", "query", "guessed"), OURS)
def test_a_feed_of_ours_is_a_keyword(
    title: str, url: str, about: str, name: str, query: str, guessed: bool
) -> None:
    found = keyword_from_outline(OpmlOutline(1, title, url, about))
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
def test_another_feed_is_none_of_ours(url: str) -> None:
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
def test_a_feed_of_ours_that_is_no_keyword_is_refused(url: str) -> None:
    with pytest.raises(BadInput):
        keyword_from_outline(OpmlOutline(1, "A", url, ""))


def listed(body: str, before: str = "") -> bytes:
    return f'{before}<opml version="2.0"><body>{body}</body></opml>'.encode()


BOMB = '<!DOCTYPE o [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
THEFT = '<!DOCTYPE o [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
REFUSED = {
    "no XML": b"{}",
    "empty": b"",
    "no OPML": b"<rss/>",
    "cut": listed("<outline")[:-3],
    "bomb": listed('<outline text="&b;" xmlUrl="/feeds/a.atom"/>', BOMB),
    "theft": listed('<outline text="&a;" xmlUrl="/feeds/a.atom"/>', THEFT),
    "only a doctype": listed("", "<!DOCTYPE opml>"),
    "deep": listed("<outline>" * 5_000 + "</outline>" * 5_000),
    "many": listed('<outline xmlUrl="u"/>' * (MAX_OPML_FEEDS + 1)),
    "large": listed(" " * MAX_OPML_BYTES),
}


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
def test_a_bad_list_is_refused(document: bytes) -> None:
    with pytest.raises(BadParameter):
        read_outlines(document)


LIST = listed('<outline text="A"><outline title="B" xmlUrl="/feeds/b.atom"/></outline>')


@given(
    st.binary(max_size=200)
    | st.tuples(st.integers(0, len(LIST)), st.integers(0, len(LIST)), st.binary(max_size=20)).map(
        lambda cut: LIST[: cut[0]] + cut[2] + LIST[cut[1] :]
    )
)
def test_any_bytes_are_a_list_or_refused(document: bytes) -> None:
    try:
        found = read_outlines(document)
    except BadParameter:
        return
    for outline in found:
        with contextlib.suppress(BadInput):
            keyword_from_outline(outline)


def test_the_lines_of_a_list_are_told() -> None:
    body = '\n<outline text="F">\n<outline title="A" xmlUrl=" u "/></outline><outline xmlUrl="v"/>'
    assert read_outlines(listed(body)) == [
        OpmlOutline(3, "A", "u", ""),
        OpmlOutline(3, "", "v", ""),
    ]


def test_opml_of_the_site(client: FlaskClient, redis: Redis) -> None:
    Keywords(redis).add("Agents", "agent", now=NOW)
    answer = client.get("/opml")
    assert answer.status_code == 200
    assert answer.content_type == "text/x-opml; charset=utf-8"
    feeds = judged(answer.data).feeds
    assert [feed.title for feed in feeds] == ["Agents", "Reward Model"]
    for feed in feeds:
        assert client.get(urlsplit(feed.url).path).status_code == 200
    again = client.get("/opml", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ("/opml?k=reward-model", ["Reward Model"]),
        ("/opml?k=agents&k=reward-model", ["Agents", "Reward Model"]),
        ("/opml?k=agents&when=announced,picked", ["Agents", "Agents"]),
    ],
)
def test_opml_of_chosen_keywords(
    client: FlaskClient, redis: Redis, asked: str, titles: list[str]
) -> None:
    Keywords(redis).add("Agents", "agent", now=NOW)
    assert [feed.title for feed in judged(client.get(asked).data).feeds] == titles


@pytest.mark.parametrize(
    ("asked", "canonical"),
    [
        ("/opml?k=Reward+Model", "/opml?k=reward-model"),
        ("/opml?k=b&k=a&k=a&utm_source=x", "/opml?k=a&k=b"),
        ("/opml?when=announced", "/opml"),
        ("/opml?when=picked,announced&k=", "/opml?when=announced,picked"),
    ],
)
def test_every_choice_has_one_address(client: FlaskClient, asked: str, canonical: str) -> None:
    answer = client.get(asked)
    assert (answer.status_code, answer.headers["Location"]) == (301, canonical)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("/opml?k=nobody", 404),
        ("/opml?k=%E5%A5%96", 400),
        ("/opml?n=5", 400),
        ("/opml?when=never", 400),
        ("/opml?when=picked&when=picked", 400),
        ("/opml?" + "&".join(f"k=k{n}" for n in range(101)), 400),
    ],
)
def test_a_bad_choice_is_said(client: FlaskClient, asked: str, status: int) -> None:
    assert client.get(asked).status_code == status


def test_a_feeds_own_subtitle_brings_its_keyword_back(app: Flask, client: FlaskClient) -> None:
    """A reader's list has what the feed says of itself in place of our description."""
    feed: Any = client.get("/feeds/reward-model.json").json
    found = keyword_from_outline(
        OpmlOutline(1, feed["title"], feed["feed_url"], feed["description"])
    )
    assert found is not None
    assert (found.name, found.query.canonical) == ("Reward Model", '"reward model"')
    assert not found.is_guessed
