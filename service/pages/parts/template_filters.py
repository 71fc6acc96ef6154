"""What the templates call: dates and numbers in words, foreign text as markup."""

from __future__ import annotations

from datetime import date, datetime

from markupsafe import Markup

from service.markup.clean import category_name, source_name, valid_http_url
from service.markup.latex_html import tex_to_html


def register_filters(env_filters: dict[str, object]) -> None:
    """Give the templates their filters."""
    env_filters["day"] = format_day
    env_filters["day_of"] = format_day_short
    env_filters["moment"] = format_minute
    env_filters["month"] = format_month
    env_filters["number"] = format_number
    env_filters["counted"] = format_counted
    env_filters["source_name"] = source_name
    env_filters["category_name"] = category_name
    env_filters["http_link"] = valid_http_url
    env_filters["mathematics"] = render_mathematics


def render_mathematics(text: str) -> Markup:
    """A line of foreign text, its mathematics as MathML."""
    return Markup(tex_to_html(text))  # escaped there


def format_day(value: date) -> str:
    """A day in words: `20 November 2026`."""
    return f"{value.day} {value:%B %Y}"


def format_day_short(value: date, year: int) -> str:
    """A day in words, without its year where that is `year`: `20 November`."""
    return f"{value.day} {value:%B}" if value.year == year else format_day(value)


def format_month(value: int) -> str:
    """A month (YYYYMM) in words: `November 2026`."""
    return f"{date(value // 100, value % 100, 1):%B %Y}"


def format_minute(value: datetime | None) -> str:
    """A time to the minute, in UTC."""
    return f"{value:%Y-%m-%d %H:%M} UTC" if value else "–"


def format_number(value: int) -> str:
    """A number with its thousands set apart."""
    return f"{value:,}"


def format_counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 vote`, `2 votes`, `1,000 papers`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
