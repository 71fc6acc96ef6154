"""Since when the store holds every paper, and not just some: what counts of matches may say.

A store begins with the day of its first ingest, and from then on follows announcements. What is
older came by a backfill of everything (`coverage`), by a bulk file, or is only what initial fetches
and picks brought: those are some papers of a month, and its counts are none of the month.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from redis import Redis

from papers.model.arxiv_id import format_yymm
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

WHOLE_MONTH_SHARE: Final = 0.25
"""A month is a bulk file's if it has this share of the papers of the fullest one ..."""
WHOLE_MONTH_PAPERS: Final = 500
"""... and at least so many."""


@dataclass(frozen=True, slots=True)
class HeldSpan:
    """When the store began, the span of its backfill if any, and how many papers months have."""

    began: date | None
    covered: tuple[date, date] | None
    month_sizes: Mapping[int, int]

    def since(self, months: Sequence[int]) -> date | None:
        """Return the day since which all papers of some months up to now are held.

        `months` (YYYYMM) are consecutive, oldest first. None if nothing is known.
        """
        if self.began is None:
            return None
        since = self.began
        for at, month in reversed(list(enumerate(months))):
            first = date(month // 100, month % 100, 1)
            if first >= since:
                continue
            is_start = first == self.began.replace(day=1)
            before = months[at - 1] if at else None
            if not (
                self._is_covered(first, since) or self._is_whole(before if is_start else month)
            ):
                break
            since = first
        return since

    def _is_covered(self, first: date, since: date) -> bool:
        """Return whether the backfill has the month from its first day on, up to what is held."""
        return bool(
            self.covered and self.covered[0] <= first and self.covered[1] >= since.replace(day=1)
        )

    def _is_whole(self, month: int | None) -> bool:
        """Return whether a month is a bulk file's.

        The month in which the store began is as whole as the one before: its own papers grow.
        """
        size = self.month_sizes.get(month or 0, 0)
        fullest = max(self.month_sizes.values(), default=0)
        return size >= max(WHOLE_MONTH_PAPERS, WHOLE_MONTH_SHARE * fullest)


def read_held_span(redis: Redis, months: Sequence[int]) -> HeldSpan:
    """Read what is held, and the sizes of some months, in one round trip."""
    with translate_store_errors(redis), redis.pipeline(transaction=False) as pipe:
        pipe.get(keys.EVENTS_SINCE)
        pipe.get(keys.COVERAGE)
        for month in months:
            pipe.hlen(keys.month_papers(format_yymm(month)))
        began, coverage, *sizes = pipe.execute()
    return HeldSpan(
        datetime.fromtimestamp(int(began), UTC).date() if began else None,
        _decode_span(coverage) if coverage else None,
        dict(zip(months, sizes, strict=True)),
    )


def _decode_span(stored: bytes) -> tuple[date, date]:
    values: Any = json.loads(stored)
    return date.fromisoformat(values["since"]), date.fromisoformat(values["until"])
