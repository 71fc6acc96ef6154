"""Checks of feed documents against the specifications of their formats."""

from __future__ import annotations

import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from lxml import etree

from service.feeds.formats.feedgen_extension import ATOM_NS, DUBLIN_CORE_NS, SLASH_NS

ATOM_SCHEMA: Final = etree.RelaxNG(etree.parse(Path(__file__).with_name("atom.rng")))

_TEXT: Final = {"type": "string", "minLength": 1}

_URL: Final = {"type": "string", "pattern": "^https?://[^ ]+$"}

_TIME: Final = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$",
}

_AUTHORS: Final = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {"name": _TEXT, "url": _URL, "avatar": _URL},
        "additionalProperties": False,
        "minProperties": 1,
    },
}


def exactly(required: str, **properties: Any) -> dict[str, Any]:
    """Return the schema of an object with these members and extensions (`_…`), and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "patternProperties": {"^_[a-z]+$": {"type": "object"}},
        "additionalProperties": False,
    }


JSON_FEED: Final = exactly(
    "version title items feed_url home_page_url",
    version={"const": "https://jsonfeed.org/version/1.1"},
    title=_TEXT,
    description=_TEXT,
    home_page_url=_URL,
    feed_url=_URL,
    next_url=_URL,
    icon=_URL,
    favicon=_URL,
    language=_TEXT,
    authors=_AUTHORS,
    hubs={"type": "array", "items": exactly("type url", type=_TEXT, url=_URL)},
    items={
        "type": "array",
        "items": exactly(
            "id url title content_text",
            id=_URL,
            url=_URL,
            external_url=_URL,
            title=_TEXT,
            content_html=_TEXT,
            content_text={"type": "string"},
            image=_URL,
            date_published=_TIME,
            date_modified=_TIME,
            authors=_AUTHORS,
            tags={"type": "array", "items": _TEXT, "uniqueItems": True},
            attachments={
                "type": "array",
                "items": exactly("url mime_type", url=_URL, mime_type=_TEXT, title=_TEXT),
            },
        ),
    },
)
"""https://www.jsonfeed.org/version/1.1/ as a schema, as strict as its prose."""


def assert_atom(body: bytes) -> None:
    tree = etree.fromstring(body)
    assert ATOM_SCHEMA.validate(tree), ATOM_SCHEMA.error_log
    links = [link.get("rel") for link in tree.findall(f"{ATOM_NS}link")]
    assert links.count("self") == 1
    for entry in tree.findall(f"{ATOM_NS}entry"):
        alternates = entry.findall(f"{ATOM_NS}link[@rel='alternate']")
        assert len(alternates) == 1
        assert entry.findtext(f"{ATOM_NS}published") <= entry.findtext(f"{ATOM_NS}updated")


def assert_rss(body: bytes) -> None:
    """https://www.rssboard.org/rss-specification and the profile of best practices."""
    root = etree.fromstring(body)
    assert (root.tag, root.get("version"), len(root)) == ("rss", "2.0", 1)
    channel = root[0]
    once = ("title", "link", "description", "lastBuildDate", "language", "generator")
    assert [len(channel.findall(name)) for name in once] == [1] * len(once)
    assert parsedate_to_datetime(channel.findtext("lastBuildDate")).utcoffset() is not None
    assert len(channel.findall(f"{ATOM_NS}link[@rel='self']")) == 1
    known = {*once, "docs", "image", "item"}
    image = {child.tag: child.text for child in channel.find("image")}
    expected = {name: channel.findtext(name) for name in ("title", "link")}
    assert image.items() > expected.items()
    assert image["url"].endswith("/static/icon.png")
    assert {child.tag for child in channel if child.tag[0] != "{"} <= known
    for item in channel.findall("item"):
        assert_item(item)


def assert_item(item: Any) -> None:
    known = {"title", "link", "description", "guid", "pubDate", "category", "source", "comments"}
    plain = [child.tag for child in item if child.tag[0] != "{"]
    assert set(plain) <= known
    for name in known - {"category"}:
        assert plain.count(name) <= 1, name
    assert item.find("guid").get("isPermaLink") == "false"
    assert item.findtext("pubDate").endswith(" GMT")
    assert item.findtext("title")
    assert urlsplit(item.findtext("link")).scheme in ("http", "https")
    assert [bool(c.text) for c in item.findall(f"{DUBLIN_CORE_NS}creator")] in ([], [True])
    assert "<math" not in (item.findtext("description") or "")
    assert item.find("author") is None  # RSS wants an e-mail address there
    assert len(item.findall(f"{SLASH_NS}comments")) <= 1


def assert_json(body: bytes) -> None:
    document = json.loads(body)
    Draft202012Validator(JSON_FEED, format_checker=FormatChecker()).validate(document)
    for item in document["items"]:
        published, modified = item["date_published"], item["date_modified"]
        assert datetime.fromisoformat(published) <= datetime.fromisoformat(modified)


VALIDATE: Final = {"atom": assert_atom, "rss": assert_rss, "json": assert_json}
