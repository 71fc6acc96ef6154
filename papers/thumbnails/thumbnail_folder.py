"""Thumbnail folder: images by a digest of their address, in the data folder.

    data folder/thumbnails/DIGEST     an image, or empty: fetched in vain at the file's time

Workers write it, each file whole, and remove what is no longer shown; pages only read. A name tells
nothing but the address, which the pages have from the records: they show what is there.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from papers.thumbnails.image_headers import ImageHeader, read_image_header

THUMBNAIL_FOLDER: Final = "thumbnails"
MAX_IMAGE_BYTES: Final = 1_000_000
MAX_IMAGE_PIXELS: Final = 4_000_000
_NAME: Final = re.compile(r"[0-9a-f]{32}")


class StoredFile(NamedTuple):
    """A file of the folder: its size, 0 for an attempt in vain, and its time, aware UTC."""

    size: int
    at: datetime


class ThumbnailFolder:
    """The thumbnails of one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._folder = data_dir / THUMBNAIL_FOLDER

    @property
    def version(self) -> str:
        """A text that changes when files are added or removed; "" if there are none."""
        try:
            return f"{self._folder.stat().st_mtime_ns:x}"
        except OSError:
            return ""

    def has_image(self, name: str) -> bool:
        """Return whether there is an image of that name."""
        try:
            return (self._folder / name).stat().st_size > 0
        except OSError:
            return False

    def read(self, name: str) -> tuple[ImageHeader, bytes] | None:
        """Return an image with its header; None if there is none of that name."""
        if not _NAME.fullmatch(name):
            return None
        try:
            data = (self._folder / name).read_bytes()
        except OSError:
            return None
        header = read_image_header(data)
        return (header, data) if header else None

    def files(self) -> dict[str, StoredFile]:
        """Return every file by its name."""
        try:
            entries = [entry for entry in os.scandir(self._folder) if _NAME.fullmatch(entry.name)]
        except FileNotFoundError:
            return {}
        found = {entry.name: entry.stat() for entry in entries}
        return {
            name: StoredFile(stat.st_size, datetime.fromtimestamp(stat.st_mtime, UTC))
            for name, stat in found.items()
        }

    def save(self, name: str, data: bytes) -> None:
        """Write an image, or that it was fetched in vain if `data` is empty. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / f"{name}.{os.getpid()}"
        draft.write_bytes(data)
        draft.replace(self._folder / name)

    def keep_only(self, names: Collection[str]) -> None:
        """Remove all other files, and what an interrupted write has left. Raises OSError."""
        if self._folder.is_dir():
            for entry in list(os.scandir(self._folder)):
                if entry.name not in names:
                    Path(entry.path).unlink(missing_ok=True)


def thumbnail_name(url: str) -> str:
    """Return the name of the thumbnail of an address."""
    return hashlib.blake2b(url.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def image_fault(data: bytes) -> str:
    """Return why an image is not kept; "" if it is."""
    if len(data) > MAX_IMAGE_BYTES:
        return f"more than {MAX_IMAGE_BYTES:,} bytes"
    header = read_image_header(data)
    if header is None:
        return "no PNG, JPEG, GIF or WebP image"
    if header.width * header.height > MAX_IMAGE_PIXELS:
        return f"{header.width} x {header.height} pixels are too many"
    return ""
