"""The files of an embedded store: why it did not start, and the append-only file, checked and cut.

    store/log                                the server's log
    store/appendonlydir/*.manifest           the names of the base file and the incremental files
    store/appendonlydir/*.base.rdb           all data at one time
    store/appendonlydir/*.incr.aof           the commands since, as in Redis's protocol

The server drops half a command at the end by itself, and does not start if anything else is wrong.
Whatever follows the first damaged byte cannot be trusted: a repair keeps the commands before it,
whole transactions only, and stores the damaged files beside the store.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Final

from papers.command_name import command_line
from papers.errors import StoreError, StoreUnavailable
from papers.redis_backend.store_program import server_program

_DAMAGE_IN_LOG: Final = re.compile(
    r"bad file format|unexpected end|short read|checksum|manifest|signature|error in RDB",
    re.IGNORECASE,
)
_MANIFEST_LINE: Final = re.compile(r'^file "?([^"/\n]+?)"? seq (\d+) type ([bhi])\b', re.MULTILINE)
_HEADER: Final = re.compile(rb"[*$](\d{1,12})\r\n")
_MAX_HEADER: Final = 16
_MAX_ARGUMENTS: Final = 1 << 24
_CHECKERS: Final = {"redis-server": "redis-check-rdb"}


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What a file of the store contains: `size` bytes, of which the first `intact` are sound.

    `commands` is how many whole commands these are; 0 for a base file.
    """

    path: Path
    size: int
    intact: int
    commands: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong with it; the server may have written on meanwhile."""
        return self.intact >= self.size


def start_failure(log_file: Path) -> StoreUnavailable:
    """Return the error for a server that did not start: what its log says, and what to do."""
    line = last_log_line(log_file)
    if not _DAMAGE_IN_LOG.search(line):
        return StoreUnavailable(f"the store did not start: {line}; its log is {log_file}")
    return StoreUnavailable(
        f"the store did not start: {line}; {damage_remedy()}",
        cause="damaged",
        summary=f"did not start: {line}",
        remedy=damage_remedy(),
    )


def last_log_line(log_file: Path) -> str:
    """Return the last line of the server's log, without its timestamp."""
    try:
        lines = log_file.read_text("utf-8", "replace").split("\n")
    except OSError:
        return "its log is empty"
    entries = [line for line in lines if line.strip()]
    if not entries:
        return "its log is empty"
    return re.sub(r"^\d+:\w .*?\d{4} [\d:.]+ [*#.-] ", "", entries[-1])


def check_files(store_folder: Path) -> list[FileCheck]:
    """Check the files that the server would load, in order; none of a store never started.

    Raises StoreError if the list of them is damaged or names a file that is missing.
    """
    folder = store_folder / "appendonlydir"
    manifests = sorted(folder.glob("*.manifest"))
    if not manifests:
        return []
    listed = _MANIFEST_LINE.findall(manifests[0].read_text("utf-8", "replace"))
    if not listed:
        raise _beyond_repair(f"{manifests[0]} names no file")
    kinds = {"b": 0, "i": 1}
    current = sorted((kinds[kind], int(seq), name) for name, seq, kind in listed if kind in kinds)
    checks = []
    for is_incremental, _, name in current:
        path = folder / name
        if not path.is_file():
            raise _beyond_repair(f"{path} is missing")
        checks.append(_check_commands(path) if is_incremental else _check_base(path))
    return checks


def repair_files(store_folder: Path, now: datetime) -> tuple[list[FileCheck], Path | None]:
    """Cut the files at the first damage; return the checks before, and where the originals are.

    The server must not run. Later files are emptied: they continue what is lost. Raises StoreError
    if the base file is damaged, or there is no room to keep the originals.
    """
    checks = check_files(store_folder)
    first = next((at for at, check in enumerate(checks) if not check.is_sound), None)
    if first is None:
        return checks, None
    if checks[first].path.suffix == ".rdb":
        raise _beyond_repair(f"{checks[first].path} is damaged")
    kept = store_folder / f"damaged-{now:%Y%m%dT%H%M%SZ}"
    try:
        kept.mkdir(mode=0o700)
        for check in checks[first:]:
            shutil.copy2(check.path, kept)
    except OSError as error:
        raise StoreError(
            f"nothing was changed: the damaged files cannot be kept in {kept}: {error.strerror}; "
            "free some space on that disk"
        ) from error
    for at, check in enumerate(checks[first:]):
        with check.path.open("r+b") as file:
            file.truncate(check.intact if at == 0 else 0)
    return checks, kept


def damage_remedy() -> str:
    """Return what to do about damaged files."""
    check, repair = command_line("store check"), command_line("store repair")
    restore = command_line("restore BACKUP")
    return f"run `{check}`, then `{repair}`; or move the folder away and run `{restore}`"


def _beyond_repair(reason: str) -> StoreError:
    return StoreError(
        f"{reason}: this cannot be repaired; "
        f"move the folder away and run `{command_line('restore BACKUP')}`"
    )


def _check_base(path: Path) -> FileCheck:
    """Check a base file by the server's own program, which is also its checker by another name."""
    size, program = path.stat().st_size, server_program()
    with path.open("rb") as file:
        if file.read(1) == b"*":  # an old base file consists of commands
            return _check_commands(path)
    command = [_CHECKERS.get(program.name, "valkey-check-rdb"), str(path)]
    try:
        done = subprocess.run(command, executable=program, capture_output=True, check=False)
    except OSError as error:
        raise StoreError(f"{path} cannot be checked: {error}") from error
    return FileCheck(path, size, size if done.returncode == 0 else 0)


def _check_commands(path: Path, before: int = -1) -> FileCheck:
    """Read a file of commands up to the first that is not whole, or transaction without its end.

    A server that runs may be writing that: it is read again until it stays, as it was `before`.
    """
    intact, whole, commands, in_transaction = 0, 0, 0, False
    size = path.stat().st_size
    with path.open("rb") as file:
        while (name := _read_command(file, size)) is not None:
            whole += 1
            in_transaction = (in_transaction or name == b"MULTI") and name != b"EXEC"
            if not in_transaction:
                intact, commands = file.tell(), whole
    if before < intact < size < path.stat().st_size:
        return _check_commands(path, intact)
    return FileCheck(path, size, intact, commands)


def _read_command(file: IO[bytes], size: int) -> bytes | None:
    """Read one command, or an annotation, and return its name; None if there is no whole one.

    No damaged length makes it read more than the file's `size`.
    """
    line = file.readline(_MAX_HEADER * 4)
    if line.startswith(b"#"):
        return line if line.endswith(b"\r\n") else None
    count = _parse_header(line, b"*")
    if count is None or not 0 < count <= _MAX_ARGUMENTS:
        return None
    name = b""
    for number in range(count):
        length = _parse_header(file.readline(_MAX_HEADER), b"$")
        if length is None or length > size:
            return None
        argument = file.read(length + 2)
        if len(argument) != length + 2 or not argument.endswith(b"\r\n"):
            return None
        name = name if number else argument[:-2].upper()
    return name


def _parse_header(line: bytes, kind: bytes) -> int | None:
    found = _HEADER.fullmatch(line)
    return int(found[1]) if found and line.startswith(kind) else None
