from __future__ import annotations

import contextlib
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.errors import BadId, SourceGarbled
from papers.model.paper import Channel
from tests.papers.papers_strategies import ids, texts
from workers.bulk.snapshot import sighting_from_snapshot
from workers.sources.foreign_xml import clean_line

ROW: dict[str, Any] = {
    "id": "0704.0001",
    "submitter": "Ada Example",
    "authors": "A. Example, B. Sample Jr.",
    "title": "A Small\n  Thing",
    "comments": "9 pages",
    "journal-ref": None,
    "doi": "10.1/x",
    "report-no": "R-1",
    "categories": "hep-ph cs.CL",
    "license": "http://arxiv.org/licenses/nonexclusive-distrib/1.0/",
    "abstract": "  We make a small\nthing.\n",
    "versions": [
        {"version": "v1", "created": "Mon, 2 Apr 2007 19:18:42 GMT"},
        {"version": "v2", "created": "Tue, 24 Jul 2007 20:10:27 GMT"},
    ],
    "update_date": "2008-11-26",
    "authors_parsed": [["Example", "Ada", ""], ["Sample", "Bo", "Jr."]],
}


def test_a_line_says_all_of_a_paper() -> None:
    said = sighting_from_snapshot(ROW)
    assert str(said.id) == "0704.0001"
    assert (said.source, said.channel, said.version) == ("arxiv", Channel.OAI, 2)
    assert (said.title, said.abstract) == ("A Small Thing", "We make a small thing.")
    assert said.authors == ("Ada Example", "Bo Sample Jr.")
    assert said.categories == ("hep-ph", "cs.CL")
    assert (said.comment, said.journal_ref, said.doi) == ("9 pages", "", "10.1/x")
    assert said.license == ROW["license"]
    assert said.submitted_at == datetime(2007, 4, 2, 19, 18, 42, tzinfo=UTC)
    assert said.revised_at == datetime(2007, 7, 24, 20, 10, 27, tzinfo=UTC)
    assert said.as_of == datetime(2008, 11, 26, tzinfo=UTC)
    assert not said.withdrawn


OTHERWISE: tuple[tuple[dict[str, Any], str, Any], ...] = (
    ({"authors_parsed": None}, "authors", ("A. Example", "B. Sample Jr.")),
    ({"authors_parsed": [], "authors": ["A. Example"]}, "authors", ("A. Example",)),
    ({"authors_parsed": [["Sample"]]}, "authors", ("Sample",)),
    ({"authors_parsed": [["Sample", "Bo", "", "ETH", "MIT"]]}, "authors", ("Bo Sample",)),
    ({"authors_parsed": [["Sample", None, "Jr."], [], [None]]}, "authors", ("Sample Jr.",)),
    ({"authors_parsed": [["Sa\nmple", "  Bo\t", 3]]}, "authors", ("Bo Sa mple",)),
    ({"categories": ["hep-ph cs.CL"]}, "categories", ("hep-ph", "cs.CL")),
    ({"versions": None}, "version", 0),
    ({"versions": ROW["versions"][::-1]}, "version", 2),
    ({"versions": ROW["versions"][1:]}, "submitted_at", None),
    ({"update_date": None}, "as_of", datetime(2007, 7, 24, 20, 10, 27, tzinfo=UTC)),
    ({"comments": "This paper has been withdrawn by the authors"}, "withdrawn", True),
    ({"license": "javascript:alert(1)"}, "license", ""),
)


@pytest.mark.parametrize(("said", "name", "expected"), OTHERWISE)
def test_forms_differ(said: dict[str, Any], name: str, expected: Any) -> None:
    assert getattr(sighting_from_snapshot(ROW | said), name) == expected


REFUSED: tuple[tuple[dict[str, Any], type[Exception], str], ...] = (
    ({"id": 704.0001}, SourceGarbled, "no id that is a text"),
    ({"id": None}, SourceGarbled, "no id that is a text"),
    ({"id": "0704.1"}, BadId, "no arXiv id"),
    ({"title": " "}, SourceGarbled, "no title"),
    ({"update_date": "yesterday"}, SourceGarbled, "update_date: 'yesterday'"),
    ({"update_date": None, "versions": []}, SourceGarbled, "neither update_date nor versions"),
    ({"versions": "v1"}, SourceGarbled, "no readable versions"),
    ({"versions": [{"version": "v0"}]}, SourceGarbled, "version '0'"),
    ({"versions": [{"version": "v1", "created": "soon"}]}, SourceGarbled, "no readable time"),
    ({"authors_parsed": ["Sample"]}, SourceGarbled, "no readable author"),
)


@pytest.mark.parametrize(("said", "kind", "reason"), REFUSED)
def test_refusals_say_why(said: dict[str, Any], kind: type[Exception], reason: str) -> None:
    with pytest.raises(kind, match=re.escape(reason)):
        sighting_from_snapshot(ROW | said)


@given(ids, texts, texts, st.lists(st.tuples(texts, texts), max_size=3), st.integers(1, 9))
def test_whatever_it_says_is_said_on_one_line(
    id: Any, title: str, abstract: str, people: list[tuple[str, str]], version: int
) -> None:
    versions = [
        {"version": f"v{n}", "created": "Mon, 2 Apr 2007 19:18:42 GMT"}
        for n in range(1, version + 1)
    ]
    parsed = [[keyname, forenames, ""] for keyname, forenames in people]
    row = ROW | {"id": str(id), "title": f"T {title}", "abstract": abstract}
    said = sighting_from_snapshot(
        row | {"versions": versions, "authors": "", "authors_parsed": parsed}
    )
    assert (said.id, said.version) == (id, version)
    assert (said.title, said.abstract) == (clean_line(f"T {title}"), clean_line(abstract))
    names = [
        f"{clean_line(forenames)} {clean_line(keyname)}".strip() for keyname, forenames in people
    ]
    assert said.authors == tuple(name for name in names if name)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(ROW)), json_values))
def test_any_json_is_read_or_refused(changes: dict[str, Any]) -> None:
    with contextlib.suppress(BadId, SourceGarbled):
        sighting_from_snapshot(json.loads(json.dumps(ROW | changes)))
