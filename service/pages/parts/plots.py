"""Coordinates of bar plots; the templates draw them as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from papers.model.paper import Paper
from papers.search.counts import DayCount, MatchCounts
from papers.state.voting.votes import VoteCount
from service.markup.day_format import format_day
from service.pages.parts.template_filters import format_known_day, format_month

_BAR_WIDTH: Final = 14.0
_BAR_GAP: Final = 4.0
_PLOT_HEIGHT: Final = 40.0
_MIN_BAR_HEIGHT: Final = 1.5
"""Keeps the bar of a small count visible."""
_MAX_VOTE_DAYS: Final = 28
_GROWTH_DAYS: Final = 7
_GROWTH_STEP, _GROWTH_BAR, _GROWTH_HEIGHT = 8.0, 6.0, 18.0


@dataclass(frozen=True, slots=True)
class Rect:
    """A bar: its rectangle from the top left corner, its label and its count."""

    x: float
    y: float
    width: float
    height: float
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class BarPlot:
    """Bars from left to right in a box; the tallest is as high as the box."""

    width: float
    height: float
    bars: tuple[Rect, ...]
    max_count: int


def month_plot(counts: MatchCounts) -> BarPlot:
    """Plot matches per month, oldest first."""
    return bar_plot([(format_month(bar.month), bar.papers) for bar in counts.months])


def day_plot(days: Sequence[DayCount]) -> BarPlot:
    """Plot papers per day, oldest first."""
    return bar_plot([(format_day(count.day), count.papers) for count in days])


def vote_plot(counted: Sequence[VoteCount]) -> BarPlot | None:
    """Plot the last known votes of each day; None if only one day was counted."""
    if len(counted) < 2:
        return None
    days: list[tuple[str, int]] = []
    for count, following in zip(counted, [*counted[1:], None], strict=True):
        until = following.day if following else count.day + timedelta(days=1)
        days += [
            (format_day(count.day + timedelta(days=n)), count.votes)
            for n in range((until - count.day).days)
        ]
    return bar_plot(days[:_MAX_VOTE_DAYS])


@dataclass(frozen=True, slots=True)
class VoteGrowth:
    """How the votes of a paper grew: a plot of the size of a word, and the gain of its last day."""

    bars: tuple[Rect, ...]
    gained: int
    since: date


def vote_growth(paper: Paper, history: Mapping[str, Sequence[VoteCount]]) -> VoteGrowth | None:
    """Return the growth over the last counted days, where the most vote; None of a single day."""
    votes = {pick.community: pick.votes for pick in paper.picks if pick.votes is not None}
    counted = history.get(max(votes, key=votes.__getitem__, default=""), ())
    if len(counted) < 2:
        return None
    shown, highest = counted[-_GROWTH_DAYS:], max(count.votes for count in counted) or 1
    bars = []
    for n, count in enumerate(shown):
        height = max(1.0, round(_GROWTH_HEIGHT * count.votes / highest, 1))
        x, y = n * _GROWTH_STEP, round(_GROWTH_HEIGHT - height, 1)
        bars.append(Rect(x, y, _GROWTH_BAR, height, format_known_day(count.day), count.votes))
    last, before = counted[-1], counted[-2]
    return VoteGrowth(tuple(bars), last.votes - before.votes, before.day)


def bar_plot(counted: Sequence[tuple[str, int]]) -> BarPlot:
    """Plot a bar for each (name, count)."""
    highest = max((count for _, count in counted), default=0)
    rects = []
    for index, (name, count) in enumerate(counted):
        height = max(_PLOT_HEIGHT * count / highest, _MIN_BAR_HEIGHT) if count else 0.0
        y, x = round(_PLOT_HEIGHT - height, 2), index * (_BAR_WIDTH + _BAR_GAP)
        rects.append(Rect(x, y, _BAR_WIDTH, round(height, 2), name, count))
    return BarPlot(
        len(counted) * (_BAR_WIDTH + _BAR_GAP) - _BAR_GAP, _PLOT_HEIGHT, tuple(rects), highest
    )
