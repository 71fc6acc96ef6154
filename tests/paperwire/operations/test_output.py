from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from paperwire.operations.output import (
    format_duration,
    format_next_fetch,
    format_paper,
    format_paper_line,
    format_progress,
    format_source,
)

NOW = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
SOON = {"a": NOW + timedelta(minutes=10), "b": NOW + timedelta(hours=3)}

FETCHES = [
    ({}, set(), "none is planned yet"),
    (SOON, {"a", "b"}, "04:10 UTC, in 10 min (a)"),
    (SOON, {"a"}, "now (b)"),
    ({"a": NOW - timedelta(minutes=1)}, {"a"}, "now (a)"),
]


@pytest.mark.parametrize(("planned", "asked", "said"), FETCHES)
def test_next_fetch(planned: dict[str, datetime], asked: set[str], said: str) -> None:
    assert format_next_fetch(planned, asked, NOW) == said


SPANS = [
    (0, "0 s"),
    (59.6, "1 min"),
    (61, "1 min 1 s"),
    (12_000, "3 h 20 min"),
    (90_000, "1 d 1 h"),
]


@pytest.mark.parametrize(("seconds", "said"), SPANS)
def test_spans_have_two_units_at_most(seconds: float, said: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == said


def test_undescribed_paper_has_a_line_and_a_text() -> None:
    paper = {
        "id": "2503.14895",
        "url": "https://arxiv.org/abs/2503.14895",
        "title": None,
        "abstract": None,
        "authors": [],
        "categories": [],
        "published": "2025-03-20T00:00:00+00:00",
        "version": None,
        "withdrawn": False,
        "votes": 12,
        "picks": [{"community": "hf", "votes": 12}, {"community": "club", "votes": None}],
    }
    assert format_paper_line(paper) == "2503.14895       2025-03-20   12▲ (not described yet)"
    assert "picked by hf, 12 votes · picked by club" in format_paper(paper)


def test_many_authors_are_counted() -> None:
    paper = {
        **dict.fromkeys(("title", "abstract", "version", "votes")),
        **{"id": "x", "url": "u", "published": "2025-03-20", "withdrawn": True},
        **{"categories": ["cs.AI"], "picks": [], "authors": [f"A{n}" for n in range(10)]},
    }
    assert "A7 and 2 more" in format_paper(paper)
    assert "withdrawn" in format_paper(paper)


def test_lines_of_sources_and_runs() -> None:
    state = {"name": "hf:today", "state": "failing", "since": "2026-11-18T03:00:00+00:00"}
    assert format_source({**state, "next": None, "said": "503"}).endswith(
        "since 2026-11-18 03:00; 503"
    )
    run = {"task": "fill:x", "done": 100, "total": 200, "pace": 3.25}
    assert format_progress(run).endswith("running  100 of 200 records, 3.2 a second")
    assert " of " not in format_progress({**run, "total": None})
