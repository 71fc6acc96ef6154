"""Content of the pages in these tests: generated papers, picks, states of sources."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Channel, Pick, Sighting
from papers.state.task_states import TaskState, TaskStatus
from paperwire.simulator.world.generate import PaperGenerator

NOW: Final = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEYWORDS: Final = {
    "Reasoning": "reasoning",
    "Language Models": '"language model" OR llm',
    "Nothing Yet": "zeugma",
}
TOKEN: Final = "a token of these tests"
PAPERS: Final = 60
NEWEST: Final = ArxivId(202611, PAPERS // 3)
PICKED: Final = ArxivId(202611, 16)
MATHEMATICAL_PAPER: Final = ArxivId(202611, 999)
_DAY: Final = timedelta(days=1)


def content_sightings() -> Iterator[Sighting]:
    """Yield generated papers of three months, picks of every fifth, and a paper with formulas."""
    generator = PaperGenerator(7)
    for n in range(PAPERS):
        month, number = divmod(n, PAPERS // 3)
        announced_at = datetime(2026, 9 + month, 1, 5, tzinfo=UTC) + _DAY * (number // 6)
        id = ArxivId(202609 + month, number + 1)
        yield _announced(generator, id, announced_at)
        if n % 5 == 0:
            yield from _picked(id, announced_at + timedelta(hours=7), n)
    yield _mathematical()


def _announced(generator: PaperGenerator, id: ArxivId, at: datetime) -> Sighting:
    text = generator.manuscript()
    return Sighting(
        id=id,
        source="arxiv",
        channel=Channel.ANNOUNCEMENT,
        as_of=at,
        version=1,
        title=text.title,
        abstract=text.abstract,
        authors=text.authors,
        categories=text.categories,
        comment=text.comment,
        announce_type=AnnounceType.NEW,
        announced_at=at,
    )


def _picked(id: ArxivId, at: datetime, n: int) -> Iterator[Sighting]:
    """Yield a pick with its votes as counted on five days."""
    url, organization = f"https://huggingface.co/papers/{id}", "Example Lab" if n % 2 else ""
    pick = Pick("hf", at, url, f"{url}#community", comments=n % 7, submitter="reader")
    for day in range(5):
        counted_at, votes = at + day * _DAY, n % 97 * (day + 1) // 5
        counted = replace(pick, votes=votes, counted_at=counted_at)
        yield Sighting(
            id, "hf", Channel.HUGGINGFACE, counted_at, pick=counted, organization=organization
        )


def _mathematical() -> Sighting:
    return Sighting(
        id=MATHEMATICAL_PAPER,
        source="arxiv",
        channel=Channel.ANNOUNCEMENT,
        as_of=NOW,
        version=3,
        title=r"On $\mathbb{R}^n$ and reasoning in H$_2$O",
        abstract=r"We show that $\sum_{i=1}^n x_i^2 \le \frac{1}{2}$ for reasoning where a < b. "
        r"A display: $$\int_0^\infty e^{-x^2}\,dx = \frac{\sqrt{\pi}}{2}$$ ends it. " * 3,
        authors=tuple(f"Ada Number{n}" for n in range(90)),
        categories=("math.GT", "cs.LG"),
        comment="12 pages, 3 figures",
        journal_ref="J. Made Up 1 (2026) 1-12",
        doi="10.1000/x",
        code="https://code.example/x",
        announce_type=AnnounceType.NEW,
        announced_at=NOW - timedelta(hours=7),
    )


def example_source_states() -> Iterator[TaskState]:
    """Yield a source in each state."""
    for name, state in (
        ("announcements:cs.AI", TaskStatus.OK),
        ("announcements:cs.CL", TaskStatus.STALE),
        ("hf:today", TaskStatus.FAILING),
        ("oai:cs", TaskStatus.QUIET),
    ):
        yield TaskState(
            name,
            state,
            NOW - _DAY,
            NOW,
            succeeded_at=NOW - timedelta(hours=3),
            next_at=NOW + timedelta(hours=1),
            said="the message of a source",
            got=12,
        )
