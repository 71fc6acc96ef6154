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
from tests.workers.bulk.loading import ROW
from workers.bulk.snapshot import sighting_from_snapshot
from workers.sources.foreign_xml import clean_line


def test_snapshot_line_in_full() -> None:
    fields = sighting_from_snapshot(ROW)
    assert str(fields.id) == "0704.0001"
    assert (fields.source, fields.channel, fields.version) == ("arxiv", Channel.OAI, 2)
    assert (fields.title, fields.abstract) == ("A Small Thing", "We make a small thing.")
    assert fields.authors == ("Ada Example", "Bo Sample Jr.")
    assert fields.categories == ("hep-ph", "cs.CL")
    assert (fields.comment, fields.journal_ref, fields.doi) == ("9 pages", "", "10.1/x")
    assert fields.license == ROW["license"]
    assert fields.submitted_at == datetime(2007, 4, 2, 19, 18, 42, tzinfo=UTC)
    assert fields.revised_at == datetime(2007, 7, 24, 20, 10, 27, tzinfo=UTC)
    assert fields.as_of == datetime(2008, 11, 26, tzinfo=UTC)
    assert not fields.withdrawn


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


@pytest.mark.parametrize(("fields", "name", "expected"), OTHERWISE)
def test_variants_of_snapshot_lines(fields: dict[str, Any], name: str, expected: Any) -> None:
    assert getattr(sighting_from_snapshot(ROW | fields), name) == expected


REFUSED: tuple[tuple[dict[str, Any], type[Exception], str], ...] = (
    ({"id": 704.0001}, SourceGarbled, "id that is not a text"),
    ({"id": None}, SourceGarbled, "id that is not a text"),
    ({"id": "0704.1"}, BadId, "no arXiv id"),
    ({"title": " "}, SourceGarbled, "no title"),
    ({"update_date": "yesterday"}, SourceGarbled, "update_date: 'yesterday'"),
    ({"update_date": None, "versions": []}, SourceGarbled, "neither update_date nor versions"),
    ({"versions": "v1"}, SourceGarbled, "no readable versions"),
    ({"versions": [{"version": "v0"}]}, SourceGarbled, "version '0'"),
    ({"versions": [{"version": "v1", "created": "soon"}]}, SourceGarbled, "unreadable time"),
    ({"authors_parsed": ["Sample"]}, SourceGarbled, "no readable author"),
)


@pytest.mark.parametrize(("fields", "kind", "reason"), REFUSED)
def test_unreadable_lines_give_a_reason(
    fields: dict[str, Any], kind: type[Exception], reason: str
) -> None:
    with pytest.raises(kind, match=re.escape(reason)):
        sighting_from_snapshot(ROW | fields)


@given(ids, texts, texts, st.lists(st.tuples(texts, texts), max_size=3), st.integers(1, 9))
def test_texts_are_normalized_to_one_line(
    id: Any, title: str, abstract: str, people: list[tuple[str, str]], version: int
) -> None:
    versions = [
        {"version": f"v{n}", "created": "Mon, 2 Apr 2007 19:18:42 GMT"}
        for n in range(1, version + 1)
    ]
    parsed = [[keyname, forenames, ""] for keyname, forenames in people]
    row = ROW | {"id": str(id), "title": f"T {title}", "abstract": abstract}
    fields = sighting_from_snapshot(
        row | {"versions": versions, "authors": "", "authors_parsed": parsed}
    )
    assert (fields.id, fields.version) == (id, version)
    assert (fields.title, fields.abstract) == (clean_line(f"T {title}"), clean_line(abstract))
    names = [
        f"{clean_line(forenames)} {clean_line(keyname)}".strip() for keyname, forenames in people
    ]
    assert fields.authors == tuple(name for name in names if name)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(sorted(ROW)), json_values))
def test_any_json_parses_or_is_refused(changes: dict[str, Any]) -> None:
    with contextlib.suppress(BadId, SourceGarbled):
        sighting_from_snapshot(json.loads(json.dumps(ROW | changes)))
