"""What a parameter's value may be: text in, value out, ValueError in words for whoever asked.

Each reader gets the names of the sources there are beside the text; only `source` needs them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import date
from typing import Final

from papers.errors import BadId, BadParameter
from papers.model.arxiv_id import ArxivId
from papers.state.keywords import slug_of

ANNOUNCE_TYPES: Final = ("new", "cross", "replace")


def parse_slug(text: str, _: Collection[str]) -> str:
    """A saved keyword by any spelling of its name."""
    try:
        return slug_of(text)
    except BadParameter as error:
        raise ValueError("is no keyword's name") from error


def integer_between(low: int, high: int) -> Callable[[str, Collection[str]], int]:
    """A whole number between two, both included."""

    def read(text: str, _: Collection[str]) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
            raise ValueError(f"is no whole number from {low} to {high}")
        return int(text)

    return read


def parse_cursor(text: str, _: Collection[str]) -> str:
    """Where a page begins: an id in any form."""
    try:
        return str(ArxivId.parse(text))
    except BadId as error:
        raise ValueError("is no cursor; follow the `next` link of the page before") from error


def parse_announce_types(text: str, _: Collection[str]) -> frozenset[str]:
    """Types of announcement, with commas between."""
    chosen = frozenset(part.strip() for part in text.split(","))
    if chosen - {*ANNOUNCE_TYPES}:
        raise ValueError(f"is no list of {', '.join(ANNOUNCE_TYPES)}")
    return chosen


def parse_order(text: str, _: Collection[str]) -> str:
    """One of the orders."""
    if text not in ("announced", "picked"):
        raise ValueError("is not one of announced, picked")
    return text


def parse_iso_day(text: str, _: Collection[str]) -> date:
    """A day as ISO 8601 has it."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise ValueError("is no day; write it as 2026-11-21")
    return day


def parse_source(text: str, sources: Collection[str]) -> str:
    """A source by its name in any case."""
    named = {source.casefold(): source for source in sources}
    if text.casefold() not in named:
        raise ValueError(f"is not one of {', '.join(sources)}")
    return named[text.casefold()]


def format_announce_types(types: Collection[str]) -> str:
    """Types in their one order."""
    return ",".join(name for name in ANNOUNCE_TYPES if name in types)


def parse_digest_kind(text: str, _: Collection[str]) -> str:
    """The length of a digest's periods."""
    if text not in ("day", "week"):
        raise ValueError("is not one of day, week")
    return text
