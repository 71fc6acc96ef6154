"""Text output: papers, sources, progress."""

from __future__ import annotations

import re

import pytest

from paperwire.operations.output import (
    format_paper,
    format_paper_row,
    format_progress,
    format_source,
    format_suggestion,
)


def test_paper_without_metadata_is_rendered() -> None:
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
    row = format_paper_row(paper)
    assert re.split(r"\s{2,}", row) == [
        *("2025-03-20", "https://arxiv.org/abs/2503.14895", "12▲"),
        *("(no authors yet)", "(no metadata yet)"),
    ]
    assert "picked by hf, 12 votes · picked by club" in format_paper(paper)


def test_long_author_list_is_truncated() -> None:
    paper = {
        **dict.fromkeys(("title", "abstract", "version", "votes")),
        **{"id": "x", "url": "u", "published": "2025-03-20", "withdrawn": True},
        **{"categories": ["cs.AI"], "picks": [], "authors": [f"A{n}" for n in range(10)]},
    }
    assert "A7 and 2 more" in format_paper(paper)
    assert "withdrawn" in format_paper(paper)


def test_sources_and_progress_are_rendered() -> None:
    state = {"name": "hf:today", "state": "failing", "since": "2026-11-18T03:00:00+00:00"}
    assert format_source({**state, "next": None, "said": "503"}).endswith(
        "since 2026-11-18 03:00; 503"
    )
    run = {"task": "fill:x", "done": 100, "total": 200, "pace": 3.25}
    assert format_progress(run).endswith("running  100 of 200 records, 3.2 a second")
    assert " of " not in format_progress({**run, "total": None})


# (kind, effect, added papers, papers, period, line)
SUGGESTED = [
    ("abbreviation", "adds", 9, 12, "year", "also written t: +9 papers in a year: x OR t"),
    ("author", "adds", 1, 1, "all", "by the author t: +1 paper: x OR t"),
    ("family", "adds", 2, 3, "all", "also look for t: +2 papers: x OR t"),
    ("correction", "replaces", 5, 5, "year", "did you mean t: 5 papers in a year"),
    ("phrase", "narrows", 0, 3, "all", "only as a phrase t: 3 papers"),
]


@pytest.mark.parametrize(("kind", "effect", "added", "papers", "period", "line"), SUGGESTED)
def test_suggestion_says_what_it_does(
    kind: str, effect: str, added: int, papers: int, period: str, line: str
) -> None:
    suggestion = {
        "kind": kind,
        "text": "t",
        "query": "x OR t",
        "effect": effect,
        "added_papers": added,
        "papers": papers,
        "period": period,
    }
    assert format_suggestion(suggestion) == line
