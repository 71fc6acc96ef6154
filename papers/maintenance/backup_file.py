r"""Backup file: a header line, the records, and a checksum of everything before it.

    {"paperwire-backup": 1, "schema": 1, "made": "2026-11-21T12:00:00+00:00"}\n
    zstd( msgpack(record) msgpack(record) … )
    SHA-256 of every byte above, 32 bytes

Files are written and read as a stream: neither side holds more than one record, and records are
bounded. The checksum is at the end, so a truncated file never has a valid one. A file gets its name
only when it is complete and on disk.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import msgpack
import zstandard

from papers.errors import BadBackup

FORMAT_VERSION: Final = 1
"""The version of this format; a reader accepts its own and older ones."""

MAX_RECORD_BYTES: Final = 64_000_000
"""The largest record that a reader accepts; this code writes no larger ones."""

_MAGIC: Final = "paperwire-backup"
_DIGEST_SIZE: Final = hashlib.sha256().digest_size
_MAX_HEADER_BYTES: Final = 1_000
_CHUNK_BYTES: Final = 1 << 20
_ZSTD_LEVEL: Final = 3
_MAX_ZSTD_WINDOW: Final = 1 << 27
"""The largest window, in bytes, that a file may make a reader allocate."""

BackupRecord = list[Any]


@dataclass(frozen=True, slots=True)
class BackupHeader:
    """A file's header: the schema of its data, and when it was created (aware UTC)."""

    schema: int
    created_at: datetime


class BackupWriter:
    """Context manager that writes records to `path`; the file appears if the block succeeds.

    Raises BadBackup if the file cannot be written; then nothing of it remains.
    """

    def __init__(self, path: Path, header: BackupHeader) -> None:
        self._path, self._header = path, header
        self._temporary_path = path.with_name(f"{path.name}.part-{os.getpid()}")
        self._digest = hashlib.sha256()

    def __enter__(self) -> Self:
        with _backup_errors(self._path):
            handle = os.open(self._temporary_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._file = os.fdopen(handle, "wb")
        header = {
            _MAGIC: FORMAT_VERSION,
            "schema": self._header.schema,
            "made": self._header.created_at.isoformat(),
        }
        self._compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
        self._write(json.dumps(header).encode() + b"\n")
        return self

    def append(self, record: BackupRecord) -> None:
        """Write a record after the others."""
        self._write(self._compressor.compress(msgpack.packb(record)))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            self._file.close()
            self._temporary_path.unlink(missing_ok=True)

    def _finish(self) -> None:
        self._write(self._compressor.flush())
        self._write(self._digest.digest())
        with _backup_errors(self._path):
            self._file.flush()
            os.fsync(self._file.fileno())
            os.replace(self._temporary_path, self._path)

    def _write(self, data: bytes) -> None:
        self._digest.update(data)
        with _backup_errors(self._path):
            self._file.write(data)


class BackupReader:
    """Reads a file; its checksum is verified before the first record is returned."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file, self._path = file, path
        self._size = os.fstat(file.fileno()).st_size
        self.header = self._verify_checksum()

    @classmethod
    @contextmanager
    def open_file(cls, path: Path) -> Iterator[BackupReader]:
        """Open the file at `path`.

        Raises BadBackup if it is damaged, truncated, no backup, or of a newer format.
        """
        with _backup_errors(path):
            file = path.open("rb")
        with file:
            yield cls(file, path)

    def records(self) -> Iterator[BackupRecord]:
        """Yield every record, in the order written. Raises BadBackup."""
        with _backup_errors(self._path):
            self._file.seek(0)
            self._file.readline(_MAX_HEADER_BYTES)
            end = self._size - _DIGEST_SIZE
            yield from self._unpack(_BoundedFile(self._file, end - self._file.tell()))

    def _unpack(self, compressed: Any) -> Iterator[BackupRecord]:
        decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_ZSTD_WINDOW)
        unpacker = msgpack.Unpacker(max_buffer_size=MAX_RECORD_BYTES)
        try:
            with decompressor.stream_reader(compressed, read_size=_CHUNK_BYTES) as reader:
                while chunk := reader.read(_CHUNK_BYTES):
                    unpacker.feed(chunk)
                    yield from unpacker
        except (zstandard.ZstdError, msgpack.UnpackException, ValueError) as error:
            raise BadBackup(f"{self._path}: its records cannot be read ({error})") from error

    def _verify_checksum(self) -> BackupHeader:
        with _backup_errors(self._path):
            header = self._parse_header(self._file.readline(_MAX_HEADER_BYTES))
            self._file.seek(0)
            body, digest = _BoundedFile(self._file, self._size - _DIGEST_SIZE), hashlib.sha256()
            while chunk := body.read(_CHUNK_BYTES):
                digest.update(chunk)
            if self._file.read() != digest.digest():
                raise BadBackup(f"{self._path} is damaged or truncated: its checksum is wrong")
        return header

    def _parse_header(self, line: bytes) -> BackupHeader:
        try:
            values = json.loads(line)
            version = int(values[_MAGIC])
            if version > FORMAT_VERSION:
                raise BadBackup(
                    f"{self._path} has format {version}, this Paperwire reads {FORMAT_VERSION}: "
                    "update it"
                )
            return BackupHeader(int(values["schema"]), datetime.fromisoformat(values["made"]))
        except (ValueError, TypeError, KeyError) as error:
            raise BadBackup(f"{self._path} is no backup of Paperwire, or damaged") from error


class _BoundedFile:
    """The next `size` bytes of a file, as a file of its own."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file, self._remaining = file, max(size, 0)

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes; all that remain if it is negative."""
        wanted = self._remaining if size < 0 else min(size, self._remaining)
        data = self._file.read(wanted)
        self._remaining -= len(data)
        return data


@contextmanager
def _backup_errors(path: Path) -> Iterator[None]:
    """Translate the system's errors about a file into BadBackup."""
    try:
        yield
    except OSError as error:
        raise BadBackup(f"{path}: {error.strerror or error}") from error
