"""Papers on one server, and in a cluster of six nodes beside one: memory, ingest, searches.

Both get the same papers and queries, and give the same ids. Round trips are counted, and may be
made longer, as between machines: `--round-trips 0 0.5` sleeps half a millisecond in each. A batch
to several nodes is one, as they answer at the same time. All servers run on this machine, and
compete for its processors: what more machines give cannot be measured here.
"""

from __future__ import annotations

import argparse
import multiprocessing
import pickle
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from redis import Redis

from benchmarks import corpus
from benchmarks.corpus import DEFAULT_CORPUS, generate_months, read_sightings
from benchmarks.keyword_classes import keywords_by_class
from papers.index.compaction.compactor import Compactor
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Sighting
from papers.query.parser import Query
from papers.redis_backend import connection
from papers.redis_backend.cluster.client import ClusteredRedis, connect_store
from papers.redis_backend.cluster.exchange import ClusterExchange
from papers.store import Store
from paperwire.run import embedded_store
from tests.papers.cluster_nodes import running_cluster

NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)
LIMIT: Final = 100
BATCH_SIZE: Final = 2_000
NODE_TIMEOUT_MS: Final = 30_000


class _Place(NamedTuple):
    """Where papers are: a name for the table, and the two addresses."""

    name: str
    redis_url: str
    store_url: str

    def connect(self) -> Redis:
        return connect_store(self.redis_url, self.store_url, retry=True)


