"""Evaluate a query tree over postings: papers that match for certain, and papers that may match.

Every node evaluates to two bitmaps of doc ids, `exact` inside `possible` (two-phase evaluation).
Words, labels and authors with one given name are exact, and so are phrases of two words whose
shingle has a posting of its own. Of any other phrase the postings only say that its shingles occur
or, where a shingle shares a hashed slot with others, that they may occur: for those, the postings
of the phrase's words narrow the candidates. `papers.search.verify` checks the rest on the papers'
texts. Pure: postings in, bitmaps out.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from pyroaring import BitMap

from papers.index.author_terms import author_doc_ids, is_exact_author
from papers.index.bitmaps import unite_bitmaps
from papers.index.postings import doc_ids_of_months
from papers.index.probe_terms import rare_terms
from papers.index.terms import (
    ALL_DAY_TERMS,
    WORD_KIND,
    covers_month,
    day_terms,
    is_exact_label,
    is_single_shingle,
    label_term,
    label_terms,
    text_shingles,
    text_terms,
    title_terms,
)
from papers.query.ast import (
    And,
    Author,
    DateRange,
    Field,
    IdFilter,
    Label,
    LabelKind,
    MinVotes,
    Node,
    Or,
    Text,
)

PostingKey = bytes | int
"""Identifies a posting: a term, a shingle by its hash, or a slot (see `shingle_slot_key`)."""

PrefixExpansions = Mapping[str, Sequence[str] | None]
"""Prefixes and the words that begin with each; None if there are too many to read."""

ProbeTerms = Mapping[Text, Sequence[bytes]]
"""Phrases and the terms to read for each where slots make its shingles ambiguous, besides its
`rare_terms`."""

PICKED_TERM: Final = label_term(Label(LabelKind.FLAG, "picked"))


def shingle_slot_key(shingle: int) -> int:
    """Return the posting key of a shingle's slot, used where the shingle has no own posting."""
    return ~shingle


class Postings(Protocol):
    """Postings of some months (YYYYMM), as bitmaps of doc ids (`ArxivId.doc_id`)."""

    months: Sequence[int]

    def bitmap_of(self, key: PostingKey, months: Iterable[int] | None = None) -> BitMap:
        """Return the papers of a posting, in all of these months or in some of them."""

    def bitmap_among(self, key: PostingKey, doc_ids: BitMap) -> BitMap:
        """Return the papers of a posting that are among `doc_ids`."""


class _RestrictedPostings:
    """Implements `Postings` for a set of papers: a small set needs less merging."""

    def __init__(self, postings: Postings, doc_ids: BitMap) -> None:
        self._postings, self._doc_ids = postings, doc_ids
        self.months = postings.months

    def bitmap_of(self, key: PostingKey, months: Iterable[int] | None = None) -> BitMap:
        found = self._postings.bitmap_among(key, self._doc_ids)
        return found if months is None else found & doc_ids_of_months(months)

    def bitmap_among(self, key: PostingKey, doc_ids: BitMap) -> BitMap:
        return self._postings.bitmap_among(key, doc_ids & self._doc_ids)


class Candidates(NamedTuple):
    """Doc ids that match for certain, and those that may match; one object if both are equal."""

    exact: BitMap
    possible: BitMap

    def __and__(self, other: Candidates) -> Candidates:
        possible = self.possible & other.possible
        all_exact = self.exact is self.possible and other.exact is other.possible
        return Candidates(possible if all_exact else self.exact & other.exact, possible)

    def __sub__(self, excluded: Candidates) -> Candidates:
        if not excluded.possible:
            return self
        return Candidates(self.exact - excluded.possible, self.possible - excluded.exact)

    @property
    def unverified(self) -> BitMap:
        """The doc ids that may match but are not certain."""
        return BitMap() if self.exact is self.possible else self.possible - self.exact


