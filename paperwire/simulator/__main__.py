"""`python -m paperwire.simulator`: run the demo's upstreams until SIGTERM or Ctrl-C.

Prints two lines: the base address, and a JSON object of settings that point Paperwire to it. With
`--port-file` the two lines go to that file, which is created only once the server answers.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from papers.errors import StoreError
from papers.redis_backend.connection import connect
from papers.state.task_states import TaskStates
from paperwire.run import tether
from paperwire.simulator import demo


@click.command(help=__doc__)
@click.option("--port", default=0, help="Port on 127.0.0.1; 0: any free port.")
@click.option("--port-file", type=click.Path(path_type=Path), help="File for the two lines.")
@click.option("--day", "seconds", default=60.0, help="Length of a simulated day in seconds.")
@click.option("--papers", default=120, help="New papers per day.")
@click.option("--weeks", default=3, help="Weeks of history to generate.")
@click.option(
    "--seed", default=demo.DemoOptions().seed, help="The same seed gives the same papers."
)
@click.option("--store", default="", help="Paperwire's store: its tasks are made due every day.")
@click.option("--die-with-parent", is_flag=True, help="Exit when the parent process ends.")
def main(
    port: int,
    port_file: Path | None,
    seconds: float,
    papers: int,
    weeks: int,
    seed: int,
    store: str,
    die_with_parent: bool,
) -> None:
    """Serve until interrupted."""
    if die_with_parent:
        tether.tie_to_parent(os.getppid())
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    options = demo.DemoOptions(
        seconds_per_day=seconds, papers_per_day=papers, history_weeks=weeks, seed=seed, port=port
    )
    with demo.running_demo(options, lambda: datetime.now(UTC), _make_waker(store)) as upstream:
        lines = f"{upstream.url}\n{json.dumps(demo.demo_settings(upstream))}\n"
        if port_file:
            _write_atomically(port_file, lines)
            click.echo(f"simulated sources at {upstream.url}")
        else:
            click.echo(lines, nl=False)
        stopping.wait()


def _make_waker(store: str) -> Callable[[datetime], None]:
    if not store:
        return lambda now: None
    states = TaskStates(connect(store, retry=False))

    def wake(now: datetime) -> None:
        with contextlib.suppress(StoreError):  # the store is away: the next day will retry
            demo.make_news_tasks_due(states, now)

    return wake


def _write_atomically(path: Path, text: str) -> None:
    """Write a file so that readers see it complete or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(text, "utf-8")
    partial.replace(path)


if __name__ == "__main__":
    main()
