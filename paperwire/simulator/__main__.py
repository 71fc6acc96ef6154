"""`python -m paperwire.simulator`: the demo's upstreams as a program, until SIGTERM or Ctrl-C.

Prints two lines: the base address, and a JSON object of settings that turn Paperwire to it. The
same two lines go to `--port-file`, which appears only when everything answers.
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
@click.option("--port", default=0, help="Port on 127.0.0.1; 0: any free one.")
@click.option("--port-file", type=click.Path(path_type=Path), help="Where the two lines go, too.")
@click.option("--day", "seconds", default=60.0, help="Seconds from one day to the next.")
@click.option("--papers", default=120, help="New papers a day.")
@click.option("--weeks", default=3, help="Weeks of history at the start.")
@click.option(
    "--seed", default=demo.DemoOptions().seed, help="The same seed gives the same papers."
)
@click.option("--store", default="", help="Paperwire's store: its sources are woken every day.")
@click.option("--die-with-parent", is_flag=True, help="End when the starting process ends.")
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
    """Serve until told to stop."""
    if die_with_parent:
        tether.tie_to_parent(os.getppid())
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    plan = demo.DemoOptions(
        seconds_per_day=seconds, papers_per_day=papers, history_weeks=weeks, seed=seed, port=port
    )
    with demo.running_demo(plan, lambda: datetime.now(UTC), _make_waker(store)) as upstream:
        lines = f"{upstream.url}\n{json.dumps(demo.demo_settings(upstream))}\n"
        if port_file:
            _write_atomically(port_file, lines)
            click.echo(f"simulated sources at {upstream.url}")
        else:
            click.echo(lines, nl=False)
        ended.wait()


def _make_waker(store: str) -> Callable[[datetime], None]:
    if not store:
        return lambda now: None
    states = TaskStates(connect(store, retry=False))

    def wake(now: datetime) -> None:
        with contextlib.suppress(StoreError):  # it is away: tomorrow is a minute off
            demo.wake_news_sources(states, now)

    return wake


def _write_atomically(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all."""
    half = path.with_name(f"{path.name}.{os.getpid()}")
    half.write_text(text, "utf-8")
    half.replace(path)


if __name__ == "__main__":
    main()
