"""The web server: granian's command line, and the app as each of its processes loads it.

When granian is killed it leaves its processes running, and when stopped it waits for ever for one
that is still loading the app. So each process is tied to granian, handles SIGTERM while it loads,
and is given a limited time to exit.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Final

from papers.config.settings import Settings

if TYPE_CHECKING:
    from flask import Flask

THREADS: Final = min(8, 2 * (os.cpu_count() or 1) + 1)
"""Requests that one process handles at a time; the rest wait.

One client may occupy all of them, for as long as its processor time lasts: see
`service.http.rate_limit`.
"""

CONNECTIONS: Final = 1024
"""Connections that one process keeps open at a time, idle ones included."""

THREAD_SWITCH_INTERVAL: Final = 0.0005
"""Seconds after which a rendering thread yields to one that has a response ready to send.

Python's default of 5 ms would be paid after every round trip to the store.
"""

SHUTDOWN_TIMEOUT: Final = 4
"""Seconds a process has to finish its requests after SIGTERM."""


def web_command(settings: Settings) -> tuple[str, ...]:
    """Return granian's command line for these settings."""
    options = {
        "interface": "wsgi",
        "host": settings.host,
        "port": str(settings.port),
        "workers": str(settings.web_processes),
        "blocking-threads": str(THREADS),
        "backpressure": str(CONNECTIONS),
        "backlog": str(CONNECTIONS),
        "workers-kill-timeout": str(SHUTDOWN_TIMEOUT),
        "log-level": "warning",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    flags = ("--no-ws", "--respawn-failed-workers")
    return (sys.executable, "-m", "granian", *arguments, *flags, "paperwire.run.web:app")


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
    from service.wsgi import app

    return app
