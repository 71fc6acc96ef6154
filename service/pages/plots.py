"""Plots as the coordinates of an SVG: the templates draw, this only reckons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from papers.counts import Bar

_BAR: Final = 14.0
_GAP: Final = 4.0
_HEIGHT: Final = 40.0
_LEAST: Final = 1.5
"""A month with papers never looks like one without."""


@dataclass(frozen=True, slots=True)
class Rect:
    """One bar: where it stands, and what it counts."""

    x: float
    y: float
    width: float
    height: float
    bar: Bar


@dataclass(frozen=True, slots=True)
class BarPlot:
    """Bars from left to right in a box of `width` by `height`, the tallest as high as the box."""

    width: float
    height: float
    bars: tuple[Rect, ...]
    most: int


def bar_plot(bars: Sequence[Bar]) -> BarPlot:
    """The bars of some months, oldest first."""
    most = max((bar.papers for bar in bars), default=0)
    rects = []
    for place, bar in enumerate(bars):
        height = max(_HEIGHT * bar.papers / most, _LEAST) if bar.papers else 0.0
        x = place * (_BAR + _GAP)
        rects.append(Rect(x, round(_HEIGHT - height, 2), _BAR, round(height, 2), bar))
    return BarPlot(len(bars) * (_BAR + _GAP) - _GAP, _HEIGHT, tuple(rects), most)
