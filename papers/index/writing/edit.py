"""A volume's index under change: which fields an edit reads, and what they become.

An edit is decided here and written by `papers.index.writing.month_writer`. The same papers have the same
postings, whatever the batches were that brought them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final, NamedTuple

from papers.index import postings
from papers.index.bitmaps import deserialize_bitmap, serialize_bitmap
from papers.index.layout import MONTH_PAPER_BITS, MONTHS_PER_YEAR, SegmentLayout
from papers.index.postings import MAX_INLINE_POSTING, PLACE_BYTES
from papers.index.shingles.shingle_edit import make_shingle_edit
from papers.index.shingles.shingle_postings import HashFields
from papers.index.writing.term_batch import Vocabulary, group_doc_ids, subtract_keys
from papers.model.arxiv_id import month_ordinal
from papers.model.paper import Paper

_MAX_INLINE_BYTES: Final = PLACE_BYTES * MAX_INLINE_POSTING


class PaperChange(NamedTuple):
    """One paper before and after: what it is found by changes accordingly."""

    before: Paper | None
    after: Paper | None


class SegmentEdit:
    """What the changes of some papers of one month do to the index that has them."""

    def __init__(
        self,
        layout: SegmentLayout,
        changes: Iterable[PaperChange],
        vocabulary: Vocabulary | None = None,
    ) -> None:
        """`shape` is that of their month or year; `vocabulary` what earlier edits have met."""
        changes, vocabulary = list(changes), vocabulary or Vocabulary()
        papers = (paper for change in changes for paper in change if paper)
        month = next((month_ordinal(paper.id.month) for paper in papers), 0)
        before = vocabulary.batch_keys(c.before for c in changes if c.before)
        after = vocabulary.batch_keys(c.after for c in changes if c.after)
        gained, lost = (
            subtract_keys(after.term_keys, before.term_keys),
            subtract_keys(before.term_keys, after.term_keys),
        )
        names = vocabulary.terms
        self._term_edit = _TermEdit(
            layout,
            {
                names[number]: papers
                for number, papers in group_doc_ids(gained, month << MONTH_PAPER_BITS)
            },
            {
                names[number]: papers
                for number, papers in group_doc_ids(lost, month << MONTH_PAPER_BITS)
            },
        )
        year = month - month % MONTHS_PER_YEAR << MONTH_PAPER_BITS
        self._shingle_edit = make_shingle_edit(
            layout, year, before.shingle_keys, after.shingle_keys
        )

    @property
    def gaining_terms(self) -> Set[bytes]:
        """The terms that gain papers."""
        return self._term_edit.gained.keys()

    def field_names(self) -> list[bytes]:
        """The fields that `apply` needs the values of."""
        return [*self._term_edit.field_names(), *self._shingle_edit.field_names()]

    def apply(self, current: HashFields) -> dict[bytes, bytes | None]:
        """The fields that change, with their new values; None where a field goes."""
        after = self._term_edit.apply(current) | self._shingle_edit.apply(current)
        return {field: value for field, value in after.items() if value != current.get(field)}


class _TermEdit:
    """What papers that gain and lose terms do to the fields of terms.

    `gained` and `lost` are terms to papers, as small postings are packed.
    """

    def __init__(
        self, layout: SegmentLayout, gained: Mapping[bytes, bytes], lost: Mapping[bytes, bytes]
    ) -> None:
        self.gained, self._lost = gained, lost
        self._buckets: dict[int, list[bytes]] = defaultdict(list)
        touched = [*gained, *(term for term in lost if term not in gained)]
        for term, bucket in zip(touched, layout.term_buckets(touched), strict=True):
            self._buckets[bucket].append(term)

    def field_names(self) -> list[bytes]:
        """The own fields and the buckets of all that changes."""
        touched = [term for members in self._buckets.values() for term in members]
        return [*map(postings.term_field, touched), *map(postings.term_bucket_field, self._buckets)]

    def apply(self, current: HashFields) -> dict[bytes, bytes | None]:
        """The new values of what changes."""
        after: dict[bytes, bytes | None] = {}
        for bucket, members in self._buckets.items():
            field = postings.term_bucket_field(bucket)
            small = postings.unpack_term_bucket(current.get(field))
            if current:
                for term in members:
                    self._update_posting(term, small, current, after)
            else:
                small = self._build_bucket(members, after)
            after[field] = postings.pack_term_bucket(small) if small else None
        return after

    def _build_bucket(
        self, members: Sequence[bytes], after: dict[bytes, bytes | None]
    ) -> dict[bytes, bytes]:
        """The small postings of a bucket of which nothing was there; large ones go into `after`."""
        small = {term: self.gained[term] for term in members if term in self.gained}
        for term in [term for term, papers in small.items() if len(papers) > _MAX_INLINE_BYTES]:
            after[postings.term_field(term)] = serialize_bitmap(
                postings.decode_doc_ids(small.pop(term))
            )
        return small

    def _update_posting(
        self,
        term: bytes,
        small: dict[bytes, bytes],
        current: HashFields,
        after: dict[bytes, bytes | None],
    ) -> None:
        """Change one posting, which may pass from its bucket to a field of its own or back."""
        own = postings.term_field(term)
        large = current.get(own)
        if not large and term not in self._lost:
            known, gained = small.get(term, b""), self.gained[term]
            if postings.precedes(known, gained) and len(known + gained) <= _MAX_INLINE_BYTES:
                small[term] = known + gained  # papers that come in order, as most do
                return
        papers = (
            deserialize_bitmap(large) if large else postings.decode_doc_ids(small.pop(term, b""))
        )
        papers |= postings.decode_doc_ids(self.gained.get(term, b""))
        papers -= postings.decode_doc_ids(self._lost.get(term, b""))
        after[own] = serialize_bitmap(papers) if len(papers) > MAX_INLINE_POSTING else None
        if 0 < len(papers) <= MAX_INLINE_POSTING:
            small[term] = postings.encode_doc_ids(papers)
