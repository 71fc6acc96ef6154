"""The web server: granian's command line, and the app as each of its processes loads it.

When granian is killed it leaves its processes running, and when stopped it waits for ever for one
that is still loading the app. So each process is tied to granian, handles SIGTERM while it loads,
and is given a limited time to exit.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

from papers.command_name import hide_folders
from papers.config.settings import Settings

if TYPE_CHECKING:
    from flask import Flask

THREADS: Final = min(8, 2 * (os.cpu_count() or 1) + 1)
"""Requests that one process handles at a time; the rest wait.

One client may occupy all of them, for as long as its processor time lasts: see
`service.http.rate_limit`.
"""

MAX_CONNECTIONS: Final = 4096
"""Connections that one process keeps open at a time, if the system allows it that many files.

Before there are so many, idle ones are closed: see `service.edge.connection_guard`.
"""

RESERVED_FILES: Final = 256
"""Files of a process beside its connections."""

HEADER_SECONDS: Final = 15
"""Time for the header of a request, and between two requests of one connection."""

MAX_HEADER_BYTES: Final = 32_768
"""A request with a longer header gets 431."""

THREAD_SWITCH_INTERVAL: Final = 0.0005
"""Seconds after which a rendering thread yields to one that has a response ready to send.

Python's default of 5 ms would be paid after every round trip to the store.
"""

SHUTDOWN_TIMEOUT: Final = 4
"""Seconds a process has to finish its requests after SIGTERM."""


def web_command(settings: Settings) -> tuple[str, ...]:
    """Return granian's command line for these settings."""
    connections = connection_limit()
    options = {
        "interface": "wsgi",
        "http": "1",  # over HTTP/2 one connection could make any number of requests at once
        "host": settings.host,
        "port": str(settings.port),
        "workers": str(settings.web_processes),
        "blocking-threads": str(THREADS),
        "backpressure": str(connections),
        "backlog": str(connections),
        "http1-header-read-timeout": str(HEADER_SECONDS * 1000),
        "http1-buffer-size": str(MAX_HEADER_BYTES),
        "workers-kill-timeout": str(SHUTDOWN_TIMEOUT),
        "log-level": "warning",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    flags = ("--no-ws", "--respawn-failed-workers")
    return (sys.executable, "-m", "granian", *arguments, *flags, "paperwire.run.web:app")


def missing_address_notice(settings: Settings) -> str:
    """Return what to do if readers elsewhere are served and no address for them is set, else ""."""
    if not settings.listens_everywhere or settings.public_url:
        return ""
    return (
        f"links in feeds lead to {settings.base_url}, which only this machine can open, and "
        "requests for any other host get a 400: set public_url to the address that readers use"
    )


def connection_limit() -> int:
    """Return how many connections one process may keep open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = MAX_CONNECTIONS if hard == resource.RLIM_INFINITY else hard - RESERVED_FILES
    return max(128, min(MAX_CONNECTIONS, files))


def __getattr__(name: str) -> Any:
    """Return `app`, created on first access, so that `web_command` does not load Flask."""
    if name != "app":
        raise AttributeError(name)
    return _load_app()


def _load_app() -> Flask:
    from paperwire.run.tether import tie_to_parent

    if (granian := multiprocessing.parent_process()) and granian.pid:
        signal.signal(
            signal.SIGTERM, signal.SIG_DFL
        )  # until granian installs its own, after the app is loaded
        tie_to_parent(granian.pid, signal.SIGKILL)
    sys.setswitchinterval(THREAD_SWITCH_INTERVAL)
    hide_folders()
    from service.wsgi import app

    _guard_connections(app)
    return app


def _guard_connections(app: Flask) -> None:
    """Allow this process as many files as the system does, and watch its connections."""
    from papers.config.networks import parse_cidrs
    from service.context import context_of
    from service.edge.connection_guard import start_connection_guard
    from service.edge.connection_limits import MAX_PER_CLIENT, GuardLimits

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):  # macOS names a limit that it does not allow
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    connections = connection_limit()
    context = context_of(app)
    proxies = parse_cidrs(context.settings.trusted_proxies)
    limits = GuardLimits(min(MAX_PER_CLIENT, connections // 4), connections * 3 // 4, proxies)
    start_connection_guard(limits, context.rate_limiter.bodies)
