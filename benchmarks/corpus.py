"""The papers of the benchmarks: real ones from a file, and any number generated from them.

A file has one JSON object per line. Generated papers are as dense as arXiv: up to 25,000 per month,
in consecutive months up to the newest. An abstract consists of random sentences of real abstracts,
up to the length of a random real one; title, authors and the remaining fields come from three
random papers. So words, and phrases within a sentence, have their real frequencies; words of one
abstract co-occur less than in reality, which makes conjunctions of two words rarer and harder.
The same count and seed give the same papers.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting

PAPERS_PER_MONTH = 25_000
NEWEST_MONTH = 202610
_SENTENCES = re.compile(r"(?<=[.?!])\s+(?=[A-Z])")
DEFAULT_CORPUS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "papers.jsonl.gz"


def read_sightings(path: Path = DEFAULT_CORPUS) -> Iterator[Sighting]:
    """Yield one sighting per line, as if from arXiv's API."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield sighting_of_row(json.loads(line))


def generate_months(
    count: int, path: Path = DEFAULT_CORPUS, seed: int = 1
) -> Iterator[list[Sighting]]:
    """Generate that many papers from those of a file, one month at a time, oldest first."""
    draw, real = random.Random(seed), list(read_sightings(path))
    sentences = [part for paper in real for part in _SENTENCES.split(paper.abstract)]
    lengths = [len(paper.abstract) for paper in real]
    months = -(-count // PAPERS_PER_MONTH)
    for back in range(months - 1, -1, -1):
        size = count - (months - 1) * PAPERS_PER_MONTH if back == months - 1 else PAPERS_PER_MONTH
        month = _months_before(NEWEST_MONTH, back)
        submitted = datetime(month // 100, month % 100, 1, tzinfo=UTC)
        yield [
            draw.choice(real)._replace(
                id=ArxivId(month, number),
                title=draw.choice(real).title,
                abstract=_abstract(draw, sentences, draw.choice(lengths)),
                authors=draw.choice(real).authors,
                as_of=submitted,
                submitted_at=submitted,
                revised_at=submitted,
            )
            for number in range(1, size + 1)
        ]


def _abstract(draw: random.Random, sentences: list[str], length: int) -> str:
    parts: list[str] = []
    while length > 0:
        parts.append(draw.choice(sentences))
        length -= len(parts[-1]) + 1
    return " ".join(parts)


def _months_before(month: int, back: int) -> int:
    months = month // 100 * 12 + month % 100 - 1 - back
    return months // 12 * 100 + months % 12 + 1


def sighting_of_row(row: dict[str, Any]) -> Sighting:
    """Convert a line of the file to a sighting."""
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
