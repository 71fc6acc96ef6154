"""TCP ports of this machine: find a free one, and test whether a server listens."""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import Final

from papers.errors import BadSettings

MAX_PORTS_TRIED: Final = 100
"""How many ports are tried, counted from the configured one."""


def find_free_port(host: str, port: int) -> int:
    """Return the first free port from `port` on; 0 stands for any. Raises BadSettings."""
    for candidate in range(port, min(port + MAX_PORTS_TRIED, 65_536) if port else 1):
        try:
            return try_bind(host, candidate)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise BadSettings(f"host = {host!r}: {error.strerror}") from error
    raise BadSettings(
        f"port = {port}: in use on {host}, and so are the {MAX_PORTS_TRIED - 1} ports after it"
    )


def try_bind(host: str, port: int) -> int:
    """Bind a port, release it and return its number; 0 binds any. Raises OSError if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
        return int(probe.getsockname()[1])


def is_listening(host: str, port: int) -> bool:
    """True if a server accepts connections there within a second."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), 1.0):
        return True
    return False
