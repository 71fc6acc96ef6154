"""Verification of candidates: the texts of many papers are searched together.

Nearly every candidate matches, and nearly all of these so plainly that folding cannot change it:
as `reward models` between a blank and a full stop. And most texts have little to fold. So the bytes
of all texts together decide nearly every paper. The texts of the others are folded, all together as
well, which decides nearly all of these; the rest is matched one by one (`papers.query.match`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from functools import cached_property, reduce
from operator import itemgetter
from typing import Any, Final

from pyroaring import BitMap

from papers.query.ast import And, Author, Field, Node, Or, Text
from papers.query.match import FoldedPaper, matches_node
from papers.records.packing import LazyPaper
from papers.search.evaluate import Candidates, is_exact
from papers.search.node_plans import expand_spellings
from papers.text.joined_texts import JoinedTexts, fold_ascii, with_separators
from papers.text.names.person_match import is_name_of_person, select_possible_names
from papers.text.phrases import phrase_pattern

_MAX_BATCH: Final = 512
"""Papers whose texts are searched together."""


def verify(node: Node, papers: Mapping[int, LazyPaper]) -> BitMap:
    """Return the doc ids of the papers whose texts match a query.

    A paper without a description never matches, not even by its id.
    """
    if len(papers) > _MAX_BATCH:  # the processor's cache holds no more texts
        ids = list(papers)
        starts = range(0, len(ids), _MAX_BATCH)
        batches = [{id: papers[id] for id in ids[at : at + _MAX_BATCH]} for at in starts]
        return BitMap.union(*[verify(node, batch) for batch in batches])
    exact, possible = _TextBatch(papers).evaluate(node)
    if exact == possible:
        return exact
    unclear = {doc_id: papers[doc_id] for doc_id in possible - exact}
    folded, possible = _TextBatch(unclear, folded=True).evaluate(node)
    rest = [(doc_id, papers[doc_id]) for doc_id in possible - folded]
    matched = [id for id, paper in rest if paper.title and matches_node(node, FoldedPaper(paper))]
    return exact | folded | BitMap(matched)


def residual_query(root: Node) -> Node:
    """Return what is left to verify of a candidate: the tree without its exact parts.

    A candidate of a conjunction matches all of its exact nodes, and none that excludes it exactly.
    """
    if not isinstance(root, And):
        return root
    required = tuple(residual_query(node) for node in root.required if not is_exact(node))
    return And(required, tuple(node for node in root.excluded if not is_exact(node)))


class _TextBatch:
    """Papers whose texts are searched together, as they are written or `folded`."""

    def __init__(self, papers: Mapping[int, LazyPaper], *, folded: bool = False) -> None:
        self._papers, self._folded = papers, folded
        self._doc_ids = BitMap(papers)
        self._joined: dict[Field, JoinedTexts] = {}

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
        """Unite the alternatives: nearly every paper has the first, and is not searched again."""
        batch, exact, possible = self, BitMap(), BitMap()
        for alternative in node.alternatives:
            found = batch.evaluate(alternative)
            exact |= found.exact
            possible |= found.possible
            if exact == self._doc_ids:
                break
            batch = batch.without(exact)
        return Candidates(exact, possible)

    def without(self, doc_ids: BitMap) -> _TextBatch:
        """Return the batch of the other papers; this one unless it is much smaller."""
        others = self._doc_ids - doc_ids
        if 2 * len(others) > len(self._doc_ids):
            return self
        return _TextBatch({id: self._papers[id] for id in others}, folded=self._folded)

    def evaluate_text(self, text: Text) -> Candidates:
        """Search the texts for a word or phrase; a prefix is left to the matcher."""
        if text.is_prefix:
            return self.undecided(text)
        if not text.is_literal and len(text.spellings) > 1:
            return self.evaluate(expand_spellings(text))
        if text.field not in _TEXTS_OF_FIELD:
            return self.undecided(text)
        texts, pattern = self._texts_in(text.field), phrase_pattern(text.words)
        exact, unclear = texts.papers_with_phrase(pattern, (0, 1))
        return Candidates(BitMap(exact), BitMap(exact | unclear))

    def evaluate_author(self, author: Author) -> Candidates:
        """Match the names of the authors: most papers have the same few."""
        readings, theirs, others = author.readings, set[bytes](), set[str]()

        def is_theirs(name: str) -> bool:
            if name in others or not is_name_of_person(readings, name):
                others.add(name)
                return False
            theirs.add(name.encode())
            return True

        found = BitMap(
            [
                doc_id
                for doc_id, names in self._names.items()
                if not theirs.isdisjoint(names)
                or any(map(is_theirs, select_possible_names(readings, names)))
            ]
        )
        return Candidates(found, found)

    def _texts_in(self, field: Field) -> JoinedTexts:
        """Return the texts that a field covers: a word of the other text decides nothing."""
        joined = self._joined.get(field)
        if joined is None:
            covered_by = _TEXTS_OF_FIELD[field]
            texts = {id: covered_by(paper.text_bytes) for id, paper in self._papers.items()}
            self._joined[field] = joined = self._join(texts, with_separators(texts))
        return joined

    @cached_property
    def _names(self) -> Mapping[int, Sequence[bytes]]:
        """The authors of the papers that have a description: others never match."""
        papers = self._papers.items()
        return {doc_id: paper.author_bytes for doc_id, paper in papers if paper.text_bytes[0]}

    def _join(self, texts: Mapping[int, Sequence[bytes]], with_separators: Set[int]) -> JoinedTexts:
        if not self._folded:
            return JoinedTexts(texts, with_separators)
        folded = fold_ascii({id: of for id, of in texts.items() if id not in with_separators})
        empty = {doc_id: (b"",) * len(of) for doc_id, of in texts.items()}
        return JoinedTexts(empty | folded, texts.keys() - folded, folded=True)


_BATCH_EVALUATIONS: Final[dict[type, Callable[[_TextBatch, Any], Candidates]]] = {
    And: _TextBatch.evaluate_and,
    Or: _TextBatch.evaluate_or,
    Text: _TextBatch.evaluate_text,
    Author: _TextBatch.evaluate_author,
}
"""The node types that many texts decide together; papers are matched one by one for others."""


_TEXTS_OF_FIELD: Final[Mapping[Field, Callable[[Sequence[bytes]], Sequence[bytes]]]] = {
    Field.ANY: itemgetter(slice(2)),
    Field.TITLE: itemgetter(slice(1)),
    Field.ABSTRACT: itemgetter(slice(1, 2)),
}
"""Which of a paper's texts a field covers: the title is the first, the abstract the second."""
