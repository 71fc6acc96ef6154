"""What other people's parsers make of a feed, in one shape.

Each judge reads some formats. What it does not tell is None, and so is what it is known to change:
a judge that mends texts is still a judge of all else.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import atoma
import fastfeedparser
import feedparser
import pytest

FEEDSMITH: Final = Path(__file__).parents[1] / "feedsmith"


@dataclass(frozen=True, slots=True)
class ParsedEntry:
    """An entry as a judge read it."""

    id: str
    title: str | None = None
    summary: str | None = None
    html: str | None = None
    text: str | None = None
    authors: tuple[str, ...] | None = None
    first_author: str | None = None


def _feedparser(body: bytes, suffix: str) -> list[ParsedEntry]:
    """feedparser: takes a title of RSS for HTML, and mends what looks like misread Latin-1."""
    parsed = feedparser.parse(body, sanitize_html=False)
    assert not parsed.bozo, parsed.bozo_exception
    return [
        ParsedEntry(
            id=entry.id,
            title=entry.title if suffix == "atom" else None,
            summary=entry.get("summary", "") if suffix == "atom" else None,
            authors=tuple(author.name for author in entry.get("authors", [])),
        )
        for entry in parsed.entries
    ]


def _fastfeedparser(body: bytes, suffix: str) -> list[ParsedEntry]:
    """fastfeedparser: of the authors it tells the first."""
    return [
        ParsedEntry(
            id=entry["id"],
            title=entry["title"],
            html=entry["description"] if suffix == "rss" else None,
            first_author=entry.get("author", ""),
        )
        for entry in fastfeedparser.parse(body).entries
    ]


def _atoma_atom(body: bytes, _: str) -> list[ParsedEntry]:
    """atoma: an entry without authors has the feed's, as the standard says."""
    return [
        ParsedEntry(
            id=entry.id_,
            title=entry.title.value,
            summary=entry.summary.value if entry.summary else "",
            authors=tuple(a.name for a in entry.authors if a.name != "Paperwire"),
        )
        for entry in atoma.parse_atom_bytes(body).entries
    ]


def _atoma_rss(body: bytes, _: str) -> list[ParsedEntry]:
    return [
        ParsedEntry(id=item.guid, title=item.title, html=item.description or "")
        for item in atoma.parse_rss_bytes(body).items
    ]


def _atoma_json(body: bytes, _: str) -> list[ParsedEntry]:
    """atoma: knows the first JSON Feed, in which an item has one author."""
    return [
        ParsedEntry(id=item.id_, title=item.title, html=item.content_html, text=item.content_text)
        for item in atoma.parse_json_feed_bytes(body).items
    ]


def parse_with_feedsmith(documents: Mapping[str, bytes]) -> dict[str, list[ParsedEntry]]:
    """What feedsmith reads, of all formats in one run; skips where it is not at hand."""
    if not shutil.which("node") or not (FEEDSMITH / "node_modules").is_dir():
        pytest.skip(f"no feedsmith: install node, then: npm ci --prefix {FEEDSMITH}")
    ran = subprocess.run(
        ["node", "read.mjs"],
        cwd=FEEDSMITH,
        input=json.dumps({name: body.decode() for name, body in documents.items()}),
        capture_output=True,
        text=True,
        check=True,
    )
    read: dict[str, list[dict[str, Any]]] = json.loads(ran.stdout)
    return {name: [_from_json(entry) for entry in entries] for name, entries in read.items()}


def _from_json(entry: dict[str, Any]) -> ParsedEntry:
    said = {name: entry.get(name) for name in ("title", "summary", "html", "text")}
    return ParsedEntry(entry["id"], **said, authors=tuple(entry["authors"]))


FEED_PARSERS: Final[Mapping[str, Mapping[str, Callable[[bytes, str], list[ParsedEntry]]]]] = {
    "feedparser": {"atom": _feedparser, "rss": _feedparser},
    "fastfeedparser": {"atom": _fastfeedparser, "rss": _fastfeedparser, "json": _fastfeedparser},
    "atoma": {"atom": _atoma_atom, "rss": _atoma_rss, "json": _atoma_json},
}
"""Judges in Python, by the formats they read."""
