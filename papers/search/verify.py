"""Whether what may match does: the texts of many papers looked through at once.

Nearly every candidate does match, and nearly all of these so plainly that folding cannot change it:
as `reward models`, say, with a blank before and a stop behind. And most texts have little to fold.
So the bytes of all texts together tell of nearly every paper whether it is an answer. The texts of
the others are folded, all together too, which tells of nearly all of these; the rest are looked at
one by one (`papers.query.match`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence, Set
from functools import cached_property, reduce
from itertools import accumulate, chain
from typing import Final

from pyroaring import BitMap

from papers.model.packing import LazyPaper
from papers.query.ast import And, Field, Node, Or, Text
from papers.query.match import FoldedPaper, matches_node
from papers.search.evaluate import Candidates
from papers.text.folding import fold_text
from papers.text.phrases import PhrasePattern, phrase_pattern


def verify(node: Node, papers: Mapping[int, LazyPaper]) -> BitMap:
    """The places, of those of some papers, whose paper is an answer.

    One that nobody has described is none, not even by its id.
    """
    sure, maybe = _TextBatch(papers).evaluate(node)
    if sure == maybe:
        return sure
    unclear = {place: papers[place] for place in maybe - sure}
    folded, maybe = _TextBatch(unclear, folded=True).evaluate(node)
    left = [(place, papers[place]) for place in maybe - folded]
    looked_at = [place for place, one in left if one.title and matches_node(node, FoldedPaper(one))]
    return sure | folded | BitMap(looked_at)


class _TextBatch:
    """Papers whose texts are looked through together, as they are written or `folded`."""

    def __init__(self, papers: Mapping[int, LazyPaper], *, folded: bool = False) -> None:
        self._papers, self._folded = papers, folded
        self._doc_ids = BitMap(papers)

    def evaluate(self, node: Node) -> Candidates:
        """The places of papers that a tree surely holds for, and of those that it may."""
        if isinstance(node, And):
            every = Candidates(self._doc_ids, self._doc_ids)
            met = reduce(Candidates.__and__, map(self.evaluate, node.required), every)
            return reduce(Candidates.__sub__, map(self.evaluate, node.excluded), met)
        if isinstance(node, Or):
            sure, maybe = zip(*map(self.evaluate, node.alternatives), strict=True)
            return Candidates(BitMap.union(*sure), BitMap.union(*maybe))
        if isinstance(node, Text) and not node.is_prefix:
            if node.field in _TEXTS_OF_FIELD:
                return self._texts.papers_with_phrase(
                    phrase_pattern(node.words), _TEXTS_OF_FIELD[node.field]
                )
            if node.field is Field.AUTHOR:
                return self._names.papers_with_phrase(
                    phrase_pattern(node.words, with_plurals=False), (0,)
                )
        return Candidates(BitMap(), self._doc_ids)

    @cached_property
    def _texts(self) -> _JoinedTexts:
        texts = {place: paper.text_bytes for place, paper in self._papers.items()}
        return self._join(texts, _with_separators(texts))

    @cached_property
    def _names(self) -> _JoinedTexts:
        names = {place: paper.author_bytes for place, paper in self._papers.items()}
        joined = {place: (_TEXT_SEPARATOR.join(of),) for place, of in names.items()}
        return self._join(joined, _with_separators(names))

    def _join(self, texts: Mapping[int, Sequence[bytes]], parted: Set[int]) -> _JoinedTexts:
        if not self._folded:
            return _JoinedTexts(texts, dict.fromkeys(parted, False))
        flat = _fold_ascii({place: of for place, of in texts.items() if place not in parted})
        blank = {place: (b"",) * len(of) for place, of in texts.items()}
        return _JoinedTexts(blank | flat, {place: place in flat for place in texts}, folded=True)


def _with_separators(papers: Mapping[int, Sequence[bytes]]) -> set[int]:
    """The papers whose texts have what others are parted by; hardly any has."""
    if not _has_separator(b"".join(chain.from_iterable(papers.values()))):
        return set()
    return {place for place, texts in papers.items() if any(map(_has_separator, texts))}


def _has_separator(text: bytes) -> bool:
    return b"\0" in text or _FOLD_SEPARATOR in text


def _fold_ascii(papers: Mapping[int, Sequence[bytes]]) -> dict[int, Sequence[bytes]]:
    """The texts folded, all together, of the papers whose words are then of ASCII alone."""
    texts = b" %b " % _FOLD_SEPARATOR.join(
        [b" %b " % text for of in papers.values() for text in of]
    )
    folded = iter(fold_text(texts.decode()).split(_FOLD_SEPARATOR.decode()))
    flat = {place: [next(folded) for _ in of] for place, of in papers.items()}
    return {
        place: [text.encode() for text in of]
        for place, of in flat.items()
        if all(map(str.isascii, of))
    }


class _JoinedTexts:
    """Texts of papers, so many of each, as one text in lower case.

    `plain` tells of some whether they have nothing to fold but case and plurals; of papers that are
    not plain it is never sure what they lack, nor, unless they are `folded`, what they have.
    """

    def __init__(
        self, papers: Mapping[int, Sequence[bytes]], plain: dict[int, bool], *, folded: bool = False
    ) -> None:
        self._papers, self._places, self._folded = papers, list(papers), folded
        texts = list(chain.from_iterable(papers.values()))
        self._texts_per_paper = len(texts) // len(papers) if papers else 1
        self._starts = list(
            accumulate([len(text) + len(_TEXT_SEPARATOR) for text in texts], initial=0)
        )
        self._text = b" " + _TEXT_SEPARATOR.join([*texts, b""]).lower()
        self._plain = plain

    def papers_with_phrase(self, phrase: PhrasePattern, fields: Sequence[int]) -> Candidates:
        """Those with a row of words in one of these of their texts."""
        sure, spelled = set[int](), set[int]()
        for start, _, plainly in phrase.occurrences(self._text):
            paper, field = divmod(bisect_right(self._starts, start - 1) - 1, self._texts_per_paper)
            if field in fields:
                (sure if plainly or self._folded else spelled).add(self._places[paper])
        others = self._papers.keys() - sure
        unclear = [place for place in others if place in spelled or not self._is_plain(place)]
        return Candidates(BitMap(sure), BitMap(sure) | BitMap(unclear))

    def _is_plain(self, place: int) -> bool:
        """Whether a paper's texts have nothing to fold but case and plurals."""
        if place not in self._plain:
            texts = self._papers[place]
            folded = any(not text.isascii() or any(c in text for c in _FOLDABLE) for text in texts)
            self._plain[place] = not folded
        return self._plain[place]


_FOLDABLE: Final = (b"'s", b"\\", b"$", b"{", b"}", b"^", b"_", b"~")
"""What folding may take away, or part words by otherwise than other signs do."""

_FOLD_SEPARATOR: Final = b"\1"
"""Between two texts that are folded together and then parted again."""
_TEXT_SEPARATOR: Final = b" \0 "
"""Between two texts: no words in a row reach across."""
_TEXTS_OF_FIELD: Final = {Field.ANY: (0, 1), Field.TITLE: (0,), Field.ABSTRACT: (1,)}
"""Which of a paper's two texts are a field's."""
