from __future__ import annotations

import json
import re
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.errors import BadId, SourceGarbled
from papers.model.arxiv_id import ArxivId
from papers.model.json_rows import ROW_MEMBERS, paper_from_row, paper_to_row
from papers.model.merge import join_papers, merge
from papers.model.paper import Paper, Sighting
from tests.papers.papers_strategies import sightings

ID = ArxivId.parse("2503.00001")
OF_ONE = st.lists(sightings(st.just(ID)), min_size=1, max_size=5)

STATEMENT = {"channel": "oai", "version": 1, "as_of": "2025-03-18T00:00:00Z", "of": ["title"]}
ROW: dict[str, Any] = {
    "paperwire": 1,
    "id": "2503.00001",
    "title": "A Title",
    "categories": ["cs.CL"],
    "statements": [STATEMENT],
}


def record(said: list[Sighting]) -> Paper:
    paper = reduce(merge, said, None)
    assert paper is not None
    return paper


@given(OF_ONE)
def test_what_is_written_is_read(said: list[Sighting]) -> None:
    paper = record(said)
    text = json.dumps(paper_to_row(paper), ensure_ascii=False)
    assert paper_from_row(json.loads(text)) == paper


@settings(max_examples=40)
@given(OF_ONE, OF_ONE)
def test_a_read_paper_merges_as_its_sightings_would(
    said: list[Sighting], more: list[Sighting]
) -> None:
    ours, theirs = record(said), record(more)
    assert (
        merge(ours, paper_from_row(paper_to_row(theirs)))
        == join_papers(ours, theirs)
        == record([*said, *more])
    )


def test_a_row_says_only_what_was_said() -> None:
    assert paper_to_row(paper_from_row(ROW)) == ROW


def test_order_of_picks_and_statements_is_nothing() -> None:
    picks = [{"community": name, "picked_at": "2025-03-18T00:00:00Z"} for name in "ab"]
    text = {**STATEMENT, "of": ["abstract"]}
    forth = ROW | {"abstract": "Text", "picks": picks, "statements": [STATEMENT, text]}
    back = forth | {"picks": picks[::-1], "statements": [text, STATEMENT]}
    assert paper_from_row(back) == paper_from_row(forth)


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"paperwire": 2}, "format 2"),
    ({"title": 7}, "title: 7 is no text"),
    ({"authors": "A. Bo"}, "authors: 'A. Bo' is no list of texts"),
    ({"authors": [1]}, "no list of texts"),
    ({"mood": "good"}, "knows no mood"),
    ({"submitted_at": "yesterday"}, "submitted_at: 'yesterday' is no time"),
    ({"submitted_at": "2025-03-18T00:00:00"}, "no time in UTC"),
    ({"submitted_at": "2025-03-18T00:00:00.5Z"}, "whole seconds"),
    ({"announce_type": "old"}, "'old' is none of"),
    ({"withdrawn_version": True}, "withdrawn_version: True is no count"),
    ({"withdrawn_version": -1}, "no count"),
    ({"revision": 2}, "revision: 2 is no object"),
    ({"revision": {"version": 2}}, "revision: needs"),
    ({"revision": {"version": 2, "at": "2025-03-18T00:00:00Z", "exact": 1}}, "revision: needs"),
    ({"picks": [{"community": "hf"}]}, "picked_at"),
    ({"picks": {}}, "picks: {} is no list"),
    ({"picks": ["hf"]}, "picks: 'hf' is no object"),
    ({"statements": []}, "every text has one"),
    ({"statements": [{**STATEMENT, "channel": "rumour"}]}, "needs a channel"),
    ({"statements": [{**STATEMENT, "of": ["picks"]}]}, "needs a channel"),
    ({"statements": [{**STATEMENT, "of": ["title", "doi"]}]}, "every text has one"),
    ({"statements": [{**STATEMENT, "as_of": ""}]}, "needs a channel"),
)


@pytest.mark.parametrize(("said", "reason"), REFUSED)
def test_refusals_name_the_member(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(SourceGarbled, match=re.escape(reason)):
        paper_from_row(ROW | said)


@pytest.mark.parametrize("id", ["", "2503.1", "nothing"])
def test_a_row_needs_an_id(id: str) -> None:
    with pytest.raises(BadId):
        paper_from_row(ROW | {"id": id})


def test_every_member_is_told_of() -> None:
    page = (Path(__file__).parents[3] / "docs" / "export.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(ROW_MEMBERS)
