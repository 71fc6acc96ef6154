"""Days and times in words, as pages show them."""

from __future__ import annotations

from datetime import date, datetime


def format_day(value: date, year: int | None = None) -> str:
    """Format a day, without its year if that is `year`: `Fri 20 Nov 2026`."""
    return f"{value:%a} {value.day} {value:%b}{'' if value.year == year else f' {value.year}'}"


def format_moment(value: datetime, year: int | None = None) -> str:
    """Format a time in UTC to the minute: `Fri 20 Nov 2026, 09:14 UTC`."""
    return f"{format_day(value, year)}, {value:%H:%M} UTC"
