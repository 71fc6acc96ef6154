"""Days, weeks and months of the calendar, in UTC: what archives and digests are cut by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal

from papers.errors import BadParameter

PeriodKind = Literal["day", "week", "month"]
_DAY: Final = timedelta(days=1)
FIRST_ARXIV_MONTH: Final = date(1991, 8, 1)
"""arXiv's first."""
PERIODS_END: Final = date(2500, 1, 1)
"""No period begins then or later: calendars end, and nobody waits for it."""
_EXAMPLES: Final[dict[PeriodKind, str]] = {
    "day": "2026-11-20",
    "week": "2026-W47",
    "month": "2026-11",
}


@dataclass(frozen=True, slots=True)
class Period:
    """One day, one ISO week or one month; `first` is its first day."""

    kind: PeriodKind
    first_day: date

    @classmethod
    def containing(cls, kind: PeriodKind, day: date) -> Period:
        """The period that a day lies in."""
        if kind == "day":
            return cls(kind, day)
        return cls(kind, day - _DAY * day.weekday() if kind == "week" else day.replace(day=1))

    @classmethod
    def parse(cls, kind: PeriodKind, name: str) -> Period:
        """The period of that kind and name, as `name` spells it. Raises BadParameter."""
        try:
            first = _PARSERS[kind](name)
        except ValueError:
            first = date.min
        if not FIRST_ARXIV_MONTH <= first < PERIODS_END:
            raise BadParameter(kind, f"{name[:40]!r} is none; write it as {_EXAMPLES[kind]}")
        return cls.containing(kind, first)

    @property
    def last_day(self) -> date:
        """Its last day."""
        return self.next.first_day - _DAY

    @property
    def end(self) -> datetime:
        """The moment it is over: midnight after its last day."""
        return datetime.combine(self.next.first_day, time(), UTC)

    @property
    def previous(self) -> Period:
        """The one before."""
        return Period.containing(self.kind, self.first_day - _DAY)

    @property
    def next(self) -> Period:
        """The one after."""
        days = {"day": 1, "week": 7, "month": 31}[self.kind]
        return Period.containing(self.kind, self.first_day + _DAY * days)

    @property
    def name(self) -> str:
        """Its spelling in ISO 8601: `2026-11-20`, `2026-W47`, `2026-11`."""
        if self.kind == "week":
            return f"{self.first_day:%G-W%V}"
        return f"{self.first_day:%Y-%m-%d}" if self.kind == "day" else f"{self.first_day:%Y-%m}"

    @property
    def display_name(self) -> str:
        """What people call it: `20 November 2026`, `week 47 of 2026`, `November 2026`."""
        if self.kind == "week":
            return f"week {int(f'{self.first_day:%V}')} of {self.first_day:%G}"
        month = f"{self.first_day:%B %Y}"
        return f"{self.first_day.day} {month}" if self.kind == "day" else month

    def is_over(self, now: datetime) -> bool:
        """Whether nothing more can be announced in it."""
        return now >= self.end


def _parse_date(form: str, text: str) -> date:
    """A date in exactly one form. Raises ValueError."""
    read = datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
    if read.strftime(form) != text:
        raise ValueError(text)
    return read


_PARSERS: Final[dict[PeriodKind, Callable[[str], date]]] = {
    "day": lambda text: _parse_date("%Y-%m-%d", text),
    "week": lambda text: _parse_date("%G-W%V-%u", f"{text}-1"),
    "month": lambda text: _parse_date("%Y-%m", text),
}
