"""Streams papers out of the store into a file of JSON rows: `paperwire export`."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, Final

import zstandard

from papers.errors import BadParameter
from papers.model.json_rows import row_of
from papers.model.paper import Paper
from papers.query.parser import parse
from papers.query.request import TYPES, Ask
from papers.store import Store

PAGE: Final = 1_000


def chosen(store: Store, query: str | None) -> Iterator[Paper]:
    """The papers of a keyword, newest first, or all, oldest first. Raises BadQuery, StoreAway."""
    if query is None:
        yield from store.everything()
        return
    ask: Ask | None = Ask(query=parse(query), limit=PAGE, types=frozenset(TYPES))
    while ask:
        page = store.search(ask)
        yield from page.papers
        ask = replace(ask, before=page.next) if page.next else None


def write(papers: Iterable[Paper], file: str) -> int:
    """Write rows to a file, `-` for standard output; how many. Raises BadParameter."""
    count = 0
    with _opened(file) as out:
        for paper in papers:
            row = json.dumps(row_of(paper), ensure_ascii=False, separators=(",", ":"))
            out.write(row.encode() + b"\n")
            count += 1
    return count


def save(document: bytes, file: str) -> None:
    """Write a whole document to a file, `-` for standard output. Raises BadParameter."""
    with _opened(file) as out:
        out.write(document)


@contextlib.contextmanager
def _opened(file: str) -> Iterator[IO[bytes]]:
    """A file to write to, compressed by its name; only a whole one gets that name."""
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as raw, _compressed(raw, path.suffix) as out:
            yield out
        part.replace(path)
    except OSError as error:
        raise BadParameter("FILE", f"{file}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _compressed(raw: IO[bytes], suffix: str) -> Any:
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0)
    if suffix == ".zst":
        return zstandard.ZstdCompressor(level=9).stream_writer(raw, closefd=False)
    return contextlib.nullcontext(raw)
