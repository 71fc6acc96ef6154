"""What polling costs after an ingest: renderings and processor time of the web process.

    python -m benchmarks.polled_feeds [--short]

Ingests 30,950 real papers, and has 2,000 feeds polled with their validators: 1,000 of saved
keywords and 1,000 of custom ones, drawn from titles (`benchmarks.announcement`). Then it ingests
three papers, one more vote of a paper, the state of a source, and 4,000 rows, and has all feeds
polled after each. Prints for each how many feeds changed (200 instead of 304), how many were
rendered, the processor seconds of the web process with the test client and of the store, and what
was written to the append-only file. The baseline is the same polls while nothing has changed, and
after three more papers with every feed rendered, as before there were change log and digest.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import quote_plus

from flask.testing import FlaskClient
from redis import Redis

from benchmarks.announcement import draw_keywords
from benchmarks.corpus import DEFAULT_CORPUS, generate_months, read_sightings
from papers.changes.recent_changes import RecentChanges
from papers.config.settings import Settings
from papers.model.paper import Channel, Pick, Sighting
from papers.query.parser import Query
from papers.redis_backend import keys
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from papers.store import Store
from paperwire.run import embedded_store
from service import create_app
from service.cache import cached_body, render_cache
from service.feeds.entry_cache import PreparedFeed

NOW = datetime(2026, 11, 21, 5, tzinfo=UTC)
FEEDS, ROWS = 2_000, 4_000


def main() -> None:
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of papers, feeds and rows")
    options = parser.parse_args()
    if not DEFAULT_CORPUS.exists():
        print(f"no papers to measure with: {DEFAULT_CORPUS} does not exist")
        return
    divisor = 10 if options.short else 1
    (new,) = generate_months(ROWS // divisor + 6)
    with tempfile.TemporaryDirectory() as folder:
        paths = embedded_store.StorePaths.in_data_dir(folder)
        with embedded_store.open_embedded_store(paths) as url, Redis.from_url(url) as redis:
            Store(redis).ingest(list(read_sightings())[::divisor], now=NOW)
            settings = Settings(
                redis_url=url,
                data_dir=folder,
                questions_per_minute=0,
                custom_answers=10 * FEEDS,
            )
            queries = draw_keywords(FEEDS // divisor)
            measure(_Polls(settings, save_half(redis, queries)), redis, new, Path(folder))


def save_half(redis: Redis, queries: Sequence[Query]) -> list[str]:
    """Save every second query as a keyword; return the paths of the feeds of all."""
    paths = []
    for number, query in enumerate(queries):
        text = query.canonical
        if number % 2:
            paths.append(f"/feeds/search.atom?q={quote_plus(text, safe=':,()*/')}")
        else:
            values = {"name": f"K {number}", "query": text, "added_at": NOW.isoformat()}
            redis.hset(keys.KEYWORDS, f"k-{number}", json.dumps(values))
            paths.append(f"/feeds/k-{number}.atom")
    return paths


def measure(polls: _Polls, redis: Redis, new: Sequence[Sighting], folder: Path) -> None:
    """Print the figures of each change."""
    store, states = Store(redis), TaskStates(redis)
    head = ("", "changed", "rendered", "CPU s", "store CPU s", "AOF MB")
    print("{:<24}{:>9}{:>10}{:>8}{:>13}{:>8}".format(*head))
    picked = new[0]._replace(
        source="hf",
        channel=Channel.HUGGINGFACE,
        pick=Pick("hf", NOW, votes=7, counted_at=NOW + timedelta(hours=1)),
    )
    now = datetime.now(UTC)
    states.save(TaskState("hf:today", TaskStatus.OK, now, now))
    late = TaskState("announcements:cs.CL", TaskStatus.STALE, now, now)
    changes: dict[str, Callable[[], Any]] = {
        "first requests": int,
        "no change": int,
        "3 papers": lambda: store.ingest(new[:3], now=NOW),
        "one more vote": lambda: store.ingest([picked], now=NOW),
        "a source is late": lambda: states.save(late),
        f"{len(new) - 6:,} rows": lambda: store.ingest(new[6:], now=NOW),
    }
    for name, change in changes.items():
        change()
        print_polls(name, polls, redis, folder)
    store.ingest(new[3:6], now=NOW)
    with (
        mock.patch.object(RecentChanges, "affect", return_value=None),
        mock.patch.object(PreparedFeed, "content_digest", return_value=b""),
    ):
        print_polls("3 papers, baseline", polls, redis, folder)


def print_polls(name: str, polls: _Polls, redis: Redis, folder: Path) -> None:
    """Poll all feeds and print what that took."""
    aof, store_cpu = aof_bytes(folder), store_seconds(redis)
    changed, rendered, seconds = polls.run()
    written, store_taken = (aof_bytes(folder) - aof) / 1e6, store_seconds(redis) - store_cpu
    figures = f"{changed:>9,}{rendered:>10,}{seconds:>8.1f}{store_taken:>13.1f}{written:>8.1f}"
    print(f"{name:<24}{figures}", flush=True)


def aof_bytes(folder: Path) -> int:
    """Return the size of the append-only files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*.aof"))


def store_seconds(redis: Redis) -> float:
    """Return the processor seconds that the store's server has taken."""
    info: Any = redis.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


class _Polls:
    """A client that polls all feeds with the validators that it got last."""

    def __init__(self, settings: Settings, paths: Sequence[str]) -> None:
        self._client: FlaskClient = create_app(settings).test_client()
        self._tags: dict[str, str] = {}
        self._paths = paths

    def run(self) -> tuple[int, int, float]:
        """Return how many feeds changed and were rendered, and the processor seconds."""
        changed, began = 0, time.process_time()
        with counted_renderings() as rendered:
            for path in self._paths:
                changed += self._poll(path)
        return changed, len(rendered), time.process_time() - began

    def _poll(self, path: str) -> bool:
        headers = {"Accept-Encoding": "gzip", "If-None-Match": self._tags.get(path, "")}
        response = self._client.get(path, headers=headers, follow_redirects=True)
        while response.status_code == 503:  # another program keeps the machine busy
            time.sleep(2)
            response = self._client.get(path, headers=headers, follow_redirects=True)
        assert response.status_code in (200, 304), (path, response.status, response.text)
        self._tags[path] = response.headers["ETag"]
        return response.status_code == 200


@contextmanager
def counted_renderings() -> Iterator[list[int]]:
    """One item for each body that is rendered meanwhile."""
    rendered: list[int] = []
    build = cached_body.build_cached_body

    def counted(body: bytes, *args: Any, **kwargs: Any) -> Any:
        rendered.append(len(body))
        return build(body, *args, **kwargs)

    with mock.patch.object(render_cache, "build_cached_body", counted):
        yield rendered


if __name__ == "__main__":
    main()
