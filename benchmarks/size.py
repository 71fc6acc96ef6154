"""What a keyword costs as the corpus grows, beside SQLite FTS5 and tantivy: same papers, answers.

    python -m benchmarks.size [--papers N] [--each K] [--without ENGINE] [--keep FOLDER]
        [--record FILE] [--awake]

Wants tantivy besides what tests want (`.venv/bin/python -m pip install tantivy`). Makes N papers
(see `benchmarks.corpus.made`), gives them to each engine, asks each the same keywords of twelve
classes, and prints, a class and engine, milliseconds for the newest hundred: median and 99th
percentile over K keywords, the engines by turns for each, so that a slow minute is one of all of
them. Our store is started again before: what it freed while it was filled goes back to the system.
"First": asked of a process that remembers nothing of any word; "new": of one that was asked the
keywords before it; "again": of one that was asked this very one, thrice. "CPU": of the process that
asked, for a new one; ours waits for the store besides, once to six times: what a round trip took
meanwhile stands beside it, and what a fixed piece of work of Python's took: on a shared machine a
slow minute shows in that. Where answers differ, it says how often. Then come the counts of matches
a month over a year. A folder given keeps what was built, for another time; a file given has all
figures added as JSON, a line each (`benchmarks.plot` draws it). Processors are left to sleep, or
kept awake (`benchmarks.awake`) while keywords are asked.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from benchmarks import awake
from benchmarks.corpus import DEFAULT_CORPUS, generate_months, read_sightings
from benchmarks.engines import Engine, Fts5Engine, PaperwireEngine, TantivyEngine
from benchmarks.questions import keywords_by_class
from papers.query.parser import Query
from papers.redis_backend.connection import connect
from papers.search.counts import MatchCounter
from papers.search.reader import IndexReader
from paperwire.run import embedded_store
from service.garbage import tune_garbage_collector

T = TypeVar("T")
REPEAT: Final = 3
CACHE_STATES: Final = ("first", "new", "again")
Timings = defaultdict[str, list[float]]
"""Milliseconds by what was asked how."""
Figures = dict[str, Any]
"""What one line says: `papers`, `engine`, and rates and sizes, or the times of a `class`."""


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=310_000)
    parser.add_argument("--each", type=int, default=50, help="keywords of a class")
    parser.add_argument("--without", action="append", default=[], help="an engine to leave out")
    parser.add_argument("--keep", type=Path, help="a folder to build in, or that was built in")
    parser.add_argument("--record", type=Path, help="a file to add all figures to")
    parser.add_argument("--awake", action="store_true", help="let no processor sleep meanwhile")
    options = parser.parse_args()
    if options.awake and not awake.IS_SUPPORTED:
        parser.error("--awake: only Linux runs a process where no other wants to; leave it out")
    if not DEFAULT_CORPUS.exists():
        print(f"no papers to make others from: {DEFAULT_CORPUS} is not there")
        return
    with contextlib.ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory())
        out = stack.enter_context(options.record.open("a")) if options.record else None
        for figures in run_measurements(options.keep or Path(temporary), options):
            print(format_figures(figures), flush=True)
            if out:
                out.write(json.dumps({"papers": options.papers, **figures}) + "\n")
                out.flush()


def run_measurements(folder: Path, options: argparse.Namespace) -> Iterator[Figures]:
    """Figures as they come; building is left out where that was done."""
    built = folder / f"built-{options.papers}"
    if not built.exists():
        with open_engines(folder, options.without) as (ours, *others):
            rates = list(build_indexes([ours, *others], options.papers))
            ours.rewrite_append_only_file()
        built.write_text(json.dumps(rates))
    yield from json.loads(built.read_text() or "[]")
    keywords = keywords_by_class(list(read_sightings()), options.each)
    tune_garbage_collector()  # as a server does
    kept = awake.keep_processors_awake() if options.awake else contextlib.nullcontext()
    with kept, open_engines(folder, options.without) as (ours, *others):
        yield {"engine": ours.name, "resident_a_paper": ours.resident_bytes() / options.papers}
        for name, queries in keywords.items():
            yield from compare_engines(name, queries, [ours, *others])
        yield measure_counts([query for queries in keywords.values() for query in queries], ours)


@contextlib.contextmanager
def open_engines(
    folder: Path, without: Sequence[str]
) -> Iterator[tuple[PaperwireEngine, *tuple[Engine, ...]]]:
    """Ours on a store that was started for it, which ends with it, and the others."""
    with embedded_store.open_embedded_store(
        embedded_store.StorePaths.in_data_dir(str(folder)), patience=600
    ) as url:
        makers: dict[str, Callable[[Path], Engine]] = {"fts5": Fts5Engine, "tantivy": TantivyEngine}
        others = [make(folder) for name, make in makers.items() if name not in without]
        yield PaperwireEngine(connect(url, retry=True)), *others


def build_indexes(engines: Sequence[Engine], count: int) -> Iterator[Figures]:
    """Give every engine every paper: rates and sizes."""
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
    name: str, keywords: Sequence[Query], engines: Sequence[Engine]
) -> Iterator[Figures]:
    """One class: milliseconds an engine and turn, and how many answers differ from the first's.

    Of each keyword all engines are asked, by turns: a slow minute is one of all of them.
    """
    taken: dict[str, Timings] = {engine.name: defaultdict(list) for engine in engines}
    found: dict[str, list[list[int]]] = {engine.name: [] for engine in engines}
    for engine in engines:
        engine.drop_query_caches()
    for query, engine in interleave_engines(keywords, engines):
        found[engine.name].append(answer_and_time(engine, query, taken[engine.name]))
    for query, engine in interleave_engines(keywords, engines):
        ask = engine.prepare_query(query)
        engine.drop_query_caches()
        _timed(ask, taken[engine.name]["first"])
    for engine in engines:
        answers = zip(found[engine.name], found[engines[0].name], strict=True)
        different = sum(one != other for one, other in answers)
        spreads = {
            turn: median_and_percentile_99(times) for turn, times in taken[engine.name].items()
        }
        odd = {"different": different, "of": len(keywords)}
        yield {"engine": engine.name, "class": name, **spreads, **odd}


def answer_and_time(engine: Engine, query: Query, taken: Timings) -> list[int]:
    """What an engine finds; the milliseconds it takes are added to those taken before."""
    ask, began = engine.prepare_query(query), time.process_time()
    found = _timed(ask, taken["new"])
    taken["cpu"].append(1000 * (time.process_time() - began))
    for _ in range(REPEAT):
        _timed(ask, taken["again"])
    if isinstance(engine, PaperwireEngine):
        taken["round trip"] += measure_round_trips(engine)
        _timed(fixed_work, taken["fixed work"])
    return engine.document_numbers(found)


def interleave_engines(
    keywords: Sequence[Query], engines: Sequence[Engine]
) -> Iterator[tuple[Query, Engine]]:
    """Every keyword for every engine, each the first in its turn."""
    for number, query in enumerate(keywords):
        first = number % len(engines)
        for engine in (*engines[first:], *engines[:first]):
            yield query, engine


def measure_counts(keywords: Sequence[Query], engine: PaperwireEngine) -> Figures:
    """Milliseconds for the matches of each month of the last year, by a process that has begun."""
    counter = MatchCounter(IndexReader(engine.redis))
    counter.count(keywords[0].tree)
    times: dict[str, list[float]] = {"new": [], "again": []}
    for taken in times.values():
        for query in keywords:
            _timed(lambda: counter.count(query.tree), taken)  # noqa: B023
    spreads = {turn: median_and_percentile_99(taken) for turn, taken in times.items()}
    return {"engine": engine.name, "class": "matches a month", **spreads}


def measure_round_trips(engine: PaperwireEngine) -> list[float]:
    """Milliseconds of questions that ask nothing."""
    taken: list[float] = []
    for _ in range(10):
        _timed(engine.redis.ping, taken)
    return taken


def fixed_work() -> int:
    """What takes about 0.05 ms where nobody else is at work."""
    return sum(n & 7 for n in range(2_000))


def median_and_percentile_99(taken: list[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    taken.sort()
    return statistics.median(taken), taken[min(int(len(taken) * 0.99), len(taken) - 1)]


def format_figures(figures: Figures) -> str:
    """Figures for people."""
    if "resident_a_paper" in figures:
        return f"{figures['engine']:12} {figures['resident_a_paper']:,.0f} B/paper of the system"
    if "class" not in figures:
        rate, size = figures["papers_a_second"], figures["bytes_a_paper"]
        return f"{figures['engine']:12} {rate:8,.0f} papers/s {size:7,.0f} B/paper"
    times = [
        f"{turn} {figures[turn][0]:7.2f} /{figures[turn][1]:8.2f}"
        for turn in (*CACHE_STATES, "cpu", "round trip", "fixed work")
        if turn in figures
    ]
    said = f"{figures['class']:22} {figures['engine']:12} {'   '.join(times)} ms"
    odd = figures.get("different")
    return said + (f"   {odd} of {figures['of']} answers differ" if odd else "")


def _timed(do: Callable[[], T], taken: list[float]) -> T:
    """What it does; the milliseconds are added to those taken before."""
    start = time.perf_counter()
    done = do()
    taken.append(1000 * (time.perf_counter() - start))
    return done


if __name__ == "__main__":
    main()
