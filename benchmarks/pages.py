"""Measure every page: time to render it without a cache, and size of the response.

    python -m benchmarks.pages [--short | --papers N | --store URL] [PAPERS.jsonl.gz]

Uses real papers; N generated papers (see `benchmarks.corpus.generate_months`); or an existing
store, to which picks and keywords are added. Prints for each page the milliseconds to render it in
a warm process, wall-clock time and CPU time (medians of five, each after a change of the store),
kilobytes of HTML before and after gzip, and kilobytes with style sheet and script; for the search
preview, median, 95th percentile and maximum over queries typed letter by letter.
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
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_CORPUS)
    parser.add_argument("--short", action="store_true", help="use a tenth of the papers")
    parser.add_argument(
        "--papers", type=int, help="number of papers to generate from those in the file"
    )
    parser.add_argument("--store", help="URL of an existing store, which will be changed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.store:
            measure_pages(options.store, folder)
        elif not options.file.exists():
            print(f"no papers to measure with: {options.file} does not exist")
        else:
            seen = sorted(read_sightings(options.file), key=lambda sighting: sighting.id)
            batches = generate_months(options.papers, options.file) if options.papers else [seen]
            with embedded_store.open_embedded_store(
                embedded_store.StorePaths.in_data_dir(folder)
            ) as url:
                ingest_batches(url, (batch[:: 10 if options.short else 1] for batch in batches))
                measure_pages(url, folder)


def ingest_batches(url: str, batches: Iterable[Sequence[Sighting]]) -> None:
    """Ingest batches of sightings."""
    with Redis.from_url(url) as redis:
        for batch in batches:
            Store(redis).ingest(batch, now=NOW)


def measure_pages(url: str, folder: str) -> None:
    """Measure every page and the search preview, and print the figures."""
    redis = Redis.from_url(url)
    store, ids = Store(redis), newest_ids(redis)
    store.ingest(picks_of_month(ids), now=NOW)
    for name, query in KEYWORDS.items():
        Keywords(redis).add(name, query, now=NOW)
    app = create_app(Settings(redis_url=url, data_dir=folder, questions_per_minute=0))
    client = app.test_client()
    shared = sum(len(gzip.compress(path.read_bytes())) for path in STATIC.glob("paper*"))
    print(
        f"{store.count_papers():,} papers; style sheet and script {shared / 1000:.0f} kB, gzipped"
    )
    print(f"{'page':34}{'ms':>8}{'CPU ms':>8}{'kB':>8}{'gzip':>8}{'total':>8}")
    day = client.get("/daily").headers["Location"]
    month = client.get("/monthly").headers["Location"]
    for path in page_paths(str(ids[0]), day, month):
        elapsed, cpu, body = time_uncached_page(redis, client, path)
        gzipped = len(gzip.compress(body))
        figures = (elapsed, cpu, len(body) / 1000, gzipped / 1000, (gzipped + shared) / 1000)
        print(f"{path:34}" + "".join(f"{figure:8.1f}" for figure in figures))
    previews = [
        time_preview(client, text[:n]) for text in TYPED_QUERIES for n in range(1, len(text) + 1)
    ]
    previews.sort()
    for name, figure in (("median", 0.5), ("95th percentile", 0.95), ("maximum", 1.0)):
        print(f"search preview, {name}: {previews[int((len(previews) - 1) * figure)]:.1f} ms")


def page_paths(id: str, day: str, month: str) -> Iterator[str]:
    """Yield the path of one page of each kind."""
    yield from ("/", "/k/reasoning", "/k/reward-model", "/search?q=language+model+vision")
    yield from (f"/papers/{id}", day, month, "/trending", "/trending?q=model", "/digest")
    yield from ("/categories/cs.CL", "/authors/Wei%20Wang", "/topics/diffusion%20model")
    yield from ("/status", "/manage", "/manage/feeds")


def newest_ids(redis: Redis) -> list[ArxivId]:
    """Return the ids of the newest months, newest first: more than PICKS_PER_MONTH."""
    ids: list[ArxivId] = []
    months: Any = redis.zrevrange(keys.MONTHS, 0, -1, withscores=True)
    for yymm, month in months:
        fields: Any = redis.hkeys(keys.month_papers(yymm.decode()))
        ids += sorted((ArxivId(int(month), int.from_bytes(f, "big")) for f in fields), reverse=True)
        if len(ids) > PICKS_PER_MONTH:
            break
    return ids


def picks_of_month(ids: Sequence[ArxivId]) -> list[Sighting]:
    """Return PICKS_PER_MONTH picks of the newest papers, spread over a month."""
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
    """Return median milliseconds, wall-clock and CPU, of an uncached page, and its body."""
    body, elapsed, cpu = b"", [], []
    for _ in range(ROUNDS):
        redis.incr(keys.REVISION)
        start, cpu_start = time.perf_counter(), time.process_time()
        response = client.get(path)
        elapsed.append(1000 * (time.perf_counter() - start))
        cpu.append(1000 * (time.process_time() - cpu_start))
        assert response.status_code == 200, (path, response.status)
        body = response.data
    return statistics.median(elapsed), statistics.median(cpu), body


def time_preview(client: FlaskClient, text: str) -> float:
    """Return the milliseconds of a search preview."""
    query: dict[str, Any] = {"q": text}
    start = time.perf_counter()
    client.get("/search/preview", query_string=query)
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
