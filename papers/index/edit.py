"""A volume's index under change: which fields an edit reads, and what they become.

An edit is decided here and written by `papers.index.month_writer`. The same papers have the same
postings, whatever the batches were that brought them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final, NamedTuple

from papers.index import postings
from papers.index.bitmaps import deserialized, serialized
from papers.index.layout import PAPER_BITS, YEAR, Shape
from papers.index.postings import LARGEST_SMALL, PLACE_BYTES
from papers.index.shingles.shingle_edit import edit_of
from papers.index.shingles.shingle_postings import Fields
from papers.index.term_batch import Vocabulary, groups, without
from papers.model.arxiv_id import month_place
from papers.model.paper import Paper

_LARGEST: Final = PLACE_BYTES * LARGEST_SMALL


class Change(NamedTuple):
    """One paper before and after: what it is found by changes accordingly."""

    before: Paper | None
    after: Paper | None


class Edit:
    """What the changes of some papers of one month do to the index that has them."""

    def __init__(
        self, shape: Shape, changes: Iterable[Change], vocabulary: Vocabulary | None = None
    ) -> None:
        """`shape` is that of their month or year; `vocabulary` what earlier edits have met."""
        changes, vocabulary = list(changes), vocabulary or Vocabulary()
        papers = (paper for change in changes for paper in change if paper)
        month = next((month_place(paper.id.month) for paper in papers), 0)
        before = vocabulary.found(c.before for c in changes if c.before)
        after = vocabulary.found(c.after for c in changes if c.after)
        gained, lost = without(after.terms, before.terms), without(before.terms, after.terms)
        names = vocabulary.terms
        self._terms = _TermsEdit(
            shape,
            {names[number]: papers for number, papers in groups(gained, month << PAPER_BITS)},
            {names[number]: papers for number, papers in groups(lost, month << PAPER_BITS)},
        )
        year = month - month % YEAR << PAPER_BITS
        self._pairs = edit_of(shape, year, before.pairs, after.pairs)

    @property
    def gaining(self) -> Set[bytes]:
        """The terms that gain papers."""
        return self._terms.gained.keys()

    def fields(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return [*self._terms.fields(), *self._pairs.fields()]

    def apply(self, current: Fields) -> dict[bytes, bytes | None]:
        """The fields that change, with their new values; None where a field goes."""
        after = self._terms.apply(current) | self._pairs.apply(current)
        return {field: value for field, value in after.items() if value != current.get(field)}


class _TermsEdit:
    """What papers that gain and lose terms do to the fields of terms.

    `gained` and `lost` are terms to papers, as small postings are packed.
    """

    def __init__(
        self, shape: Shape, gained: Mapping[bytes, bytes], lost: Mapping[bytes, bytes]
    ) -> None:
        self.gained, self._lost = gained, lost
        self._buckets: dict[int, list[bytes]] = defaultdict(list)
        touched = [*gained, *(term for term in lost if term not in gained)]
        for term, bucket in zip(touched, shape.buckets(touched), strict=True):
            self._buckets[bucket].append(term)

    def fields(self) -> list[bytes]:
        """The own fields and the buckets of all that changes."""
        touched = [term for members in self._buckets.values() for term in members]
        return [*map(postings.term_field, touched), *map(postings.bucket_field, self._buckets)]

    def apply(self, current: Fields) -> dict[bytes, bytes | None]:
        """The new values of what changes."""
        after: dict[bytes, bytes | None] = {}
        for bucket, members in self._buckets.items():
            field = postings.bucket_field(bucket)
            small = postings.unpack(current.get(field))
            if current:
                for term in members:
                    self._move(term, small, current, after)
            else:
                small = self._first(members, after)
            after[field] = postings.pack(small) if small else None
        return after

    def _first(
        self, members: Sequence[bytes], after: dict[bytes, bytes | None]
    ) -> dict[bytes, bytes]:
        """The small postings of a bucket of which nothing was there; large ones go into `after`."""
        small = {term: self.gained[term] for term in members if term in self.gained}
        for term in [term for term, papers in small.items() if len(papers) > _LARGEST]:
            after[postings.term_field(term)] = serialized(postings.bitmap(small.pop(term)))
        return small

    def _move(
        self,
        term: bytes,
        small: dict[bytes, bytes],
        current: Fields,
        after: dict[bytes, bytes | None],
    ) -> None:
        """Change one posting, which may pass from its bucket to a field of its own or back."""
        own = postings.term_field(term)
        large = current.get(own)
        if not large and term not in self._lost:
            known, gained = small.get(term, b""), self.gained[term]
            if postings.follows(known, gained) and len(known + gained) <= _LARGEST:
                small[term] = known + gained  # papers that come in order, as most do
                return
        papers = deserialized(large) if large else postings.bitmap(small.pop(term, b""))
        papers |= postings.bitmap(self.gained.get(term, b""))
        papers -= postings.bitmap(self._lost.get(term, b""))
        after[own] = serialized(papers) if len(papers) > LARGEST_SMALL else None
        if 0 < len(papers) <= LARGEST_SMALL:
            small[term] = postings.packed(papers)
