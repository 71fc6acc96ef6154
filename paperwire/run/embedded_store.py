"""The store that Paperwire brings along: a Valkey or Redis server of its own, on one data folder.

    DATA/store/             what the server keeps: its append-only file
    DATA/store/lock         held by whoever keeps the server, and by the server itself
    DATA/store/pid          the server's process id, while it runs
    DATA/store/socket       a link to the socket, which is in a short folder only we can enter
    DATA/store/log          what the server said

The lock is what makes two servers on one folder impossible: the keeper takes it and the server
inherits it, so that it is free only when both are gone, however they went. There is no TCP port.
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

from papers.errors import StoreUnavailable
from paperwire.run.store_program import server_program
from paperwire.run.tether import tie_command

_PING_REPLIES: Final = (b"+PONG", b"-MISCONF")
"""What a server that serves says to a PING; the second where its disk is full."""

MAX_SOCKET_PATH: Final = 100
"""Bytes; the systems allow 104 to 108."""

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
    """Where an embedded store is: `folder` is DATA/store."""

    folder: Path

    @property
    def lock_file(self) -> Path:
        """Held while there is a keeper or a server; holds the keeper's process id."""
        return self.folder / "lock"

    @property
    def pid_file(self) -> Path:
        """Holds the server's process id."""
        return self.folder / "pid"

    @property
    def socket_link(self) -> Path:
        """A link to the socket, whose own path is short enough to connect to."""
        return self.folder / "socket"

    @property
    def log_file(self) -> Path:
        """What the server said."""
        return self.folder / "log"


def store_paths(data_dir: str) -> StorePaths:
    """The place of the store on this data folder."""
    return StorePaths(Path(data_dir).resolve() / "store")


def socket_url(paths: StorePaths) -> str:
    """The URL of this place's store, whether it runs or not. Raises StoreAway."""
    return _unix_url(_socket_path(paths))


def running_url(paths: StorePaths) -> str | None:
    """The URL of the server that runs on this place; None where none answers.

    Of a folder that was copied the link leads to the server of the original: that is another.
    """
    try:
        path = os.readlink(paths.socket_link)
    except OSError:
        return None
    own = Path(path).parent.name.endswith(f"-{_digest(paths)}")
    return _unix_url(path) if own and _ask_server(path, b"PING").startswith(_PING_REPLIES) else None


@contextlib.contextmanager
def hold_store_lock(paths: StorePaths, *, patience: float = 0.0) -> Iterator[int]:
    """Be the keeper of this place: the one process that may start its server.

    Yields the lock's descriptor, for the server to inherit. A server whose keeper was killed is
    asked to leave. Raises StoreAway where another keeper stays for `patience` seconds.
    """
    paths.folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(paths.lock_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _acquire_lock(lock, paths, patience)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield lock
        _remove_socket_folder(paths)
    finally:
        os.close(lock)


def store_command(paths: StorePaths) -> list[str]:
    """The server's command line; makes the socket's folder. Raises StoreAway."""
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

    Raises StoreAway with the server's last words where it ends instead.
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
            raise StoreUnavailable(
                f"the store did not start: {last_log_line(paths)}; its log is {paths.log_file}"
            )
        time.sleep(0.01)
    return process


def stop_server(process: subprocess.Popen[bytes], *, patience: float = 10.0) -> None:
    """Stop the server: it writes what is left to write. After `patience` seconds it is killed."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def open_embedded_store(paths: StorePaths, *, patience: float = 10.0) -> Iterator[str]:
    """The URL of this place's store for the time of a command: a live one's, or one of our own.

    Raises StoreAway where another keeper has none that answers for `patience` seconds.
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
            return _unix_url(path)


def _wait_for_other_clients(path: str, patience: float = 10.0) -> None:
    """Let other commands that borrow this server finish, before it goes."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = re.search(rb"connected_clients:(\d+)", _ask_server(path, b"INFO clients"))
        if not found or int(found[1]) <= 1:
            return
        time.sleep(0.1)


def last_log_line(paths: StorePaths) -> str:
    """The last line of the server's log, without its time."""
    try:
        lines = paths.log_file.read_text("utf-8", "replace").split("\n")
    except OSError:
        return "it said nothing"
    said = [line for line in lines if line.strip()]
    return re.sub(r"^\d+:\w .*?\d{4} [\d:.]+ [*#.-] ", "", said[-1]) if said else "it said nothing"


def _acquire_lock(lock: int, paths: StorePaths, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        keeper = int(os.pread(lock, 20, 0) or b"0")
        if not _process_exists(keeper):
            _terminate_orphan(paths)
            deadline = max(deadline, time.monotonic() + 1.0)
        elif time.monotonic() >= deadline:
            raise StoreUnavailable(
                f"{paths.folder} is in use by process {keeper}; stop that one or wait for it"
            )
        time.sleep(0.05)


def _terminate_orphan(paths: StorePaths) -> None:
    """Ask a server that has lost its keeper to leave."""
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


def _unix_url(path: str) -> str:
    return f"unix://{path}"


def _remove_socket_folder(paths: StorePaths) -> None:
    """Remove the socket's folder where the server has left it empty."""
    with contextlib.suppress(OSError):
        Path(os.readlink(paths.socket_link)).parent.rmdir()


def _ask_server(path: str, question: bytes) -> bytes:
    """What the server at this socket answers; nothing where there is none."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(path)
            connection.sendall(question + b"\r\n")
            return connection.recv(4096)
        except OSError:
            return b""


def _socket_path(paths: StorePaths) -> str:
    """A short path that nobody else can reach, the same for the same data folder."""
    for parent in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"):
        folder = Path(parent, f"paperwire-{os.getuid()}-{_digest(paths)}")
        if os.path.isdir(parent) and len(os.fsencode(folder / "s")) <= MAX_SOCKET_PATH:
            return str(_make_private_folder(folder) / "s")
    raise StoreUnavailable(
        "no folder for the store's socket: set TMPDIR to a short path that exists"
    )


def _digest(paths: StorePaths) -> str:
    return hashlib.sha256(os.fsencode(paths.folder)).hexdigest()[:12]


def _make_private_folder(folder: Path) -> Path:
    """Make a folder that only we can enter; one that somebody else laid there is refused."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StoreUnavailable(
            f"{folder} is not ours alone: remove it, the store's socket goes there"
        )
    return folder
