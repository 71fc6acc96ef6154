"""Dates of a paper as readers see them, and times as records store them.

Feeds show `published_at` and `updated_at`; both follow from what a record has. Records store times
as whole seconds since 1970, UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import overload

from papers.model.arxiv_calendar import announcement_for_submission
from papers.model.paper import Paper
from papers.model.resources import has_code


@overload
def to_epoch(moment: datetime) -> int: ...
@overload
def to_epoch(moment: datetime | None) -> int | None: ...
def to_epoch(moment: datetime | None) -> int | None:
    """Return the whole seconds since 1970 of an aware time; None stays None."""
    return None if moment is None else int(moment.timestamp())


@overload
def from_epoch(seconds: int) -> datetime: ...
@overload
def from_epoch(seconds: int | None) -> datetime | None: ...
def from_epoch(seconds: int | None) -> datetime | None:
    """Return the aware UTC time of seconds since 1970; None stays None."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def to_whole_seconds(moment: datetime | None) -> datetime | None:
    """Return a time as records store it, so that stored and new times compare."""
    if moment is None or (moment.tzinfo is UTC and not moment.microsecond):
        return moment
    return from_epoch(to_epoch(moment))


def published_at(paper: Paper) -> datetime:
    """Return when the paper was first announced, aware UTC.

    Without an announcement, computed from the submission date; without any statement by arXiv, the
    first pick; without any of these, the first day of the id's month.
    """
    if paper.announced_at:
        return paper.announced_at
    if paper.submitted_at:
        return announcement_for_submission(paper.submitted_at)
    picked_at = paper.first_picked_at
    if picked_at and not any(rank.is_arxiv for _, rank in paper.ranks):
        return picked_at
    return datetime(paper.id.month // 100, paper.id.month % 100, 1, tzinfo=UTC)


def code_known_at(paper: Paper) -> datetime | None:
    """Return when code was first known, aware UTC, not before the announcement; None if never."""
    known = code_stated_at(paper)
    return known and max(known, published_at(paper))


def updated_at(paper: Paper) -> datetime:
    """Return when the newest version (a withdrawal is one) was announced, aware UTC.

    Never before `published_at`, and never moved by votes or picks.
    """
    published = published_at(paper)
    if not paper.revision or paper.revision.version <= 1:
        return published
    return max(published, from_epoch(-paper.revision.negated_seconds))


def code_stated_at(paper: Paper) -> datetime | None:
    """Return when code was first known; in a record of an older version, with the announcement."""
    return paper.coded_at or (published_at(paper) if has_code(paper) else None)
