"""Volumes as a process knows them: months (YYYYMM) and years (YYYY), and where months lie.

How the postings of one are packed is told in `papers.postings`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from pyroaring import BitMap

from papers import keys, roaring
from papers.arxiv_id import month_place, yymm_of
from papers.evaluate import Key
from papers.shape import Shape

_LAST_YEAR: Final = 9_999
_LARGE: Final = 1 << 12
_MOST_REMEMBERED: Final = 256

Months = tuple[int, ...]
"""Months (YYYYMM), in order."""
Part = BitMap | roaring.Padded | bytes
"""A posting of a volume as it is sooner read; that of few papers as it was packed."""
Parts = dict[Key, Part | None]
"""Postings of a volume, None where it has none; those of slots only of pairs that have none."""


class Volume(NamedTuple):
    """Some months of a volume as far as it is known: its own month (YYYYMM), or a year's (YYYY).

    `key` is where its postings lie. `papers` are some fewer than these months had when it was last
    read; one never read may be large.
    """

    number: int
    shape: Shape
    months: Months
    key: str
    papers: int

    @property
    def first(self) -> int:
        """The place of its first month."""
        return _first(self.number)

    @property
    def is_whole(self) -> bool:
        """Whether these months are all that its postings tell of."""
        return self.shape.is_whole(len(self.months))


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


class _Years(dict[int, int]):
    """In which volume a month lies: in its own, where its year is not known to have it."""

    def __missing__(self, month: int) -> int:
        return month


class Shapes:
    """The shapes of volumes as far as they are known: of years they say which months lie there.

    Threads share it, and none sees half of a change.
    """

    def __init__(self) -> None:
        self._known = _Known({})

    def of(self, volume: int) -> Shape:
        """That of a volume; the smallest where it is not known."""
        return self._known.of(volume).shape

    def put(self, volume: int, shape: Shape) -> None:
        """A volume's shape is known."""
        known = self._known.shapes
        if known.get(volume) != shape:
            self._known = _Known({**known, volume: shape})

    def volumes(self, months: Months) -> Sequence[Volume]:
        """Where months lie, as far as is known: those of a year that follow one another at once."""
        return self._known.volumes(months)


class _Known:
    """What is known of volumes at one time."""

    def __init__(self, shapes: Mapping[int, Shape]) -> None:
        self.shapes = shapes
        years = [(year, shape) for year, shape in shapes.items() if year <= _LAST_YEAR]
        lying = ((month, year) for year, shape in years for month in shape.months_of(year))
        self._lying = _Years(lying)
        self._volumes: dict[int, Volume] = {}
        self._found: dict[Months, Sequence[Volume]] = {}

    def of(self, number: int) -> Volume:
        """A volume with one month, whichever."""
        found = self._volumes.get(number)
        if found is None:
            shape = self.shapes.get(number)
            papers = max((1 << shape.size - 1) // shape.told, 1) if shape else _LARGE
            key = keys.terms(_name(number))
            found = Volume(number, shape or Shape.unpack(None), (0,), key, papers)
            self._volumes[number] = found
        return found

    def volumes(self, months: Months) -> Sequence[Volume]:
        found = self._found.get(months)
        if found is None:
            if len(self._found) >= _MOST_REMEMBERED:
                self._found.clear()
            self._found[months] = found = list(self._groups(months))
        return found

    def _groups(self, months: Months) -> Iterator[Volume]:
        for number, group in groupby(months, self._lying.__getitem__):
            here, one = tuple(group), self.of(number)
            yield Volume(number, one.shape, here, one.key, one.papers * len(here))


def _first(volume: int) -> int:
    return month_place(volume if volume > _LAST_YEAR else volume * 100 + 1)


def _name(volume: int) -> str:
    """A volume as keys spell it: `2503`, `25`."""
    return yymm_of(volume) if volume > _LAST_YEAR else f"{volume % 100:02}"