class Evaluator:
    """Evaluates nodes over the months that were read; merges a posting when it is first needed."""

    def __init__(
        self, postings: Postings, expansions: PrefixExpansions, probe_terms: ProbeTerms
    ) -> None:
        self.postings, self.expansions, self.probe_terms = postings, expansions, probe_terms

    def evaluate(self, node: Node) -> Candidates:
        """Return the candidates of a subtree."""
        return NODE_EVALUATIONS[type(node)].evaluate(self, node)

    def evaluate_and(self, node: And) -> Candidates:
        """Intersect the required nodes, most selective first, and subtract the excluded ones.

        A date range that covers every month needs no posting.
        """
        candidates: Candidates | None = None
        for child in sorted(node.required, key=lambda n: NODE_EVALUATIONS[type(n)].rank(n)):
            months = self.postings.months
            if isinstance(child, DateRange) and all(covers_month(child, m) for m in months):
                continue
            scope = self if candidates is None else self.restricted_to(candidates.possible)
            found = scope.evaluate(child)
            candidates = found if candidates is None else candidates & found
            if not candidates.possible:
                return candidates
        assert candidates is not None, "the parser puts a keyword beside every filter"
        for child in node.excluded:
            candidates = candidates - self.restricted_to(candidates.possible).evaluate(child)
        return candidates

    def restricted_to(self, doc_ids: BitMap) -> Evaluator:
        """Return an evaluator over some of the papers."""
        restricted = _RestrictedPostings(self.postings, doc_ids)
        return Evaluator(restricted, self.expansions, self.probe_terms)

    def evaluate_or(self, node: Or) -> Candidates:
        """Unite the alternatives."""
        children = [self.evaluate(child) for child in node.alternatives]
        possible = BitMap.union(*[child.possible for child in children])
        if all(child.exact is child.possible for child in children):
            return Candidates(possible, possible)
        return Candidates(BitMap.union(*[child.exact for child in children]), possible)

    def evaluate_text(self, text: Text) -> Candidates:
        """Evaluate a word, phrase or prefix; a word is exact unless it is of the abstract alone."""
        if text.is_prefix:
            return self.evaluate_prefix(text)
        if text.is_phrase:
            return self.evaluate_phrase(text)
        possible = self.postings.bitmap_of(text_terms(text)[0])
        if text.field is Field.ABSTRACT:
            return Candidates(possible - self.postings.bitmap_of(title_terms(text)[0]), possible)
        return Candidates(possible, possible)

    def evaluate_phrase(self, text: Text) -> Candidates:
        """Intersect the phrase's shingles; where only slots match, its probe terms as well."""
        if not text_shingles(text):
            return Candidates(BitMap(), self.intersection(text_terms(text)))
        contained, possible = shingle_candidates(text, self.postings)
        if len(contained) < len(possible):
            ambiguous = possible - contained
            terms = (*rare_terms(text), *self.probe_terms.get(text, ()))
            possible = contained | (ambiguous & self.intersection(terms) if terms else ambiguous)
        return Candidates(contained if is_single_shingle(text) else BitMap(), possible)

    def evaluate_author(self, author: Author) -> Candidates:
        """Return the papers of a person."""
        return Candidates(*author_doc_ids(author, self.postings.bitmap_of))

    def evaluate_prefix(self, text: Text) -> Candidates:
        """Unite the prefix's words; if there are too many, every paper is a candidate."""
        terms = prefix_terms(text, self.expansions)
        possible = BitMap.union(BitMap(), *map(self.postings.bitmap_of, terms))
        exact = text.field is not Field.ABSTRACT and self.expansions[text.words[0]] is not None
        return Candidates(possible if exact else BitMap(), possible)

    def intersection(self, keys: Iterable[PostingKey]) -> BitMap:
        """Return the papers that have all of these postings; stop at the first empty result."""
        found: BitMap | None = None
        for key in keys:
            bitmap = self.postings.bitmap_of(key)
            found = bitmap if found is None else found & bitmap
            if not found:
                break
        return BitMap() if found is None else found

    def evaluate_label(self, label: Label) -> Candidates:
        """Return the papers with a label: exact, but for primary categories and long links."""
        found = unite_bitmaps([self.postings.bitmap_of(term) for term in label_terms(label)])
        return Candidates(found if is_exact(label) else BitMap(), found)

    def evaluate_id(self, node: IdFilter) -> Candidates:
        """Return one paper: only its record shows whether it exists."""
        in_months = [node.id.doc_id] if node.id.month in self.postings.months else []
        return Candidates(BitMap(), BitMap(in_months))

    def evaluate_votes(self, node: MinVotes) -> Candidates:
        """Return every picked paper: votes change too often to be indexed."""
        return Candidates(BitMap(), self.postings.bitmap_of(PICKED_TERM))

    def evaluate_dates(self, node: DateRange) -> Candidates:
        """Unite the day postings of each month, and all papers of months inside the range."""
        months_of_term: dict[bytes, list[int]] = defaultdict(list)
        for month in self.postings.months:
            for term in day_terms(node, month):
                months_of_term[term].append(month)
        found = [self.postings.bitmap_of(term, months) for term, months in months_of_term.items()]
        covered = [month for month in self.postings.months if covers_month(node, month)]
        in_range = BitMap.union(doc_ids_of_months(covered), *found)
        return Candidates(in_range, in_range)


