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
from papers.model.merge import join_papers, merge
from papers.model.paper import Paper, Sighting
from papers.records.json_rows import ROW_MEMBERS, paper_from_row, paper_to_row
from tests.papers.papers_strategies import sightings

ID = ArxivId.parse("2503.00001")
SIGHTINGS_OF_ONE = st.lists(sightings(st.just(ID)), min_size=1, max_size=5)

STATEMENT = {"channel": "oai", "version": 1, "as_of": "2025-03-18T00:00:00Z", "of": ["title"]}
ROW: dict[str, Any] = {
    "paperwire": 1,
    "id": "2503.00001",
    "title": "A Title",
    "categories": ["cs.CL"],
    "statements": [STATEMENT],
}


def record(sightings: list[Sighting]) -> Paper:
    paper = reduce(merge, sightings, None)
    assert paper is not None
    return paper


@given(SIGHTINGS_OF_ONE)
def test_rows_round_trip_through_json(statements: list[Sighting]) -> None:
    paper = record(statements)
    text = json.dumps(paper_to_row(paper), ensure_ascii=False)
    assert paper_from_row(json.loads(text)) == paper


@settings(max_examples=40)
@given(SIGHTINGS_OF_ONE, SIGHTINGS_OF_ONE)
def test_an_imported_paper_merges_like_its_sightings(
    ours: list[Sighting], theirs: list[Sighting]
) -> None:
    imported = paper_from_row(paper_to_row(record(theirs)))
    assert merge(record(ours), imported) == record([*ours, *theirs])
    assert join_papers(record(ours), record(theirs)) == record([*ours, *theirs])


def test_members_without_a_value_are_left_out() -> None:
    assert paper_to_row(paper_from_row(ROW)) == ROW


def test_order_of_picks_and_statements_does_not_matter() -> None:
    picks = [{"community": name, "picked_at": "2025-03-18T00:00:00Z"} for name in "ab"]
    text = {**STATEMENT, "of": ["abstract"]}
    row = ROW | {"abstract": "Text", "picks": picks, "statements": [STATEMENT, text]}
    reversed_row = row | {"picks": picks[::-1], "statements": [text, STATEMENT]}
    assert paper_from_row(reversed_row) == paper_from_row(row)


REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({"paperwire": 2}, "format 2"),
    ({"title": 7}, "title: 7 is not a text"),
    ({"authors": "A. Bo"}, "authors: 'A. Bo' is not a list of texts"),
    ({"authors": [1]}, "is not a list of texts"),
    ({"mood": "good"}, "does not know mood"),
    ({"submitted_at": "yesterday"}, "submitted_at: 'yesterday' is not a time"),
    ({"submitted_at": "2025-03-18T00:00:00"}, "is not a time in UTC"),
    ({"submitted_at": "2025-03-18T00:00:00.5Z"}, "whole seconds"),
    ({"announce_type": "old"}, "'old' is not one of"),
    ({"withdrawn_version": True}, "withdrawn_version: True is not a count"),
    ({"withdrawn_version": -1}, "is not a count"),
    ({"revision": 2}, "revision: 2 is not an object"),
    ({"revision": {"version": 2}}, "revision: needs"),
    ({"revision": {"version": 2, "at": "2025-03-18T00:00:00Z", "exact": 1}}, "revision: needs"),
    ({"picks": [{"community": "hf"}]}, "picked_at"),
    ({"picks": {}}, "picks: {} is not a list"),
    ({"picks": ["hf"]}, "picks: 'hf' is not an object"),
    ({"statements": []}, "must cover every member"),
    ({"statements": [{**STATEMENT, "channel": "rumour"}]}, "needs channel"),
    ({"statements": [{**STATEMENT, "of": ["picks"]}]}, "needs channel"),
    ({"statements": [{**STATEMENT, "of": ["title", "doi"]}]}, "must cover every member"),
    ({"statements": [{**STATEMENT, "as_of": ""}]}, "needs channel"),
)


@pytest.mark.parametrize(("members", "reason"), REFUSED)
def test_errors_name_the_member(members: dict[str, Any], reason: str) -> None:
    with pytest.raises(SourceGarbled, match=re.escape(reason)):
        paper_from_row(ROW | members)


@pytest.mark.parametrize("id", ["", "2503.1", "nothing"])
def test_a_row_needs_an_id(id: str) -> None:
    with pytest.raises(BadId):
        paper_from_row(ROW | {"id": id})


def test_every_member_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "export-format.md").read_text(
        "utf-8"
    )
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(ROW_MEMBERS)
