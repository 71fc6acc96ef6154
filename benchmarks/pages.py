"""Render every page cold, and weigh what a browser gets.

    python -m benchmarks.pages [--short | --papers N | --store URL] [PAPERS.jsonl.gz]

Over real papers; over N made from them (see `benchmarks.corpus.made`); or over a store that is
filled already, which gets picks and keywords. Prints for each page milliseconds of its rendering in
a warm process, on the clock and of this process's own work (medians of five, each after the store
has changed), kilobytes of HTML before and after gzip, and kilobytes with style and script; for
matches as one types, median, 95th percentile and worst of keywords typed letter by letter.
"""

from __future__ import annotations

import argparse
import gzip
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from redis import Redis

from benchmarks.corpus import DEFAULT_CORPUS, generate_months, read_sightings
from papers.config.settings import Settings
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Pick, Sighting
from papers.redis_backend import keys
from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.run import embedded_store
from service import create_app

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ROUNDS = 5
KEYWORDS = Settings().keywords
TYPED_QUERIES = ("vision language model", '"reward model" -survey', "hallucinat* cat:cs.CL")
PICKS_PER_MONTH = 1_200
STATIC = Path(__file__).resolve().parents[1] / "service" / "static"


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_CORPUS)
    parser.add_argument("--short", action="store_true", help="a tenth of the papers")
    parser.add_argument("--papers", type=int, help="so many papers made from the file's")
    parser.add_argument("--store", help="a store that is filled already; it is written to")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.store:
            measure_pages(options.store, folder)
        elif not options.file.exists():
            print(f"no papers to measure with: {options.file} is not there")
        else:
            seen = sorted(read_sightings(options.file), key=lambda sighting: sighting.id)
            batches = generate_months(options.papers, options.file) if options.papers else [seen]
            with embedded_store.open_embedded_store(
                embedded_store.StorePaths.in_data_dir(folder)
            ) as url:
                ingest_batches(url, (batch[:: 10 if options.short else 1] for batch in batches))
                measure_pages(url, folder)


def ingest_batches(url: str, batches: Iterable[Sequence[Sighting]]) -> None:
    """Ingest."""
    with Redis.from_url(url) as redis:
        for batch in batches:
            Store(redis).ingest(batch, now=NOW)


def measure_pages(url: str, folder: str) -> None:
    """Ask for every page."""
    redis = Redis.from_url(url)
    store, ids = Store(redis), newest_ids(redis)
    store.ingest(picks_of_month(ids), now=NOW)
    for name, query in KEYWORDS.items():
        Keywords(redis).add(name, query, now=NOW)
    app = create_app(Settings(redis_url=url, data_dir=folder, questions_per_minute=0))
    client = app.test_client()
    shared = sum(len(gzip.compress(path.read_bytes())) for path in STATIC.glob("paper*"))
    print(f"{store.count_papers():,} papers; style and script {shared / 1000:.0f} kB, gzipped")
    print(f"{'page':34}{'ms':>8}{'own ms':>8}{'kB':>8}{'gzip':>8}{'in all':>8}")
    day = client.get("/daily").headers["Location"]
    month = client.get("/monthly").headers["Location"]
    for path in page_paths(str(ids[0]), day, month):
        spent, own, body = time_uncached_page(redis, client, path)
        packed = len(gzip.compress(body))
        figures = (spent, own, len(body) / 1000, packed / 1000, (packed + shared) / 1000)
        print(f"{path:34}" + "".join(f"{figure:8.1f}" for figure in figures))
    typed = [
        time_preview(client, text[:n]) for text in TYPED_QUERIES for n in range(1, len(text) + 1)
    ]
    typed.sort()
    for name, figure in (("median", 0.5), ("95th percentile", 0.95), ("worst", 1.0)):
        print(f"matches as one types, {name}: {typed[int((len(typed) - 1) * figure)]:.1f} ms")


def page_paths(id: str, day: str, month: str) -> Iterator[str]:
    """One page of each kind."""
    yield from ("/", "/k/reasoning", "/k/reward-model", "/search?q=language+model+vision")
    yield from (f"/papers/{id}", day, month, "/trending", "/trending?q=model", "/digest")
    yield from ("/categories/cs.CL", "/authors/Wei%20Wang", "/topics/diffusion%20model")
    yield from ("/status", "/manage", "/manage/feeds")


def newest_ids(redis: Redis) -> list[ArxivId]:
    """The ids of the newest months, newest first: more than a month has picks of."""
    ids: list[ArxivId] = []
    months: Any = redis.zrevrange(keys.MONTHS, 0, -1, withscores=True)
    for yymm, month in months:
        fields: Any = redis.hkeys(keys.month_papers(yymm.decode()))
        ids += sorted((ArxivId(int(month), int.from_bytes(f, "big")) for f in fields), reverse=True)
        if len(ids) > PICKS_PER_MONTH:
            break
    return ids


def picks_of_month(ids: Sequence[ArxivId]) -> list[Sighting]:
    """Of the newest papers as many as a month has picks, spread over it."""
    step = max(1, len(ids) // PICKS_PER_MONTH)
    return [
        Sighting(
            id,
            "hf",
            Channel.HUGGINGFACE,
            NOW,
            pick=Pick("hf", NOW - n * timedelta(minutes=36), votes=n % 50, counted_at=NOW),
        )
        for n, id in enumerate(ids[::step][:PICKS_PER_MONTH])
    ]


def time_uncached_page(redis: Redis, client: FlaskClient, path: str) -> tuple[float, float, bytes]:
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


def time_preview(client: FlaskClient, text: str) -> float:
    """How long the matches of a text take."""
    query: dict[str, Any] = {"q": text}
    start = time.perf_counter()
    client.get("/search/preview", query_string=query)
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
