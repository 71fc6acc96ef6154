"""Texts and times of entries that templates must carry as they are."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

MARKERS = ["1000000000000003", '"1000000000000001"', "<gap0/>", "&lt;gap0/&gt;", "%s %", "'\"<>&"]

DATES = ["0001-01-01T00:00:00+00:00", "Mon, 01 Jan 0001 00:00:00 GMT"]

MOMENTS = st.sampled_from([datetime(year, 11, 3, 5, 0, 9, tzinfo=UTC) for year in (1, 1991, 2026)])
