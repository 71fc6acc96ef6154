"""A feed that nobody has requested, over the real web server: milliseconds, CPU and round trips.

    python -m benchmarks.cold_feeds [--papers N | --keep FOLDER | --store URL] [--each K] [--seed N]
        [--beside CHECKOUT] [--feeds N] [--short]

Uses N generated papers (see `benchmarks.corpus.generate_months`), the data folder that
`benchmarks.size --keep` made, or an existing store. Web servers of one process take turns on each
keyword: ours; ours without a cache of entries; and with --beside that of another checkout, such as
the version before, run with the same interpreter. Each has rendered the newest papers' entries
ahead, as after every start, and gets K keywords of each class once, as Atom in gzip. Prints, for
each server, milliseconds (median and 99th percentile), those of its processor, and the round trips
to the store (median and most), and whether all bodies were equal:

* all keywords, and each class of them
* those whose papers are all among the newest 60,000, so that a cache may have their entries, and
  those with older papers

Round trips are the reads that the store counts. Milliseconds are those of a client on the same
machine, of the processor those of the server's processes, the store's excluded.

Then one process gets --feeds custom feeds in turn, twice, the second time with all types of
announcement: how many entries it rendered, how many of the newest papers' again, and the bytes of
its cache.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import http.client
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from unittest import mock
from urllib.parse import quote_plus

from flask import Flask
from redis import Redis

from benchmarks.announcement import draw_keywords
from benchmarks.corpus import DEFAULT_CORPUS, generate_months, read_sightings
from benchmarks.keyword_classes import DEFAULT_SEED, keywords_by_class
from benchmarks.pages import ingest_batches
from benchmarks.serve import ROOT, cpu_seconds, wait_for, wait_until_idle
from benchmarks.uncached_feeds import ALL_TYPES, entry_caches, fresh_client
from papers.config.settings import Settings
from papers.maintenance import migrations
from papers.query.parser import Query
from papers.store import Store
from paperwire.run import embedded_store
from paperwire.run.ports import find_free_port
from paperwire.run.web import web_command
from service.context import context_of
from service.feeds.entry_cache import EntryCache

NEWEST: Final = 60_000
"""Papers whose entries a full cache surely has."""
_ENTRY_ID: Final = re.compile(rb"<entry><id>https://arxiv\.org/abs/(\d{4}\.\d{5})</id>")


class Measurement(NamedTuple):
    """One feed of one server."""

    milliseconds: float
    cpu: float
    round_trips: int
    body: bytes


class WebServer(NamedTuple):
    """A running server of one process."""

    process: int
    port: int

    def measure(self, redis: Redis, query: Query) -> Measurement:
        """Request the feed of a query; everything but the request is outside the time measured."""
        path = f"/feeds/search.atom?q={quote_plus(query.canonical, safe=':,()*/')}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.connect()
        cpu, reads = cpu_seconds(self.process), store_reads(redis)
        began = time.perf_counter()
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        response = connection.getresponse()
        body = response.read()
        seconds = time.perf_counter() - began
        trips = store_reads(redis) - reads - 1  # one is that of the count itself
        connection.close()
        assert response.status == 200, (path, response.status)
        used = cpu_seconds(self.process) - cpu
        plain = gzip.decompress(body).replace(f"127.0.0.1:{self.port}".encode(), b"HOST")
        return Measurement(1000 * seconds, 1000 * used, trips, plain)


def store_reads(redis: Redis) -> int:
    """Return how often the store has read from a client."""
    stats: Any = redis.info("stats")
    return int(stats["total_reads_processed"])


def create_uncached_app() -> Flask:
    """Create the baseline: the app of our server, whose cache of entries holds nothing."""
    from paperwire.run import web

    app: Flask = web.app
    context_of(app).entry_caches.entries = EntryCache(0)
    return app


def __getattr__(name: str) -> Flask:
    """Return `app`, the baseline, created when granian loads it."""
    if name != "app":
        raise AttributeError(name)
    return create_uncached_app()


def main() -> None:
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=310_000)
    parser.add_argument("--keep", type=Path, help="data folder of an existing store")
    parser.add_argument("--store", help="URL of an existing store, which will be changed")
    parser.add_argument("--each", type=int, default=20, help="keywords per class")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument("--beside", type=Path, help="another checkout to compare with")
    parser.add_argument("--feeds", type=int, default=2_000, help="feeds requested in turn")
    parser.add_argument("--short", action="store_true", help="few papers and keywords")
    options = parser.parse_args()
    if not DEFAULT_CORPUS.exists():
        print(f"no papers to measure with: {DEFAULT_CORPUS} does not exist")
        return
    step = 10 if options.short else 1
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = options.store or stack.enter_context(
            open_store(options.keep or folder, 0 if options.keep else options.papers // step**2)
        )
        each = max(1, options.each // step)
        compare_servers(url, folder, options.beside, each, options.seed)
        measure_entry_cache(url, folder, options.feeds // step)


@contextlib.contextmanager
def open_store(folder: Path, papers: int) -> Iterator[str]:
    """Open a data folder, with generated papers if there are to be any; yields the URL."""
    paths = embedded_store.StorePaths.in_data_dir(str(folder))
    with embedded_store.open_embedded_store(paths, patience=600) as url:
        if papers:
            migrations.prepare_store(Redis.from_url(url))
            ingest_batches(url, generate_months(papers))
        yield url


def compare_servers(url: str, folder: Path, beside: Path | None, each: int, seed: int) -> None:
    """Measure every keyword on all servers, and print the figures."""
    ours = web_command(Settings(host="127.0.0.1", web_processes=1))
    servers = {"ours": (ours, ROOT)}
    servers["no cache"] = ((*ours[:-1], "benchmarks.cold_feeds:app"), ROOT)
    if beside:
        servers["beside"] = (ours, beside.resolve())
    redis, classes = Redis.from_url(url), keywords_by_class(list(read_sightings()), each, seed)
    classes.pop("hard on purpose")
    with contextlib.ExitStack() as stack:
        running = {
            name: stack.enter_context(run_server(command, root, url, folder / name))
            for name, (command, root) in servers.items()
        }
        for server in running.values():  # all render ahead at the same time
            wait_until_idle(server.process)
        measured = [
            (name, measure_by_turns(running, redis, query, number))
            for number, queries in enumerate(zip(*classes.values(), strict=True))
            for name, query in zip(classes, queries, strict=True)
        ]
    newest = str(Store(redis).list_ids(None, NEWEST)[-1])
    print_comparison(measured, newest, list(classes))


@contextlib.contextmanager
def run_server(command: Sequence[str], root: Path, url: str, folder: Path) -> Iterator[WebServer]:
    """Run a web server from a checkout."""
    port = find_free_port("127.0.0.1", 0)
    at = command.index("--port") + 1
    variables = os.environ | {
        "REDIS_URL": url,
        "PYTHONPATH": str(root),
        "PAPERWIRE_DATA_DIR": str(folder),
        "PAPERWIRE_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    with subprocess.Popen(
        (*command[:at], str(port), *command[at + 1 :]), env=variables, cwd=root
    ) as process:
        try:
            wait_for(port)
            yield WebServer(process.pid, port)
        finally:
            process.terminate()


def measure_by_turns(
    servers: Mapping[str, WebServer], redis: Redis, query: Query, turn: int
) -> dict[str, Measurement]:
    """Measure a keyword on each server; another one is first each time."""
    names = list(servers)
    first = turn % len(names)
    return {name: servers[name].measure(redis, query) for name in (*names[first:], *names[:first])}


def print_comparison(
    measured: Sequence[tuple[str, dict[str, Measurement]]], newest: str, classes: Sequence[str]
) -> None:
    """Print a line for each group of keywords and server."""
    equal = sum(len({one.body for one in each.values()}) == 1 for _, each in measured)
    print(f"{equal} of {len(measured)} bodies are equal on all servers")
    print(f"{'keywords':44}server     ms: median  99th   CPU: median  99th   trips: median  most")
    recent = [each for _, each in measured if oldest_id(each["ours"].body) >= newest]
    older = [each for _, each in measured if oldest_id(each["ours"].body) < newest]
    print_group("all", [each for _, each in measured])
    print_group(f"papers among the newest {NEWEST:,}", recent)
    print_group("with older papers", older)
    for name in classes:
        print_group(name, [each for kind, each in measured if kind == name])


def oldest_id(body: bytes) -> str:
    """Return the id of the last entry of a feed, newest of all if it has none."""
    found = _ENTRY_ID.findall(body)
    return found[-1].decode() if found else "9912.99999"


def print_group(name: str, group: Sequence[dict[str, Measurement]]) -> None:
    """Print the figures of each server, and ours in relation to the others."""
    for server in group[0] if group else ():
        times, cpu, trips = (
            sorted(getattr(each[server], field) for each in group)
            for field in ("milliseconds", "cpu", "round_trips")
        )
        ratio = statistics.median(each["ours"].cpu / each[server].cpu for each in group)
        title = f"{name} ({len(group)})" if server == "ours" else f"   ours takes {ratio:.2f} of it"
        print(
            f"{title:44}{server:11}{_percentiles(times)}   {_percentiles(cpu)}"
            f"{statistics.median(trips):17.0f}{trips[-1]:6.0f}",
            flush=True,
        )


def _percentiles(values: Sequence[float]) -> str:
    return f"{statistics.median(values):10.1f}{values[int(len(values) * 0.99)]:6.1f}"


def measure_entry_cache(url: str, folder: Path, count: int) -> None:
    """Print what the entry cache holds, and renders again, when many feeds come in turn."""
    client = fresh_client(url, folder / "turns")
    entries = entry_caches(client).entries
    newest = Store(Redis.from_url(url)).list_ids(None, NEWEST)[-1].doc_id
    rendered: list[int] = []
    put: Callable[..., None] = entries.put

    def note(key: Any, entry: Any) -> None:
        rendered.append(key[0])
        put(key, entry)

    lines = []
    with mock.patch.object(entries, "put", note):
        for options in ({}, {"types": ALL_TYPES}):
            rendered.clear()
            for query in draw_keywords(count):
                address = {"q": query.canonical, **options}
                client.get("/feeds/search.atom", query_string=address, follow_redirects=True)
            recent = sum(doc_id >= newest for doc_id in rendered)
            lines.append(f"{len(rendered):,} entries, {recent:,} of the newest {NEWEST:,} papers'")
    size = f"{entries.byte_size / 1e6:.0f} MB"
    print(f"{count:,} feeds in turn, rendered: {'; again: '.join(lines)}; the cache has {size}")


if __name__ == "__main__":
    main()
