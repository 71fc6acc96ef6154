"""The cost of a feed that is in no cache, from request to compressed bytes, in one process.

Measured in four ways, each with the same keywords and a new app: with an empty entry cache; with
the keywords requested one after another in one process; the same after the entries of the newest
papers were rendered ahead, as in practice; and with all entries rendered before for another feed.
Then the parts of a feed are measured separately. feedgen's template for each shape of entry is
cached after the first feeds. Includes the work of the test client, excludes that of Redis.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
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

Result = TypeVar("Result")
ALL_TYPES = "new,cross,replace"
FEED = Feed("urn:k", "K", "Of k.", *("https://k.example",) * 3, (), ())


def measure_uncached_feeds(url: str, folder: Path, count: int) -> None:
    """Print the figures for `count` keywords."""
    queries = draw_keywords(10 * count)[::10]
    heading = f"uncached feeds of {count} keywords: ms CPU, ms elapsed"
    print(f"{heading:54}median  95th  99th    median  95th  99th")
    client = fresh_client(url, folder / "new")
    entries = entry_caches(client).entries
    print_latencies(
        "empty entry cache",
        [time_feed(client, q, before=entries.clear) for q in queries],
    )
    client = fresh_client(url, folder / "one")
    print_latencies("one after another in one process", [time_feed(client, q) for q in queries])
    client = fresh_client(url, folder / "ahead")
    render_ahead(client)
    print_latencies(
        "the same, newest papers rendered ahead", [time_feed(client, q) for q in queries]
    )
    client, other = (fresh_client(url, folder / name) for name in ("two", "three"))
    entry_caches(client).entries = entry_caches(other).entries
    times = [
        time_feed(client, q, before=partial(request_feed, other, q, types=ALL_TYPES))
        for q in queries
    ]
    print_latencies("all entries rendered before, for another feed", times)
    print_parts(url, queries)


def fresh_client(url: str, folder: Path) -> FlaskClient:
    """Return a client of a new app with a unique public URL, so that nothing is cached."""
    settings = Settings(
        redis_url=url,
        data_dir=str(folder),
        public_url=f"https://{uuid4().hex}.example",
        questions_per_minute=0,
    )
    client = create_app(settings).test_client()
    client.get("/feeds/search.atom?q=nobody")
    gc.collect()  # these three as service.wsgi does
    gc.freeze()
    gc.set_threshold(20_000)
    return client


def entry_caches(client: FlaskClient) -> EntryCaches:
    """Return the entry caches of a client's app."""
    return context_of(client.application).entry_caches


def render_ahead(client: FlaskClient) -> None:
    """Render the entries of the newest papers, as a web process does after its start."""
    store = context_of(client.application).store
    FORMATS["atom"].render_ahead(store.iter_newest(), entry_caches(client), lambda _: None)


def request_feed(client: FlaskClient, query: Query, **options: str) -> None:
    """Request the feed of a query."""
    response = client.get(
        "/feeds/search.atom",
        query_string={"q": query.canonical, **options},
        headers={"Accept-Encoding": "gzip"},
        follow_redirects=True,
    )
    assert response.status_code == 200
    assert response.headers["Content-Encoding"] == "gzip"


def time_feed(
    client: FlaskClient, query: Query, before: Callable[[], None] = lambda: None
) -> tuple[float, float]:
    """Call `before`; return the milliseconds, CPU and elapsed, of one feed."""
    before()
    start, cpu_start = time.perf_counter(), time.process_time()
    request_feed(client, query)
    return 1000 * (time.process_time() - cpu_start), 1000 * (time.perf_counter() - start)


def print_latencies(name: str, times: Sequence[tuple[float, float]]) -> None:
    """Print median, 95th and 99th percentile of CPU and elapsed time."""
    columns = [sorted(column) for column in zip(*times, strict=True)]
    figures = "  ".join(
        f"{statistics.median(column):6.1f}{column[int(len(column) * 0.95)]:6.1f}"
        f"{column[int(len(column) * 0.99)]:6.1f}"
        for column in columns
    )
    print(f"  {name:50}{figures}")


def print_parts(url: str, queries: Sequence[Query]) -> None:
    """Print the median CPU milliseconds of each part of a feed of a hundred entries."""
    store, times = Store(Redis.from_url(url)), dict[str, list[float]]()
    caches = EntryCaches()

    def part(name: str, do: Callable[..., Result], *args: Any) -> Result:
        start = time.process_time()
        result = do(*args)
        times.setdefault(name, []).append(1000 * (time.process_time() - start))
        return result

    for query in queries:
        page = part("search", store.search, SearchRequest(query=query))
        if len(page.papers) < 100:
            times["search"].pop()
            continue
        entries = tuple(map(Entry, page.papers))
        part("text and TeX of entries", list, (entry.content for entry in entries))
        render = FORMATS["atom"].render_parts
        document = part("rest of entries, rendered", render, FEED, entries, caches)
        part("hashes of entries", list, map(hash, entries))
        body = document.head + document.separator.join(document.entries) + document.tail
        part("ETag", etag_of, body)
        for name, encoding in ENCODINGS.items():
            part(name, encoding.compress, body)
    parts = ", ".join(f"{name} {statistics.median(values):.1f}" for name, values in times.items())
    print(f"  parts of a feed of a hundred entries, ms CPU: {parts}")
