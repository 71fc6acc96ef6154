"""A file system of a few megabytes, mounted for a test, that can really be full.

Mounting needs rights that not every machine gives; where `CAN_MOUNT` is False, tests use a
substitute.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

FILLER_FILE: Final = "ballast"


@contextmanager
def small_file_system(folder: Path, megabytes: int) -> Iterator[None]:
    """Mount a file system over a folder, with the folder's content."""
    with tempfile.TemporaryDirectory(prefix="pw-disk-") as name:
        shutil.copytree(folder, name, dirs_exist_ok=True)
        options = f"size={megabytes}m,mode=700"
        _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
        try:
            shutil.copytree(name, folder, dirs_exist_ok=True)
            yield
            shutil.copytree(folder, name, dirs_exist_ok=True)
        finally:
            _run("umount", "--lazy", str(folder))
        shutil.copytree(name, folder, dirs_exist_ok=True)


def fill_disk(folder: Path) -> None:
    """Fill the file system of a folder to its last byte."""
    with (folder / FILLER_FILE).open("wb", buffering=0) as ballast:
        for size in (65_536, 1):
            try:
                while ballast.write(b"x" * size):
                    pass
            except OSError:
                continue


def free_disk(folder: Path) -> None:
    """Delete the file that fills the disk."""
    (folder / FILLER_FILE).unlink()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _can_mount() -> bool:
    if not shutil.which("mount"):
        return False
    with tempfile.TemporaryDirectory(prefix="pw-disk-") as folder:
        try:
            with small_file_system(Path(folder), 1):
                return True
        except (subprocess.CalledProcessError, OSError):
            return False


CAN_MOUNT: Final = _can_mount()
"""Whether this machine permits mounting."""