def is_exact(node: Node) -> bool:
    """Return True if postings alone decide which papers match."""
    return NODE_EVALUATIONS[type(node)].is_exact(node)


def _is_exact_text(text: Text) -> bool:
    return text.field is not Field.ABSTRACT and not text.is_prefix and not text.is_phrase


def _text_rank(text: Text) -> int:
    return 3 if text.is_prefix else int(not text.is_phrase)


def shingle_candidates(phrase: Text, postings: Postings) -> tuple[BitMap, BitMap]:
    """Return the papers that have all shingles of a phrase, and those that may by their slots.

    Both are the same object if no slot adds a paper.
    """
    contained, possible = [], []
    for shingle in text_shingles(phrase):
        posting = postings.bitmap_of(shingle)
        slot = postings.bitmap_of(shingle_slot_key(shingle))
        contained.append(posting)
        possible.append(posting | slot if slot else posting)
    found = BitMap.intersection(*contained)
    return found, found if contained == possible else BitMap.intersection(*possible)


def prefix_terms(text: Text, expansions: PrefixExpansions) -> Sequence[bytes]:
    """Return the terms of a prefix's words; if there are too many, terms that any paper has."""
    kind = b"t" if text.field is Field.TITLE else WORD_KIND
    words = expansions[text.words[0]]
    return ALL_DAY_TERMS if words is None else [kind + word.encode() for word in words]


class NodeEvaluation(NamedTuple):
    """How one node type is evaluated; nodes of a low `rank` are likely to leave few candidates."""

    evaluate: Callable[[Evaluator, Any], Candidates]
    is_exact: Callable[[Any], bool]
    rank: Callable[[Any], int]


NODE_EVALUATIONS: Final[dict[type, NodeEvaluation]] = {
    And: NodeEvaluation(
        Evaluator.evaluate_and,
        lambda node: all(map(is_exact, (*node.required, *node.excluded))),
        lambda _: 3,
    ),
    Or: NodeEvaluation(
        Evaluator.evaluate_or, lambda node: all(map(is_exact, node.alternatives)), lambda _: 3
    ),
    Text: NodeEvaluation(Evaluator.evaluate_text, _is_exact_text, _text_rank),
    Author: NodeEvaluation(Evaluator.evaluate_author, is_exact_author, lambda _: 0),
    Label: NodeEvaluation(Evaluator.evaluate_label, is_exact_label, lambda _: 2),
    IdFilter: NodeEvaluation(Evaluator.evaluate_id, lambda _: False, lambda _: 3),
    MinVotes: NodeEvaluation(Evaluator.evaluate_votes, lambda _: False, lambda _: 3),
    DateRange: NodeEvaluation(Evaluator.evaluate_dates, lambda _: True, lambda _: 2),
}
"""One row per node type."""
