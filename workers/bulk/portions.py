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
from workers.ingest.store_batch import store_batch

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


def split_portions(split_records: Iterable[SplitRecord]) -> Iterator[Portion]:
    """Group consecutive records into portions, none of them empty."""
    records: list[RecordTuple] = []
    months: set[bytes] = set()
    month, end_offset, size = b"", 0, 0
    for record in split_records:
        match = _ID.search(record.text, 0, 2_000)
        next_month = match[1] if match else month
        month_ends = next_month != month and len(records) >= MIN_PORTION_RECORDS
        if records and (
            month_ends or len(records) == MAX_PORTION_RECORDS or size > MAX_PORTION_BYTES
        ):
            yield _portion(records, end_offset, months)
            records, months, size = [], set(), 0
        records.append((record.line, record.text, record.reason))
        months.add(next_month)
        month, end_offset, size = next_month, record.end_offset, size + len(record.text)
    if records:
        yield _portion(records, end_offset, months)


def _portion(records: list[RecordTuple], end_offset: int, months: set[bytes]) -> Portion:
    common_month = next(iter(months)) if len(months) == 1 else b""
    last_line, _, _ = records[-1]
    return Portion(records, end_offset, last_line, common_month)


def read_records(
    records: Sequence[RecordTuple],
) -> tuple[dict[int, Sighting | Paper], int, list[BadRecord]]:
    """Parse records; return them by line, the number of deleted ones, and the unreadable ones."""
    parsed: dict[int, Sighting | Paper] = {}
    bad: list[BadRecord] = []
    deleted = 0
    for line, text, reason in records:
        try:
            if reason:
                raise SourceGarbled(reason)
            record = file_formats.parse_bulk_record(text)
        except (BadId, SourceGarbled) as error:
            bad.append(BadRecord(line, str(error), file_formats.bulk_excerpt(text)))
            continue
        if record:
            parsed[line] = record
        else:
            deleted += 1
    return parsed, deleted, bad


def ingest_portion(
    store: Store, records: Sequence[RecordTuple], now: datetime, first_month: int
) -> PortionResult:
    """Parse records and store those since `first_month` (YYYYMM). Raises StoreError."""
    parsed, deleted, bad = read_records(records)
    for attempt in range(MAX_STORE_TRIES):
        try:
            batch = store_batch(store, list(parsed.values()), now, first_month)
            break
        except StoreBusy:
            if attempt == MAX_STORE_TRIES - 1:
                raise
    lines: dict[ArxivId, int] = {record.id: line for line, record in parsed.items()}
    bad += [
        BadRecord(lines[poison.record.id], poison.reason, poison.excerpt) for poison in batch.poison
    ]
    done = batch.ingested
    return PortionResult(
        len(done.new), len(done.changed), deleted, batch.too_old, tuple(sorted(bad))
    )
