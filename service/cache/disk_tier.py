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
_CUSTOM: Final = "custom-"
_UNFINISHED: Final = ".new-"
_log = logging.getLogger(__name__)


class LastGood:
    """A folder of packed answers, by digest. A disk that fails is logged and otherwise ignored."""

    def __init__(self, folder: Path, *, most: int = MAX_FILES) -> None:
        self._folder = folder
        self._most = most
        self._written, self._between = 0, max(1, most // 50)
        self._kept: dict[str, str] = {}

    def holds(self, digest: str, etag: str) -> bool:
        """Whether this process has kept that very answer."""
        return self._kept.get(digest) == etag

    def keep(self, digest: str, etag: str, packed: bytes, *, custom: bool) -> None:
        """Keep an answer in place of the one before; nothing to do where it is kept already."""
        if self.holds(digest, etag):
            return
        try:
            self._write(self._path(digest, custom=custom), packed)
            self._written += 1
            if self._written % self._between == 0:
                self._bound()
        except OSError as error:
            _log.warning("last good answer not kept in %s: %s", self._folder, error)
            return
        if len(self._kept) >= self._most:
            self._kept.clear()
        self._kept[digest] = etag

    def get(self, digest: str, *, custom: bool) -> bytes | None:
        """The answer kept last, or None."""
        try:
            return self._path(digest, custom=custom).read_bytes() or None
        except FileNotFoundError:
            return None
        except OSError as error:
            _log.warning("last good answer not read from %s: %s", self._folder, error)
            return None

    def _path(self, digest: str, *, custom: bool) -> Path:
        return self._folder / f"{_CUSTOM if custom else ''}{digest}"

    def _write(self, path: Path, packed: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=self._folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(packed)
            os.replace(name, path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise

    def _bound(self) -> None:
        with os.scandir(self._folder) as found:
            entries = [entry for entry in found if not entry.name.startswith(_UNFINISHED)]
        if len(entries) <= self._most:
            return
        entries.sort(key=lambda e: (not e.name.startswith(_CUSTOM), _written_at(e)))
        for entry in entries[: len(entries) - (self._most - self._most // 10)]:
            Path(entry.path).unlink(missing_ok=True)


def _written_at(entry: os.DirEntry[str]) -> int:
    """Nanoseconds since 1970; 0 for one that another thread or process has just dropped."""
    try:
        return entry.stat().st_mtime_ns
    except FileNotFoundError:
        return 0