class RoundTrips:
    """Counts round trips, and makes each longer."""

    def __init__(self) -> None:
        self.seconds, self.count = 0.0, 0
        self._depth = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Count a round trip, unless it is part of another."""
        if not self._depth:
            self.count += 1
            if self.seconds:
                time.sleep(self.seconds)
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def install(self) -> None:
        """Count those of this process from now on."""
        for owner, name in (
            (connection, "_send_and_receive"),
            (ClusterExchange, "send"),
            (Redis, "_execute_command"),
        ):
            setattr(owner, name, self._counting(getattr(owner, name)))

    def _counting(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            with self.one():
                return do(*args, **kwargs)

        return counted


def main() -> None:
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=100_000)
    parser.add_argument("--per-month", type=int, default=2_000)
    parser.add_argument("--per-class", type=int, default=30)
    parser.add_argument("--round-trips", type=float, nargs="+", default=[0.0], help="milliseconds")
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--sample-months", type=int, default=6, help="to measure the ingest with")
    options = parser.parse_args()
    if not DEFAULT_CORPUS.exists():
        print(f"no papers to measure with: {DEFAULT_CORPUS} does not exist")
        return
    corpus.PAPERS_PER_MONTH = options.per_month
    with (
        tempfile.TemporaryDirectory() as one,
        tempfile.TemporaryDirectory() as other,
        tempfile.TemporaryDirectory() as folder,
        embedded_store.open_embedded_store(embedded_store.StorePaths.in_data_dir(one)) as single,
        embedded_store.open_embedded_store(embedded_store.StorePaths.in_data_dir(other)) as plain,
        running_cluster() as cluster,
    ):
        places = (_Place("one server", single, ""), _Place("cluster", plain, cluster.url))
        months = save_months(options.papers, Path(folder))
        for node in cluster.nodes:  # a busy machine is no failure
            node.client.config_set("cluster-node-timeout", NODE_TIMEOUT_MS)
        for place in places:
            measure_ingest(place, months[: options.sample_months], options.processes)
        fill(places[0], months, options.processes)
        copy_papers(places[0].connect(), places[1].connect())
        for place in places:
            print_memory(place, options.papers)
        trips = RoundTrips()
        trips.install()
        queries = keywords_by_class(_real_sample(), options.per_class)
        for milliseconds in options.round_trips:
            print(f"each round trip {milliseconds} ms longer")
            trips.seconds = milliseconds / 1_000
            measure_queries(places, queries, trips)


def _real_sample() -> list[Sighting]:
    return list(islice(read_sightings(DEFAULT_CORPUS), 20_000))


class SavedMonth(NamedTuple):
    """A file with the papers of a month, so that a million need not fit into memory at once."""

    path: Path
    papers: int

    def load(self) -> list[Sighting]:
        """Return the papers."""
        loaded: list[Sighting] = pickle.loads(self.path.read_bytes())
        return loaded


def save_months(papers: int, folder: Path) -> list[SavedMonth]:
    """Generate papers and write each month to a file, oldest first."""
    saved = list[SavedMonth]()
    for number, month in enumerate(generate_months(papers)):
        path = folder / str(number)
        path.write_bytes(pickle.dumps(month))
        saved.append(SavedMonth(path, len(month)))
    return saved


def measure_ingest(place: _Place, months: Sequence[SavedMonth], processes: int) -> None:
    """Print papers per second of one process and of several; the store is empty afterwards."""
    rates = list[float]()
    for count in (1, processes):
        began = time.perf_counter()
        _ingest_in_processes(place, months, count)
        rates.append(sum(month.papers for month in months) / (time.perf_counter() - began))
        for client in _servers(place.connect()):
            client.flushall()
    print(
        f"{place.name:12} ingest {rates[0]:7,.0f} papers/s, {processes} processes "
        f"{rates[1]:7,.0f} papers/s",
        flush=True,
    )


def fill(place: _Place, months: Sequence[SavedMonth], processes: int) -> None:
    """Ingest all months into one place and compact its years."""
    began = time.perf_counter()
    _ingest_in_processes(place, months, processes)
    ingested = time.perf_counter()
    Compactor(place.connect()).compact_before(202601)
    papers = sum(month.papers for month in months)
    print(
        f"{place.name:12} all {papers:,} papers by {processes} processes "
        f"{papers / (ingested - began):7,.0f} papers/s; "
        f"compaction {time.perf_counter() - ingested:6.1f} s",
        flush=True,
    )


def copy_papers(source: Redis, target: Redis) -> None:
    """Copy every key as it is: the same papers and postings, in a fraction of the time."""
    found: Any = source.keys("*")
    for key in found:
        packed: Any = source.dump(key)
        target.restore(key, 0, packed, replace=True)


def _ingest(redis_url: str, store_url: str, months: Iterable[SavedMonth]) -> None:
    store = Store(connect_store(redis_url, store_url, retry=True))
    for month in (saved.load() for saved in months):
        for at in range(0, len(month), BATCH_SIZE):
            store.ingest(month[at : at + BATCH_SIZE], now=NOW)


def _ingest_in_processes(place: _Place, months: Sequence[SavedMonth], processes: int) -> None:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        parts = [months[n::processes] for n in range(processes)]
        for done in [pool.submit(_ingest, *place[1:], part) for part in parts]:
            done.result()


def _servers(redis: Redis) -> list[Redis]:
    if isinstance(redis, ClusteredRedis):
        return [redis.plain_client(), *redis.node_clients().values()]
    return [redis]


def print_memory(place: _Place, papers: int) -> None:
    """Print the memory of each server, in megabytes, and the bytes of a paper in all."""
    used = [int(client.info("memory")["used_memory"]) for client in _servers(place.connect())]
    shares = ", ".join(f"{size / 1e6:,.1f}" for size in used)
    print(
        f"{place.name:12} memory {shares} MB; {sum(used) / papers:,.0f} B a paper; "
        f"the plain Redis has {used[0] / sum(used):.1%}",
        flush=True,
    )


def measure_queries(
    places: Sequence[_Place], queries: dict[str, list[Query]], trips: RoundTrips
) -> None:
    """Print milliseconds (median, p99) and round trips of the newest hundred, by class."""
    stores = [Store(place.connect()) for place in places]
    known = [Store(place.connect()) for place in places]
    heads = "".join(f"{place.name:>40}" for place in places)
    print(f"{'':24}{heads}\n{'new keyword':24}" + f"{'p50 / p99 ms, trips; again':>40}" * 2)
    for name, drawn in queries.items():
        cells = list[str]()
        answers = list[list[list[ArxivId]]]()
        for store, warm in zip(stores, known, strict=True):
            times, counts, found = list[float](), list[int](), list[list[ArxivId]]()
            again = list[float]()
            for query in drawn:
                store.reader.clear_postings()
                store.newest_ids(next(iter(queries.values()))[0], 1)
                before, began = trips.count, time.perf_counter()
                found.append(store.newest_ids(query, LIMIT))
                times.append((time.perf_counter() - began) * 1_000)
                counts.append(trips.count - before)
                warm.newest_ids(query, LIMIT)
                began = time.perf_counter()
                warm.newest_ids(query, LIMIT)
                again.append((time.perf_counter() - began) * 1_000)
            answers.append(found)
            cells.append(_cell(times, counts, again))
        assert answers[0] == answers[1], name
        print(f"{name:24}" + "".join(f"{cell:>40}" for cell in cells), flush=True)


def _cell(times: Sequence[float], counts: Sequence[int], again: Sequence[float]) -> str:
    top = sorted(times)[min(len(times) - 1, int(len(times) * 0.99))]
    return (
        f"{statistics.median(times):7.2f} /{top:7.2f}, {statistics.mean(counts):4.1f}; "
        f"{statistics.median(again):6.2f}"
    )


if __name__ == "__main__":
    main()
