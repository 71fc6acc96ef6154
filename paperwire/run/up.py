"""`paperwire up`: the store, the workers, the scheduler and the web server as one program.

take the data folder, or say who has it
start the store, unless there is one already     the only part others need at their start
migrate older data; save the configured keywords
start workers, scheduler, web
say where everything is; then tend it until told to stop
stop web, scheduler, workers, store
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import signal
import socket
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from papers.config.settings import Seconds, Settings
from papers.errors import BadSettings, StoreAway
from papers.maintenance import migrations
from papers.redis_backend.connection import address, connect, store_errors
from papers.state.keywords import Keywords
from papers.state.task_states import SourceStates
from paperwire.operations import output
from paperwire.run import embedded_store, web
from paperwire.run.console import Console, Whereabouts
from paperwire.run.instance_lock import claimed
from paperwire.run.store_program import version
from paperwire.run.supervisor import Part, Supervisor

PORTS: Final = 100
"""How many ports from the configured one on are tried."""

READY: Final[Seconds] = 15.0
"""How long the first words wait for the web server and the scheduler's plan."""

BEAT: Final[Seconds] = 0.1


@dataclass(frozen=True, slots=True)
class _Store:
    url: str
    name: str


def run(settings: Settings, supervisor: Supervisor, console: Console) -> None:
    """Run everything until told to stop; `supervisor` may have parts already.

    Raises StoreError, BadSettings.
    """
    with ExitStack() as stack:
        claim = stack.enter_context(claimed(Path(settings.data_dir)))
        console.hold()
        stack.callback(console.release)
        settings = dataclasses.replace(settings, port=free_port(settings.host, settings.port))
        supervisor.listen()
        store = _start_store(settings, supervisor, stack)
        if supervisor.stopping.is_set():
            return
        settings = dataclasses.replace(settings, redis_url=store.url)
        _seed(settings, console)
        for part in parts(settings):
            supervisor.start(part)
        where = _settle(settings, store.name, supervisor)
        claim.write(f"{where.address} (process {where.pid})\n")
        claim.flush()
        console.introduce(where)
        console.release()
        while not supervisor.stopping.wait(BEAT):
            supervisor.tend(time.monotonic())
        console.say("paperwire", "stopping; Ctrl-C again does so without patience")


def parts(settings: Settings) -> list[Part]:
    """Workers, scheduler and web with the settings they need, in the order they start."""
    environment = {
        "PAPERWIRE_REDIS_URL": settings.redis_url,
        "PAPERWIRE_DATA_DIR": str(Path(settings.data_dir).resolve()),
        "PAPERWIRE_PORT": str(settings.port),
        "PYTHONUNBUFFERED": "1",
    }
    room = (sys.executable, "-m", "workers")
    worker = Part("worker", (*room, "worker"), environment, signal.SIGKILL)
    return [
        *([worker] * settings.worker_processes),
        Part("scheduler", (*room, "scheduler"), environment, signal.SIGKILL),
        Part("web", web.command(settings), environment),
    ]


def free_port(host: str, port: int) -> int:
    """The first port from `port` on that nobody listens on; 0 gives any. Raises BadSettings."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + PORTS, 65_536) if port else 1):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise BadSettings(f"host = {host!r}: {error.strerror}") from error
            else:
                return int(probe.getsockname()[1])
    raise BadSettings(f"port = {port}: taken on {host}, as are the {PORTS - 1} after it")


def _start_store(settings: Settings, supervisor: Supervisor, stack: ExitStack) -> _Store:
    """The configured store, or an embedded one that `supervisor` runs."""
    if settings.redis_url:
        stack.enter_context(supervisor)
        redis = connect(settings.redis_url, patient=True)
        with store_errors(redis):
            redis.ping()
        return _Store(settings.redis_url, address(redis))
    at = embedded_store.place(settings.data_dir)
    lock = stack.enter_context(embedded_store.kept(at, patience=READY))
    stack.enter_context(supervisor)
    command = embedded_store.command(at)
    supervisor.start(Part("store", tuple(command), grace=5.0, keeps=(lock,)))
    while (url := embedded_store.live_url(at)) is None and not supervisor.stopping.wait(0.01):
        if supervisor.tend(time.monotonic()):
            raise StoreAway(
                f"the store does not start: {embedded_store.last_words(at)} (see {at.log})"
            )
    said = ".".join(map(str, version(Path(command[0]))))
    return _Store(url or "", f"embedded {Path(command[0]).name} {said}, {at.folder}")


def _seed(settings: Settings, console: Console) -> None:
    """Have the data in the schema of this code, and the configured keywords in it."""
    redis = connect(settings.redis_url, patient=True)
    migrations.prepare(redis)
    for keyword in Keywords(redis).seed(settings.keywords, now=datetime.now(UTC)):
        console.say("paperwire", f"new keyword {keyword.name}: {keyword.query}")
    redis.close()


def _settle(settings: Settings, store: str, supervisor: Supervisor) -> Whereabouts:
    """Wait until the web server listens and something is planned, but not for ever."""
    states = SourceStates(connect(settings.redis_url, patient=True))
    deadline = time.monotonic() + READY
    planned: dict[str, datetime] = {}
    while time.monotonic() < deadline and not supervisor.stopping.wait(BEAT):
        supervisor.tend(time.monotonic())
        planned = states.planned()
        if planned and _listens(settings):
            break
    asked = {state.name for state in states.all()}
    return Whereabouts(
        address=shown_address(settings),
        data_dir=str(Path(settings.data_dir).resolve()),
        store=store,
        next_fetch=output.next_fetch(planned, asked, datetime.now(UTC)),
        pid=os.getpid(),
    )


def shown_address(settings: Settings) -> str:
    """The address to open: the public one, or one that this machine can reach."""
    wildcard = settings.host in ("0.0.0.0", "::") and not settings.public_url
    local = dataclasses.replace(settings, host="127.0.0.1") if wildcard else settings
    return local.base_url


def _listens(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    with contextlib.suppress(OSError), socket.create_connection((host, settings.port), 1.0):
        return True
    return False
