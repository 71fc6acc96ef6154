"""Plot of matches by week or month: bars of what is held, and what is not held marked as such."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

from papers.search.counts import MatchCounts
from service.pages.parts.template_filters import format_known_day, format_month

PLOT_WIDTH: Final = 320
PLOT_HEIGHT: Final = 48
MIN_PLOTTED_BARS: Final = 2
MIN_PLOTTED_PAPERS: Final = 5
"""Below these a plot would say nothing."""
MIN_HELD_MONTHS: Final = 4
"""Below it weeks are plotted."""
SMALL_PLOT_WEEKS: Final = 4
SMALL_PLOT_HEIGHT: Final = 18.0
_SMALL_BAR, _SMALL_BAR_STEP = 12.5, 14.5
_LABEL_HEIGHT: Final = 14
_MAX_BAR, _BAR_GAP, _MIN_NOT_HELD = 32.0, 3.0, 80.0


class PlottedBar(NamedTuple):
    """A bar from the top left corner of the plot, its period and its count."""

    x: float
    y: float
    width: float
    height: float
    name: str
    papers: int


@dataclass(frozen=True, slots=True)
class MatchPlot:
    """Bars of weeks or months (`unit`), oldest first; `not_held` is the width before them."""

    unit: str
    bars: tuple[PlottedBar, ...]
    not_held: float


def month_start(month: int) -> date:
    """Return the first day of a month (YYYYMM)."""
    return date(month // 100, month % 100, 1)


def fetched_since(counts: MatchCounts) -> date | None:
    """Return since when all matches are held after an initial fetch; None if it brought none.

    That is the month after the oldest it brought, in which it may have ended at its limit.
    """
    months = [count.month for count in counts.months]
    oldest = next((at for at, count in enumerate(counts.months) if count.papers), len(months))
    return month_start(months[oldest + 1]) if oldest + 1 < len(months) else None


def match_plot(counts: MatchCounts, held_since: date) -> MatchPlot | None:
    """Plot the periods that are held in whole; None if that says nothing."""
    months = [m for m in counts.months if month_start(m.month) >= held_since]
    if len(months) >= MIN_HELD_MONTHS:
        counted = [(format_month(m.month), m.papers) for m in months]
        return _plot("month", counted, len(counts.months))
    return _plot("week", held_weeks(counts, held_since), len(counts.weeks))


def held_weeks(counts: MatchCounts, held_since: date) -> list[tuple[str, int]]:
    """Return name and count of each of the weeks that are held in whole, oldest first."""
    weeks = []
    for n, papers in enumerate(reversed(counts.weeks)):
        last = counts.until - timedelta(days=7 * n)
        if last - timedelta(days=6) >= held_since:
            weeks.append((f"week to {format_known_day(last)}", papers))
    return weeks[::-1]


def small_week_plot(counts: MatchCounts, held_since: date) -> tuple[PlottedBar, ...]:
    """Plot the last weeks in the space of a word; empty unless all are held and they say much."""
    weeks = held_weeks(counts, held_since)[-SMALL_PLOT_WEEKS:]
    if len(weeks) < SMALL_PLOT_WEEKS or sum(n for _, n in weeks) < MIN_PLOTTED_PAPERS:
        return ()
    highest = max(papers for _, papers in weeks)
    bars = []
    for n, (name, papers) in enumerate(weeks):
        height = max(1.0, round(SMALL_PLOT_HEIGHT * papers / highest, 1))
        top = SMALL_PLOT_HEIGHT - height
        bars.append(PlottedBar(n * _SMALL_BAR_STEP, top, _SMALL_BAR, height, name, papers))
    return tuple(bars)


def _plot(unit: str, counted: Sequence[tuple[str, int]], total: int) -> MatchPlot | None:
    papers = sum(count for _, count in counted)
    if len(counted) < MIN_PLOTTED_BARS or papers < MIN_PLOTTED_PAPERS:
        return None
    is_partial = len(counted) < total
    free = PLOT_WIDTH - (_MIN_NOT_HELD if is_partial else 0.0)
    width = min(_MAX_BAR, free / len(counted) - _BAR_GAP)
    start = PLOT_WIDTH - len(counted) * (width + _BAR_GAP) + _BAR_GAP
    highest, room = max(count for _, count in counted), PLOT_HEIGHT - _LABEL_HEIGHT
    bars = []
    for n, (name, count) in enumerate(counted):
        height = max(1.5, room * count / highest) if count else 0.0
        x, y = start + n * (width + _BAR_GAP), PLOT_HEIGHT - height
        bars.append(
            PlottedBar(round(x, 1), round(y, 1), round(width, 1), round(height, 1), name, count)
        )
    return MatchPlot(unit, tuple(bars), round(start - _BAR_GAP, 1) if is_partial else 0.0)
