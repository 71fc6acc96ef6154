"""Calendar days, weeks and months in UTC: the periods of archives and e-mail digests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from papers.errors import BadParameter

PeriodKind = Literal["day", "week", "month"]
_DAY: Final = timedelta(days=1)
FIRST_ARXIV_MONTH: Final = date(1991, 8, 1)
"""The month of arXiv's first papers."""
PERIODS_END: Final = date(2500, 1, 1)
"""No period begins then or later, so that `next` stays within the range of `date`."""
_EXAMPLES: Final[dict[PeriodKind, str]] = {
    "day": "2026-11-20",
    "week": "2026-W47",
    "month": "2026-11",
}


@dataclass(frozen=True, slots=True)
class Period:
    """One day, one ISO week or one month."""

    kind: PeriodKind
    first_day: date

    @classmethod
    def containing(cls, kind: PeriodKind, day: date) -> Period:
        """Return the period that contains a day."""
        if kind == "day":
            return cls(kind, day)
        return cls(kind, day - _DAY * day.weekday() if kind == "week" else day.replace(day=1))

    @classmethod
    def parse(cls, kind: PeriodKind, name: str) -> Period:
        """Parse the name of a period, in the form of `Period.name`. Raises BadParameter."""
        try:
            first = _PARSERS[kind](name)
        except ValueError:
            first = date.min
        if not FIRST_ARXIV_MONTH <= first < PERIODS_END:
            raise BadParameter(
                kind, f"{name[:40]!r} is not a {kind}; write it as {_EXAMPLES[kind]}"
            )
        return cls.containing(kind, first)

    @property
    def last_day(self) -> date:
        """The last day."""
        return self.next.first_day - _DAY

    @property
    def end(self) -> datetime:
        """The midnight after the last day, aware UTC."""
        return datetime.combine(self.next.first_day, time(), UTC)

    @property
    def previous(self) -> Period:
        """The period before."""
        return Period.containing(self.kind, self.first_day - _DAY)

    @property
    def next(self) -> Period:
        """The period after."""
        days = {"day": 1, "week": 7, "month": 31}[self.kind]
        return Period.containing(self.kind, self.first_day + _DAY * days)

    @property
    def name(self) -> str:
        """The name in ISO 8601: `2026-11-20`, `2026-W47`, `2026-11`."""
        if self.kind == "week":
            return f"{self.first_day:%G-W%V}"
        return f"{self.first_day:%Y-%m-%d}" if self.kind == "day" else f"{self.first_day:%Y-%m}"

    @property
    def display_name(self) -> str:
        """The name in English: `20 November 2026`, `week 47 of 2026`, `November 2026`."""
        if self.kind == "week":
            return f"week {int(f'{self.first_day:%V}')} of {self.first_day:%G}"
        month = f"{self.first_day:%B %Y}"
        return f"{self.first_day.day} {month}" if self.kind == "day" else month

    def is_over(self, now: datetime) -> bool:
        """Return whether the period has ended: nothing more can be announced in it."""
        return now >= self.end


def _parse_date(form: str, text: str) -> date:
    """Parse a date in exactly one form, with all its zeros. Raises ValueError."""
    day = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
    if day.strftime(form) != text:
        raise ValueError(text)
    return day


_PARSERS: Final[dict[PeriodKind, Callable[[str], date]]] = {
    "day": lambda text: _parse_date("%Y-%m-%d", text),
    "week": lambda text: _parse_date("%G-W%V-%u", f"{text}-1"),
    "month": lambda text: _parse_date("%Y-%m", text),
}
