"""The lock of the one `paperwire up` of a data folder; it contains the address it serves."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from papers.errors import BadSettings, StoreError

LOCK_FILE: Final = "up.lock"
"""The file's name in the data folder."""


@contextlib.contextmanager
def hold_instance_lock(data_dir: Path) -> Iterator[IO[str]]:
    """Hold the folder's lock; yields the lock file, to write our address to.

    Raises StoreError if another process holds it, BadSettings if the folder is unusable.
    """
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        file = (data_dir / LOCK_FILE).open("a+", encoding="utf-8")
    except OSError as error:
        raise BadSettings(
            f"data_dir = {str(data_dir)!r}: {error.strerror}; "
            "set data_dir to a folder that you may write to"
        ) from error
    with file:
        if not _try_lock(file):
            file.seek(0)
            where = file.readline().strip() or "it is starting"
            raise StoreError(
                f"Paperwire already runs on {data_dir}: {where}; stop it, or set another data_dir"
            )
        file.truncate(0)
        yield file


def running_address(data_dir: Path) -> str | None:
    """Return the address of the `paperwire up` of this folder; None if none runs."""
    try:
        with (data_dir / LOCK_FILE).open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return (data_dir / LOCK_FILE).read_text("utf-8").partition(" ")[0] or None
    except OSError:  # there is none, or it is not ours to read
        return None
    return None


def write_address(file: IO[str], address: str, config: Path | None) -> None:
    """Write into the lock file where we serve, and on the next line our TOML file, if any."""
    file.write(f"{address} (process {os.getpid()})\n{config.resolve() if config else ''}\n")
    file.flush()


def running_config(data_dir: Path) -> Path | None:
    """Return the TOML file of the `paperwire up` of this folder; None if it has none."""
    lines = (data_dir / LOCK_FILE).read_text("utf-8").splitlines()
    return Path(lines[1]) if len(lines) > 1 and lines[1] else None


def _try_lock(file: IO[str]) -> bool:
    """Lock the file; retried briefly, because `running_address` locks it for a moment."""
    for _ in range(10):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.02)
    return False
