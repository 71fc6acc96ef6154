"""What a keyword costs as the corpus grows, beside SQLite FTS5 and tantivy: same papers, answers.

    python -m benchmarks.size [--papers N] [--each K] [--without ENGINE] [--keep FOLDER]

Wants tantivy besides what tests want (`.venv/bin/python -m pip install tantivy`). Makes N papers
(see `benchmarks.corpus.made`), gives them to each engine, asks each the same keywords of eleven
classes, and prints, a class and engine, milliseconds for the newest hundred: median and 99th
percentile over K keywords, of the first time each, where a process remembers nothing of the words,
and of the middle of three more, engines taking turns. Where answers differ, it says how often.
A folder given keeps what was built, for another time.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from benchmarks.corpus import DEFAULT, made, sightings
from benchmarks.engines import Engine, Fts5, Paperwire, Tantivy
from benchmarks.questions import classes
from papers.connection import connect
from papers.query import Query
from paperwire import embedded

REPEAT: Final = 3


def main() -> None:
    """Build, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--papers", type=int, default=310_000)
    parser.add_argument("--each", type=int, default=50, help="keywords of a class")
    parser.add_argument("--without", action="append", default=[], help="an engine to leave out")
    parser.add_argument("--keep", type=Path, help="a folder to build in, or that was built in")
    options = parser.parse_args()
    if not DEFAULT.exists():
        print(f"no papers to make others from: {DEFAULT} is not there")
        return
    with contextlib.ExitStack() as stack:
        temporary = stack.enter_context(tempfile.TemporaryDirectory())
        folder: Path = options.keep or Path(temporary)
        url = stack.enter_context(embedded.borrowed(embedded.place(str(folder)), patience=600))
        makers: dict[str, Callable[[], Engine]] = {
            "paperwire": lambda: Paperwire(connect(url, patient=True)),
            "fts5": lambda: Fts5(folder),
            "tantivy": lambda: Tantivy(folder),
        }
        built = folder / f"built-{options.papers}"
        engines = [make() for name, make in makers.items() if name not in options.without]
        if not built.exists():
            build(engines, options.papers)
            built.touch()
        for name, keywords in classes(list(sightings()), options.each).items():
            compare(name, keywords, engines)


def build(engines: Sequence[Engine], count: int) -> None:
    """Give every engine every paper; print rates and sizes."""
    seconds = dict.fromkeys((engine.name for engine in engines), 0.0)
    for month in made(count):
        for engine in engines:
            seconds[engine.name] += _timed(lambda: engine.add(month))  # noqa: B023
    for engine in engines:
        seconds[engine.name] += _timed(engine.ready)
        rate, size = count / seconds[engine.name], engine.size() / count
        print(
            f"{engine.name:12} {count:9,} papers {rate:8,.0f} papers/s {size:7,.0f} B/paper",
            flush=True,
        )


def compare(name: str, keywords: Sequence[Query], engines: Sequence[Engine]) -> None:
    """Print one class: milliseconds an engine, and how many answers differ from the first's."""
    questions = [[engine.question(query) for engine in engines] for query in keywords]
    first: list[list[float]] = [[] for _ in engines]
    again: list[list[float]] = [[] for _ in engines]
    different: Counter[str] = Counter()
    for asked in questions:
        answers = []
        for place, (engine, ask) in enumerate(zip(engines, asked, strict=True)):
            engine.forget()
            start = time.perf_counter()
            answers.append(ask())
            first[place].append(1000 * (time.perf_counter() - start))
        runs = [[_timed(ask) for ask in asked] for _ in range(REPEAT)]
        for place, engine in enumerate(engines):
            again[place].append(1000 * statistics.median(run[place] for run in runs))
            different[engine.name] += answers[place] != answers[0]
    for engine, one, more in zip(engines, first, again, strict=True):
        line = f"{name:22} {engine.name:12} first {_spread(one)}   again {_spread(more)} ms"
        odd = different[engine.name]
        print(line + (f"   {odd} of {len(keywords)} answers differ" if odd else ""), flush=True)


def _spread(taken: list[float]) -> str:
    """Median and 99th percentile."""
    taken.sort()
    late = taken[min(int(len(taken) * 0.99), len(taken) - 1)]
    return f"{statistics.median(taken):7.2f} /{late:8.2f}"


def _timed(do: Callable[[], object]) -> float:
    start = time.perf_counter()
    do()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
