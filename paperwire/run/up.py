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
from papers.errors import BadSettings, StoreUnavailable
from papers.maintenance import migrations
from papers.redis_backend.connection import connect, redacted_url, translate_store_errors
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates
from paperwire.operations import output
from paperwire.run import embedded_store, web
from paperwire.run.console import Console, StartupInfo
from paperwire.run.instance_lock import hold_instance_lock
from paperwire.run.store_program import server_version
from paperwire.run.supervisor import ProgramSpec, Supervisor

PORTS_TRIED: Final = 100
"""How many ports from the configured one on are tried."""

STARTUP_TIMEOUT: Final[Seconds] = 15.0
"""How long the first words wait for the web server and the scheduler's plan."""

SUPERVISE_INTERVAL: Final[Seconds] = 0.1


@dataclass(frozen=True, slots=True)
class _StoreAddress:
    url: str
    name: str


def run_everything(settings: Settings, supervisor: Supervisor, console: Console) -> None:
    """Run everything until told to stop; `supervisor` may have parts already.

    Raises StoreError, BadSettings.
    """
    with ExitStack() as stack:
        claim = stack.enter_context(hold_instance_lock(Path(settings.data_dir)))
        console.start_buffering()
        stack.callback(console.stop_buffering)
        settings = dataclasses.replace(settings, port=find_free_port(settings.host, settings.port))
        supervisor.install_signal_handlers()
        store = _start_store(settings, supervisor, stack)
        if supervisor.stopping.is_set():
            return
        settings = dataclasses.replace(settings, redis_url=store.url)
        _prepare_store(settings, console)
        for part in program_specs(settings):
            supervisor.start(part)
        where = _wait_until_ready(settings, store.name, supervisor)
        claim.write(f"{where.address} (process {where.pid})\n")
        claim.flush()
        console.print_startup(where)
        console.stop_buffering()
        while not supervisor.stopping.wait(SUPERVISE_INTERVAL):
            supervisor.check_programs(time.monotonic())
        console.print_line("paperwire", "stopping; Ctrl-C again does so without patience")


def program_specs(settings: Settings) -> list[ProgramSpec]:
    """Workers, scheduler and web with the settings they need, in the order they start."""
    environment = {
        "PAPERWIRE_REDIS_URL": settings.redis_url,
        "PAPERWIRE_DATA_DIR": str(Path(settings.data_dir).resolve()),
        "PAPERWIRE_PORT": str(settings.port),
        "PYTHONUNBUFFERED": "1",
    }
    room = (sys.executable, "-m", "workers")
    worker = ProgramSpec("worker", (*room, "worker"), environment, signal.SIGKILL)
    return [
        *([worker] * settings.worker_processes),
        ProgramSpec("scheduler", (*room, "scheduler"), environment, signal.SIGKILL),
        ProgramSpec("web", web.web_command(settings), environment),
    ]


def find_free_port(host: str, port: int) -> int:
    """The first port from `port` on that nobody listens on; 0 gives any. Raises BadSettings."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in range(port, min(port + PORTS_TRIED, 65_536) if port else 1):
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise BadSettings(f"host = {host!r}: {error.strerror}") from error
            else:
                return int(probe.getsockname()[1])
    raise BadSettings(f"port = {port}: taken on {host}, as are the {PORTS_TRIED - 1} after it")


def _start_store(settings: Settings, supervisor: Supervisor, stack: ExitStack) -> _StoreAddress:
    """The configured store, or an embedded one that `supervisor` runs."""
    if settings.redis_url:
        stack.enter_context(supervisor)
        redis = connect(settings.redis_url, retry=True)
        with translate_store_errors(redis):
            redis.ping()
        return _StoreAddress(settings.redis_url, redacted_url(redis))
    at = embedded_store.store_paths(settings.data_dir)
    lock = stack.enter_context(embedded_store.hold_store_lock(at, patience=STARTUP_TIMEOUT))
    stack.enter_context(supervisor)
    command = embedded_store.store_command(at)
    supervisor.start(ProgramSpec("store", tuple(command), stop_timeout=5.0, inherited_fds=(lock,)))
    while (url := embedded_store.running_url(at)) is None and not supervisor.stopping.wait(0.01):
        if supervisor.check_programs(time.monotonic()):
            raise StoreUnavailable(
                f"the store does not start: {embedded_store.last_log_line(at)} (see {at.log_file})"
            )
    said = ".".join(map(str, server_version(Path(command[0]))))
    return _StoreAddress(url or "", f"embedded {Path(command[0]).name} {said}, {at.folder}")


def _prepare_store(settings: Settings, console: Console) -> None:
    """Have the data in the schema of this code, and the configured keywords in it."""
    redis = connect(settings.redis_url, retry=True)
    migrations.prepare_store(redis)
    for keyword in Keywords(redis).seed(settings.keywords, now=datetime.now(UTC)):
        console.print_line("paperwire", f"new keyword {keyword.name}: {keyword.query}")
    redis.close()


def _wait_until_ready(settings: Settings, store: str, supervisor: Supervisor) -> StartupInfo:
    """Wait until the web server listens and something is planned, but not for ever."""
    states = TaskStates(connect(settings.redis_url, retry=True))
    deadline = time.monotonic() + STARTUP_TIMEOUT
    planned: dict[str, datetime] = {}
    while time.monotonic() < deadline and not supervisor.stopping.wait(SUPERVISE_INTERVAL):
        supervisor.check_programs(time.monotonic())
        planned = states.due_times()
        if planned and _is_listening(settings):
            break
    asked = {state.name for state in states.all()}
    return StartupInfo(
        address=reachable_address(settings),
        data_dir=str(Path(settings.data_dir).resolve()),
        store=store,
        next_fetch=output.format_next_fetch(planned, asked, datetime.now(UTC)),
        pid=os.getpid(),
    )


def reachable_address(settings: Settings) -> str:
    """The address to open: the public one, or one that this machine can reach."""
    wildcard = settings.host in ("0.0.0.0", "::") and not settings.public_url
    local = dataclasses.replace(settings, host="127.0.0.1") if wildcard else settings
    return local.base_url


def _is_listening(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    with contextlib.suppress(OSError), socket.create_connection((host, settings.port), 1.0):
        return True
    return False
