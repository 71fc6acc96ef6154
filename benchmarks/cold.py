"""What a feed costs that nobody asked for before: of one process, from request to packed bytes.

Told by three lines, each of the same keywords asked of an app that was never asked anything: where
no entry was ever spelled; where the keywords are asked one after another in one process, as people
ask them; and where all entries of each were spelled before for another feed. Then by parts. What
feedgen makes of each shape of an entry is known after the first feeds. The test client's own work
is in it, Redis's is not.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

from flask.testing import FlaskClient
from redis import Redis

from benchmarks.announcement import draw_keywords
from papers.config.settings import Settings
from papers.query.parser import Query
from papers.query.request import SearchRequest
from papers.store import Store
from service import create_app
from service.cache.cached_body import etag_of
from service.cache.encodings import ENCODINGS
from service.context import context_of
from service.feeds import FORMATS
from service.feeds.entry import Entry
from service.feeds.entry_cache import EntryCaches
from service.feeds.feed import Feed
from service.garbage import tune_garbage_collector

ALL_TYPES = "new,cross,replace"
FEED = Feed("urn:k", "K", "Of k.", *("https://k.example",) * 3, (), ())


def measure_cold_feeds(url: str, folder: Path, count: int) -> None:
    """Print the figures of so many keywords."""
    queries = draw_keywords(10 * count)[::10]
    told = f"{'cold feed of ' + str(count) + ' keywords: ms of CPU, on the clock':54}"
    print(f"{told}median  95th    median  95th")
    client = fresh_client(url, folder / "new")
    entries = entry_caches(client).entries
    print_latencies(
        "no entry was rendered before",
        [time_feed(client, q, before=entries.clear) for q in queries],
    )
    client = fresh_client(url, folder / "one")
    print_latencies("one after another in one process", [time_feed(client, q) for q in queries])
    client, other = (fresh_client(url, folder / name) for name in ("two", "three"))
    entry_caches(client).entries = entry_caches(other).entries
    spent = [
        time_feed(client, q, before=partial(request_feed, other, q, types=ALL_TYPES))
        for q in queries
    ]
    print_latencies("all entries were rendered before, for another feed", spent)
    print_parts(url, queries)


def fresh_client(url: str, folder: Path) -> FlaskClient:
    """A client of an app whose feeds, at an address of its own, nobody ever asked a store for."""
    site = Settings(
        redis_url=url,
        data_dir=str(folder),
        public_url=f"https://{uuid4().hex}.example",
        questions_per_minute=0,
    )
    client = create_app(site).test_client()
    client.get("/feeds/search.atom?q=nobody")
    tune_garbage_collector()  # as a server does
    return client


def entry_caches(client: FlaskClient) -> EntryCaches:
    """Return the entry caches of a client's app."""
    return context_of(client.application).entry_caches


def request_feed(client: FlaskClient, query: Query, **options: str) -> None:
    """Ask for a keyword's feed."""
    answer = client.get(
        "/feeds/search.atom",
        query_string={"q": query.canonical, **options},
        headers={"Accept-Encoding": "gzip"},
        follow_redirects=True,
    )
    assert answer.status_code == 200
    assert answer.headers["Content-Encoding"] == "gzip"


def time_feed(
    client: FlaskClient, query: Query, before: Callable[[], None] = lambda: None
) -> tuple[float, float]:
    """Milliseconds of CPU and on the clock for one feed, once something was done before."""
    before()
    start, began = time.perf_counter(), time.process_time()
    request_feed(client, query)
    return 1000 * (time.process_time() - began), 1000 * (time.perf_counter() - start)


def print_latencies(name: str, spent: Sequence[tuple[float, float]]) -> None:
    """Print median and 95th percentile."""
    columns = [sorted(column) for column in zip(*spent, strict=True)]
    figures = "  ".join(
        f"{statistics.median(column):6.1f}{column[int(len(column) * 0.95)]:8.1f}"
        for column in columns
    )
    print(f"  {name:50}{figures}")


def print_parts(url: str, queries: Sequence[Query]) -> None:
    """Print what the parts of a feed of a hundred cost, each alone; median milliseconds of CPU."""
    store, spent = Store(Redis.from_url(url)), dict[str, list[float]]()
    caches = EntryCaches()

    def part(name: str, do: Callable[..., Any], *args: Any) -> Any:
        began = time.process_time()
        done = do(*args)
        spent.setdefault(name, []).append(1000 * (time.process_time() - began))
        return done

    for query in queries:
        page = part("search", store.search, SearchRequest(query=query))
        if len(page.papers) < 100:
            spent["search"].pop()
            continue
        entries = tuple(map(Entry, page.papers))
        part("text and TeX of entries", list, (entry.content for entry in entries))
        render = FORMATS["atom"].render_parts
        document = part("the rest of them, rendered", render, FEED, entries, caches)
        part("hashes of entries", list, map(hash, entries))
        body = document.head + b"".join(document.entries) + document.tail
        part("tag", etag_of, body)
        for coding, how in ENCODINGS.items():
            part(coding, how.compress, body)
    told = ", ".join(f"{name} {statistics.median(values):.1f}" for name, values in spent.items())
    print(f"  parts of a feed of a hundred, ms of CPU: {told}")
