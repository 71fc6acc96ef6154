"""What the templates call: dates and numbers in words, foreign text as markup."""

from __future__ import annotations

from datetime import date, datetime

from markupsafe import Markup

from service.markup.clean import category_name, link, source_name
from service.markup.latex_html import marked


def register_filters(env_filters: dict[str, object]) -> None:
    """Give the templates their filters."""
    env_filters["day"] = day
    env_filters["day_of"] = day_of
    env_filters["moment"] = moment
    env_filters["month"] = month
    env_filters["number"] = number
    env_filters["counted"] = counted
    env_filters["source_name"] = source_name
    env_filters["category_name"] = category_name
    env_filters["http_link"] = link
    env_filters["mathematics"] = mathematics


def mathematics(text: str) -> Markup:
    """A line of foreign text, its mathematics as MathML."""
    return Markup(marked(text))  # escaped there


def day(value: date) -> str:
    """A day in words: `20 November 2026`."""
    return f"{value.day} {value:%B %Y}"


def day_of(value: date, year: int) -> str:
    """A day in words, without its year where that is `year`: `20 November`."""
    return f"{value.day} {value:%B}" if value.year == year else day(value)


def month(value: int) -> str:
    """A month (YYYYMM) in words: `November 2026`."""
    return f"{date(value // 100, value % 100, 1):%B %Y}"


def moment(value: datetime | None) -> str:
    """A time to the minute, in UTC."""
    return f"{value:%Y-%m-%d %H:%M} UTC" if value else "–"


def number(value: int) -> str:
    """A number with its thousands set apart."""
    return f"{value:,}"


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 vote`, `2 votes`, `1,000 papers`."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
