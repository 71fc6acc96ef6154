"""Code of other releases for tests: a made-up next one, and the first one from the history."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from papers.maintenance.migrations import SCHEMA_VERSION
from tests.faults.system import ROOT

FIRST_RELEASE: Final = "fb1be01"
NEXT_SCHEMA: Final = SCHEMA_VERSION + 1
STEP_SECONDS: Final = 1.0
_PACKAGES: Final = ("papers", "service", "workers", "paperwire")
_MIGRATION: Final = f'''
def _add_a_field(redis: Redis) -> Iterator[None]:
    """Give every record a field that older code does not know; a step is a month."""
    import time
    import msgpack
    from papers.records import packing

    for yymm, _ in stored_months(redis):
        key = keys.month_papers(yymm)
        for field, packed in redis.hgetall(key).items():
            row = msgpack.unpackb(packing._ZSTD.decompressor.decompress(packed[1:]))
            row += [None] * (25 - len(row)) + ["of the next release"]
            record = packing._ZSTD.compressor.compress(msgpack.packb(row))
            redis.hset(key, field, packing._FORMAT + record)
        bump_revision(redis)
        time.sleep({STEP_SECONDS})
        yield


MIGRATIONS'''


def make_next_release(folder: Path, *, oldest_reader: int) -> Path:
    """Copy this code as that of a next release: another schema, other bytes, one more field.

    `oldest_reader` is the schema of the oldest web servers that it lets go on.
    """
    for package in _PACKAGES:
        shutil.copytree(ROOT / package, folder / package)
    _edit(
        folder / "papers/maintenance/migrations.py",
        (f"SCHEMA_VERSION: Final = {SCHEMA_VERSION}", f"SCHEMA_VERSION: Final = {NEXT_SCHEMA}"),
        ("OLDEST_READER: Final = 6", f"OLDEST_READER: Final = {oldest_reader}"),
        ("\nMIGRATIONS", _MIGRATION),
        ("    5: _to_schema_6,\n", f"    5: _to_schema_6,\n    {SCHEMA_VERSION}: _add_a_field,\n"),
    )
    _edit(
        folder / "papers/state/task_states.py",
        (
            "    usual: int | None = None\n",
            '    usual: int | None = None\n    host: str = "here"\n',
        ),
    )
    _edit(
        folder / "service/cache/cached_body.py",
        ("    etag = etag_of(body)\n", '    body += b"<!-- next -->"\n    etag = etag_of(body)\n'),
    )
    return folder


def _edit(path: Path, *replacements: tuple[str, str]) -> None:
    text = path.read_text("utf-8")
    for old, new in replacements:
        assert text.count(old) >= 1, f"{path}: {old!r}"
        text = text.replace(old, new, 1)
    path.write_text(text, "utf-8")


def first_release(folder: Path) -> Path | None:
    """Return a folder with the code of 0.1 from the history; None in a clone without it."""
    archive = folder / "first.tar"
    git = ("git", "-C", str(ROOT), "archive", "--output", str(archive), FIRST_RELEASE)
    if subprocess.run(git, capture_output=True, check=False).returncode:
        return None
    shutil.unpack_archive(archive, folder, "tar", filter="data")
    return folder
