"""Ingest real papers and ask for keywords, beside a plain scan of every paper.

    python -m benchmarks.keywords [--short] [PAPERS.jsonl.gz]

Prints: papers a second into an empty store (one process, batches of 2,000, in order of id, and all
at once), bytes of store memory a paper, and milliseconds (median, 95th percentile) for the newest
100 ids of twenty keywords of people and of two-word keywords and phrases drawn from titles: the
first time, where a process remembers no words, and again; and one after another, each once, by a
process that remembers those before. The scan folds every paper beforehand and then only looks; it
must give the same ids.
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
    """Milliseconds over many questions."""

    median: float
    percentile_95: float

    def __str__(self) -> str:
        return f"{self.median:8.2f} /{self.percentile_95:8.2f}"


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=DEFAULT_CORPUS)
    parser.add_argument("--short", action="store_true", help="a tenth of the papers and questions")
    options = parser.parse_args()
    if not options.file.exists():
        print(f"no papers to measure with: {options.file} is not there")
        return
    seen = sorted(read_sightings(options.file), key=lambda sighting: sighting.id)
    seen = seen[::10] if options.short else seen
    with (
        tempfile.TemporaryDirectory() as folder,
        embedded_store.open_embedded_store(embedded_store.store_paths(folder)) as url,
    ):
        redis = connect(url, retry=True)
        measure_ingest(redis, seen)
        measure_keywords(Store(redis), seen, questions=20 if options.short else 200)


def measure_ingest(redis: Redis, seen: Sequence[Sighting]) -> None:
    """Papers a second and bytes a paper."""
    print(f"{len(seen):,} sightings, {len({s.id.month for s in seen})} months")
    empty = _memory(redis)
    for name, size in (("one batch", len(seen)), ("batches of 2,000", 2_000)):
        redis.flushall()
        store, start = Store(redis), time.perf_counter()
        for at in range(0, len(seen), size):
            store.ingest(seen[at : at + size], now=NOW)
        seconds = time.perf_counter() - start
        bytes_a_paper = (_memory(redis) - empty) / store.count_papers()
        print(
            f"ingest, {name:17} {len(seen) / seconds:8,.0f} papers/s {bytes_a_paper:8,.0f} B/paper"
        )
    start = time.perf_counter()
    again = Store(redis).ingest(seen, now=NOW)
    rate = len(seen) / (time.perf_counter() - start)
    print(f"the same again, {again.unchanged:,} unchanged {rate:8,.0f} papers/s")
    start = time.perf_counter()
    Compactor(redis).compact_before(first_open_month(NOW))
    seconds, bytes_a_paper = time.perf_counter() - start, (_memory(redis) - empty) / len(seen)
    print(f"past months closed              {seconds:8.2f} s        {bytes_a_paper:8,.0f} B/paper")


def measure_keywords(store: Store, seen: Sequence[Sighting], questions: int) -> None:
    """Milliseconds for the newest 100, and for the same by a scan."""
    scan = FullScan(seen)
    for keyword in KEYWORDS:
        query = parse_query(keyword)
        found = store.newest_ids(query, LIMIT)
        assert found == scan.newest(query, LIMIT), keyword
        first, again = (
            measure_latency([query], ask, repeat=9).median for ask in search_functions(store)
        )
        times = f"first {first:6.2f}, again {again:6.2f} ms"
        print(f"{keyword[:58]:58} {scan.count(query):6,} match; {times}")
    pairs = draw_title_shingles(seen, questions)
    for name, texts in (
        ("two words from titles", [f"{first} {second}" for first, second in pairs]),
        ("phrase of two words from titles", [f'"{first} {second}"' for first, second in pairs]),
    ):
        queries = [parse_query(text) for text in texts]
        for query in queries:
            assert store.newest_ids(query, LIMIT) == scan.newest(query, LIMIT), query.canonical
        store.reader.clear_postings()
        in_a_row = measure_latency(queries, lambda q: store.newest_ids(q, LIMIT), repeat=1)
        print(f"{name:32} one after another, each once: {in_a_row} ms")
        theirs = measure_latency(queries[:20], lambda q: scan.newest(q, LIMIT), repeat=1)
        for turn, ask in zip(("first", "again"), search_functions(store), strict=True):
            ours = measure_latency(queries, ask, repeat=3)
            ratio = theirs.median / ours.median
            print(f"{name:32} {turn}: {ours} ms; scan {theirs} ms; {ratio:.0f} times")


def search_functions(store: Store) -> Sequence[Callable[[Query], object]]:
    """Ways to ask for the newest: by who remembers nothing of the words, and by who does."""

    def first(query: Query) -> object:
        store.reader.clear_postings()
        return store.newest_ids(query, LIMIT)

    return first, lambda query: store.newest_ids(query, LIMIT)


class FullScan:
    """The baseline: every paper folded and in memory, looked at one by one."""

    def __init__(self, seen: Sequence[Sighting]) -> None:
        papers: dict[Any, Paper] = {}
        for sighting in seen:
            papers[sighting.id] = merge(papers.get(sighting.id), sighting)
        newest_first = sorted(papers.values(), key=lambda paper: paper.id, reverse=True)
        self.papers = [FoldedPaper(paper) for paper in newest_first]

    def newest(self, query: Query, limit: int) -> list[Any]:
        """The newest ids that match."""
        found = []
        for paper in self.papers:
            if matches_node(query.tree, paper):
                found.append(paper.paper.id)
                if len(found) == limit:
                    break
        return found

    def count(self, query: Query) -> int:
        """How many match at all."""
        return sum(matches_node(query.tree, paper) for paper in self.papers)


def measure_latency(
    queries: Sequence[Query], answer: Callable[[Query], object], repeat: int
) -> LatencySummary:
    """Median and 95th percentile over the queries, of the middle of some repetitions each."""
    each = []
    for query in queries:
        runs = []
        for _ in range(repeat):
            start = time.perf_counter()
            answer(query)
            runs.append((time.perf_counter() - start) * 1000)
        each.append(statistics.median(runs))
    each.sort()
    return LatencySummary(statistics.median(each), each[int(len(each) * 0.95) - (len(each) > 1)])


def draw_title_shingles(seen: Sequence[Sighting], count: int) -> list[tuple[str, str]]:
    """Neighbouring words of titles, four letters or more, drawn by the papers that have them."""
    draw = random.Random(1)
    pairs: list[tuple[str, str]] = []
    while len(pairs) < count:
        title = tokenize(draw.choice(seen).title)
        at = draw.randrange(max(len(title) - 1, 1))
        pair = title[at : at + 2]
        if len(pair) == 2 and all(len(word) > 3 and word.isalpha() for word in pair):
            pairs.append((pair[0], pair[1]))
    return pairs


def _memory(redis: Redis) -> int:
    """Once all is freed that was given back."""
    while True:
        info: Any = redis.info("memory")
        if not info["lazyfree_pending_objects"]:
            return int(info["used_memory"])
        time.sleep(0.01)


if __name__ == "__main__":
    main()
