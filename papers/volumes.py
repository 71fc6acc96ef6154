"""Volumes as a process knows them: months (YYYYMM) and years (YYYY), and where months lie.

How the postings of one are packed is told in `papers.postings`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from pyroaring import BitMap

from papers import roaring
from papers.arxiv_id import month_place, yymm_of
from papers.evaluate import Key
from papers.shape import YEAR, Shape

_LAST_YEAR: Final = 9_999

Part = BitMap | roaring.Padded | bytes
"""A posting of a volume as it is sooner read; that of few papers as it was packed."""
Parts = dict[Key, Part | None]
"""Postings of a volume, None where it has none; those of slots only of pairs that have none."""


class Volume(NamedTuple):
    """A month (YYYYMM) or a year (YYYY) as far as it is known, and what is wanted of it.

    `months` are those whose postings of `keys` are wanted; `held` are those that are known.
    """

    number: int
    shape: Shape
    months: list[int]
    keys: Sequence[Key]
    held: Parts

    @property
    def first(self) -> int:
        """The place of its first month."""
        return month_place(self.number if self.number > _LAST_YEAR else self.number * 100 + 1)

    @property
    def name(self) -> str:
        """As keys spell it: `2503`, `25`."""
        return yymm_of(self.number) if self.number > _LAST_YEAR else f"{self.number % 100:02}"


class _Volumes(dict[int, int]):
    """In which volume a month lies: in its own, where it is not known to lie in its year's."""

    def __missing__(self, month: int) -> int:
        return month


class Shapes:
    """The shapes of volumes as far as they are `known`, and in which of the years months lie."""

    def __init__(self) -> None:
        self.known: dict[int, Shape] = {}
        self.volumes = _Volumes()

    def of(self, volume: int) -> Shape:
        """That of a volume; the smallest where it is not known."""
        return self.known.get(volume) or Shape.unpack(None)

    def put(self, volume: int, shape: Shape) -> None:
        """A volume's shape is known."""
        if self.known.get(volume) == shape:
            return
        self.known[volume] = shape
        if volume <= _LAST_YEAR:
            for number in range(YEAR):
                month = volume * 100 + number + 1
                if shape.held >> number & 1:
                    self.volumes[month] = volume
                else:
                    self.volumes.pop(month, None)
