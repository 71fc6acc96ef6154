"""Check of a backup: it is restored into an empty store, backed up there, and the two compared.

    backup ─▶ a server of its own, without files ─▶ backup of that: record by record the same?

The second store needs the memory of the first. Where there is less, the file is read to its end and
its records are checked and counted, and the result says that it was not restored.
"""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgpack
from redis import Redis

from papers.errors import BadBackup, PaperwireError, StoreUnavailable
from papers.maintenance.backup import (
    END_RECORD,
    KEY_RECORD,
    PAPERS_RECORD,
    BackupCounts,
    write_backup,
)
from papers.maintenance.backup_file import BackupReader, BackupRecord
from papers.maintenance.backup_records import check_records
from papers.maintenance.restore import restore_backup
from papers.redis_backend import keys
from papers.redis_backend.connection import connect
from papers.redis_backend.store_program import server_program

MEMORY_MARGIN: Final = 1.3
"""Factor on the memory of the store: while the second one is written, it takes more than that."""
START_SECONDS: Final = 20.0
_EXPIRY_MARGIN: Final = timedelta(hours=12)
_TIED: Final = '"$@" </dev/null & read -r _; kill -9 $!; wait'
_OPTIONS: Final = {"port": "0", "unixsocketperm": "700", "save": "", "appendonly": "no"}


@dataclass(frozen=True, slots=True)
class CheckedBackup:
    """What a check found in a good backup, and whether it was restored."""

    counts: BackupCounts
    is_restored: bool


def check_backup(path: Path, store_bytes: int, *, now: datetime) -> CheckedBackup:
    """Check a backup of a store of `store_bytes`. Raises BadBackup if it is not good."""
    if store_bytes * MEMORY_MARGIN > available_memory():
        return CheckedBackup(_read_backup(path), is_restored=False)
    again = path.with_name(f"{path.name}.again")
    try:
        with _scratch_store() as redis:
            counts = restore_backup(redis, path, replace=False, now=now)
            write_backup(redis, again, now=now)
        _require_same(path, again, now)
    except BadBackup:
        raise
    except PaperwireError as error:  # of the second store, not of the one that serves
        raise BadBackup(f"{path}: it could not be restored: {error}") from error
    finally:
        again.unlink(missing_ok=True)
    return CheckedBackup(counts, is_restored=True)


def available_memory() -> float:
    """Return the bytes that this process may still take; infinite where that is not known."""
    return min(_free_memory_of_host(), _free_memory_of_container())


def _free_memory_of_host() -> float:
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024
    return float("inf")


def _free_memory_of_container() -> float:
    """Return what the limit of a control group leaves; infinite without a limit."""
    with contextlib.suppress(OSError, ValueError):
        limit, used = (
            Path("/sys/fs/cgroup", name).read_text("ascii")
            for name in ("memory.max", "memory.current")
        )
        return float(limit) - float(used)
    return float("inf")


def _read_backup(path: Path) -> BackupCounts:
    with BackupReader.open_file(path) as file:
        check_records(file.records(), path)
        stated: Any = next((record[1] for record in file.records() if record[0] == END_RECORD), {})
        counts = _count_records(file.records())
    if stated != {"papers": counts.papers, "months": counts.months, "keys": counts.keys}:
        raise BadBackup(f"{path}: it has {counts}, and states {stated}")
    return counts


def _count_records(records: Iterator[BackupRecord]) -> BackupCounts:
    papers, months, names = 0, set(), set()
    for record in records:
        if record[0] == PAPERS_RECORD:
            papers += len(record[3])
            months.add(record[1])
        elif record[0] == KEY_RECORD:
            names.add(record[1])
    return BackupCounts(papers, len(months), len(names))


def _require_same(path: Path, again: Path, now: datetime) -> None:
    """Raise BadBackup, with what differs, unless two backups have the same records."""
    first, second = (_record_digests(each, now) for each in (path, again))
    differing = (first - second) + (second - first)
    if differing:
        names = ", ".join(sorted({name for name, _ in differing})[:5])
        raise BadBackup(f"{path}: a store restored from it differs in {names}")


def _record_digests(path: Path, now: datetime) -> Counter[tuple[str, bytes]]:
    """Return a digest of each record by its key, as two stores list their keys in any order.

    Left out are the revision, which a restore moves, keys that may expire during the check, and the
    count of keys at the end, which has both.
    """
    soon = (now + _EXPIRY_MARGIN).timestamp() * 1000
    found: Counter[tuple[str, bytes]] = Counter()
    with BackupReader.open_file(path) as file:
        for record in file.records():
            if record[0] == END_RECORD:
                continue
            if record[0] == KEY_RECORD:
                _, name, kind, members, expiry = record
                if name == keys.REVISION.encode() or 0 < expiry < soon:
                    continue
                record = [*record[:3], sorted(members) if kind == b"set" else members, expiry]
            found[_subject(record), hashlib.sha256(msgpack.packb(record)).digest()] += 1
    return found


def _subject(record: BackupRecord) -> str:
    name: Any = record[1] if record[0] in (KEY_RECORD, PAPERS_RECORD) else record[0]
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


@contextlib.contextmanager
def _scratch_store() -> Iterator[Redis]:
    """Run a server without files on a socket in a private folder. Raises StoreUnavailable.

    The shell ends it when its standard input does: with this process, in whatever way that ends.
    """
    with tempfile.TemporaryDirectory(prefix="paperwire-") as folder:
        socket = Path(folder, "socket")
        options = [part for name, value in _OPTIONS.items() for part in (f"--{name}", value)]
        server = [str(server_program()), *options, "--unixsocket", str(socket), "--dir", folder]
        with (
            subprocess.Popen(
                ["/bin/sh", "-c", _TIED, "sh", *server],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ),
            contextlib.closing(connect(f"unix://{socket}", retry=True)) as redis,
        ):
            _wait_for_socket(socket)
            yield redis


def _wait_for_socket(socket: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not socket.exists():
        if time.monotonic() > deadline:
            raise StoreUnavailable("the server for the check of a backup does not start")
        time.sleep(0.02)
