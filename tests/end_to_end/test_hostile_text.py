"""Texts meant to break output, from upstreams' formats through the store into every response."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote

import feedparser
import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from lxml import etree
from redis import Redis

from papers.config.settings import Settings
from papers.model.paper import Sighting
from papers.store import Store
from service import create_app
from tests.workers.sources.announcement_feeds import entry, feed
from tests.workers.sources.hf_records import body, record
from workers.sources import hf_daily
from workers.sources.arxiv import announcements

NOW: Final = datetime(2026, 11, 20, 12, tzinfo=UTC)
Sightings = tuple[Sighting, ...]
FORBIDDEN: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

TEXTS: Final = {
    "controls": "a\x00b\x07c\x0bd\x1b[31me\x7ff\x85g",
    "lone high surrogate": "a\ud800b",
    "lone low surrogate": "a\udc00b",
    "surrogates the wrong way round": "a\udc00\ud800b",
    "no characters": "a\ufffeb\uffffc",
    "emoji with joiners": "👩‍👩‍👧‍👦 🏳️‍🌈 🇺🇳 👍🏽",
    "right to left": "שלום עולם مرحبا بالعالم",
    "overrides": "abc\u202edef\u202c\u2066ghi\u2069\u200b\u200f",
    "combining": "Z̸̢̛a̶l̵g̷o̴" + "\u0301" * 200,
    "CJK": "大規模言語モデル 한국어 模型",
    "end of CDATA": "a ]]> b ]]&gt; c <![CDATA[ d",
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>\"'><svg/onload=alert(1)>",
    "entities": "&lt;b&gt; &amp;amp; &#0; &#xD800; &#x1F600; &nosuch; &",
    "comment": "<!-- a --> b -- c --!>",
    "instruction": "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]>&b;",
    "template": "{{ 7*7 }} {% raw %} ${7*7} #{7*7} %s %(a)s {0}",
    "separators": "a\u2028b\u2029c\u00a0d\ufeffe",
    "new lines": "a\r\nX-Evil: 1\r\n\r\nb",
    "TeX": r"$\frac{a}{b$ $$ \unknown{ \left( $<b>$ \href{javascript:alert(1)}{x}",
    "long": "word " * 5_000,
    "one long word": "w" * 3_000,
}

IDS: Final = [f"2611.{number:05}" for number in range(1, len(TEXTS) + 1)]


@pytest.fixture
def client(redis: Redis, store_url: str, tmp_path: Path) -> FlaskClient:
    settings = Settings(redis_url=store_url, data_dir=str(tmp_path), questions_per_minute=0)
    return create_app(settings).test_client()


def announced() -> Sightings:
    """Return the texts in arXiv's feed; characters that XML forbids as references."""
    entries = "".join(
        entry(id=f"oai:arXiv.org:{id}v1", title=f"marked {id}").replace(
            f"<title>marked {id}", f"<title>marked {_in_xml(text)}"
        )
        for id, text in zip(IDS, TEXTS.values(), strict=True)
    )
    return announcements.parse_announcements(feed(entries), NOW).sightings


def picked() -> Sightings:
    """Return the texts as Hugging Face's title, abstract and author."""
    records = [
        record(id=id, title=f"marked {text}", summary=text, authors=[{"name": text}])
        for id, text in zip(IDS, TEXTS.values(), strict=True)
    ]
    return hf_daily.parse_daily_papers(body(*records), NOW.date(), NOW).sightings


def _in_xml(text: str) -> str:
    sound = "".join(c if not FORBIDDEN.match(c) else f"&#{ord(c)};" for c in text)
    return sound.replace("&", "&amp;").replace("<", "&lt;").replace("]]>", "]]&gt;")


