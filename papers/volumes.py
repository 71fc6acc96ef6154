"""Volumes as a process knows them: months (YYYYMM) and years (YYYY), and where months lie.

How the postings of one are packed is told in `papers.postings`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


class Shapes:
    """The shapes of volumes as far as they are known: of years they say which months lie there.

    Threads share it, and none sees half of a change.
    """

    def __init__(self) -> None:
        self._known: Mapping[int, Shape] = {}
        self._lying: dict[Months, Sequence[Volume]] = {}

    def of(self, volume: int) -> Shape:
        """That of a volume; the smallest where it is not known."""
        return self._known.get(volume) or Shape.unpack(None)

    def put(self, volume: int, shape: Shape) -> None:
        """A volume's shape is known."""
        if self._known.get(volume) != shape:
            self._known = {**self._known, volume: shape}
            self._lying = {}  # what is found of the shapes before goes into the other

    def volumes(self, months: Months) -> Sequence[Volume]:
        """Where months lie, as far as is known: those of a year that follow one another at once."""
        lying, known = self._lying, self._known
        found = lying.get(months)
        if found is None:
            if len(lying) >= _MOST_REMEMBERED:
                lying.clear()
            lying[months] = found = _volumes(months, known)
        return found


def _volumes(months: Months, known: Mapping[int, Shape]) -> Sequence[Volume]:
    groups = groupby(months, lambda month: _volume_of(month, known))
    return [_volume(number, known.get(number), tuple(group)) for number, group in groups]


def _volume_of(month: int, known: Mapping[int, Shape]) -> int:
    year = known.get(month // 100)
    return month // 100 if year and year.holds(month) else month


def _volume(number: int, shape: Shape | None, months: Months) -> Volume:
    papers = max((1 << shape.size - 1) // shape.told, 1) if shape else _LARGE
    key = keys.terms(_name(number))
    return Volume(number, shape or Shape.unpack(None), months, key, papers * len(months))


def _first(volume: int) -> int:
    return month_place(volume if volume > _LAST_YEAR else volume * 100 + 1)


def _name(volume: int) -> str:
    """A volume as keys spell it: `2503`, `25`."""
    return yymm_of(volume) if volume > _LAST_YEAR else f"{volume % 100:02}"
