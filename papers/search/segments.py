"""Volumes as a process knows them: months (YYYYMM) and years (YYYY), and where months lie.

How the postings of one are packed is told in `papers.index.postings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

from pyroaring import BitMap

from papers.index import bitmaps
from papers.index.layout import Shape
from papers.model.arxiv_id import month_place, yymm_of
from papers.redis_backend import keys
from papers.search.evaluate import Key

_LAST_YEAR: Final = 9_999
_LARGE: Final = 1 << 12
_MOST_REMEMBERED: Final = 256

Months = tuple[int, ...]
"""Months (YYYYMM), in order."""
Part = BitMap | bitmaps.Padded | bytes
"""A posting of a volume as it is sooner read; that of few papers as it was packed."""
Parts = dict[Key, Part | None]
"""Postings of a volume, None where it has none; those of slots only of pairs that have none."""


class Volume(NamedTuple):
    """Some months of a volume as far as it is known: its own month (YYYYMM), or a year's (YYYY).

    `key` is where its postings lie. `papers` are some fewer than these months had when it was last
    read; one never read may be large. `is_whole`: these months are all that its postings tell of.
    """

    number: int
    shape: Shape
    months: Months
    key: str
    papers: int
    is_whole: bool

    @property
    def first(self) -> int:
        """The place of its first month."""
        number = self.number
        return month_place(number if number > _LAST_YEAR else number * 100 + 1)


class Lookup(NamedTuple):
    """What is wanted of a volume, and what is known of it."""

    volume: Volume
    keys: Sequence[Key]
    held: Parts

    @property
    def missing(self) -> tuple[Key, ...]:
        """What is wanted and not known."""
        held = self.held
        return tuple([key for key in self.keys if key not in held])


class Shapes:
    """The shapes of volumes as far as they are known: those of years say which months lie there.

    Threads share it, and none sees half of a change.
    """

    def __init__(self) -> None:
        self._known = _Known({})

    def of(self, volume: int) -> Shape:
        """That of a volume; the smallest where it is not known."""
        return self._known.shapes.get(volume) or Shape.unpack(None)

    def put(self, volume: int, shape: Shape) -> None:
        """A volume's shape is known."""
        known = self._known.shapes
        if known.get(volume) != shape:
            self._known = _Known({**known, volume: shape})

    def volumes(self, months: Months) -> Sequence[Volume]:
        """Where months lie, as far as is known: those of a year that follow one another at once."""
        return self._known.volumes(months)


class _Known:
    """What is known at one time, and what was found by that."""

    def __init__(self, shapes: Mapping[int, Shape]) -> None:
        self.shapes = shapes
        years = [(year, shape) for year, shape in shapes.items() if year <= _LAST_YEAR]
        self._lying = _Lying((m, year) for year, shape in years for m in shape.months_of(year))
        self._found: dict[Months, Sequence[Volume]] = {}

    def volumes(self, months: Months) -> Sequence[Volume]:
        found = self._found.get(months)
        if found is None:
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            groups = groupby(months, self._lying.__getitem__)
            found = [self._volume(number, tuple(group)) for number, group in groups]
            self._found[months] = found
        return found

    def _volume(self, number: int, months: Months) -> Volume:
        known = self.shapes.get(number)
        shape, papers = known or Shape.unpack(None), known.papers if known else _LARGE
        whole = shape.is_whole(len(months))
        return Volume(number, shape, months, _key(number), len(months) * papers, whole)


class _Lying(dict[int, int]):
    """In which volume a month lies: in its own, where its year is not known to have it."""

    def __missing__(self, month: int) -> int:
        return month


@lru_cache(maxsize=1024)
def _key(volume: int) -> str:
    """Where the postings of one lie: those of 202503 as `2503`, of 2025 as `25`."""
    return keys.terms(yymm_of(volume) if volume > _LAST_YEAR else f"{volume % 100:02}")
