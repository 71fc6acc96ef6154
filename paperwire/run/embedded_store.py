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

from papers.errors import StoreAway
from paperwire.run.store_program import server_program
from paperwire.run.tether import tied

_ANSWERS: Final = (b"+PONG", b"-MISCONF")
"""What a server that serves says to a PING; the second where its disk is full."""

LONGEST_SOCKET: Final = 100
"""Bytes; the systems allow 104 to 108."""

OPTIONS: Final = {
    "port": "0",
    "unixsocketperm": "700",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an embedded store is: `folder` is DATA/store."""

    folder: Path

    @property
    def lock(self) -> Path:
        """Held while there is a keeper or a server; holds the keeper's process id."""
        return self.folder / "lock"

    @property
    def pid(self) -> Path:
        """Holds the server's process id."""
        return self.folder / "pid"

    @property
    def link(self) -> Path:
        """A link to the socket, whose own path is short enough to connect to."""
        return self.folder / "socket"

    @property
    def log(self) -> Path:
        """What the server said."""
        return self.folder / "log"


def place(data_dir: str) -> Place:
    """The place of the store on this data folder."""
    return Place(Path(data_dir).resolve() / "store")


def url(at: Place) -> str:
    """The URL of this place's store, whether it runs or not. Raises StoreAway."""
    return _url(_socket_path(at))


def live_url(at: Place) -> str | None:
    """The URL of the server that runs on this place; None where none answers.

    Of a folder that was copied the link leads to the server of the original: that is another.
    """
    try:
        path = os.readlink(at.link)
    except OSError:
        return None
    own = Path(path).parent.name.endswith(f"-{_digest(at)}")
    return _url(path) if own and _said(path, b"PING").startswith(_ANSWERS) else None


@contextlib.contextmanager
def kept(at: Place, *, patience: float = 0.0) -> Iterator[int]:
    """Be the keeper of this place: the one process that may start its server.

    Yields the lock's descriptor, for the server to inherit. A server whose keeper was killed is
    asked to leave. Raises StoreAway where another keeper stays for `patience` seconds.
    """
    at.folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(at.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(lock, at, patience)
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield lock
        _tidy(at)
    finally:
        os.close(lock)


def command(at: Place) -> list[str]:
    """The server's command line; makes the socket's folder. Raises StoreAway."""
    path = _socket_path(at)
    at.link.unlink(missing_ok=True)
    at.link.symlink_to(path)
    options = OPTIONS | {
        "unixsocket": path,
        "dir": str(at.folder),
        "pidfile": str(at.pid),
        "logfile": str(at.log),
    }
    return [
        str(server_program()),
        *(part for name, text in options.items() for part in (f"--{name}", text)),
    ]


def start(at: Place, lock: int) -> subprocess.Popen[bytes]:
    """Start the server, tied to this process, and wait until it answers.

    Raises StoreAway with the server's last words where it ends instead.
    """
    process = subprocess.Popen(
        tied(command(at)),
        pass_fds=[lock],
        process_group=0,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while live_url(at) is None:
        if process.poll() is not None:
            raise StoreAway(f"the store did not start: {last_words(at)}; its log is {at.log}")
        time.sleep(0.01)
    return process


def stop(process: subprocess.Popen[bytes], *, patience: float = 10.0) -> None:
    """Stop the server: it writes what is left to write. After `patience` seconds it is killed."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def borrowed(at: Place, *, patience: float = 10.0) -> Iterator[str]:
    """The URL of this place's store for the time of a command: a live one's, or one of our own.

    Raises StoreAway where another keeper has none that answers for `patience` seconds.
    """
    with contextlib.ExitStack() as stack:
        yield _live_or_started(at, stack, time.monotonic() + patience)


def _live_or_started(at: Place, stack: contextlib.ExitStack, deadline: float) -> str:
    while True:
        url = live_url(at)
        if url:
            return url
        try:
            lock = stack.enter_context(kept(at))
        except StoreAway:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.05)
        else:
            stack.callback(stop, start(at, lock))
            path = os.readlink(at.link)
            stack.callback(_wait_for_others, path)
            return _url(path)


def _wait_for_others(path: str, patience: float = 10.0) -> None:
    """Let other commands that borrow this server finish, before it goes."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = re.search(rb"connected_clients:(\d+)", _said(path, b"INFO clients"))
        if not found or int(found[1]) <= 1:
            return
        time.sleep(0.1)


def last_words(at: Place) -> str:
    """The last line of the server's log, without its time."""
    try:
        lines = at.log.read_text("utf-8", "replace").split("\n")
    except OSError:
        return "it said nothing"
    said = [line for line in lines if line.strip()]
    return re.sub(r"^\d+:\w .*?\d{4} [\d:.]+ [*#.-] ", "", said[-1]) if said else "it said nothing"


def _lock(lock: int, at: Place, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        keeper = int(os.pread(lock, 20, 0) or b"0")
        if not _runs(keeper):
            _dismiss(at)
            deadline = max(deadline, time.monotonic() + 1.0)
        elif time.monotonic() >= deadline:
            raise StoreAway(
                f"{at.folder} is in use by process {keeper}; stop that one or wait for it"
            )
        time.sleep(0.05)


def _dismiss(at: Place) -> None:
    """Ask a server that has lost its keeper to leave."""
    with contextlib.suppress(OSError, ValueError):
        os.kill(int(at.pid.read_text("ascii")), signal.SIGTERM)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _url(path: str) -> str:
    return f"unix://{path}"


def _tidy(at: Place) -> None:
    """Remove the socket's folder where the server has left it empty."""
    with contextlib.suppress(OSError):
        Path(os.readlink(at.link)).parent.rmdir()


def _said(path: str, question: bytes) -> bytes:
    """What the server at this socket answers; nothing where there is none."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2.0)
        try:
            connection.connect(path)
            connection.sendall(question + b"\r\n")
            return connection.recv(4096)
        except OSError:
            return b""


def _socket_path(at: Place) -> str:
    """A short path that nobody else can reach, the same for the same data folder."""
    for parent in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"):
        folder = Path(parent, f"paperwire-{os.getuid()}-{_digest(at)}")
        if os.path.isdir(parent) and len(os.fsencode(folder / "s")) <= LONGEST_SOCKET:
            return str(_private(folder) / "s")
    raise StoreAway("no folder for the store's socket: set TMPDIR to a short path that exists")


def _digest(at: Place) -> str:
    return hashlib.sha256(os.fsencode(at.folder)).hexdigest()[:12]


def _private(folder: Path) -> Path:
    """Make a folder that only we can enter; one that somebody else laid there is refused."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StoreAway(f"{folder} is not ours alone: remove it, the store's socket goes there")
    return folder
