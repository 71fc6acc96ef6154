"""`paperwire quarantine`: the records that were set aside, so that none is lost in silence."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from papers.state.task_states import QuarantinedRecord


@click.command()
@click.option("-n", "limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@click.option("--clear", is_flag=True, help="Forget them all; what still comes is set aside again.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def quarantine(limit: int, clear: bool, as_json: bool) -> None:
    """List the records that could not be taken, newest first, with the reason of each."""
    from papers.config.settings import discover_settings
    from papers.state.task_states import TaskStates
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        states = TaskStates(session.redis)
        if clear:
            count = states.clear_quarantine()
            click.echo(json.dumps({"cleared": count}) if as_json else f"forgot {count} records")
            return
        records = [_record_json(record) for record in states.list_quarantined(limit)]
    click.echo(json.dumps(records, ensure_ascii=False, indent=2) if as_json else _text(records))


def _record_json(record: QuarantinedRecord) -> dict[str, Any]:
    return {
        "task": record.task,
        "at": record.at.isoformat(),
        "reason": record.reason,
        "excerpt": record.excerpt,
    }


def _text(records: list[dict[str, Any]]) -> str:
    """A line for each record and an indented one with its beginning, safe for a terminal."""
    lines = [
        f"{record['at'][:16].replace('T', ' ')}  {record['task']}: {_printable(record['reason'])}\n"
        f"    {_printable(record['excerpt'])}"
        for record in records
    ]
    return "\n".join(lines) or "nothing was set aside"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
