"""Render every page cold over real papers, and weigh what a browser gets.

    python -m benchmarks.pages [--short] [PAPERS.jsonl.gz]

Prints for each page milliseconds of its rendering in a warm process, on the clock and of this
process's own work (medians of five, each after the store has changed), kilobytes of HTML before
and after gzip, and kilobytes with style and script; for matches as one types, the median and the
worst of keywords typed letter by letter.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from redis import Redis

from benchmarks.corpus import DEFAULT, sightings
from papers import keys
from papers.keywords import Keywords
from papers.paper import Channel, Pick, Sighting
from papers.settings import Settings
from papers.store import Store
from paperwire import embedded
from service import create_app

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROUNDS = 5
KEYWORDS = Settings().keywords
TYPED = ("vision language model", '"reward model" -survey', "hallucinat* cat:cs.CL")
STATIC = Path(__file__).resolve().parents[1] / "service" / "static"


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT)
    parser.add_argument("--short", action="store_true", help="a tenth of the papers")
    options = parser.parse_args()
    if not options.file.exists():
        print(f"no papers to measure with: {options.file} is not there")
        return
    seen = sorted(sightings(options.file), key=lambda sighting: sighting.id)
    with tempfile.TemporaryDirectory() as folder, embedded.borrowed(embedded.place(folder)) as url:
        measure(Redis.from_url(url), url, folder, seen[::10] if options.short else seen)


def measure(redis: Redis, url: str, folder: str, seen: list[Sighting]) -> None:
    """Fill a store, then ask for every page."""
    store = Store(redis)
    store.ingest(seen, now=NOW)
    store.ingest(picks(seen), now=NOW)
    for name, query in KEYWORDS.items():
        Keywords(redis).add(name, query, now=NOW)
    app = create_app(Settings(redis_url=url, data_dir=folder, questions_per_minute=0))
    client = app.test_client()
    shared = sum(len(gzip.compress(path.read_bytes())) for path in STATIC.glob("paper*"))
    print(f"{store.size():,} papers; style and script {shared / 1000:.0f} kB, gzipped")
    print(f"{'page':34}{'ms':>8}{'own ms':>8}{'kB':>8}{'gzip':>8}{'in all':>8}")
    newest = client.get("/daily").headers["Location"]
    for path in pages(str(seen[-1].id), newest):
        spent, own, body = cold(redis, client, path)
        packed = len(gzip.compress(body))
        figures = (spent, own, len(body) / 1000, packed / 1000, (packed + shared) / 1000)
        print(f"{path:34}" + "".join(f"{figure:8.1f}" for figure in figures))
    typed = [milliseconds(client, text[:n]) for text in TYPED for n in range(1, len(text) + 1)]
    print(f"matches as one types: {statistics.median(typed):.1f} ms, worst {max(typed):.1f} ms")


def pages(id: str, newest: str) -> Iterator[str]:
    """One page of each kind."""
    yield from ("/", "/k/reasoning", "/k/reward-model", "/search?q=language+model+vision")
    yield from (f"/papers/{id}", newest, "/trending", "/digest", "/categories/cs.CL")
    yield from ("/status", "/manage")


def picks(seen: list[Sighting]) -> list[Sighting]:
    """Every twentieth of the newest papers, picked in the last month."""
    newest = seen[-4_000::20]
    return [
        Sighting(
            paper.id,
            "hf",
            Channel.HUGGINGFACE,
            NOW,
            pick=Pick("hf", NOW - timedelta(hours=4 * n), votes=n % 50, counted_at=NOW),
        )
        for n, paper in enumerate(newest)
    ]


def cold(redis: Redis, client: FlaskClient, path: str) -> tuple[float, float, bytes]:
    """The median times of a page that is in no cache, and its bytes."""
    body, spent, own = b"", [], []
    for _ in range(ROUNDS):
        redis.incr(keys.REVISION)
        start, began = time.perf_counter(), time.process_time()
        answer = client.get(path)
        spent.append(1000 * (time.perf_counter() - start))
        own.append(1000 * (time.process_time() - began))
        assert answer.status_code == 200, (path, answer.status)
        body = answer.data
    return statistics.median(spent), statistics.median(own), body


def milliseconds(client: FlaskClient, text: str) -> float:
    """How long the matches of a text take."""
    query: dict[str, Any] = {"q": text}
    start = time.perf_counter()
    client.get("/search/preview", query_string=query)
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
