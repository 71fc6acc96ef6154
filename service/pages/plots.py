"""Plots as the coordinates of an SVG: the templates draw, this only reckons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from papers.counts import Counts, Day
from service.pages.wording import day, month

_BAR: Final = 14.0
_GAP: Final = 4.0
_HEIGHT: Final = 40.0
_LEAST: Final = 1.5
"""A month with papers never looks like one without."""


@dataclass(frozen=True, slots=True)
class Rect:
    """One bar: where it stands, what it is called and how many papers it counts."""

    x: float
    y: float
    width: float
    height: float
    name: str
    papers: int


@dataclass(frozen=True, slots=True)
class BarPlot:
    """Bars from left to right in a box of `width` by `height`, the tallest as high as the box."""

    width: float
    height: float
    bars: tuple[Rect, ...]
    most: int


def month_plot(counts: Counts) -> BarPlot:
    """A bar a month, oldest first."""
    return bar_plot([(month(bar.month), bar.papers) for bar in counts.months])


def day_plot(days: Sequence[Day]) -> BarPlot:
    """A bar a day, oldest first."""
    return bar_plot([(day(one.day), one.papers) for one in days])


def bar_plot(counted: Sequence[tuple[str, int]]) -> BarPlot:
    """A bar for each name with its papers."""
    most = max((papers for _, papers in counted), default=0)
    rects = []
    for place, (name, papers) in enumerate(counted):
        height = max(_HEIGHT * papers / most, _LEAST) if papers else 0.0
        y, x = round(_HEIGHT - height, 2), place * (_BAR + _GAP)
        rects.append(Rect(x, y, _BAR, round(height, 2), name, papers))
    return BarPlot(len(counted) * (_BAR + _GAP) - _GAP, _HEIGHT, tuple(rects), most)
