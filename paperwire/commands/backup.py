"""`paperwire backup` and `paperwire restore`: the store into a file, and back."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from papers.maintenance.backup import BackupCounts

_file_argument = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.command()
@_file_argument
@_json_option
def backup(file: Path, as_json: bool) -> None:
    """Write all that cannot be fetched again into FILE, while everything runs."""
    from papers.config.settings import discover_settings
    from papers.maintenance import backup
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        counts = backup.write_backup(session.redis, file, now=session.now)
    _print_counts(f"wrote {file}", file, counts, as_json)


@click.command()
@_file_argument
@click.option("--replace", is_flag=True, help="Put it in place of all that the store holds.")
@_json_option
def restore(file: Path, replace: bool, as_json: bool) -> None:
    """Bring FILE, a backup, back into an empty store; scheduler and workers are to be stopped."""
    from papers.config.settings import discover_settings
    from papers.maintenance.restore import restore_backup
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ), migrate=False) as session:
        counts = restore_backup(session.redis, file, replace=replace, now=session.now)
    _print_counts(f"restored {file}", file, counts, as_json)


def _print_counts(did: str, file: Path, counts: BackupCounts, as_json: bool) -> None:
    size = file.stat().st_size
    if as_json:
        click.echo(json.dumps({"file": str(file), "bytes": size, **asdict(counts)}))
        return
    click.echo(f"{did}: {counts.papers:,} papers of {counts.months:,} months, {size:,} bytes")
