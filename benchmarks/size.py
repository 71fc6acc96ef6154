"""Query latency as the corpus grows, compared with SQLite FTS5, tantivy and Xapian.

    python -m benchmarks.size [--papers N] [--each K] [--seed S] [--without ENGINE]...
        [--keep FOLDER] [--record FILE] [--awake] [--apart]

tantivy and Xapian are optional (`.venv/bin/python -m pip install tantivy xapian-bindings-binary`):
`--without tantivy --without xapian` compares with FTS5 alone, which Python brings. The keywords of
every class are drawn with the seed, so nobody can tune to them.

Generates N papers (see `benchmarks.corpus.generate_months`), indexes them with each engine, runs
the same queries of twenty classes on each, and prints, per class and engine, milliseconds for the
newest hundred matches: median and 99th percentile over K queries (the 95th is recorded as well).
Engines take turns on each query, so that a slow minute of the machine affects all of them; with
--apart each runs all queries of a class by itself, and its data stays in the processor's caches.
Our store is restarted first, which returns memory freed during indexing to the system.

"first": a process with empty caches; "new": a process that has run the queries before this one;
"again": a process that has run this query before (three times). "cpu": CPU time of the querying
process for a new query; ours waits for the store as well, one to six round trips: the time of a
round trip is printed beside it, and of a fixed piece of work in Python, which shows how busy a
shared machine is. If results differ between engines, it prints how often. Finally the monthly
match counts of a year are measured. With --keep, the indexes are kept for another run; with
--record, all figures are appended to a file as JSON lines (see `benchmarks.plot`). With --awake,
processors do not sleep while queries run (see `benchmarks.keep_awake`).
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import json
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from benchmarks import keep_awake
from benchmarks.corpus import DEFAULT_CORPUS, generate_months, read_sightings
from benchmarks.engines import Engine, PaperwireEngine
from benchmarks.keyword_classes import DEFAULT_SEED, keywords_by_class
from benchmarks.rivals import EngineMissing, Fts5Engine, TantivyEngine
from benchmarks.xapian_engine import XapianEngine
from papers.query.parser import Query
from papers.redis_backend.connection import connect
from papers.search.counts import MatchCounter
from papers.search.reader import IndexReader
from paperwire.run import embedded_store

T = TypeVar("T")
REPEAT: Final = 3
CACHE_STATES: Final = ("first", "new", "again")
RIVALS: Final[dict[str, Callable[[Path], Engine]]] = {
    "fts5": Fts5Engine,
    "tantivy": TantivyEngine,
    "xapian": XapianEngine,
}
Timings = defaultdict[str, list[float]]
"""Milliseconds by cache state or other measurement."""
Figures = dict[str, Any]
"""One line of output: `papers`, `engine`, and rates and sizes, or the times of a `class`."""


def main() -> None:
    """Build the indexes, run the queries, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=310_000)
    parser.add_argument("--each", type=int, default=50, help="queries per class")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="draws the keywords")
    parser.add_argument("--without", action="append", choices=RIVALS, default=[], help="a rival")
    parser.add_argument("--keep", type=Path, help="folder for the indexes, reused if they exist")
    parser.add_argument("--record", type=Path, help="file to append all figures to")
    parser.add_argument("--awake", action="store_true", help="keep processors from sleeping")
    parser.add_argument("--apart", action="store_true", help="no turns: one engine after another")
    options = parser.parse_args()
    if options.awake and not keep_awake.IS_SUPPORTED:
        parser.error("--awake is only supported on Linux")
    if not DEFAULT_CORPUS.exists():
        print(f"no papers to generate others from: {DEFAULT_CORPUS} does not exist")
        return
    print(f"keywords of seed {options.seed}", flush=True)
    with contextlib.ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory())
        out = stack.enter_context(options.record.open("a")) if options.record else None
        try:
            for figures in run_measurements(options.keep or Path(temporary), options):
                print(format_figures(figures), flush=True)
                if out:
                    row = {"papers": options.papers, "seed": options.seed, **figures}
                    out.write(json.dumps(row) + "\n")
                    out.flush()
        except EngineMissing as error:
            sys.exit(str(error))


def run_measurements(folder: Path, options: argparse.Namespace) -> Iterator[Figures]:
    """Yield figures as they are measured; existing indexes are not built again."""
    folder.mkdir(parents=True, exist_ok=True)
    built = folder / f"built-{options.papers}"
    if not built.exists():
        with open_engines(folder, options.without) as (ours, *others):
            rates = list(build_indexes([ours, *others], options.papers))
            ours.rewrite_append_only_file()
        built.write_text(json.dumps(rates))
    yield from json.loads(built.read_text() or "[]")
    keywords = keywords_by_class(list(read_sightings()), options.each, options.seed)
    gc.collect()  # these three as service.wsgi does
    gc.freeze()
    gc.set_threshold(20_000)
    processors = keep_awake.keep_processors_awake() if options.awake else contextlib.nullcontext()
    with processors, open_engines(folder, options.without) as (ours, *others):
        yield {"engine": ours.name, "resident_a_paper": ours.resident_bytes() / options.papers}
        for name, queries in keywords.items():
            yield from compare_engines(name, queries, [ours, *others], apart=options.apart)
        yield measure_counts([query for queries in keywords.values() for query in queries], ours)


@contextlib.contextmanager
def open_engines(
    folder: Path, without: Sequence[str]
) -> Iterator[tuple[PaperwireEngine, *tuple[Engine, ...]]]:
    """Yield our engine, on an embedded store, and the others."""
    others = [make(folder) for name, make in RIVALS.items() if name not in without]
    with embedded_store.open_embedded_store(
        embedded_store.StorePaths.in_data_dir(str(folder)), patience=600
    ) as url:
        yield PaperwireEngine(connect(url, retry=True)), *others


