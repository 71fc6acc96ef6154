"""A portion of a bulk file: consecutive records, split where the month changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple

from papers.errors import BadId, SourceGarbled, StoreBusy
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper, Sighting
from papers.store import Store
from workers.bulk import file_formats
from workers.bulk.record_splitter import SplitRecord
from workers.ingest.store_batch import Poison, store_batch

MAX_PORTION_RECORDS: Final = 20_000
"""Records per portion: few months of arXiv have more."""
MAX_PORTION_BYTES: Final = 48_000_000
MIN_PORTION_RECORDS: Final = 2_000
"""A portion with this many records ends where the month changes."""

MAX_STORE_TRIES: Final = 10
_ID: Final = re.compile(
    rb"""(?:"id"\s*:\s*"|<(?:[\w.-]+:)?identifier>\s*oai:arXiv\.org:)(?:[\w.-]+(?:/|\\/))?(\d{4})"""
)


RecordTuple = tuple[int, bytes, str]
"""A record's line number, its bytes, and why it is incomplete ("" if it is complete).

A plain tuple, since a named one takes three times as long to reach another process.
"""


@dataclass(frozen=True, slots=True)
class Portion:
    """Records up to byte `end_offset`; `month` is its four digits (YYMM) if they share one."""

    records: Sequence[RecordTuple]
    end_offset: int
    last_line: int
    month: bytes


class BadRecord(NamedTuple):
    """A record to quarantine: line number, reason, and beginning."""

    line: int
    reason: str
    excerpt: str


@dataclass(frozen=True, slots=True)
class PortionResult:
    """Counts and bad records of one ingested portion."""

    new: int
    changed: int
    deleted: int
    too_old: int
    bad_records: tuple[BadRecord, ...]


def split_portions(pieces: Iterable[SplitRecord]) -> Iterator[Portion]:
    """Group consecutive records into portions, none of them empty."""
    records: list[RecordTuple] = []
    months: set[bytes] = set()
    month, end, size = b"", 0, 0
    for piece in pieces:
        found = _ID.search(piece.text, 0, 2_000)
        following = found[1] if found else month
        turned = following != month and len(records) >= MIN_PORTION_RECORDS
        if records and (turned or len(records) == MAX_PORTION_RECORDS or size > MAX_PORTION_BYTES):
            yield _portion(records, end, months)
            records, months, size = [], set(), 0
        records.append((piece.line, piece.text, piece.reason))
        months.add(following)
        month, end, size = following, piece.end_offset, size + len(piece.text)
    if records:
        yield _portion(records, end, months)


def _portion(records: list[RecordTuple], end: int, months: set[bytes]) -> Portion:
    only = next(iter(months)) if len(months) == 1 else b""
    last_line, _, _ = records[-1]
    return Portion(records, end, last_line, only)


def read_records(
    records: Sequence[RecordTuple],
) -> tuple[dict[int, Sighting | Paper], int, list[BadRecord]]:
    """Parse records; return them by line, the number of deleted ones, and the unreadable ones."""
    said: dict[int, Sighting | Paper] = {}
    bad: list[BadRecord] = []
    deleted = 0
    for line, text, reason in records:
        try:
            if reason:
                raise SourceGarbled(reason)
            one = file_formats.parse_bulk_record(text)
        except (BadId, SourceGarbled) as error:
            bad.append(BadRecord(line, str(error), file_formats.bulk_excerpt(text)))
            continue
        if one:
            said[line] = one
        else:
            deleted += 1
    return said, deleted, bad


def ingest_portion(
    store: Store, records: Sequence[RecordTuple], now: datetime, first_month: int
) -> PortionResult:
    """Parse records and store those since `first_month` (YYYYMM). Raises StoreError."""
    said, deleted, bad = read_records(records)
    for tried in range(MAX_STORE_TRIES):
        try:
            came = store_batch(store, list(said.values()), now, first_month)
            break
        except StoreBusy:
            if tried == MAX_STORE_TRIES - 1:
                raise
    lines: dict[ArxivId, int] = {one.id: line for line, one in said.items()}
    bad += [_bad_record(poison, lines) for poison in came.poison]
    done = came.ingested
    return PortionResult(
        len(done.new), len(done.changed), deleted, came.too_old, tuple(sorted(bad))
    )


def _bad_record(poison: Poison, lines: dict[ArxivId, int]) -> BadRecord:
    return BadRecord(lines[poison.record.id], poison.reason, poison.excerpt)
