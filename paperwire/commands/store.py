"""`paperwire store`: check and repair the files of an embedded store that does not start."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from paperwire.commands.options import json_option, print_result

if TYPE_CHECKING:
    from papers.config.settings import Settings
    from paperwire.run.embedded_store import StorePaths
    from paperwire.run.store_files import FileCheck


@click.group()
def store() -> None:
    """Check and repair the files of the embedded store."""


@store.command("check")
@json_option
def store_check(as_json: bool) -> None:
    """Check the files of the embedded store, which may be running.

    The exit code is 1 if one is damaged.
    """
    from paperwire.run.store_files import check_files, damage_remedy

    checks = check_files(_store_paths().folder)
    is_sound = all(check.is_sound for check in checks)
    lines = [*map(_check_line, checks), *([] if is_sound else [f"fix: {damage_remedy()}"])]
    document = {"good": is_sound, "files": [*map(_check_json, checks)]}
    print_result(document, "\n".join(lines) or "there are no files yet", as_json)
    if not is_sound:
        sys.exit(1)


@store.command("repair")
@json_option
def store_repair(as_json: bool) -> None:
    """Cut damaged files of the embedded store to the last whole command.

    Stop Paperwire first. The damaged files are kept beside the store. What was written after the
    damage is lost here: papers are fetched again from their sources, or restore a backup.
    """
    from datetime import UTC, datetime

    from paperwire.run.embedded_store import hold_store_lock
    from paperwire.run.store_files import repair_files

    paths = _store_paths()
    with hold_store_lock(paths):
        checks, kept = repair_files(paths.folder, datetime.now(UTC))
    result = f"cut; the damaged files are in {kept}" if kept else "nothing is damaged"
    lines = [*map(_check_line, checks), result]
    document = {"files": [*map(_check_json, checks)], "kept": str(kept) if kept else None}
    print_result(document, "\n".join(lines), as_json)


def _store_paths() -> StorePaths:
    from papers.config.settings import discover_settings
    from paperwire.run.embedded_store import StorePaths

    settings: Settings = discover_settings(os.environ)
    _require_embedded(settings)
    return StorePaths.in_data_dir(settings.data_dir)


def _require_embedded(settings: Settings) -> None:
    from papers.errors import BadSettings

    if settings.redis_url:
        raise BadSettings(
            "redis_url: names a store that is not ours; check its files on its own host, "
            "with valkey-check-aof or redis-check-aof"
        )


def _check_line(check: FileCheck) -> str:
    if check.is_sound:
        return f"{check.path.name}: sound, {check.size:,} bytes"
    return (
        f"{check.path.name}: damaged after byte {check.intact:,} of {check.size:,}; "
        f"{check.commands:,} commands before it are whole"
    )


def _check_json(check: FileCheck) -> dict[str, Any]:
    return {
        "file": str(check.path),
        "bytes": check.size,
        "intact": check.intact,
        "commands": check.commands,
    }
