"""Edits of a segment: which fields an edit reads, and their new values.

An edit touches no store: `papers.index.writing.month_writer` reads and writes the fields. The same
papers have the same postings, in whatever batches they came.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final, NamedTuple

from papers.index import postings
from papers.index.bitmaps import deserialize_bitmap, serialize_bitmap
from papers.index.layout import MONTH_PAPER_BITS, MONTHS_PER_YEAR, SegmentLayout
from papers.index.postings import DOC_ID_BYTES, MAX_INLINE_POSTING, HashFields
from papers.index.shingles.shingle_edit import make_shingle_edit
from papers.index.shingles.shingle_keys import group_doc_ids, subtract_keys
from papers.index.writing.term_batch import Vocabulary
from papers.model.arxiv_id import month_ordinal
from papers.model.paper import Paper

_MAX_INLINE_BYTES: Final = DOC_ID_BYTES * MAX_INLINE_POSTING


class PaperChange(NamedTuple):
    """A paper before and after; None where it is not indexed."""

    before: Paper | None
    after: Paper | None


class SegmentEdit:
    """An edit of the segment that has the postings of a month, for changes of its papers."""

    def __init__(
        self,
        layout: SegmentLayout,
        changes: Iterable[PaperChange],
        vocabulary: Vocabulary | None = None,
    ) -> None:
        """Compare terms and shingles; `vocabulary` carries term numbers from edit to edit."""
        changes, vocabulary = list(changes), vocabulary or Vocabulary()
        papers = (paper for change in changes for paper in change if paper)
        month = next((month_ordinal(paper.id.month) for paper in papers), 0)
        before = vocabulary.batch_keys(c.before for c in changes if c.before)
        after = vocabulary.batch_keys(c.after for c in changes if c.after)
        gained, lost = (
            {
                vocabulary.terms[number]: doc_ids
                for number, doc_ids in group_doc_ids(keys, month << MONTH_PAPER_BITS)
            }
            for keys in (
                subtract_keys(after.term_keys, before.term_keys),
                subtract_keys(before.term_keys, after.term_keys),
            )
        )
        self._term_edit = _TermEdit(layout, gained, lost)
        first_of_year = month - month % MONTHS_PER_YEAR << MONTH_PAPER_BITS
        self._shingle_edit = make_shingle_edit(
            layout, first_of_year, before.shingle_keys, after.shingle_keys
        )

    @property
    def gaining_terms(self) -> Set[bytes]:
        """The terms that gain any paper."""
        return self._term_edit.gained.keys()

    def field_names(self) -> list[bytes]:
        """Return the fields whose values `apply` needs."""
        return [*self._term_edit.field_names(), *self._shingle_edit.field_names]

    def apply(self, current: HashFields) -> dict[bytes, bytes | None]:
        """Return the fields that change with their new values; None for one to be deleted."""
        after = self._term_edit.apply(current) | self._shingle_edit.apply(current)
        return {field: value for field, value in after.items() if value != current.get(field)}


class _TermEdit:
    """An edit of the postings of terms.

    `gained` and `lost` are doc ids by term, packed like small postings.
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
        """Return the own fields and the buckets of all terms that change."""
        touched = [term for members in self._buckets.values() for term in members]
        return [*map(postings.term_field, touched), *map(postings.term_bucket_field, self._buckets)]

    def apply(self, current: HashFields) -> dict[bytes, bytes | None]:
        """Return the new values of the fields; None for one that is to be deleted."""
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
        """Return the small postings of a new bucket; put large ones into `after`."""
        small = {term: self.gained[term] for term in members if term in self.gained}
        for term in [term for term, posting in small.items() if len(posting) > _MAX_INLINE_BYTES]:
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
        """Update one posting, which may move from its bucket to a field of its own or back."""
        own = postings.term_field(term)
        large = current.get(own)
        if not large and term not in self._lost:
            known, gained = small.get(term, b""), self.gained[term]
            if postings.precedes(known, gained) and len(known + gained) <= _MAX_INLINE_BYTES:
                small[term] = known + gained  # papers come in order, as a rule: no bitmap is needed
                return
        papers = (
            deserialize_bitmap(large) if large else postings.decode_doc_ids(small.pop(term, b""))
        )
        papers |= postings.decode_doc_ids(self.gained.get(term, b""))
        papers -= postings.decode_doc_ids(self._lost.get(term, b""))
        after[own] = serialize_bitmap(papers) if len(papers) > MAX_INLINE_POSTING else None
        if 0 < len(papers) <= MAX_INLINE_POSTING:
            small[term] = postings.encode_doc_ids(papers)
