"""A bulk file of many papers: its name, its identity, and its records in order."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import zstandard

from papers.errors import BadParameter, SourceGarbled
from workers.bulk.record_splitter import SplitRecord, split_records

STDIN: Final = "-"
_SAMPLE_BYTES: Final = 1 << 20
_BLOCK_BYTES: Final = 1 << 16
_BUFFER_BYTES: Final = 1 << 18
"""Bytes per system call: lines are short, and calls are expensive."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_DECOMPRESSION_ERRORS: Final = (EOFError, zlib.error, gzip.BadGzipFile, zstandard.ZstdError)


@dataclass(frozen=True, slots=True)
class BulkFile:
    """A file to load, of `size` bytes.

    `identity` is a digest of the content, whatever the file's name; "" for a stream.
    """

    name: str
    identity: str = ""
    size: int | None = None

    @contextlib.contextmanager
    def open_reader(self) -> Iterator[BulkReader]:
        """Open the file and yield a reader at its first record. Raises BadParameter."""
        if self.name == STDIN:
            stdin: Any = io.BufferedReader(sys.stdin.buffer)
            yield BulkReader(self.name, stdin)
            stdin.detach()  # else it would close a stream that is not ours
            return
        with _unreadable_as_bad_parameter(self.name):
            raw = open(self.name, "rb", _BUFFER_BYTES)  # noqa: SIM115 - closed below
        with raw:
            yield BulkReader(self.name, raw)


class BulkReader:
    """Reads the records of an open bulk file."""

    def __init__(self, name: str, raw: Any) -> None:
        self._name, self._raw = name, raw

    def records(self) -> Iterator[SplitRecord]:
        """Yield the records. Raises SourceGarbled if the file is compressed and damaged."""
        try:
            stream: Any = _decompress(self._raw)
            yield from split_records(stream, stream.peek(1024))
        except _DECOMPRESSION_ERRORS as error:
            raise SourceGarbled(f"{self._name}: damaged, or cut short: {error}") from error

    @property
    def bytes_read(self) -> int:
        """Bytes of the file on disk (compressed) that were read."""
        return int(self._raw.tell()) if self._name != STDIN else 0


def find_bulk_file(name: str) -> BulkFile:
    """Return the file of that name; `-` is standard input. Raises BadParameter if unreadable."""
    if name == STDIN:
        return BulkFile(name)
    with _unreadable_as_bad_parameter(name), open(name, "rb") as raw:
        file_status = os.fstat(raw.fileno())
        if not stat.S_ISREG(file_status.st_mode):
            return BulkFile(name)
        return BulkFile(name, _identity(raw, file_status.st_size), file_status.st_size)


def _identity(raw: IO[bytes], size: int) -> str:
    """Return a digest of size, beginning and end, which does not depend on the file's name."""
    digest = hashlib.blake2b(str(size).encode(), digest_size=16)
    digest.update(raw.read(_SAMPLE_BYTES))
    raw.seek(max(0, size - _SAMPLE_BYTES))
    digest.update(raw.read(_SAMPLE_BYTES))
    return digest.hexdigest()


def _decompress(raw: Any) -> Any:
    magic = raw.peek(4)[:4]
    if magic.startswith(_GZIP_MAGIC):
        return gzip.GzipFile(fileobj=raw)
    if magic.startswith(_ZSTD_MAGIC):
        return io.BufferedReader(_ZstdReader(raw), 1 << 20)
    return raw


class _ZstdReader(io.RawIOBase):
    """A stream of decompressed frames. zstandard's own reader ends silently at a truncated one."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._out = raw, b""
        self._frame = zstandard.ZstdDecompressor().decompressobj()

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; return 0 at the end. Raises EOFError if a frame is truncated."""
        while not self._out:
            if self._frame.eof:
                block = self._frame.unused_data or self._raw.read(_BLOCK_BYTES)
                if not block:
                    return 0
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            elif not (block := self._raw.read(_BLOCK_BYTES)):
                raise EOFError("the last frame does not end")
            self._out = self._frame.decompress(block)
        size = min(len(buffer), len(self._out))
        buffer[:size], self._out = self._out[:size], self._out[size:]
        return size


@contextlib.contextmanager
def _unreadable_as_bad_parameter(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = f"{name}: {error.strerror}; name a file, or - for standard input"
        raise BadParameter("FILE", reason) from error


def display_name(name: str) -> str:
    """Return the name to show to users."""
    return "standard input" if name == STDIN else Path(name).name
