"""The embedded store: a Valkey or Redis server for one data folder.

    DATA/store/             the server's working folder, with its append-only file
    DATA/store/lock         locked by the owner (the process that starts the server) and the server
    DATA/store/pid          the server's process id, while it runs
    DATA/store/socket       a link to the socket, which is in a private folder with a short path
    DATA/store/log          the server's log

The lock makes two servers on one folder impossible: the owner takes it and the server inherits
the descriptor, so it is released only when both have ended, in whatever way. There is no TCP port.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import signal
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from papers.errors import BadSettings, StoreUnavailable
from papers.redis_backend.store_program import server_program
from paperwire.run.store_files import start_failure
from paperwire.run.tether import tie_command

_PING_REPLIES: Final = (b"+PONG", b"-MISCONF")
"""Replies to PING of a running server; the second one if its disk is full."""

MAX_SOCKET_PATH: Final = 100
"""Bytes; operating systems allow 104 to 108."""

SERVER_OPTIONS: Final = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
}


@dataclass(frozen=True, slots=True)
class StorePaths:
    """The paths of an embedded store; `folder` is DATA/store."""

    folder: Path

    @classmethod
    def in_data_dir(cls, data_dir: str) -> StorePaths:
        """Return the paths for a data folder."""
        return cls(Path(data_dir).resolve() / "store")

    @property
    def lock_file(self) -> Path:
        """Locked while there is an owner or a server; contains the owner's process id."""
        return self.folder / "lock"

    @property
    def pid_file(self) -> Path:
        """Contains the server's process id."""
        return self.folder / "pid"

    @property
    def socket_link(self) -> Path:
        """A link to the socket; the socket's own path is short enough to connect to."""
        return self.folder / "socket"

    @property
    def log_file(self) -> Path:
        """The server's log."""
        return self.folder / "log"

    def socket_url(self) -> str:
        """Return the store's URL, running or not; makes the socket's folder.

        Raises StoreUnavailable.
        """
        return f"unix://{_socket_path(self)}"


def running_url(paths: StorePaths) -> str | None:
    """Return the URL of the server that runs for these paths; None if none answers.

    In a copied data folder the link still points to the server of the original: it is ignored.
    """
    try:
        path = os.readlink(paths.socket_link)
    except OSError:
        return None
    own = Path(path).parent.name.endswith(f"-{_digest(paths)}")
    is_alive = own and send_command(path, b"PING").startswith(_PING_REPLIES)
    return f"unix://{path}" if is_alive else None


