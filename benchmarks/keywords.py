"""Ingest rate and query latency on real papers, compared with a scan of every paper.

    python -m benchmarks.keywords [--short] [PAPERS.jsonl.gz]

Prints: papers per second into an empty store (one process; in batches of 2,000 sorted by id, and in
one batch), bytes of store memory per paper, and milliseconds (median, 95th percentile) for the
newest 100 ids of twenty typical queries and of two-word queries and phrases drawn from titles:
with an empty postings cache ("first"), repeated ("again"), and each query once, one after another,
in one process. The baseline scan folds every paper in advance; it must return the same ids.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from redis import Redis

from benchmarks.corpus import DEFAULT_CORPUS, read_sightings
from papers.index.compaction.compactor import Compactor, first_open_month
from papers.model.merge import merge
from papers.model.paper import Paper, Sighting
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import Query, parse_query
from papers.redis_backend.connection import connect
from papers.store import Store
from papers.text.folding import tokenize
from paperwire.run import embedded_store

LIMIT = 100
NOW = datetime(2026, 11, 21, tzinfo=UTC)
KEYWORDS = (
    "hallucination",
    'mllm OR "multimodal large language model" OR "multimodal llm"',
    "reasoning",
    '"reward model"',
    "reward model",
    "vision language model",
    '"vision language model"',
    '"large language model" (survey OR benchmark) -medical',
    "cat:cs.* reasoning",
    "hallucinat*",
    "ti:transformer",
    "abs:transformer",
    "quantum gravity",
    '"neutron star"',
    "graph neural network",
    "diffusion OR gan",
    "comment:CVPR",
    'au:"yann lecun"',
    "zebra fish",
    "cat:math.* conjecture -ti:proof",
)


class LatencySummary(NamedTuple):
    """Milliseconds over many queries."""

    median: float
    percentile_95: float

    def __str__(self) -> str:
        return f"{self.median:8.2f} /{self.percentile_95:8.2f}"


def main() -> None:
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_CORPUS)
    parser.add_argument(
        "--short", action="store_true", help="use a tenth of the papers and queries"
    )
    options = parser.parse_args()
    if not options.file.exists():
        print(f"no papers to measure with: {options.file} does not exist")
        return
    seen = sorted(read_sightings(options.file), key=lambda sighting: sighting.id)
    seen = seen[::10] if options.short else seen
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_store.open_embedded_store(embedded_store.StorePaths.in_data_dir(folder)) as url,
    ):
        redis = connect(url, retry=True)
        measure_ingest(redis, seen)
        measure_keywords(Store(redis), seen, query_count=20 if options.short else 200)


def measure_ingest(redis: Redis, seen: Sequence[Sighting]) -> None:
    """Measure papers per second and bytes per paper."""
    print(f"{len(seen):,} sightings, {len({s.id.month for s in seen})} months")
    empty = _memory(redis)
    for name, size in (("one batch", len(seen)), ("batches of 2,000", 2_000)):
        redis.flushall()
        store, start = Store(redis), time.perf_counter()
        for start_index in range(0, len(seen), size):
            store.ingest(seen[start_index : start_index + size], now=NOW)
        seconds = time.perf_counter() - start
        bytes_a_paper = (_memory(redis) - empty) / store.count_papers()
        print(
            f"ingest, {name:17} {len(seen) / seconds:8,.0f} papers/s {bytes_a_paper:8,.0f} B/paper"
        )
    start = time.perf_counter()
    again = Store(redis).ingest(seen, now=NOW)
    rate = len(seen) / (time.perf_counter() - start)
    print(f"ingested again, {again.unchanged:,} unchanged {rate:8,.0f} papers/s")
    start = time.perf_counter()
    Compactor(redis).compact_before(first_open_month(NOW))
    seconds, bytes_a_paper = time.perf_counter() - start, (_memory(redis) - empty) / len(seen)
    print(f"past months compacted           {seconds:8.2f} s        {bytes_a_paper:8,.0f} B/paper")


def measure_keywords(store: Store, seen: Sequence[Sighting], query_count: int) -> None:
    """Measure milliseconds for the newest 100 matches, and for the same by a scan."""
    scan = FullScan(seen)
    for keyword in KEYWORDS:
        query = parse_query(keyword)
        found = store.newest_ids(query, LIMIT)
        assert found == scan.newest(query, LIMIT), keyword
        first, again = (
            measure_latency([query], search, repeat=9).median for search in search_functions(store)
        )
        times = f"first {first:6.2f}, again {again:6.2f} ms"
        print(f"{keyword[:58]:58} {scan.count(query):6,} match; {times}")
    shingles = draw_title_shingles(seen, query_count)
    for name, texts in (
        ("two words from titles", [f"{first} {second}" for first, second in shingles]),
        ("phrase of two words from titles", [f'"{first} {second}"' for first, second in shingles]),
    ):
        queries = [parse_query(text) for text in texts]
        for query in queries:
            assert store.newest_ids(query, LIMIT) == scan.newest(query, LIMIT), query.canonical
        store.reader.clear_postings()
        in_sequence = measure_latency(queries, lambda q: store.newest_ids(q, LIMIT), repeat=1)
        print(f"{name:32} one after another, each once: {in_sequence} ms")
        scanned = measure_latency(queries[:20], lambda q: scan.newest(q, LIMIT), repeat=1)
        for state, search in zip(("first", "again"), search_functions(store), strict=True):
            ours = measure_latency(queries, search, repeat=3)
            ratio = scanned.median / ours.median
            print(f"{name:32} {state}: {ours} ms; scan {scanned} ms; {ratio:.0f} times")


def search_functions(store: Store) -> Sequence[Callable[[Query], object]]:
    """Return two search functions: with an emptied postings cache, and with a warm one."""

    def first(query: Query) -> object:
        store.reader.clear_postings()
        return store.newest_ids(query, LIMIT)

    return first, lambda query: store.newest_ids(query, LIMIT)


class FullScan:
    """The baseline: matches every paper, folded in memory, one by one."""

    def __init__(self, seen: Sequence[Sighting]) -> None:
        papers: dict[Any, Paper] = {}
        for sighting in seen:
            papers[sighting.id] = merge(papers.get(sighting.id), sighting)
        newest_first = sorted(papers.values(), key=lambda paper: paper.id, reverse=True)
        self.papers = [FoldedPaper(paper) for paper in newest_first]

    def newest(self, query: Query, limit: int) -> list[Any]:
        """Return the newest matching ids."""
        found = []
        for paper in self.papers:
            if matches_node(query.tree, paper):
                found.append(paper.paper.id)
                if len(found) == limit:
                    break
        return found

    def count(self, query: Query) -> int:
        """Return the number of matches."""
        return sum(matches_node(query.tree, paper) for paper in self.papers)


def measure_latency(
    queries: Sequence[Query], search: Callable[[Query], object], repeat: int
) -> LatencySummary:
    """Return median and 95th percentile over the queries' median times of `repeat` runs."""
    medians = []
    for query in queries:
        runs = []
        for _ in range(repeat):
            start = time.perf_counter()
            search(query)
            runs.append((time.perf_counter() - start) * 1000)
        medians.append(statistics.median(runs))
    medians.sort()
    index = int(len(medians) * 0.95) - (len(medians) > 1)
    return LatencySummary(statistics.median(medians), medians[index])


def draw_title_shingles(seen: Sequence[Sighting], count: int) -> list[tuple[str, str]]:
    """Draw pairs of adjacent title words of four or more letters, weighted by frequency."""
    draw = random.Random(1)
    pairs: list[tuple[str, str]] = []
    while len(pairs) < count:
        title = tokenize(draw.choice(seen).title)
        index = draw.randrange(max(len(title) - 1, 1))
        pair = title[index : index + 2]
        if len(pair) == 2 and all(len(word) > 3 and word.isalpha() for word in pair):
            pairs.append((pair[0], pair[1]))
    return pairs


def _memory(redis: Redis) -> int:
    """Return the store's memory, after lazily freed objects are gone."""
    while True:
        info: Any = redis.info("memory")
        if not info["lazyfree_pending_objects"]:
            return int(info["used_memory"])
        time.sleep(0.01)


if __name__ == "__main__":
    main()
