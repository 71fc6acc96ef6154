"""What requests cost at 4, 1,000, 10,000 and 50,000 saved keywords: nothing should grow with them.

    python -m benchmarks.many_keywords [--short] [PAPERS.jsonl.gz]

Uses real papers. Every keyword has an initial fetch that succeeded. Prints, for each number of
keywords, in one process: answers a second to a feed's conditional requests (304) and to plain ones
(200) from the cache with the 99th percentile of their milliseconds, milliseconds of a scheduler's
tick, megabytes of this process and of the store, and for each page milliseconds to render it after
a change of the store (median) and kilobytes. A page that took more than ten seconds or 20
MB is not requested with more keywords.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from flask.testing import FlaskClient
from redis import Redis

from benchmarks.corpus import DEFAULT_CORPUS, read_sightings
from papers.config.settings import Settings
from papers.redis_backend import keys
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from papers.store import Store
from paperwire.run import embedded_store
from service import create_app
from workers.registry import task_kinds
from workers.schedule.scheduler import Scheduler

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SIZES = (4, 1_000, 10_000, 50_000)
MAX_SECONDS, MAX_BYTES = 10.0, 20_000_000
WORDS = (
    "reward model vision language agent graph speech video planning retrieval safety code".split()
)
LOCAL = {"REMOTE_ADDR": "127.0.0.1"}


def main() -> None:
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_CORPUS)
    parser.add_argument("--short", action="store_true", help="a tenth of papers, rounds and time")
    options = parser.parse_args()
    if not options.file.exists():
        print(f"no papers to measure with: {options.file} does not exist")
        return
    seen = sorted(read_sightings(options.file), key=lambda sighting: sighting.id)
    with tempfile.TemporaryDirectory() as folder:
        paths = embedded_store.StorePaths.in_data_dir(folder)
        with embedded_store.open_embedded_store(paths) as url, Redis.from_url(url) as redis:
            Store(redis).ingest(seen[:: 10 if options.short else 1], now=NOW)
            settings = Settings(redis_url=url, data_dir=folder, questions_per_minute=0)
            client = create_app(settings).test_client()
            measured = _Measurement(client, redis, settings, 1 if options.short else 5)
            for size in SIZES:
                save_keywords(redis, size)
                measured.run(size, str(seen[-1 if not options.short else -10 :][0].id))


def save_keywords(redis: Redis, size: int) -> None:
    """Save `size` keywords of one to three words, each with an initial fetch that succeeded."""
    states = TaskStates(redis)
    for number in range(redis.hlen(keys.KEYWORDS), size):
        words = WORDS[number % 12], WORDS[number // 12 % 12], f"word{number}"
        query = words[0] if number < 4 else " ".join(words[: 2 + number % 2])
        values = {"name": f"Keyword {number}", "query": query, "added_at": NOW.isoformat()}
        redis.hset(keys.KEYWORDS, f"keyword-{number}", json.dumps(values))
        states.save(TaskState(f"fill:keyword-{number}", TaskStatus.OK, NOW, NOW, NOW))


class _Measurement:
    """Figures of one app; remembers the pages that are too heavy to request again."""

    def __init__(self, client: FlaskClient, redis: Redis, settings: Settings, rounds: int) -> None:
        self._client, self._redis, self._rounds = client, redis, rounds
        self._too_heavy: set[str] = set()
        self._scheduler = Scheduler(
            redis, settings, task_kinds(), lambda task, now: None, lambda: 0
        )

    def run(self, size: int, paper: str) -> None:
        """Print all figures at the present number of keywords."""
        feed = "/feeds/keyword-0.atom"
        tag = {"If-None-Match": self._client.get(feed).headers["ETag"]}
        rates = [
            self._rate(lambda headers=headers: self._client.get(feed, headers=headers))  # type: ignore[misc]
            for headers in (tag, {})
        ]
        self._scheduler.tick(NOW)  # the first one plans
        tick = self._median(lambda: self._scheduler.tick(NOW))
        print(
            f"\n{size:,} keywords: {rates[0][0]:,.0f} 304s and {rates[1][0]:,.0f} 200s a second, "
            f"99 % within {rates[0][1] * 1000:.1f} and {rates[1][1] * 1000:.1f} ms, "
            f"{tick * 1000:,.0f} ms a tick, {resident_megabytes():,.0f} MB, "
            f"store {self._redis.info('memory')['used_memory'] / 1e6:,.0f} MB"
        )
        paths = ("/", "/digest", "/manage", "/status", "/metrics", "/opml", "/not-here")
        for path in (
            *paths,
            "/api/v1/keywords",
            "/export/daily.md",
            f"/papers/{paper}",
            "/trending",
        ):
            self._print_page(path)

    def _print_page(self, path: str) -> None:
        if path in self._too_heavy:
            print(f"  {path:<22} not requested: too heavy with fewer keywords")
            return
        sizes: list[int] = []

        def request() -> None:
            answer = self._client.get(path, environ_base=LOCAL)
            sizes.append(len(answer.data))

        seconds = self._median(request, before=lambda: self._redis.incr(keys.REVISION))
        if seconds > MAX_SECONDS or sizes[-1] > MAX_BYTES:
            self._too_heavy.add(path)
        print(f"  {path:<22} {seconds * 1000:>9,.0f} ms {sizes[-1] / 1000:>10,.1f} kB", flush=True)

    def _median(self, act: Callable[[], object], before: Callable[[], object] = int) -> float:
        taken = []
        for _ in range(self._rounds):
            before()
            began = time.perf_counter()
            act()
            taken.append(time.perf_counter() - began)
        return statistics.median(taken)

    def _rate(self, act: Callable[[], object]) -> tuple[float, float]:
        """Return answers a second, and the 99th percentile of seconds."""
        act()
        began, taken = time.perf_counter(), list[float]()
        while time.perf_counter() - began < 0.5 * self._rounds:
            start = time.perf_counter()
            act()
            taken.append(time.perf_counter() - start)
        return len(taken) / sum(taken), sorted(taken)[int(len(taken) * 0.99)]


def resident_megabytes() -> float:
    """Return the memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    main()
