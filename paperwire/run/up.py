"""`paperwire up`: the store, the workers, the scheduler and the web server as one program.

lock the data folder, or report which process holds it
make the token of this machine, unless one is configured
start the store, unless one is configured        the others need it at their start
migrate older data; save the configured keywords
start workers, scheduler, web
print the startup summary; then supervise until interrupted
stop web, scheduler, workers, store
"""

from __future__ import annotations

import dataclasses
import os
import signal
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from papers.config.settings import Seconds, Settings, config_path
from papers.maintenance import migrations
from papers.redis_backend.cluster.client import connect_store
from papers.redis_backend.connection import connect, redacted_url, translate_store_errors
from papers.redis_backend.store_program import server_version
from papers.state.access.local_token import ensure_local_token, needs_local_token
from papers.state.access.token_texts import token_digest
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates
from paperwire.run import embedded_store, store_files, web
from paperwire.run.console import Console, StartupInfo, format_next_fetch
from paperwire.run.instance_lock import hold_instance_lock, write_address
from paperwire.run.ports import find_free_port, is_listening
from paperwire.run.supervisor import ProgramSpec, Supervisor

STARTUP_TIMEOUT: Final[Seconds] = 15.0
"""How long the startup summary waits for the web server and the scheduler's plan."""

SUPERVISE_INTERVAL: Final[Seconds] = 0.1


@dataclass(frozen=True, slots=True)
class _StoreAddress:
    url: str
    name: str


def run_everything(settings: Settings, supervisor: Supervisor, console: Console) -> None:
    """Run everything until interrupted; `supervisor` may run other programs already.

    Raises StoreError, BadSettings.
    """
    with ExitStack() as stack:
        lock_file = stack.enter_context(hold_instance_lock(Path(settings.data_dir)))
        console.start_buffering()
        stack.callback(console.stop_buffering)
        settings = dataclasses.replace(settings, port=find_free_port(settings.host, settings.port))
        key = ensure_local_token(Path(settings.data_dir)) if needs_local_token(settings) else ""
        supervisor.install_signal_handlers()
        store = _start_store(settings, supervisor, stack)
        if supervisor.stopping.is_set():
            return
        settings = dataclasses.replace(settings, redis_url=store.url)
        _prepare_store(settings, console)
        for program in program_specs(settings, key):
            supervisor.start(program)
        info = _wait_until_ready(settings, store.name, supervisor)
        if notice := web.missing_address_notice(settings):
            console.print_line("paperwire", notice)
        write_address(lock_file, info.address, config_path(os.environ))
        console.print_startup(dataclasses.replace(info, key=key))
        console.stop_buffering()
        while not supervisor.stopping.wait(SUPERVISE_INTERVAL):
            supervisor.check_programs(time.monotonic())
        console.print_line("paperwire", "stopping; press Ctrl-C again to stop at once")


def program_specs(settings: Settings, key: str = "") -> list[ProgramSpec]:
    """Return the programs to run, with the settings they need, in start order.

    The web server alone gets the digest of this machine's token, `key`.
    """
    environment = {
        "PAPERWIRE_REDIS_URL": settings.redis_url,
        "PAPERWIRE_DATA_DIR": str(Path(settings.data_dir).resolve()),
        "PAPERWIRE_PORT": str(settings.port),
        "PYTHONUNBUFFERED": "1",
    }
    of_web = environment | ({"PAPERWIRE_TOKEN": token_digest(key)} if key else {})
    workers = (sys.executable, "-m", "workers")
    worker = ProgramSpec("worker", (*workers, "worker"), environment, signal.SIGKILL)
    return [
        *([worker] * settings.worker_processes),
        ProgramSpec("scheduler", (*workers, "scheduler"), environment, signal.SIGKILL),
        ProgramSpec("web", web.web_command(settings), of_web),
    ]


def _start_store(settings: Settings, supervisor: Supervisor, stack: ExitStack) -> _StoreAddress:
    """Connect to the configured store, or start an embedded one under `supervisor`."""
    if settings.redis_url:
        stack.enter_context(supervisor)
        redis = connect(settings.redis_url, retry=True)
        with translate_store_errors(redis):
            redis.ping()
        return _StoreAddress(settings.redis_url, redacted_url(redis))
    paths = embedded_store.StorePaths.in_data_dir(settings.data_dir)
    lock = stack.enter_context(embedded_store.hold_store_lock(paths, patience=STARTUP_TIMEOUT))
    stack.enter_context(supervisor)
    command = embedded_store.store_command(paths)
    supervisor.start(ProgramSpec("store", tuple(command), stop_timeout=5.0, inherited_fds=(lock,)))
    while (url := embedded_store.running_url(paths)) is None and not supervisor.stopping.wait(0.01):
        if supervisor.check_programs(time.monotonic()):
            raise store_files.start_failure(paths.log_file)
    version = ".".join(map(str, server_version(Path(command[0]))))
    return _StoreAddress(url or "", f"embedded {Path(command[0]).name} {version}, {paths.folder}")


def _prepare_store(settings: Settings, console: Console) -> None:
    """Migrate the data to the current schema, and save the configured keywords."""
    redis = connect_store(settings.redis_url, settings.store_url, retry=True)
    migrations.prepare_store(redis)
    for keyword in Keywords(redis).seed(settings.keywords, now=datetime.now(UTC)):
        console.print_line("paperwire", f"new keyword {keyword.name}: {keyword.query}")
    redis.close()


def _wait_until_ready(settings: Settings, store: str, supervisor: Supervisor) -> StartupInfo:
    """Wait until the web server listens and tasks are planned, up to STARTUP_TIMEOUT."""
    states = TaskStates(connect(settings.redis_url, retry=True))
    deadline = time.monotonic() + STARTUP_TIMEOUT
    planned: dict[str, datetime] = {}
    while time.monotonic() < deadline and not supervisor.stopping.wait(SUPERVISE_INTERVAL):
        supervisor.check_programs(time.monotonic())
        planned = states.due_times()
        if planned and _is_listening(settings):
            break
    attempted = {state.name for state in states.all()}
    return StartupInfo(
        address=settings.base_url,
        data_dir=str(Path(settings.data_dir).resolve()),
        store=store,
        next_fetch=format_next_fetch(planned, attempted, datetime.now(UTC)),
        pid=os.getpid(),
    )


def _is_listening(settings: Settings) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)
    return is_listening(host, settings.port)
