"""Answers kept outside Redis, so that a feed is served while the store is away.

One file each in one folder, written whole or not at all. When there are too many the oldest go,
those of custom keywords first: anybody can ask for those, and as many as they like. To look through
the folder costs as much as to render a feed, so it is done once in many files, and a tenth goes.
"""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Final

MAX_FILES: Final = 1_000
_CUSTOM_PREFIX: Final = "custom-"
_TEMP_PREFIX: Final = ".new-"
_log = logging.getLogger(__name__)


class DiskTier:
    """A folder of packed answers, by digest. A disk that fails is logged and otherwise ignored."""

    def __init__(self, folder: Path, *, max_files: int = MAX_FILES) -> None:
        self._folder = folder
        self._max_files = max_files
        self._write_count, self._writes_per_eviction = 0, max(1, max_files // 50)
        self._written_etags: dict[str, str] = {}

    def has_written(self, digest: str, etag: str) -> bool:
        """Whether this process has kept that very answer."""
        return self._written_etags.get(digest) == etag

    def put(self, digest: str, etag: str, packed: bytes, *, is_custom: bool) -> None:
        """Keep an answer in place of the one before; nothing to do where it is kept already."""
        if self.has_written(digest, etag):
            return
        try:
            self._write(self._path(digest, custom=is_custom), packed)
            self._write_count += 1
            if self._write_count % self._writes_per_eviction == 0:
                self._evict_oldest()
        except OSError as error:
            _log.warning("last good answer not kept in %s: %s", self._folder, error)
            return
        if len(self._written_etags) >= self._max_files:
            self._written_etags.clear()
        self._written_etags[digest] = etag

    def get(self, digest: str, *, is_custom: bool) -> bytes | None:
        """The answer kept last, or None."""
        try:
            return self._path(digest, custom=is_custom).read_bytes() or None
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("last good answer not read from %s: %s", self._folder, error)
            return None

    def _path(self, digest: str, *, custom: bool) -> Path:
        return self._folder / f"{_CUSTOM_PREFIX if custom else ''}{digest}"

    def _write(self, path: Path, packed: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_TEMP_PREFIX, dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(packed)
            os.replace(name, path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def _evict_oldest(self) -> None:
        with os.scandir(self._folder) as found:
            entries = [entry for entry in found if not entry.name.startswith(_TEMP_PREFIX)]
        if len(entries) <= self._max_files:
            return
        entries.sort(key=lambda e: (not e.name.startswith(_CUSTOM_PREFIX), _mtime_ns(e)))
        for entry in entries[: len(entries) - (self._max_files - self._max_files // 10)]:
            Path(entry.path).unlink(missing_ok=True)


def _mtime_ns(entry: os.DirEntry[str]) -> int:
    """Nanoseconds since 1970; 0 for one that another thread or process has just dropped."""
    try:
        return entry.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
