"""Stream papers from the store to a file of JSON rows, for `paperwire export papers`."""

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
from papers.model.paper import Paper
from papers.query.parser import parse_query
from papers.query.request import ANNOUNCE_TYPE_NAMES, SearchRequest
from papers.records.json_rows import paper_to_row
from papers.store import Store

EXPORT_PAGE_SIZE: Final = 1_000


def select_papers(store: Store, query: str | None) -> Iterator[Paper]:
    """Yield the matches of a query, newest first; or all papers, oldest first.

    Raises BadQuery, StoreUnavailable.
    """
    if query is None:
        yield from store.iter_papers()
        return
    request: SearchRequest | None = SearchRequest(
        query=parse_query(query), limit=EXPORT_PAGE_SIZE, types=frozenset(ANNOUNCE_TYPE_NAMES)
    )
    while request:
        page = store.search(request)
        yield from page.papers
        request = replace(request, before=page.next_cursor) if page.next_cursor else None


def write_rows(papers: Iterable[Paper], file: str) -> int:
    """Write rows to a file (`-`: standard output); return their number. Raises BadParameter."""
    count = 0
    with _open_atomically(file) as out:
        for paper in papers:
            row = json.dumps(paper_to_row(paper), ensure_ascii=False, separators=(",", ":"))
            out.write(row.encode() + b"\n")
            count += 1
    return count


def write_document(document: bytes, file: str) -> int:
    """Write a document to a file (`-`: standard output); return its bytes. Raises BadParameter."""
    with _open_atomically(file) as out:
        out.write(document)
    return len(document)


@contextlib.contextmanager
def _open_atomically(file: str) -> Iterator[IO[bytes]]:
    """Open a file for writing, compressed by its suffix; it is renamed into place at the end."""
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(file)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as raw, _compressing(raw, path.suffix) as out:
            yield out
        part.replace(path)
    except OSError as error:
        raise BadParameter("FILE", f"{file}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _compressing(raw: IO[bytes], suffix: str) -> Any:
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=6, mtime=0)
    if suffix == ".zst":
        return zstandard.ZstdCompressor(level=9).stream_writer(raw, closefd=False)
    return contextlib.nullcontext(raw)
