"""Jinja filters: dates and numbers in words, upstream text as markup."""

from __future__ import annotations

from datetime import date, datetime

from markupsafe import Markup

from papers.counted import format_counted
from service.context import context
from service.markup.clean import category_name, source_name, valid_http_url
from service.markup.day_format import format_day, format_moment
from service.markup.latex_html import tex_to_html
from service.markup.paper_text import author_line, visible_author_count, words_note


def register_filters(env_filters: dict[str, object]) -> None:
    """Register the filters in a Jinja environment."""
    env_filters["day"] = format_known_day
    env_filters["moment"] = format_minute
    env_filters["month"] = format_month
    env_filters["number"] = format_number
    env_filters["counted"] = format_counted
    env_filters["source_name"] = source_name
    env_filters["words_note"] = words_note
    env_filters["category_name"] = category_name
    env_filters["http_link"] = valid_http_url
    env_filters["mathematics"] = render_mathematics
    env_filters["author_line"] = author_line
    env_filters["visible_author_count"] = visible_author_count


def render_mathematics(text: str) -> Markup:
    """Convert a line of upstream text to markup, formulas to MathML."""
    return Markup(tex_to_html(text))  # tex_to_html escapes


def format_known_day(value: date) -> str:
    """Format a day for a reader of today: `Fri 20 Nov`, with the year if that is another one.

    A page that is cached is rendered again when the year is over (`cached_page`).
    """
    return format_day(value, context().now().year)


def format_month(value: int) -> str:
    """Format a month (YYYYMM): `Nov 2026`."""
    return f"{date(value // 100, value % 100, 1):%b %Y}"


def format_minute(value: datetime | None) -> str:
    """Format a time in UTC to the minute: `Fri 20 Nov, 09:14 UTC`; a dash for None."""
    return format_moment(value, context().now().year) if value else "–"


def format_number(value: int) -> str:
    """Format a number with thousands separators."""
    return f"{value:,}"
