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
from benchmarks.corpus import DEFAULT, made, sightings
from benchmarks.engines import Engine, Fts5, Paperwire, Tantivy
from benchmarks.questions import classes
from papers.query.parser import Query
from papers.redis_backend.connection import connect
from papers.search.counts import Counter
from papers.search.reader import Reader
from paperwire.run import embedded_store
from service.garbage import settle

T = TypeVar("T")
REPEAT: Final = 3
TURNS: Final = ("first", "new", "again")
Taken = defaultdict[str, list[float]]
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
    if options.awake and not awake.POSSIBLE:
        parser.error("--awake: only Linux runs a process where no other wants to; leave it out")
    if not DEFAULT.exists():
        print(f"no papers to make others from: {DEFAULT} is not there")
        return
    with contextlib.ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory())
        out = stack.enter_context(options.record.open("a")) if options.record else None
        for figures in measured(options.keep or Path(temporary), options):
            print(line(figures), flush=True)
            if out:
                out.write(json.dumps({"papers": options.papers, **figures}) + "\n")
                out.flush()


def measured(folder: Path, options: argparse.Namespace) -> Iterator[Figures]:
    """Figures as they come; building is left out where that was done."""
    built = folder / f"built-{options.papers}"
    if not built.exists():
        with engines_of(folder, options.without) as (ours, *others):
            rates = list(build([ours, *others], options.papers))
            ours.rewrite()
        built.write_text(json.dumps(rates))
    yield from json.loads(built.read_text() or "[]")
    keywords = classes(list(sightings()), options.each)
    settle()  # as a server does; and the papers that keywords were drawn from are no engine's
    kept = awake.processors() if options.awake else contextlib.nullcontext()
    with kept, engines_of(folder, options.without) as (ours, *others):
        yield {"engine": ours.name, "resident_a_paper": ours.resident() / options.papers}
        for name, queries in keywords.items():
            yield from compare(name, queries, [ours, *others])
        yield counts([query for queries in keywords.values() for query in queries], ours)


@contextlib.contextmanager
def engines_of(
    folder: Path, without: Sequence[str]
) -> Iterator[tuple[Paperwire, *tuple[Engine, ...]]]:
    """Ours on a store that was started for it, which ends with it, and the others."""
    with embedded_store.borrowed(embedded_store.place(str(folder)), patience=600) as url:
        makers: dict[str, Callable[[Path], Engine]] = {"fts5": Fts5, "tantivy": Tantivy}
        others = [make(folder) for name, make in makers.items() if name not in without]
        yield Paperwire(connect(url, patient=True)), *others


def build(engines: Sequence[Engine], count: int) -> Iterator[Figures]:
    """Give every engine every paper: rates and sizes."""
    taken = {engine.name: list[float]() for engine in engines}
    for month in made(count):
        for engine in engines:
            _timed(lambda: engine.add(month), taken[engine.name])  # noqa: B023
    for engine in engines:
        _timed(engine.ready, taken[engine.name])
        rate, size = 1000 * count / sum(taken[engine.name]), engine.size() / count
        yield {"engine": engine.name, "papers_a_second": rate, "bytes_a_paper": size}
        if isinstance(engine, Paperwire):
            yield {"engine": engine.name, "resident_a_paper": engine.resident() / count}


def compare(name: str, keywords: Sequence[Query], engines: Sequence[Engine]) -> Iterator[Figures]:
    """One class: milliseconds an engine and turn, and how many answers differ from the first's.

    Of each keyword all engines are asked, by turns: a slow minute is one of all of them.
    """
    taken: dict[str, Taken] = {engine.name: defaultdict(list) for engine in engines}
    found: dict[str, list[list[int]]] = {engine.name: [] for engine in engines}
    for engine in engines:
        engine.forget()
    for query, engine in by_turns(keywords, engines):
        found[engine.name].append(asked(engine, query, taken[engine.name]))
    for query, engine in by_turns(keywords, engines):
        ask = engine.question(query)
        engine.forget()
        _timed(ask, taken[engine.name]["first"])
    for engine in engines:
        answers = zip(found[engine.name], found[engines[0].name], strict=True)
        different = sum(one != other for one, other in answers)
        spreads = {turn: spread(times) for turn, times in taken[engine.name].items()}
        odd = {"different": different, "of": len(keywords)}
        yield {"engine": engine.name, "class": name, **spreads, **odd}


def asked(engine: Engine, query: Query, taken: Taken) -> list[int]:
    """What an engine finds; the milliseconds it takes are added to those taken before."""
    ask, began = engine.question(query), time.process_time()
    found = _timed(ask, taken["new"])
    taken["cpu"].append(1000 * (time.process_time() - began))
    for _ in range(REPEAT):
        _timed(ask, taken["again"])
    if isinstance(engine, Paperwire):
        taken["round trip"] += round_trips(engine)
        _timed(fixed_work, taken["fixed work"])
    return engine.numbers(found)


def by_turns(
    keywords: Sequence[Query], engines: Sequence[Engine]
) -> Iterator[tuple[Query, Engine]]:
    """Every keyword for every engine, each the first in its turn."""
    for number, query in enumerate(keywords):
        first = number % len(engines)
        for engine in (*engines[first:], *engines[:first]):
            yield query, engine


def counts(keywords: Sequence[Query], engine: Paperwire) -> Figures:
    """Milliseconds for the matches of each month of the last year, by a process that has begun."""
    counter = Counter(Reader(engine.redis))
    counter.count(keywords[0].tree)
    times: dict[str, list[float]] = {"new": [], "again": []}
    for taken in times.values():
        for query in keywords:
            _timed(lambda: counter.count(query.tree), taken)  # noqa: B023
    spreads = {turn: spread(taken) for turn, taken in times.items()}
    return {"engine": engine.name, "class": "matches a month", **spreads}


def round_trips(engine: Paperwire) -> list[float]:
    """Milliseconds of questions that ask nothing."""
    taken: list[float] = []
    for _ in range(10):
        _timed(engine.redis.ping, taken)
    return taken


def fixed_work() -> int:
    """What takes about 0.05 ms where nobody else is at work."""
    return sum(n & 7 for n in range(2_000))


def spread(taken: list[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    taken.sort()
    return statistics.median(taken), taken[min(int(len(taken) * 0.99), len(taken) - 1)]


def line(figures: Figures) -> str:
    """Figures for people."""
    if "resident_a_paper" in figures:
        return f"{figures['engine']:12} {figures['resident_a_paper']:,.0f} B/paper of the system"
    if "class" not in figures:
        rate, size = figures["papers_a_second"], figures["bytes_a_paper"]
        return f"{figures['engine']:12} {rate:8,.0f} papers/s {size:7,.0f} B/paper"
    times = [
        f"{turn} {figures[turn][0]:7.2f} /{figures[turn][1]:8.2f}"
        for turn in (*TURNS, "cpu", "round trip", "fixed work")
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
