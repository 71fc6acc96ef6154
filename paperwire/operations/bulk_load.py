"""A load as people see it: a bar on a terminal, elsewhere a line now and then; then the sum."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import click

from papers.index.compaction.compactor import Closing, first_open
from papers.maintenance.retention import first_kept
from papers.state.task_states import MAX_QUARANTINED, SetAside, SourceStates
from paperwire.operations.queries import Answer
from paperwire.operations.session import Session
from workers.bulk.loader import At, Load, Position, task
from workers.bulk.processes import executor
from workers.tasks.compaction import closing_behind

EVERY: Final = 5.0
"""Seconds between two lines where there is no terminal."""

TOLD: Final = 10
"""Records set aside that are told one by one; `--json` has up to 200 of a file."""

Clock = Callable[[], datetime]
Tell = Callable[[At], None]


@dataclass(frozen=True, slots=True)
class Loaded:
    """How the load of a file ended, and what was set aside, in the order of the file."""

    position: Position
    bad: Sequence[SetAside]


def run(
    session: Session, files: Sequence[str], processes: int, clock: Clock, *, again: bool
) -> list[Loaded]:
    """Load files one after the other, telling on standard error how far it is."""
    first = first_kept(session.settings.keep_months, session.now)
    closing = Closing(session.redis)
    with executor(session.settings.redis_url, processes) as pool:
        load = Load(session.redis, pool, processes, clock, first)
        loads = (closing_behind(closing, load.load(file, again=again)) for file in files)
        ends = list(map(followed, loads))
    if any(end.new or end.changed for end in ends):
        click.echo("putting the index of past months together", err=True)
        closing.close_before(first_open(session.now))
    aside = SourceStates(session.redis).quarantined(MAX_QUARANTINED)[::-1]
    return [Loaded(end, [bad for bad in aside if bad.task == task(end.file)]) for end in ends]


def answer(loads: Sequence[Loaded]) -> Answer:
    """What was loaded; good where nothing was set aside."""
    good = not any(load.position.set_aside for load in loads)
    return Answer("\n".join(map(_text, loads)), [_json(load) for load in loads], good)


def _text(load: Loaded) -> str:
    """`snapshot.json.gz: 2,900,000 records: 2,899,998 new, 0 changed; …`, then what is bad."""
    at = load.position
    counts = [f"{at.new:,} new", f"{at.changed:,} changed"]
    if at.deleted:
        counts.append(f"{at.deleted:,} deleted ones passed over")
    if at.too_old:
        counts.append(f"{at.too_old:,} of months that are not kept")
    if at.set_aside:
        counts.append(f"{at.set_aside:,} set aside")
    lines = [f"  {bad.reason}" for bad in load.bad[:TOLD] if at.set_aside]
    if lines and at.set_aside > len(lines):
        lines.append(f"  and {at.set_aside - len(lines):,} more; `paperwire quarantine` lists them")
    return "\n".join([f"{at.file}: {at.records:,} records: {', '.join(counts)}", *lines])


def _json(load: Loaded) -> dict[str, Any]:
    at = load.position
    return {
        "file": at.file,
        "records": at.records,
        "new": at.new,
        "changed": at.changed,
        "set_aside": at.set_aside,
        "deleted": at.deleted,
        "too_old": at.too_old,
        "began": at.began.isoformat(),
        "ended": at.updated.isoformat(),
        "bad": [{"reason": bad.reason, "excerpt": bad.excerpt} for bad in load.bad],
    }


def followed(moments: Iterator[At]) -> Position:
    """Go through a load, telling; how it ended."""
    at = next(moments)
    name = at.position.file
    if at.position.ended:
        click.echo(f"{name}: loaded before; --again loads it once more", err=True)
    elif at.position.offset:
        click.echo(f"{name}: goes on after line {at.position.line:,}", err=True)
    with _telling(at) as tell:
        for at in moments:
            tell(at)
    return at.position


class Pace:
    """What a load has done since the moment `begun`, `seconds` ago."""

    def __init__(self, begun: At, at: At, seconds: float) -> None:
        self._at, self._seconds = at, max(seconds, 0.001)
        self.rate = (at.position.records - begun.position.records) / self._seconds
        self._stored = at.position.offset - begun.position.offset

    @property
    def left(self) -> timedelta | None:
        """The time left, where the size is known; what an earlier run stored took no time."""
        at, size = self._at, self._at.file.size
        if size is None or not at.passed or self._stored <= 0:
            return None
        bytes_left = (size - at.passed) / at.passed * at.position.offset
        return timedelta(seconds=round(bytes_left / self._stored * self._seconds))

    @property
    def said(self) -> str:
        """`1,200,000 records, 5,100 a second, 41 % read, about 0:07:30 left`."""
        size = self._at.file.size
        parts = [f"{self._at.position.records:,} records", f"{self.rate:,.0f} a second"]
        if size:
            parts.append(f"{self._at.passed / size:.0%} read")
        if self.left is not None:
            parts.append(f"about {self.left} left")
        return ", ".join(parts)


@contextlib.contextmanager
def _telling(begun: At) -> Iterator[Tell]:
    """A bar on a terminal, lines elsewhere."""
    started = time.monotonic()
    if not sys.stderr.isatty() or begun.position.ended:
        yield _lines(begun, started)
        return
    with click.progressbar(
        length=begun.file.size,
        label=begun.position.file,
        show_eta=False,  # it would count what an earlier run has read
        item_show_func=lambda said: said,
        file=sys.stderr,
    ) as bar:

        def tell(at: At) -> None:
            pace = Pace(begun, at, time.monotonic() - started)
            bar.update(max(0, at.passed - bar.pos), pace.said)

        yield tell


def _lines(begun: At, started: float) -> Tell:
    """Says a line every few seconds."""
    said = started

    def tell(at: At) -> None:
        nonlocal said
        now = time.monotonic()
        if now - said >= EVERY:
            said = now
            click.echo(f"{at.position.file}: {Pace(begun, at, now - started).said}", err=True)

    return tell
