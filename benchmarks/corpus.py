"""The papers benchmarks run on: a file of real papers, one JSON object a line, as sightings."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from papers.arxiv_id import ArxivId
from papers.paper import Channel, Sighting

DEFAULT = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "papers.jsonl.gz"


def sightings(path: Path = DEFAULT) -> Iterator[Sighting]:
    """One sighting a line, as if arXiv's API had told of it."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield sighting(json.loads(line))


def sighting(row: dict[str, Any]) -> Sighting:
    """A line of the file as a sighting."""
    id = ArxivId.parse(row["id"])
    published = _moment(row.get("published") or row.get("date"), id)
    return Sighting(
        id=id,
        source="arxiv",
        channel=Channel.API,
        as_of=published,
        version=int(row.get("version") or 1),
        title=row["title"],
        abstract=row["abstract"],
        authors=tuple(row.get("authors") or ()),
        categories=tuple(row.get("categories") or ()),
        comment=row.get("comment") or "",
        journal_ref=row.get("journal_ref") or "",
        doi=row.get("doi") or "",
        submitted_at=published,
        revised_at=published,
    )


def _moment(text: str | None, id: ArxivId) -> datetime:
    start = datetime(id.month // 100, id.month % 100, 1, tzinfo=UTC)
    if not text:
        return start
    iso = text[:4].isdigit()
    moment = datetime.fromisoformat(text) if iso else parsedate_to_datetime(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(moment, start)
