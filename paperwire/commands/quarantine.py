"""`paperwire quarantine`: list the records that could not be stored."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from papers.counted import format_counted
from paperwire.commands.options import json_option, print_result

if TYPE_CHECKING:
    from papers.state.task_states import QuarantinedRecord


@click.command()
@click.option("-n", "limit", default=100, show_default=True, type=click.IntRange(1, 1000))
@click.option(
    "--clear", is_flag=True, help="Delete all; records that still fail are quarantined again."
)
@json_option
def quarantine(limit: int, clear: bool, as_json: bool) -> None:
    """List the records that could not be stored.

    The newest comes first, each with its reason and an excerpt.
    """
    from papers.config.settings import discover_settings
    from papers.state.task_states import TaskStates
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        states = TaskStates(session.redis)
        if clear:
            count = states.clear_quarantine()
            text = f"deleted {format_counted(count, 'record')}"
            click.echo(json.dumps({"cleared": count}) if as_json else text)
            return
        records = [_record_json(record) for record in states.list_quarantined(limit)]
    print_result(records, _text(records), as_json)


def _record_json(record: QuarantinedRecord) -> dict[str, Any]:
    return {
        "task": record.task,
        "at": record.at.isoformat(),
        "reason": record.reason,
        "excerpt": record.excerpt,
    }


def _text(records: list[dict[str, Any]]) -> str:
    """Render each record as a line and an indented excerpt, safe for a terminal."""
    lines = [
        f"{record['at'][:16].replace('T', ' ')}  {record['task']}: {_printable(record['reason'])}\n"
        f"    {_printable(record['excerpt'])}"
        for record in records
    ]
    return "\n".join(lines) or "the quarantine is empty"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
