"""Whether what may match does: the texts of many papers looked through at once.

Nearly every candidate does match, and nearly all of these so plainly that folding cannot change it:
as `reward models`, say, with a blank before and a stop behind. And most texts have little to fold.
So the bytes of all texts together tell of nearly every paper whether it is an answer; only the
others are looked at one by one (`papers.matching`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cached_property, reduce
from itertools import accumulate, chain
from typing import Final

from pyroaring import BitMap

from papers.codec import Opened
from papers.evaluate import Candidates
from papers.in_a_row import Row, row_of
from papers.matching import Folded, holds
from papers.tree import And, Field, Node, Or, Text


def standing(tree: Node, papers: Mapping[int, Opened]) -> BitMap:
    """The places, of those of some papers, whose paper is an answer.

    One that nobody has described is none, not even by its id.
    """
    sure, maybe = _Texts(papers).evaluate(tree)
    unclear = [(place, papers[place]) for place in maybe - sure]
    return sure | BitMap(
        [place for place, paper in unclear if paper.title and holds(tree, Folded(paper))]
    )


class _Texts:
    """Papers whose texts are looked through together."""

    def __init__(self, papers: Mapping[int, Opened]) -> None:
        self._papers = papers
        self._all = BitMap(papers)

    def evaluate(self, node: Node) -> Candidates:
        """The places of papers that a tree surely holds for, and of those that it may."""
        if isinstance(node, And):
            every = Candidates(self._all, self._all)
            met = reduce(Candidates.__and__, map(self.evaluate, node.all), every)
            return reduce(Candidates.__sub__, map(self.evaluate, node.none), met)
        if isinstance(node, Or):
            sure, maybe = zip(*map(self.evaluate, node.any), strict=True)
            return Candidates(BitMap.union(*sure), BitMap.union(*maybe))
        if isinstance(node, Text) and not node.prefix:
            if node.field in _FIELDS:
                return self._texts.holding(row_of(node.words), _FIELDS[node.field])
            if node.field is Field.AUTHOR:
                return self._names.holding(row_of(node.words, plurals=False), (0,))
        return Candidates(BitMap(), self._all)

    @cached_property
    def _texts(self) -> _Joined:
        texts = {place: paper.texts for place, paper in self._papers.items()}
        return _Joined(texts, {place for place, of in texts.items() if b"\0" in b"".join(of)})

    @cached_property
    def _names(self) -> _Joined:
        names = {place: paper.authors for place, paper in self._papers.items()}
        joined = {place: (_APART.join(map(str.encode, of)),) for place, of in names.items()}
        return _Joined(joined, {place for place, of in names.items() if "\0" in "".join(of)})


class _Joined:
    """Texts of papers, so many of each, as one text in lower case; some have what parts texts."""

    def __init__(self, papers: Mapping[int, Sequence[bytes]], parted: set[int]) -> None:
        self._papers, self._places = papers, list(papers)
        texts = list(chain.from_iterable(papers.values()))
        self._each = len(texts) // len(papers) if papers else 1
        self._starts = list(accumulate([len(text) + len(_APART) for text in texts], initial=0))
        self._text = b" " + _APART.join([*texts, b""]).lower()
        self._plain = dict.fromkeys(parted, False)

    def holding(self, row: Row, fields: Sequence[int]) -> Candidates:
        """Those with a row of words in one of these of their texts."""
        sure, spelled = set[int](), set[int]()
        for start, _ in row.spans(self._text):
            paper, field = divmod(bisect_right(self._starts, start - 1) - 1, self._each)
            if field in fields:
                plainly = row.stands_plainly(self._text, start)
                (sure if plainly else spelled).add(self._places[paper])
        others = self._papers.keys() - sure
        unclear = [place for place in others if place in spelled or not self._is_plain(place)]
        return Candidates(BitMap(sure), BitMap(sure) | BitMap(unclear))

    def _is_plain(self, place: int) -> bool:
        """Whether a paper's texts have nothing to fold but case and plurals."""
        if place not in self._plain:
            texts = self._papers[place]
            folded = any(not text.isascii() or any(c in text for c in _FOLDED) for text in texts)
            self._plain[place] = not folded
        return self._plain[place]


_FOLDED: Final = (b"'s", b"\\", b"$", b"{", b"}", b"^", b"_", b"~")
"""What folding may take away, or part words by otherwise than other signs do."""

_APART: Final = b" \0 "
"""Between two texts: no words in a row reach across."""
_FIELDS: Final = {Field.ANY: (0, 1), Field.TITLE: (0,), Field.ABSTRACT: (1,)}
"""Which of a paper's two texts are a field's."""
