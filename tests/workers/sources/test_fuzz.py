"""Fuzzing: any input either parses or raises SourceError, and nothing else."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, date, datetime
from html import escape
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from papers.errors import SourceError
from tests.workers.sources.fuzzed_documents import DOCUMENTS
from tests.workers.sources.hf_records import record
from tests.workers.sources.oai_documents import answer as harvest
from tests.workers.sources.oai_documents import record as harvested
from workers.fetch import refusals
from workers.sources import community, hf_daily
from workers.sources.arxiv import announcements, api_page, author_string, oai
from workers.sources.arxiv.withdrawn import is_withdrawn

pytestmark = pytest.mark.row("fuzzing of every adapter")

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = date(2026, 11, 20)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A valid document with a part of it replaced by anything."""
    complete = draw(st.sampled_from(DOCUMENTS))
    start = draw(st.integers(0, len(complete)))
    length = draw(st.integers(0, 60))
    other = draw(
        st.binary(max_size=20) | st.sampled_from([b"<", b">", b"]]>", b"<!--", b"</entry>"])
    )
    return complete[:start] + other + complete[start + length :]


@settings(deadline=None, max_examples=200)
@given(damaged() | st.binary(max_size=100))
def test_any_document_parses_or_raises_source_error(body: bytes) -> None:
    with contextlib.suppress(SourceError):
        announcements.parse_announcements(body, NOW)
    with contextlib.suppress(SourceError):
        community.parse_community_feed(body, "club", NOW)
    with contextlib.suppress(SourceError):
        api_page.check_api_page(body, 0, 2, NOW)
    with contextlib.suppress(SourceError):
        oai.parse_harvest_page(body)
    refusals.body_excerpt(body)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_any_json_record_parses_or_raises_source_error(data: st.DataObject) -> None:
    complete: dict[str, Any] = record()
    holder = data.draw(st.sampled_from([complete, complete["paper"]]))
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(JSON)
    part = hf_daily.parse_daily_papers(json.dumps([complete, data.draw(JSON)]).encode(), DAY, NOW)
    assert len(part.sightings) + len(part.rejected) == part.record_count == 2


@given(st.binary(max_size=50) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_day_parses_or_raises_source_error(body: bytes) -> None:
    with contextlib.suppress(SourceError):
        hf_daily.parse_daily_papers(body, DAY, NOW)


@given(st.text(alphabet="0123456789-+: ,GMTmonjanSat;t=.eE\x00é"))
def test_any_retry_after_is_bounded(text: str) -> None:
    for header in ("Retry-After", "RateLimit"):
        wait = refusals.retry_after({header: text}, NOW)
        assert wait is None or 0 <= wait <= refusals.MAX_RETRY_AFTER


@given(st.text(), st.text(alphabet="0123456789٣²", max_size=20) | st.just("9" * 5_000))
def test_any_token_and_list_size(token: str, size: str) -> None:
    """The declared size may be anything."""
    token_element = f"<resumptionToken completeListSize='{size}'>{escape(token)}</resumptionToken>"
    sized = harvest(harvested(), token=token_element)
    with contextlib.suppress(SourceError):
        assert len(oai.parse_harvest_page(sized).sightings) == 1


@given(st.text(alphabet="AB (),\n"))
def test_any_author_string(text: str) -> None:
    for name in author_string.split_authors(text):
        assert name == name.strip() != ""
        assert not set(name) & set("(),\n")


@given(st.text(), st.text())
def test_any_comment(comment: str, abstract: str) -> None:
    assert is_withdrawn(comment, abstract) in (True, False)
