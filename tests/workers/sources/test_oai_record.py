from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from papers.errors import SourceGarbled
from workers.sources.arxiv.oai_record import parse_version_time


def by_the_library(text: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def read(text: str) -> datetime | None:
    try:
        return parse_version_time(text)
    except SourceGarbled:
        return None


parts = st.tuples(
    st.sampled_from(["Wed, ", "Xyz, ", "wed, ", "Wed,", "Wed ", "", "Wednesday, "]),
    st.sampled_from(["23", "2", "02", "0", "31", "32", "٣"]),
    st.sampled_from([" Jan ", " Feb ", " feb ", " Foo ", " April ", "-Dec-", "  Dec "]),
    st.sampled_from(["2008", "1991", "0008", "0999", "3000", "08", "20080", "２００８"]),
    st.sampled_from([" 21:06:41", " 00:00:00", " 24:00:00", " 23:59:60", " 21:06", " 1:2:3"]),
    st.sampled_from([" GMT", " UTC", " +0000", " -0500", " EST", "", " gmt", " GMT (GMT)", "\n"]),
).map("".join)


@given(parts | st.text(max_size=30))
@example("Wed, 23 Jan 2008 21:06:41 GMT")
@example("Wed, 31 Feb 2008 21:06:41 GMT")
@example("Wed, 23 Jan 2008 24:00:00 GMT")
@example("Wed, 23 Jan 2008 23:59:60 GMT")
@example("Wed, 23 Jan 2008 21:06:41 GMT\n")
def test_version_time_agrees_with_the_standard_library(text: str) -> None:
    assert read(text) == by_the_library(text)


@pytest.mark.parametrize("month", range(1, 13))
def test_every_month_name_is_parsed(month: int) -> None:
    at = datetime(2008, month, 9, 21, 6, 41, tzinfo=UTC)
    assert parse_version_time(at.strftime("%a, %d %b %Y %H:%M:%S GMT")) == at
    assert parse_version_time(at.strftime("%a, 9 %b %Y %H:%M:%S GMT")).tzinfo is UTC
