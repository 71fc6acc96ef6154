"""Verification of candidates: the texts of many papers are searched together.

Nearly every candidate matches, and nearly all of these so plainly that folding cannot change it:
as `reward models` between a blank and a full stop. And most texts have little to fold. So the bytes
of all texts together decide nearly every paper. The texts of the others are folded, all together as
well, which decides nearly all of these; the rest is matched one by one (`papers.query.match`).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence, Set
from functools import cached_property, reduce
from itertools import accumulate, chain
from typing import Any, Final

from pyroaring import BitMap

from papers.query.ast import And, Author, Field, Node, Or, Text
from papers.query.match import FoldedPaper, matches_node
from papers.records.packing import LazyPaper
from papers.search.evaluate import Candidates
from papers.search.node_plans import expand_spellings
from papers.text.folding import fold_text, lower_capitals
from papers.text.link_names import blank_url_bytes
from papers.text.names.person_match import is_name_of_person, select_possible_names
from papers.text.phrases import PhrasePattern, phrase_pattern, second_parts


def verify(node: Node, papers: Mapping[int, LazyPaper]) -> BitMap:
    """Return the doc ids of the papers whose texts match a query.

    A paper without a description never matches, not even by its id.
    """
    exact, possible = _TextBatch(papers).evaluate(node)
    if exact == possible:
        return exact
    unclear = {doc_id: papers[doc_id] for doc_id in possible - exact}
    folded, possible = _TextBatch(unclear, folded=True).evaluate(node)
    rest = [(doc_id, papers[doc_id]) for doc_id in possible - folded]
    matched = [id for id, paper in rest if paper.title and matches_node(node, FoldedPaper(paper))]
    return exact | folded | BitMap(matched)


class _TextBatch:
    """Papers whose texts are searched together, as they are written or `folded`."""

    def __init__(self, papers: Mapping[int, LazyPaper], *, folded: bool = False) -> None:
        self._papers, self._folded = papers, folded
        self._doc_ids = BitMap(papers)

    def evaluate(self, node: Node) -> Candidates:
        """Return the papers that match for certain, and those that may; for labels, all may."""
        evaluate = _BATCH_EVALUATIONS.get(type(node), _TextBatch.undecided)
        return evaluate(self, node)

    def undecided(self, node: Node) -> Candidates:
        """Return every paper as possible: each is matched by itself."""
        return Candidates(BitMap(), self._doc_ids)

    def evaluate_and(self, node: And) -> Candidates:
        """Intersect the required nodes, and subtract the excluded ones."""
        everything = Candidates(self._doc_ids, self._doc_ids)
        candidates = reduce(Candidates.__and__, map(self.evaluate, node.required), everything)
        return reduce(Candidates.__sub__, map(self.evaluate, node.excluded), candidates)

    def evaluate_or(self, node: Or) -> Candidates:
        """Unite the alternatives."""
        exact, possible = zip(*map(self.evaluate, node.alternatives), strict=True)
        return Candidates(BitMap.union(*exact), BitMap.union(*possible))

    def evaluate_text(self, text: Text) -> Candidates:
        """Search the texts for a word or phrase; a prefix is left to the matcher."""
        if text.is_prefix:
            return self.undecided(text)
        if not text.is_literal and len(text.spellings) > 1:
            return self.evaluate(expand_spellings(text))
        if text.field not in _TEXTS_OF_FIELD:
            return self.undecided(text)
        fields = _TEXTS_OF_FIELD[text.field]
        return self._texts.papers_with_phrase(phrase_pattern(text.words), fields)

    def evaluate_author(self, author: Author) -> Candidates:
        """Match the names of the authors."""
        readings, known = author.readings, dict[str, bool]()  # most papers have the same few names

        def is_theirs(name: str) -> bool:
            if name not in known:
                known[name] = is_name_of_person(readings, name)
            return known[name]

        found = BitMap(
            [
                doc_id
                for doc_id, names in self._names.items()
                if any(map(is_theirs, select_possible_names(readings, names)))
            ]
        )
        return Candidates(found, found)

    @cached_property
    def _texts(self) -> _JoinedTexts:
        texts = {doc_id: paper.text_bytes for doc_id, paper in self._papers.items()}
        return self._join(texts, _with_separators(texts))

    @cached_property
    def _names(self) -> Mapping[int, Sequence[bytes]]:
        """The authors of the papers that have a description: others never match."""
        papers = self._papers.items()
        return {doc_id: paper.author_bytes for doc_id, paper in papers if paper.text_bytes[0]}

    def _join(
        self, texts: Mapping[int, Sequence[bytes]], with_separators: Set[int]
    ) -> _JoinedTexts:
        if not self._folded:
            return _JoinedTexts(texts, dict.fromkeys(with_separators, False))
        folded = _fold_ascii({id: of for id, of in texts.items() if id not in with_separators})
        empty = {doc_id: (b"",) * len(of) for doc_id, of in texts.items()}
        is_plain = {doc_id: doc_id in folded for doc_id in texts}
        return _JoinedTexts(empty | folded, is_plain, folded=True)


_BATCH_EVALUATIONS: Final[dict[type, Callable[[_TextBatch, Any], Candidates]]] = {
    And: _TextBatch.evaluate_and,
    Or: _TextBatch.evaluate_or,
    Text: _TextBatch.evaluate_text,
    Author: _TextBatch.evaluate_author,
}
"""The node types that many texts decide together; papers are matched one by one for others."""


def _with_separators(papers: Mapping[int, Sequence[bytes]]) -> set[int]:
    """Return the papers whose texts contain a separator of joined texts; hardly any does."""
    if not _has_separator(b"".join(chain.from_iterable(papers.values()))):
        return set()
    return {doc_id for doc_id, texts in papers.items() if any(map(_has_separator, texts))}


def _has_separator(text: bytes) -> bool:
    return b"\0" in text or _FOLD_SEPARATOR in text


def _fold_ascii(papers: Mapping[int, Sequence[bytes]]) -> dict[int, Sequence[bytes]]:
    """Fold all texts together; return those of papers whose folded texts are ASCII."""
    texts = b" %b " % _FOLD_SEPARATOR.join(
        [b" %b " % _lower_capitals(text) for of in papers.values() for text in of]
    )
    folded = iter(fold_text(texts.decode()).split(_FOLD_SEPARATOR.decode()))
    by_paper = {doc_id: [next(folded) for _ in of] for doc_id, of in papers.items()}
    return {
        doc_id: [text.encode() for text in of]
        for doc_id, of in by_paper.items()
        if all(map(str.isascii, of))
    }


def _lower_capitals(text: bytes) -> bytes:
    return lower_capitals(text.decode()).encode() if text.isupper() else text


class _JoinedTexts:
    """Texts of papers, equally many of each, joined to one text in lower case.

    `plain` says for some papers whether their texts have nothing to fold but case and plurals. A
    paper that is not plain may have a phrase that is not found and, unless texts are `folded`, may
    lack one that is.
    """

    def __init__(
        self, papers: Mapping[int, Sequence[bytes]], plain: dict[int, bool], *, folded: bool = False
    ) -> None:
        self._papers, self._doc_ids, self._folded = papers, list(papers), folded
        texts = list(chain.from_iterable(papers.values()))
        self._texts_per_paper = len(texts) // len(papers) if papers else 1
        self._starts = list(
            accumulate([len(text) + len(_TEXT_SEPARATOR) for text in texts], initial=0)
        )
        written = b" " + _TEXT_SEPARATOR.join([*map(_lower_capitals, texts), b""])
        self._written = written if folded else _mark_dotnet(blank_url_bytes(written))
        self._text = self._written.lower()
        self._plain = plain

    def papers_with_phrase(self, phrase: PhrasePattern, fields: Sequence[int]) -> Candidates:
        """Return the papers with a phrase in one of these of their texts, by the texts' numbers."""
        exact, found = set[int](), set[int]()
        for start, _, plainly in phrase.occurrences(self._text, self._written):
            paper, field = self._paper_and_field(start)
            if field in fields:
                (exact if plainly or self._folded else found).add(self._doc_ids[paper])
        others = self._papers.keys() - exact
        joined = self._papers_with_joined(phrase, fields) if others else ()
        unclear = [
            doc_id
            for doc_id in others
            if doc_id in found or doc_id in joined or not self._is_plain(doc_id)
        ]
        return Candidates(BitMap(exact), BitMap(exact) | BitMap(unclear))

    def _papers_with_joined(self, phrase: PhrasePattern, fields: Sequence[int]) -> set[int]:
        """Return the papers that have a word of a phrase as a hyphenated pair; hardly any has."""
        joined = phrase.joined_occurrences(self._text, self._second_parts)
        places = map(self._paper_and_field, joined)
        return {self._doc_ids[paper] for paper, field in places if field in fields}

    @cached_property
    def _second_parts(self) -> Set[bytes]:
        return second_parts(self._text)

    def _paper_and_field(self, at: int) -> tuple[int, int]:
        """Return the numbers of the paper, and of its text, at a position of the joined texts."""
        return divmod(bisect_right(self._starts, at - 1) - 1, self._texts_per_paper)

    def _is_plain(self, doc_id: int) -> bool:
        """Return True if a paper's texts have nothing to fold but case and plurals."""
        if doc_id not in self._plain:
            texts = self._papers[doc_id]
            self._plain[doc_id] = not any(map(_may_fold, texts))
        return self._plain[doc_id]


def _may_fold(text: bytes) -> bool:
    """Return whether folding may do more to a text than fold case and plurals."""
    if not text.isascii() or len(text.translate(None, _FOLDABLE_BYTES)) < len(text):
        return True
    return any(part in text for part in _FOLDABLE)


def _mark_dotnet(text: bytes) -> bytes:
    """Replace the full stop of `.NET`: it is part of a word, not between words."""
    return _DOTNET.sub(b"_", text)


_DOTNET: Final = re.compile(rb"\.(?=(?:NET|Net|net)(?![A-Za-z0-9]))")
_FOLDABLE_BYTES: Final = b"\\${}^_~+#*&"
_FOLDABLE: Final = (b"'s", b".NET", b".Net", b".net")
"""What folding may remove, or treat as a word boundary unlike other punctuation."""

_FOLD_SEPARATOR: Final = b"\1"
"""The separator of texts that are folded together and then split again."""
_TEXT_SEPARATOR: Final = b" \0 "
"""The separator of joined texts: no phrase reaches across it."""
_TEXTS_OF_FIELD: Final = {Field.ANY: (0, 1), Field.TITLE: (0,), Field.ABSTRACT: (1,)}
"""The numbers of a paper's texts that a field covers: title 0, abstract 1."""