@contextlib.contextmanager
def hold_store_lock(paths: StorePaths, *, patience: float = 0.0) -> Iterator[int]:
    """Own the store: hold the lock of the one process that may start its server.

    Yields the lock's descriptor, for the server to inherit. A server whose owner was killed is
    terminated. Raises StoreUnavailable if another owner remains after `patience` seconds,
    BadSettings if the folder cannot be written.
    """
    try:
        paths.folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(paths.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise BadSettings(
            f"data_dir: the store cannot be in {paths.folder}: {error.strerror}; "
            "set data_dir to a folder that you may write to"
        ) from error
    try:
        _acquire_lock(lock, paths, patience)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield lock
        _remove_socket_folder(paths)
    finally:
        os.close(lock)


def store_command(paths: StorePaths) -> list[str]:
    """Return the server's command line; makes the socket's folder. Raises StoreUnavailable."""
    path = _socket_path(paths)
    paths.socket_link.unlink(missing_ok=True)
    paths.socket_link.symlink_to(path)
    options = SERVER_OPTIONS | {
        "unixsocket": path,
        "dir": str(paths.folder),
        "pidfile": str(paths.pid_file),
        "logfile": str(paths.log_file),
    }
    return [
        str(server_program()),
        *(part for name, text in options.items() for part in (f"--{name}", text)),
    ]


def start_server(paths: StorePaths, lock: int) -> subprocess.Popen[bytes]:
    """Start the server, tied to this process, and wait until it answers.

    Raises StoreUnavailable, with the last line of the server's log, if it exits instead.
    """
    process = subprocess.Popen(
        tie_command(store_command(paths)),
        pass_fds=[lock],
        process_group=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while running_url(paths) is None:
        if process.poll() is not None:
            raise start_failure(paths.log_file)
        time.sleep(0.01)
    return process


def stop_server(process: subprocess.Popen[bytes], *, patience: float = 10.0) -> None:
    """Stop the server, which flushes its file; kill it after `patience` seconds."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def open_embedded_store(paths: StorePaths, *, patience: float = 10.0) -> Iterator[str]:
    """Yield the URL of a running server, or of one started for as long as the context lasts.

    Raises StoreUnavailable if another owner's server does not answer for `patience` seconds.
    """
    with contextlib.ExitStack() as stack:
        yield _running_or_started(paths, stack, time.monotonic() + patience)


def _running_or_started(paths: StorePaths, stack: contextlib.ExitStack, deadline: float) -> str:
    while True:
        url = running_url(paths)
        if url:
            return url
        try:
            lock = stack.enter_context(hold_store_lock(paths))
        except StoreUnavailable:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)
        else:
            stack.callback(stop_server, start_server(paths, lock))
            path = os.readlink(paths.socket_link)
            stack.callback(_wait_for_other_clients, path)
            return f"unix://{path}"


def _wait_for_other_clients(path: str, patience: float = 10.0) -> None:
    """Wait for other commands that use this server, before it is stopped."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = re.search(rb"connected_clients:(\d+)", send_command(path, b"INFO clients"))
        if not found or int(found[1]) <= 1:
            return
        time.sleep(0.1)


def _acquire_lock(lock: int, paths: StorePaths, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        owner = int(os.pread(lock, 20, 0) or b"0")
        if not _process_exists(owner):
            _terminate_orphan(paths)
            deadline = max(deadline, time.monotonic() + 1.0)
        elif time.monotonic() >= deadline:
            raise StoreUnavailable(
                f"{paths.folder} is in use by process {owner}; stop that process or wait for it"
            )
        time.sleep(0.05)


def _terminate_orphan(paths: StorePaths) -> None:
    """Send SIGTERM to a server whose owner has ended."""
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(paths.pid_file.read_text("ascii")), signal.SIGTERM)


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _remove_socket_folder(paths: StorePaths) -> None:
    """Remove the socket's folder if it is empty."""
    with contextlib.suppress(OSError):
        Path(os.readlink(paths.socket_link)).parent.rmdir()


def send_command(path: str, command: bytes) -> bytes:
    """Send an inline command to the server at a socket; empty if there is none."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(path)
            connection.sendall(command + b"\r\n")
            return connection.recv(4096)
        except OSError:
            return b""


def _socket_path(paths: StorePaths) -> str:
    """Return a short, private socket path, always the same for a data folder."""
    for parent in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"):
        folder = Path(parent, socket_folder_name(_digest(paths)))
        if os.path.isdir(parent) and len(os.fsencode(folder / "s")) <= MAX_SOCKET_PATH:
            return str(_make_private_folder(folder) / "s")
    raise StoreUnavailable(
        "no folder for the store's socket: set TMPDIR to an existing folder with a short path"
    )


def socket_folder_name(digest: str) -> str:
    """Return the name of a socket's folder: the user, and a digest of the store's folder."""
    return f"paperwire-{os.getuid()}-{digest}"


def _digest(paths: StorePaths) -> str:
    return hashlib.sha256(os.fsencode(paths.folder)).hexdigest()[:12]


def _make_private_folder(folder: Path) -> Path:
    """Make a folder with mode 700; raises StoreUnavailable if another user could have made it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise StoreUnavailable(
            f"{folder} is accessible to others: remove it, it is for the store's socket"
        )
    return folder
