"""What requests cost at 4, 1,000, 10,000 and 50,000 saved keywords: nothing should grow with them.

    python -m benchmarks.many_keywords [--short] [--record FILE] [PAPERS.jsonl.gz]

Uses real papers, in a store for each number of keywords. Every keyword has an initial fetch that
succeeded. Prints

* answers a second to a feed's conditional requests (304) and to plain ones (200) from the cache,
  the 99th percentile of their milliseconds, microseconds of the processor (of this process), and
  the rate as a share of that with four keywords:
  the stores take turns of a quarter of a second, so that other load on the machine meets all
  alike, and shares are medians of turns
* milliseconds of custom feeds that nobody has requested, of those of keywords that are hard on
  purpose (thousands of texts are read), and of a scheduler's tick
* for each page milliseconds after a change of the store (median; also of the processor), kilobytes
  as they are and in gzip, and by how many megabytes the process grows meanwhile at most
* megabytes of every process of `paperwire up`

`--record FILE` appends a line of JSON for each number, for `benchmarks.plot`.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import io
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from redis import Redis

from benchmarks.announcement import draw_keywords
from benchmarks.corpus import DEFAULT_CORPUS, read_sightings
from benchmarks.keyword_classes import HARD_KEYWORDS
from benchmarks.process_memory import forget_peak, measure_processes, peak_megabytes
from papers.config.settings import Settings
from papers.maintenance import migrations
from papers.query.parser import Query, parse_query
from papers.redis_backend import keys
from papers.state.import_blocks import import_keywords
from papers.state.record_codec import encode_record
from papers.state.task_states import TaskState, TaskStatus
from papers.store import Store
from paperwire.run import embedded_store
from paperwire.run.ports import find_free_port
from service import create_app
from service.exports.keyword_list_reader import read_keyword_list
from workers.registry import task_kinds
from workers.schedule.scheduler import Scheduler

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SIZES = (4, 1_000, 10_000, 50_000)
WORDS = (
    "reward model vision language agent graph speech video planning retrieval safety code".split()
)
FEED = "/feeds/keyword-0.atom"
PAGES = (
    *("/", "/digest", "/feeds", "/manage", "/manage/blocks", "/status", "/trending", "/not-here"),
    *("/metrics", "/api/v1/keywords", "/opml", "/export/daily.md", "/papers/{paper}"),
)
GZIP = {"Accept-Encoding": "gzip"}
LOCAL = {"REMOTE_ADDR": "127.0.0.1"}
TURN_SECONDS = 0.25
Figures = dict[str, Any]


def main() -> None:
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_CORPUS)
    parser.add_argument(
        "--short", action="store_true", help="a tenth of papers and rounds, and fewer keywords"
    )
    parser.add_argument("--record", type=Path, help="file to which the figures are appended")
    options = parser.parse_args()
    if not options.file.exists():
        print(f"no papers to measure with: {options.file} does not exist")
        return
    rounds, sizes = (2, SIZES[:2]) if options.short else (20, SIZES)
    with tempfile.TemporaryDirectory() as folder:
        papers = make_stores(Path(folder), sizes, options.file, 10 if options.short else 1)
        with ExitStack() as stack:
            sites = [
                stack.enter_context(open_site(Path(folder) / str(size), size)) for size in sizes
            ]
            figures = measure_sites(sites, papers, rounds)
        for one in figures:
            site_folder = Path(folder) / str(one["keywords"])
            paths = [FEED, *(path.format(paper=papers) for path in PAGES)]
            one["memory"] = measure_processes(site_folder, paths, find_free_port("127.0.0.1", 0))
            print_memory(one)
    if options.record:
        with options.record.open("a") as file:
            file.writelines(json.dumps(one) + "\n" for one in figures)


def make_stores(folder: Path, sizes: Sequence[int], file: Path, step: int) -> str:
    """Make a data folder for each number of keywords; return the id of one of the papers."""
    seen = sorted(read_sightings(file), key=lambda sighting: sighting.id)[::step]
    first, *others = [folder / str(size) for size in sizes]
    paths = embedded_store.StorePaths.in_data_dir(str(first))
    with embedded_store.open_embedded_store(paths) as url, Redis.from_url(url) as redis:
        migrations.prepare_store(redis)
        Store(redis).ingest(seen, now=NOW)
    for other in others:
        shutil.copytree(first, other, symlinks=True)
    return str(seen[-1].id)


class Site:
    """An app, and its store with some number of saved keywords."""

    def __init__(self, redis: Redis, settings: Settings, size: int) -> None:
        self.redis, self.size = redis, size
        self.client = create_app(settings).test_client()
        self.tag = self.client.get(FEED, headers=GZIP).headers["ETag"]
        self.scheduler = Scheduler(redis, settings, task_kinds(), lambda task, now: None, lambda: 0)
        self.scheduler.tick(NOW)  # the first one plans

    def request_304(self) -> None:
        """Poll the feed with its validator."""
        headers = {**GZIP, "If-None-Match": self.tag}
        assert self.client.get(FEED, headers=headers).status_code == 304

    def request_200(self) -> None:
        """Request the feed, which is cached."""
        while self.client.get(FEED, headers=GZIP).status_code == 503:
            time.sleep(1)  # another program keeps the machine busy

    def request_page(self, path: str) -> bytes:
        """Return a page, of which no cache has a response."""
        with self.client.get(path, environ_base=LOCAL) as answer:
            if answer.status_code == 503:
                time.sleep(1)  # another program keeps the machine busy
                return self.request_page(path)
            assert answer.status_code == (404 if path == "/not-here" else 200), (path, answer)
            return bytes(answer.data)


@contextmanager
def open_site(folder: Path, size: int) -> Iterator[Site]:
    """Open a data folder, and save its keywords."""
    paths = embedded_store.StorePaths.in_data_dir(str(folder))
    with embedded_store.open_embedded_store(paths) as url, Redis.from_url(url) as redis:
        began = time.perf_counter()
        save_keywords(redis, size)
        print(f"{size:>6,} keywords imported in {time.perf_counter() - began:.1f} s", flush=True)
        settings = Settings(
            redis_url=url, data_dir=str(folder), questions_per_minute=0, host="127.0.0.1"
        )
        yield Site(redis, settings, size)


def save_keywords(redis: Redis, size: int) -> None:
    """Import keywords of one to three words, each with an initial fetch that succeeded."""
    lines, states = list[str](), dict[Any, Any]()
    for number in range(size):
        words = WORDS[number % 12], WORDS[number // 12 % 12], f"word{number}"
        query = words[0] if number < 4 else " ".join(words[: 2 + number % 2])
        lines.append(f"Keyword {number}\t{query}\n")
        state = TaskState(f"fill:keyword-{number}", TaskStatus.OK, NOW, NOW, NOW)
        states[state.name] = encode_record(state)
    listed = io.BytesIO("".join(lines).encode())
    assert sum(map(len, import_keywords(redis, read_keyword_list(listed), now=NOW))) == size
    redis.hset(keys.OK_INITIAL_FETCHES, mapping=states)


def measure_sites(sites: list[Site], paper: str, rounds: int) -> list[Figures]:
    """Measure and print all but the memory of processes."""
    figures = [Figures(keywords=site.size) for site in sites]
    for name in ("304", "200"):
        measure_rates(sites, figures, name, rounds)
    measure_cold_feeds(sites, figures, 10 * rounds)
    for site, one in zip(sites, figures, strict=True):
        one["tick_ms"] = 1000 * median_seconds(lambda site=site: site.scheduler.tick(NOW), 5)[0]  # type: ignore[misc]
        print_rates(one)
        one["pages"] = {path: measure_page(site, path.format(paper=paper)) for path in PAGES}
        for path, (ms, cpu, size, packed, peak) in one["pages"].items():
            print(
                f"  {path:<18}{ms:>8,.0f} ms{cpu:>8,.0f} ms CPU{size:>10,.1f} kB"
                f"{packed:>8,.1f} kB gzip{peak:>6,.0f} MB more",
                flush=True,
            )
    return figures


def measure_rates(sites: list[Site], figures: list[Figures], name: str, rounds: int) -> None:
    """Add answers a second, their 99th percentile, and the share of the first site's rate."""
    taken: list[list[float]] = [[] for _ in sites]
    rates: list[list[float]] = [[] for _ in sites]
    cpu = [0.0 for _ in sites]
    for turn in range(rounds):
        order = list(enumerate(sites))
        for number, site in order if turn % 2 else reversed(order):
            act = site.request_304 if name == "304" else site.request_200
            act()
            began = time.process_time()
            turn_taken = seconds_of_calls(act, TURN_SECONDS)
            cpu[number] += time.process_time() - began
            taken[number] += turn_taken
            rates[number].append(len(turn_taken) / sum(turn_taken))
    for one, own, own_rates, own_cpu in zip(figures, taken, rates, cpu, strict=True):
        one[f"cpu_{name}"] = 1e6 * own_cpu / len(own)
        one[f"rate_{name}"] = statistics.median(own_rates)
        one[f"p99_{name}"] = 1000 * sorted(own)[int(len(own) * 0.99)]
        shares = [rate / base for rate, base in zip(own_rates, rates[0], strict=True)]
        one[f"share_{name}"] = statistics.median(shares)


