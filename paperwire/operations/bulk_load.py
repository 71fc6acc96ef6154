"""Bulk loads on the command line: a progress bar or progress lines, then a summary."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import click

from papers.command_name import command_line
from papers.counted import format_counted
from papers.index.compaction.compactor import Compactor, first_open_month
from papers.maintenance.retention import first_kept_month
from papers.state.task_states import MAX_QUARANTINED, QuarantinedRecord, TaskStates
from paperwire.operations.queries import CommandResult
from paperwire.operations.session import CommandSession
from workers.bulk.loader import BulkLoader, LoadPosition, LoadProgress, load_task_name
from workers.bulk.processes import load_executor
from workers.tasks.compaction import compact_behind

REPORT_INTERVAL: Final = 5.0
"""Seconds between two progress lines, where there is no terminal."""

MAX_LISTED_RECORDS: Final = 10
"""Quarantined records listed in the text; `--json` lists up to 200 of a file."""

Clock = Callable[[], datetime]
ReportProgress = Callable[[LoadProgress], None]


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The final position of a file's load, and its quarantined records in file order."""

    position: LoadPosition
    quarantined: Sequence[QuarantinedRecord]


def load_files(
    session: CommandSession, files: Sequence[str], processes: int, clock: Clock, *, again: bool
) -> list[LoadResult]:
    """Load files one after the other; progress goes to standard error."""
    first = first_kept_month(session.settings.keep_months, session.now)
    compactor = Compactor(session.redis)
    settings = session.settings
    with load_executor(settings.redis_url, processes, settings.store_url) as pool:
        loader = BulkLoader(session.redis, pool, processes, clock, first)
        loads = (compact_behind(compactor, loader.load(file, restart=again)) for file in files)
        positions = list(map(follow_load, loads))
    if any(position.new or position.changed for position in positions):
        click.echo("compacting the index of past months", err=True)
        compactor.compact_before(first_open_month(session.now))
    records = TaskStates(session.redis).list_quarantined(MAX_QUARANTINED)[::-1]
    return [
        LoadResult(end, [record for record in records if record.task == load_task_name(end.file)])
        for end in positions
    ]


def summarize_loads(loads: Sequence[LoadResult]) -> CommandResult:
    """Return counts for each file; the result is ok if no record was quarantined."""
    is_ok = not any(load.position.set_aside for load in loads)
    return CommandResult("\n".join(map(_text, loads)), [_json(load) for load in loads], is_ok)


def _text(load: LoadResult) -> str:
    """Render `snapshot.json.gz: 2,900,000 records: 2,899,998 new, ...` and what is quarantined."""
    at = load.position
    counts = [f"{at.new:,} new", f"{at.changed:,} changed"]
    if at.deleted:
        counts.append(f"{at.deleted:,} deleted, skipped")
    if at.too_old:
        counts.append(f"{at.too_old:,} older than keep_months")
    if at.set_aside:
        counts.append(f"{at.set_aside:,} quarantined")
    listed = load.quarantined[:MAX_LISTED_RECORDS] if at.set_aside else ()
    lines = [f"  {record.reason}" for record in listed]
    if lines and at.set_aside > len(lines):
        listed_by = command_line("quarantine")
        lines.append(f"  and {at.set_aside - len(lines):,} more; `{listed_by}` lists them")
    records = format_counted(at.records, "record")
    return "\n".join([f"{at.file}: {records}: {', '.join(counts)}", *lines])


def _json(load: LoadResult) -> dict[str, Any]:
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
        "bad": [{"reason": bad.reason, "excerpt": bad.excerpt} for bad in load.quarantined],
    }


def follow_load(updates: Iterator[LoadProgress]) -> LoadPosition:
    """Run a load to its end, reporting progress; return its final position."""
    at = next(updates)
    name = at.position.file
    if at.position.ended:
        click.echo(f"{name}: already loaded; use --again to load it once more", err=True)
    elif at.position.offset:
        click.echo(f"{name}: resuming after line {at.position.line:,}", err=True)
    with _progress_reporter(at) as report:
        for at in updates:
            report(at)
    return at.position


class LoadRate:
    """The rate of a load since the progress `begun`, measured `seconds` ago."""

    def __init__(self, begun: LoadProgress, at: LoadProgress, seconds: float) -> None:
        self._at, self._seconds = at, max(seconds, 0.001)
        self.records_per_second = (at.position.records - begun.position.records) / self._seconds
        self._stored = at.position.offset - begun.position.offset

    @property
    def time_left(self) -> timedelta | None:
        """The estimated time left, if the size is known; excludes what an earlier run stored."""
        at, size = self._at, self._at.file.size
        if size is None or not at.bytes_read or self._stored <= 0:
            return None
        bytes_left = (size - at.bytes_read) / at.bytes_read * at.position.offset
        return timedelta(seconds=round(bytes_left / self._stored * self._seconds))

    @property
    def summary(self) -> str:
        """Render `1,200,000 records, 5,100 a second, 41 % read, about 0:07:30 left`."""
        size = self._at.file.size
        parts = [
            format_counted(self._at.position.records, "record"),
            f"{self.records_per_second:,.0f} a second",
        ]
        if size:
            parts.append(f"{self._at.bytes_read / size:.0%} read")
        if self.time_left is not None:
            parts.append(f"about {self.time_left} left")
        return ", ".join(parts)


@contextlib.contextmanager
def _progress_reporter(begun: LoadProgress) -> Iterator[ReportProgress]:
    """Yield a function that reports progress: a bar on a terminal, lines elsewhere."""
    started = time.monotonic()
    if not sys.stderr.isatty() or begun.position.ended:
        yield _line_reporter(begun, started)
        return
    with click.progressbar(
        length=begun.file.size,
        label=begun.position.file,
        show_eta=False,  # click's estimate would include what an earlier run has read
        item_show_func=lambda summary: summary,
        file=sys.stderr,
    ) as bar:

        def update_bar(at: LoadProgress) -> None:
            rate = LoadRate(begun, at, time.monotonic() - started)
            bar.update(max(0, at.bytes_read - bar.pos), rate.summary)

        yield update_bar


def _line_reporter(begun: LoadProgress, started: float) -> ReportProgress:
    """Return a function that prints a line every REPORT_INTERVAL seconds."""
    printed_at = started

    def print_progress(at: LoadProgress) -> None:
        nonlocal printed_at
        now = time.monotonic()
        if now - printed_at >= REPORT_INTERVAL:
            printed_at = now
            click.echo(
                f"{at.position.file}: {LoadRate(begun, at, now - started).summary}", err=True
            )

    return print_progress
