"""Facts about recorded responses, found without Paperwire: by regular expression and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any, Final

_ROW: Final = re.compile(r"<(?:entry|item)[ >]")
_ANNOUNCED: Final = re.compile(r"<(?:id|guid[^>]*)>oai:arXiv\.org:([^<]+?)(?:v\d+)?</")
_DESCRIBED: Final = re.compile(r"<id>https?://arxiv\.org/abs/([^<]+?)(?:v\d+)?</id>")
_NAMED: Final = re.compile(
    r"(?:arxiv\.org/(?:abs|pdf|html)/|huggingface\.co/papers/|arxiv[:.])(\d{4}\.\d{4,5})", re.I
)


def count_entries(file: Path) -> int:
    """Count the entries of a feed."""
    return len(_ROW.findall(file.read_text("utf-8", "replace")))


def announced_ids(files: Iterable[Path]) -> set[str]:
    """Return the papers that announcement feeds list."""
    return {id for file in files for id in _ANNOUNCED.findall(file.read_text("utf-8"))}


def described_ids(pages: Iterable[str]) -> set[str]:
    """Return the papers in responses of arXiv's API."""
    return {id for page in pages for id in _DESCRIBED.findall(page)}


def named_ids(file: Path) -> set[str]:
    """Return the papers with new-style ids that a community's feed names anywhere."""
    return set(_NAMED.findall(unescape(unescape(file.read_text("utf-8", "replace")))))


def picked_ids_by_day(daily: dict[str, list[Any]]) -> dict[date, set[str]]:
    """Return the papers of each day of Daily Papers."""
    return {date.fromisoformat(d): {i["paper"]["id"] for i in items} for d, items in daily.items()}


def make_feed_naming(ids: Iterable[str]) -> bytes:
    """Build a feed with an entry for each paper."""
    items = "".join(
        f"<item><title>{json.dumps(id)}</title><link>https://arxiv.org/abs/{id}</link></item>"
        for id in sorted(ids)
    )
    return f'<rss version="2.0"><channel><title>Named</title>{items}</channel></rss>'.encode()
