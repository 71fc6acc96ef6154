"""Third-party feed parsers as judges: their entries of a feed in one shape.

Each parser reads some formats. A field that it does not return is None, and so is one that it is
known to change: a parser that repairs texts still judges the other fields.
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
    """An entry as a parser read it."""

    id: str
    title: str | None = None
    summary: str | None = None
    html: str | None = None
    text: str | None = None
    authors: tuple[str, ...] | None = None
    first_author: str | None = None


def _feedparser(body: bytes, suffix: str) -> list[ParsedEntry]:
    """feedparser: reads RSS titles as HTML, and repairs what looks like misread Latin-1."""
    parsed = feedparser.parse(body, sanitize_html=False)
    assert not parsed.bozo, parsed.bozo_exception
    return [
        ParsedEntry(
            id=entry.id,
            title=entry.title if suffix == "atom" else None,
            summary=_feedparser_summary(entry) if suffix == "atom" else None,
            authors=tuple(author.name for author in entry.get("authors", [])),
        )
        for entry in parsed.entries
    ]


def _feedparser_summary(entry: Any) -> str:
    """Return an entry's summary: feedparser returns the content in place of one."""
    detail = entry.get("summary_detail", {})
    return str(detail["value"]) if detail.get("type") == "text/plain" else ""


def _fastfeedparser(body: bytes, suffix: str) -> list[ParsedEntry]:
    """fastfeedparser: returns the first author only."""
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
    """atoma: gives an entry without authors the feed's, as the standard has it."""
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
    """atoma: reads JSON Feed 1.0, in which an item has one author."""
    return [
        ParsedEntry(id=item.id_, title=item.title, html=item.content_html, text=item.content_text)
        for item in atoma.parse_json_feed_bytes(body).items
    ]


def parse_with_feedsmith(documents: Mapping[str, bytes]) -> dict[str, list[ParsedEntry]]:
    """Parse documents of all formats in one run of feedsmith; skip if it is not installed."""
    if not shutil.which("node") or not (FEEDSMITH / "node_modules").is_dir():
        pytest.skip(f"no feedsmith: install node, then: npm ci --prefix {FEEDSMITH}")
    process = subprocess.run(
        ["node", "read.mjs"],
        cwd=FEEDSMITH,
        input=json.dumps({name: body.decode() for name, body in documents.items()}),
        capture_output=True,
        text=True,
        check=True,
    )
    read: dict[str, list[dict[str, Any]]] = json.loads(process.stdout)
    return {name: [_from_json(entry) for entry in entries] for name, entries in read.items()}


def _from_json(entry: dict[str, Any]) -> ParsedEntry:
    texts = {name: entry.get(name) for name in ("title", "summary", "html", "text")}
    return ParsedEntry(entry["id"], **texts, authors=tuple(entry["authors"]))


FEED_PARSERS: Final[Mapping[str, Mapping[str, Callable[[bytes, str], list[ParsedEntry]]]]] = {
    "feedparser": {"atom": _feedparser, "rss": _feedparser},
    "fastfeedparser": {"atom": _fastfeedparser, "rss": _fastfeedparser, "json": _fastfeedparser},
    "atoma": {"atom": _atoma_atom, "rss": _atoma_rss, "json": _atoma_json},
}
"""Python parsers, by the formats they read."""
