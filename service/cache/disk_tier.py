"""Disk tier: the bodies of responses, for all processes of a machine and for times without store.

Each is one file in one folder, written atomically. If there are too many, those that were not read
for the longest time are evicted, those of custom queries first, as clients can make up any number
of those. Scanning the folder costs as much as rendering a feed, so it is done once in many writes,
and evicts a tenth of the files. Each build of the code has files of its own, so that two of them on
one machine do not overwrite each other's, and reads those of the others where it has none yet.
"""

from __future__ import annotations

import logging
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

MAX_FILES: Final = 4_000
"""The most files in the folder; a body takes some 70 kB."""
_MAX_BUILDS: Final = 3
"""Builds whose files are looked for where this one has none."""
_CUSTOM_PREFIX: Final = "custom-"
_TEMP_PREFIX: Final = ".new-"
_log = logging.getLogger(__name__)


class DiskTier:
    """A folder of serialized bodies by digest. Errors of the disk are logged, never raised."""

    def __init__(self, folder: Path, *, max_files: int = MAX_FILES) -> None:
        self._folder = folder
        self._max_files = max_files
        self._write_count, self._writes_per_eviction = 0, max(1, max_files // 50)
        self._found_builds: list[str] | None = None

    def put(self, digest: str, packed: bytes, *, is_custom: bool, build: str = "") -> None:
        """Write a response in place of the previous one of this build."""
        try:
            self._write(self._path(digest, build, is_custom=is_custom), packed)
            self._write_count += 1
            if self._write_count % self._writes_per_eviction == 0:
                self._evict_oldest()
        except OSError as error:
            _log.warning("response not written to %s: %s", self._folder, error)

    def get(self, digest: str, *, is_custom: bool, build: str = "") -> bytes | None:
        """Return the response written last by this build, or else by another, or None."""
        packed = self._read(self._path(digest, build, is_custom=is_custom))
        others = (other for other in self._builds() if other != build) if packed is None else ()
        for other in others:
            packed = packed or self._read(self._path(digest, other, is_custom=is_custom))
        return packed or None

    def _read(self, path: Path) -> bytes | None:
        try:
            packed = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("response not read from %s: %s", self._folder, error)
            return None
        with suppress(OSError):  # a folder that takes no writes can still be read
            os.utime(path)
        return packed

    def _builds(self) -> list[str]:
        """Return the builds that wrote files here before this process first asked, newest first."""
        if self._found_builds is None:
            newest = dict[str, int]()
            with suppress(OSError), os.scandir(self._folder) as found:
                for entry in found:
                    build = entry.name.partition(".")[2]
                    if not entry.name.startswith(_TEMP_PREFIX):
                        newest[build] = max(newest.get(build, 0), _mtime_ns(entry))
            self._found_builds = sorted(newest, key=lambda build: -newest[build])[:_MAX_BUILDS]
        return self._found_builds

    def _path(self, digest: str, build: str, *, is_custom: bool) -> Path:
        name = f"{_CUSTOM_PREFIX if is_custom else ''}{digest}"
        return self._folder / (f"{name}.{build}" if build else name)

    def _write(self, path: Path, packed: bytes) -> None:
        handle, name = self._make_temporary()
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(packed)
            os.replace(name, path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def _make_temporary(self) -> tuple[int, str]:
        try:
            return tempfile.mkstemp(prefix=_TEMP_PREFIX, dir=self._folder)
        except FileNotFoundError:  # it is the first file, or somebody removed the folder
            self._folder.mkdir(parents=True, exist_ok=True)
            return tempfile.mkstemp(prefix=_TEMP_PREFIX, dir=self._folder)

    def _evict_oldest(self) -> None:
        with os.scandir(self._folder) as found:
            entries = [entry for entry in found if not entry.name.startswith(_TEMP_PREFIX)]
        if len(entries) <= self._max_files:
            return
        entries.sort(
            key=lambda entry: (not entry.name.startswith(_CUSTOM_PREFIX), _mtime_ns(entry))
        )
        for entry in entries[: len(entries) - (self._max_files - self._max_files // 10)]:
            Path(entry.path).unlink(missing_ok=True)


def _mtime_ns(entry: os.DirEntry[str]) -> int:
    """Return nanoseconds since 1970; 0 if another thread or process has just evicted the file."""
    try:
        return entry.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
