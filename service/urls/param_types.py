"""Parsers of parameter values: text to value, or a ValueError that says what is wrong.

Each parser takes the text and the names of all sources; only `source` needs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date
from typing import Final

from papers.errors import BadId, BadParameter
from papers.model.arxiv_id import parse_versioned
from papers.query.fields import EVERY_SOURCE
from papers.query.request import ORDERS
from papers.state.slugs import slug_of

ANNOUNCE_TYPES: Final = ("new", "cross", "replace")


def parse_slug(text: str, _: Collection[str]) -> str:
    """Return the slug of a saved keyword for any form of its name."""
    try:
        return slug_of(text)
    except BadParameter as error:
        raise ValueError("is no keyword's name; a name has a letter or digit") from error


def integer_between(low: int, high: int) -> Callable[[str, Collection[str]], int]:
    """Return a parser of whole numbers from `low` to `high`, both included."""

    def parse_integer(text: str, _: Collection[str]) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"is no whole number from {low:,} to {high:,}; give one")
        return int(text)

    return parse_integer


def parse_cursor(text: str, _: Collection[str]) -> str:
    """Return the canonical form of a cursor: an arXiv id in any form, with its version if any."""
    try:
        id, version = parse_versioned(text)
    except BadId as error:
        raise ValueError("is no cursor; follow the `next` link of the page before") from error
    return f"{id}v{version}" if version else str(id)


def parse_announce_types(text: str, _: Collection[str]) -> frozenset[str]:
    """Parse announcement types, separated by commas."""
    types = frozenset(part.strip() for part in text.split(","))
    if types - {*ANNOUNCE_TYPES}:
        raise ValueError(f"is no list of {', '.join(ANNOUNCE_TYPES)}")
    return types


def parse_order(text: str, _: Collection[str]) -> str:
    """Parse the order of results."""
    if text not in ORDERS:
        raise ValueError(f"is not one of {', '.join(ORDERS)}")
    return text


def parse_iso_day(text: str, _: Collection[str]) -> date:
    """Parse a day of ISO 8601 (`2026-11-21`)."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError("is no day; write it as 2026-11-21")
    return day


def parse_source(text: str, sources: Collection[str]) -> str:
    """Return the name of a source, given in any case."""
    if text.casefold() in EVERY_SOURCE:
        raise ValueError("is no source; give q=is:picked for papers that any community picked")
    by_folded_name = {source.casefold(): source for source in sources}
    if text.casefold() not in by_folded_name:
        raise ValueError(f"is not one of {', '.join(sources)}")
    return by_folded_name[text.casefold()]


def format_announce_types(types: Collection[str]) -> str:
    """Return announcement types in canonical order."""
    return ",".join(name for name in ANNOUNCE_TYPES if name in types)


def parse_digest_kind(text: str, _: Collection[str]) -> str:
    """Parse the period of a digest."""
    if text not in ("day", "week"):
        raise ValueError("is not one of day, week")
    return text