def measure_cold_feeds(sites: list[Site], figures: list[Figures], count: int) -> None:
    """Add the milliseconds of feeds that nobody has requested, by turns; hard ones apart."""
    gc.collect()  # these three as service.wsgi does: else a request waits for a full collection
    gc.freeze()
    gc.set_threshold(20_000)
    hard = {parse_query(text) for text in HARD_KEYWORDS}
    for name, queries in (
        ("cold", [query for query in draw_keywords(count) if query not in hard]),
        ("hard", sorted(hard, key=str)),
    ):
        measure_queries(sites, figures, name, queries)


def measure_queries(
    sites: list[Site], figures: list[Figures], name: str, queries: Sequence[Query]
) -> None:
    """Add the milliseconds of the feeds of some queries, by turns: median and 99th percentile."""
    taken: list[list[float]] = [[] for _ in sites]
    for query in queries:
        path = f"/feeds/search.atom?q={quote_plus(query.canonical, safe=':,()*/')}"
        for number, site in enumerate(sites):
            began = time.perf_counter()
            while site.client.get(path).status_code == 503:
                time.sleep(1)  # another program keeps the machine busy
            taken[number].append(time.perf_counter() - began)
    for one, own in zip(figures, taken, strict=True):
        one[f"{name}_ms"] = 1000 * statistics.median(own)
        one[f"{name}_p99"] = 1000 * sorted(own)[int(len(own) * 0.99)]