def build_indexes(engines: Sequence[Engine], count: int) -> Iterator[Figures]:
    """Index every paper with every engine; yields rates and sizes."""
    taken = {engine.name: list[float]() for engine in engines}
    for month in generate_months(count):
        for engine in engines:
            _timed(lambda: engine.add_month(month), taken[engine.name])  # noqa: B023
    for engine in engines:
        _timed(engine.finish_indexing, taken[engine.name])
        rate, size = 1000 * count / sum(taken[engine.name]), engine.size_in_bytes() / count
        yield {"engine": engine.name, "papers_a_second": rate, "bytes_a_paper": size}
        if isinstance(engine, PaperwireEngine):
            yield {"engine": engine.name, "resident_a_paper": engine.resident_bytes() / count}


def compare_engines(
    name: str, keywords: Sequence[Query], engines: Sequence[Engine], *, apart: bool = False
) -> Iterator[Figures]:
    """Measure one class: milliseconds per engine and cache state, and differing results."""
    taken: dict[str, Timings] = {engine.name: defaultdict(list) for engine in engines}
    results: dict[str, list[list[int]]] = {engine.name: [] for engine in engines}
    for engine in engines:
        engine.drop_query_caches()
    order = run_engines_apart if apart else interleave_engines
    for query, engine in order(keywords, engines):
        results[engine.name].append(search_and_time(engine, query, taken[engine.name]))
    for query, engine in order(keywords, engines):
        search = engine.prepare_query(query)
        engine.drop_query_caches()
        _timed(search, taken[engine.name]["first"])
    for engine in engines:
        pairs = zip(results[engine.name], results[engines[0].name], strict=True)
        differences = {"different": sum(one != other for one, other in pairs), "of": len(keywords)}
        summaries = {
            state: median_and_percentiles(times) for state, times in taken[engine.name].items()
        }
        yield {"engine": engine.name, "class": name, **summaries, **differences}


def search_and_time(engine: Engine, query: Query, taken: Timings) -> list[int]:
    """Return the matches of an engine; appends the milliseconds to `taken`."""
    search, cpu_start = engine.prepare_query(query), time.process_time()
    hits = _timed(search, taken["new"])
    taken["cpu"].append(1000 * (time.process_time() - cpu_start))
    for _ in range(REPEAT):
        _timed(search, taken["again"])
    if isinstance(engine, PaperwireEngine):
        taken["round trip"] += measure_round_trips(engine)
        _timed(fixed_work, taken["fixed work"])
    return engine.document_numbers(hits)


def run_engines_apart(
    keywords: Sequence[Query], engines: Sequence[Engine]
) -> Iterator[tuple[Query, Engine]]:
    """Yield every query for one engine, then for the next."""
    for engine in engines:
        yield from ((query, engine) for query in keywords)


def interleave_engines(
    keywords: Sequence[Query], engines: Sequence[Engine]
) -> Iterator[tuple[Query, Engine]]:
    """Yield every query for every engine; a different engine is first each time.

    A slow minute of the machine affects all of them.
    """
    for number, query in enumerate(keywords):
        first = number % len(engines)
        for engine in (*engines[first:], *engines[:first]):
            yield query, engine


def measure_counts(keywords: Sequence[Query], engine: PaperwireEngine) -> Figures:
    """Measure the monthly match counts of the last year, in a warm process."""
    counter = MatchCounter(IndexReader(engine.redis))
    counter.count(keywords[0].tree)
    times: dict[str, list[float]] = {"new": [], "again": []}
    for taken in times.values():
        for query in keywords:
            _timed(lambda: counter.count(query.tree), taken)  # noqa: B023
    summaries = {state: median_and_percentiles(taken) for state, taken in times.items()}
    return {"engine": engine.name, "class": "matches a month", **summaries}


def measure_round_trips(engine: PaperwireEngine) -> list[float]:
    """Return the milliseconds of ten PINGs to the store."""
    taken: list[float] = []
    for _ in range(10):
        _timed(engine.redis.ping, taken)
    return taken


def fixed_work() -> int:
    """Do work that takes about 0.05 ms on an idle machine."""
    return sum(n & 7 for n in range(2_000))


def median_and_percentiles(taken: list[float]) -> tuple[float, float, float]:
    """Return median, 95th and 99th percentile."""
    taken.sort()
    at_95, at_99 = (taken[min(int(len(taken) * share), len(taken) - 1)] for share in (0.95, 0.99))
    return statistics.median(taken), at_95, at_99


def format_figures(figures: Figures) -> str:
    """Render figures as one line."""
    if "resident_a_paper" in figures:
        return f"{figures['engine']:12} {figures['resident_a_paper']:,.0f} B/paper resident"
    if "class" not in figures:
        rate, size = figures["papers_a_second"], figures["bytes_a_paper"]
        return f"{figures['engine']:12} {rate:8,.0f} papers/s {size:7,.0f} B/paper"
    times = [
        f"{state} {figures[state][0]:7.2f} /{figures[state][-1]:8.2f}"
        for state in (*CACHE_STATES, "cpu", "round trip", "fixed work")
        if state in figures
    ]
    line = f"{figures['class']:22} {figures['engine']:12} {'   '.join(times)} ms"
    differences = figures.get("different")
    return line + (f"   {differences} of {figures['of']} results differ" if differences else "")


def _timed(do: Callable[[], T], taken: list[float]) -> T:
    """Call a function and return its result; appends the milliseconds to `taken`."""
    start = time.perf_counter()
    result = do()
    taken.append(1000 * (time.perf_counter() - start))
    return result


if __name__ == "__main__":
    main()
