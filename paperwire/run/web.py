"""The web server: granian's command line, and the app as each of its processes loads it.

granian leaves its processes running when it is killed, and waits for ever for one that was told to
end while it loaded the app. Here each is tied to it, hears that, and is waited for only so long.
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
"""Requests that one process answers at a time; the rest wait.

On two cores more than one client may have rendered at once: `service.http.rate_limit.AT_ONCE`.
"""

CONNECTIONS: Final = 1024
"""Connections that one process holds at a time, those that say nothing included."""

THREAD_SWITCH_INTERVAL: Final = 0.0005
"""Seconds that a thread which renders keeps one waiting that has a ready answer to send.

Python's own 5 ms are waited for after every question to the store.
"""

SHUTDOWN_TIMEOUT: Final = 4
"""Seconds that a process has to finish what it answers, once it is told to end."""


def web_command(settings: Settings) -> tuple[str, ...]:
    """The command line that serves with these settings."""
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
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    flags = ("--no-ws", "--respawn-failed-workers")
    return (sys.executable, "-m", "granian", *words, *flags, "paperwire.run.web:app")


def __getattr__(name: str) -> Any:
    """`app`, made when granian asks for it: whoever wants only the command loads no Flask."""
    if name != "app":
        raise AttributeError(name)
    return _load_app()


def _load_app() -> Flask:
    from paperwire.run.tether import tie_to_parent

    if (granian := multiprocessing.parent_process()) and granian.pid:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until granian's own, once the app is here
        tie_to_parent(granian.pid, signal.SIGKILL)
    sys.setswitchinterval(THREAD_SWITCH_INTERVAL)
    from service.wsgi import app

    return app
