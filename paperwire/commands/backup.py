"""`paperwire backup` and `paperwire restore`: write the store to a file, and read it back."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from papers.counted import format_counted
from paperwire.commands.options import json_option

if TYPE_CHECKING:
    from papers.maintenance.backup import BackupCounts

_file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.command()
@_file_argument
@json_option
def backup(file: Path, as_json: bool) -> None:
    """Write a backup of the store to FILE.

    It contains everything that cannot be fetched again; nothing needs to be stopped.
    """
    from papers.config.settings import discover_settings
    from papers.maintenance import backup
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        counts = backup.write_backup(session.redis, file, now=session.now)
    _print_counts(f"wrote {file}", file, counts, as_json)


@click.command()
@_file_argument
@click.option("--replace", is_flag=True, help="Replace everything in the store.")
@json_option
def restore(file: Path, replace: bool, as_json: bool) -> None:
    """Restore the backup FILE into an empty store.

    Stop scheduler and workers first.
    """
    from papers.config.settings import discover_settings
    from papers.maintenance.restore import restore_backup
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ), migrate=False) as session:
        counts = restore_backup(session.redis, file, replace=replace, now=session.now)
    _print_counts(f"restored {file}", file, counts, as_json)


def _print_counts(action: str, file: Path, counts: BackupCounts, as_json: bool) -> None:
    size = file.stat().st_size
    if as_json:
        click.echo(json.dumps({"file": str(file), "bytes": size, **asdict(counts)}))
        return
    papers = format_counted(counts.papers, "paper")
    months = format_counted(counts.months, "month")
    click.echo(f"{action}: {papers} of {months}, {size:,} bytes")