@pytest.mark.row("texts: control, right-to-left, surrogates, emoji, ]]>")
@pytest.mark.parametrize("source", [announced, picked])
def test_hostile_text_leaves_every_response_well_formed(
    client: FlaskClient, redis: Redis, source: Callable[[], Sightings]
) -> None:
    sightings = source()
    assert len(sightings) == len(TEXTS)
    assert Store(redis).ingest(sightings, now=NOW).new
    order = "&when=picked" if source is picked else ""  # keyword feeds begin with arXiv's words
    found = "/feeds/search.{}?q=marked" + order
    forms = {form: client.get(found.format(form)) for form in ("atom", "rss", "json")}
    for form, answer in forms.items():
        assert answer.status_code == 200, form
        assert not FORBIDDEN.search(answer.text), form
    for form in ("atom", "rss"):
        etree.fromstring(forms[form].data, etree.XMLParser(resolve_entities=False))
        parsed = feedparser.parse(forms[form].data)
        assert not parsed.bozo, form
        assert len(parsed.entries) == len(TEXTS), form
        assert all("marked" in entry.title for entry in parsed.entries)
    assert len(json.loads(forms["json"].data)["items"]) == len(TEXTS)
    _check_pages(client, order)


def _check_pages(client: FlaskClient, order: str) -> None:
    """Check that no text becomes markup on a page or a header of a response."""
    own = [f"{prefix}/{id}" for id in IDS for prefix in ("/papers", "/api/v1/papers")]
    paths = (
        "/",
        f"/search?q=marked{order}",
        "/status",
        "/export/daily.md",
        f"/api/v1/papers?q=marked{order}",
        *own,
    )
    for path in paths:
        answer = client.get(path, follow_redirects=True)
        assert answer.status_code == 200, path
        assert "X-Evil" not in answer.headers
        assert not FORBIDDEN.search(answer.text), path
        if answer.mimetype == "text/html":
            page = BeautifulSoup(answer.text, "html.parser")
            run = "script:not([src]):not([type='application/ld+json'])"
            assert not page.select(f"img[onerror], svg[onload], {run}"), path
            for block in page.select("script:not([src])"):
                json.loads(block.get_text())
            links = [str(link["href"]).lower() for link in page.select("a[href]")]
            assert not [link for link in links if link.startswith(("javascript:", "data:"))], path


QUERIES: Final = (
    *("a\r\nX-Evil: 1", "a\nSet-Cookie: a=b", "a\x00b", "%0d%0aX-Evil:1", "\ud800", "\ufffd"),
    *("<script>alert(1)</script>", '"><svg/onload=alert(1)>', "javascript:alert(1)", "{{7*7}}"),
    *("a' OR 1=1 --", "*)(uid=*", "a\nFLUSHALL\n", "../../etc/passwd", "a" * 5_000, "(" * 900),
    *("\u202eatad", "é" * 900, "a OR " * 400 + "a", "-" * 400 + "a", "\\" * 300, "a:b:c::"),
)


@pytest.mark.row("injection into headers and queries")
@pytest.mark.parametrize(
    "path",
    [
        *(
            "/feeds/search.atom?q={}",
            "/search?q={}",
            "/api/v1/papers?q={}",
            "/k/{}",
            "/feeds/{}.rss",
        ),
        *("/api/v1/papers/{}", "/papers/{}", "/feeds/search.json?q=a&before={}", "/{}"),
        *("/feeds/search.rss?q=a&since={}", "/?{}=1", "/search?q=a&source={}", "/daily/{}"),
    ],
)
def test_query_text_adds_no_header_or_markup(client: FlaskClient, path: str) -> None:
    for query in QUERIES:
        answer = client.get(path.format(quote(query.encode("utf-8", "surrogatepass"), safe="")))
        assert answer.status_code in (200, 301, 302, 308, 400, 404, 414, 429), query
        assert not {"X-Evil", "Set-Cookie"} & set(answer.headers.keys()), query
        location = answer.headers.get("Location", "/")
        assert location.startswith("/"), query
        assert not location.startswith("//"), query
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        if answer.mimetype == "text/html":
            assert "<script>alert" not in answer.text
            assert "<svg/onload" not in answer.text
        controls = {c for c in answer.text if unicodedata.category(c) == "Cc"}
        assert controls <= {"\t", "\r", "\n"}, query
