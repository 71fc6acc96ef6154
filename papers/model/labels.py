"""Announce type, flags, links and indexed day of a paper: filters beside its text and categories.

The index stores them as terms and the reference matcher compares them, so both read them here.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from papers.model.dates import published_at
from papers.model.paper import AnnounceType, Paper
from papers.model.resources import has_code, has_project
from papers.text.link_names import find_links, link_prefixes

MAX_MONTH_SPAN: Final = timedelta(days=60)
"""A paper's indexed day is at most this long after the first day of its id's month."""


class Flag:
    """The flags a paper can have."""

    WITHDRAWN: Final = "withdrawn"
    PICKED: Final = "picked"
    CODE: Final = "code"
    PROJECT: Final = "project"
    COMMUNITY_WORDS: Final = "community-words"
    """For papers that only a community describes; the keyword language has no name for it."""


RESOURCE_FLAGS: Final = (Flag.CODE, Flag.PROJECT)
"""The flags that are searched with `has:`; the others are searched with `is:`."""


def announce_type_name(paper: Paper) -> str:
    """Return the type that `types=` filters by: `new`, unless arXiv has only stated other types."""
    return (paper.announce_type or AnnounceType.NEW).label


def paper_flags(paper: Paper) -> list[str]:
    """Return the paper's flags."""
    return [
        *([Flag.WITHDRAWN] if paper.withdrawn else []),
        *([Flag.PICKED] if paper.picks else []),
        *([Flag.CODE] if has_code(paper) else []),
        *([Flag.PROJECT] if has_project(paper) else []),
        *([Flag.COMMUNITY_WORDS] if paper.is_in_community_words else []),
    ]


def paper_links(paper: Paper, max_parts: int | None = None) -> set[str]:
    """Return the values of `link:` that find the paper: hosts, and hosts with parts of a path.

    Links are those of title, abstract and comment: what communities add is no text of the paper.
    """
    links = find_links((paper.title, paper.abstract, paper.comment))
    return {name for link in links for name in link_prefixes(link, max_parts)}


@lru_cache(maxsize=1024)
def month_day_range(month: int) -> tuple[date, date]:
    """Return the first and last day under which papers of a month (YYYYMM) are indexed."""
    first = date(month // 100, month % 100, 1)
    return first, first + MAX_MONTH_SPAN


def indexed_day(paper: Paper) -> date:
    """Return the UTC day of the first announcement, clamped to the range of the id's month.

    A paper that was on hold, or that only a community has named, may be dated years away from its
    id; the range lets a date filter skip whole months.
    """
    first, last = month_day_range(paper.id.month)
    return min(max(published_at(paper).date(), first), last)