def measure_page(site: Site, path: str) -> tuple[float, float, float, float, float]:
    """Return milliseconds, those of the processor, kB, kB in gzip, and megabytes more."""

    def change() -> None:
        site.redis.incr(keys.REVISION)

    change()
    forget_peak()
    before = peak_megabytes()
    body = site.request_page(path)
    peak = peak_megabytes() - before
    seconds, cpu = median_seconds(lambda: site.request_page(path), 5, before=change)
    return 1000 * seconds, 1000 * cpu, len(body) / 1000, len(gzip.compress(body)) / 1000, peak


def median_seconds(
    act: Callable[[], object], rounds: int, before: Callable[[], object] = int
) -> tuple[float, float]:
    """Return the median of seconds, and of processor seconds of this process."""
    taken, cpu = [], []
    for _ in range(rounds):
        before()
        began, cpu_began = time.perf_counter(), time.process_time()
        act()
        taken.append(time.perf_counter() - began)
        cpu.append(time.process_time() - cpu_began)
    return statistics.median(taken), statistics.median(cpu)


def seconds_of_calls(act: Callable[[], object], seconds: float) -> list[float]:
    """Call a function again and again for some seconds; return what each call took."""
    ends, taken = time.perf_counter() + seconds, list[float]()
    while (start := time.perf_counter()) < ends:
        act()
        taken.append(time.perf_counter() - start)
    return taken


def print_rates(one: Figures) -> None:
    """Print what does not depend on a page."""
    print(
        f"\n{one['keywords']:,} keywords: {one['rate_304']:,.0f} 304s a second "
        f"({one['share_304']:.0%} of those at {SIZES[0]}), {one['rate_200']:,.0f} 200s "
        f"({one['share_200']:.0%}); {one['cpu_304']:.0f} and {one['cpu_200']:.0f} µs of processor "
        f"each, 99 % within {one['p99_304']:.1f} and {one['p99_200']:.1f} ms; "
        f"a cold custom feed {one['cold_ms']:.0f} ms, 99 % within {one['cold_p99']:.0f}, of hard "
        f"keywords {one['hard_ms']:.0f} and {one['hard_p99']:.0f}; "
        f"{one['tick_ms']:.0f} ms a tick"
    )


def print_memory(one: Figures) -> None:
    """Print the memory of processes."""
    each = ", ".join(f"{kind} {size:,.0f}" for kind, size in sorted(one["memory"].items()))
    print(f"{one['keywords']:,} keywords, MB: {each}", flush=True)


if __name__ == "__main__":
    main()
