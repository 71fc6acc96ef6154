"""Plots as the coordinates of an SVG: the templates draw, this only reckons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from papers.search.counts import DayCount, MatchCounts
from papers.state.votes import VoteCount
from service.pages.parts.template_filters import format_day, format_month

_BAR_WIDTH: Final = 14.0
_BAR_GAP: Final = 4.0
_PLOT_HEIGHT: Final = 40.0
_MIN_BAR_HEIGHT: Final = 1.5
"""A month with papers never looks like one without."""
_MAX_VOTE_DAYS: Final = 28


@dataclass(frozen=True, slots=True)
class Rect:
    """One bar: where it stands, what it is called and how much it counts."""

    x: float
    y: float
    width: float
    height: float
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class BarPlot:
    """Bars from left to right in a box of `width` by `height`, the tallest as high as the box."""

    width: float
    height: float
    bars: tuple[Rect, ...]
    max_count: int


def month_plot(counts: MatchCounts) -> BarPlot:
    """A bar a month, oldest first."""
    return bar_plot([(format_month(bar.month), bar.papers) for bar in counts.months])


def day_plot(days: Sequence[DayCount]) -> BarPlot:
    """A bar a day, oldest first."""
    return bar_plot([(format_day(one.day), one.papers) for one in days])


def vote_plot(counted: Sequence[VoteCount]) -> BarPlot | None:
    """A bar a day: the votes there were by then, as counted last. None of one day alone."""
    if len(counted) < 2:
        return None
    days: list[tuple[str, int]] = []
    for one, following in zip(counted, [*counted[1:], None], strict=True):
        until = following.day if following else one.day + timedelta(days=1)
        days += [
            (format_day(one.day + timedelta(days=n)), one.votes)
            for n in range((until - one.day).days)
        ]
    return bar_plot(days[:_MAX_VOTE_DAYS])


def bar_plot(counted: Sequence[tuple[str, int]]) -> BarPlot:
    """A bar for each name with its count."""
    most = max((count for _, count in counted), default=0)
    rects = []
    for place, (name, count) in enumerate(counted):
        height = max(_PLOT_HEIGHT * count / most, _MIN_BAR_HEIGHT) if count else 0.0
        y, x = round(_PLOT_HEIGHT - height, 2), place * (_BAR_WIDTH + _BAR_GAP)
        rects.append(Rect(x, y, _BAR_WIDTH, round(height, 2), name, count))
    return BarPlot(
        len(counted) * (_BAR_WIDTH + _BAR_GAP) - _BAR_GAP, _PLOT_HEIGHT, tuple(rects), most
    )
