"""Search engines behind one interface: the same papers, queries and results.

Each engine gets the words of a paper as folded by Paperwire, so that only the engines differ.
Title, abstract, author words and labels (categories, archives) are separate columns.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any, Final, Protocol

import tantivy
from redis import Redis

from papers.index.compaction.compactor import Compactor, first_open_month
from papers.index.terms import author_words
from papers.model.arxiv_id import ArxivId
from papers.model.merge import paper_from_sighting
from papers.model.paper import Paper, Sighting
from papers.query.ast import And, Author, Field, Label, LabelKind, Node, Or, Text
from papers.query.parser import Query
from papers.query.request import ALL_ANNOUNCE_TYPES, SearchRequest
from papers.store import Store
from papers.text.folding import tokenize
from workers.tasks.compaction import compact_behind

NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)
COLUMNS: Final = {
    Field.ANY: ("title", "abstract"),
    Field.TITLE: ("title",),
    Field.ABSTRACT: ("abstract",),
}


class Engine(Protocol):
    """The interface of the compared engines."""

    name: str

    def add_month(self, month: Sequence[Sighting]) -> None:
        """Index the papers of a month; months come oldest first."""

    def finish_indexing(self) -> None:
        """Finish after the last month: merge, commit, optimize."""

    def prepare_query(self, query: Query) -> Callable[[], Sequence[int]]:
        """Return a function that searches the newest hundred matches, as the engine's own ids."""

    def document_numbers(self, hits: Sequence[int]) -> list[int]:
        """Convert the engine's ids to those of `document_number`."""

    def drop_query_caches(self) -> None:
        """Drop the caches that earlier queries have filled in this process."""

    def size_in_bytes(self) -> int:
        """Return the bytes of memory or disk."""


def document_number(id: ArxivId) -> int:
    """Return a number that sorts like the id."""
    return id.month << 16 | id.number


class PaperwireEngine:
    """Paperwire on a real store."""

    name = "paperwire"

    def __init__(self, redis: Redis) -> None:
        self.redis, self.store = redis, Store(redis)
        self._empty = int(self._memory()["used_memory"])
        self._loading = compact_behind(Compactor(redis), repeat(None))

    def add_month(self, month: Sequence[Sighting]) -> None:
        """Ingest a month, and compact past years, as a bulk load does."""
        next(self._loading)
        self.store.ingest(month, now=NOW)

    def finish_indexing(self) -> None:
        """Compact past months, as the daily task does."""
        Compactor(self.redis).compact_before(first_open_month(NOW))

    def prepare_query(self, query: Query) -> Callable[[], Sequence[int]]:
        """Return a function that finds the newest hundred doc ids."""
        request = SearchRequest(query=query, types=ALL_ANNOUNCE_TYPES)
        return lambda: self.store.find_hits(request, 100).doc_ids

    def document_numbers(self, hits: Sequence[int]) -> list[int]:
        """Convert doc ids."""
        return [document_number(ArxivId.from_doc_id(doc_id)) for doc_id in hits]

    def drop_query_caches(self) -> None:
        """Clear the cache of terms and postings."""
        self.store.reader.clear_postings()

    def size_in_bytes(self) -> int:
        """Return the memory of records and index."""
        return int(self._memory()["used_memory"]) - self._empty

    def resident_bytes(self) -> int:
        """Return the store's resident memory, which may include freed bytes."""
        return int(self._memory()["used_memory_rss"])

    def rewrite_append_only_file(self) -> None:
        """Rewrite the append-only file, after any rewrite already in progress."""
        self._wait_for_rewrite()
        self.redis.bgrewriteaof()
        self._wait_for_rewrite()

    def _wait_for_rewrite(self) -> None:
        while (info := self._server_info("persistence"))["aof_rewrite_in_progress"]:
            time.sleep(0.1)
        assert info["aof_last_bgrewrite_status"] == "ok", "the rewrite has failed"

    def _memory(self) -> dict[str, Any]:
        """Return INFO memory, after lazily freed objects are gone."""
        while (info := self._server_info("memory"))["lazyfree_pending_objects"]:
            time.sleep(0.01)
        return info

    def _server_info(self, section: str) -> dict[str, Any]:
        return dict(self.redis.info(section))


class Fts5Engine:
    """SQLite FTS5, contentless, with row ids in time order: it can stop at the hundredth match."""

    name = "sqlite fts5"

    def __init__(self, folder: Path) -> None:
        self._path = folder / "fts5.db"
        self._db = sqlite3.connect(self._path)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS papers USING fts5"
            "(title, abstract, authors, labels, content='', tokenize='unicode61')"
        )

    def add_month(self, month: Sequence[Sighting]) -> None:
        """Insert rows."""
        rows = (
            (document_number(p.id), *document_columns(p).values())
            for p in map(paper_from_sighting, month)
        )
        self._db.executemany(
            "INSERT INTO papers(rowid, title, abstract, authors, labels) VALUES (?, ?, ?, ?, ?)",
            rows,
        )
        self._db.commit()

    def finish_indexing(self) -> None:
        """Merge into one segment."""
        self._db.execute("INSERT INTO papers(papers) VALUES ('optimize')")
        self._db.commit()

    def prepare_query(self, query: Query) -> Callable[[], list[int]]:
        """Return a function that selects the newest hundred rows."""
        match = _fts5_expression(query.tree)
        sql = "SELECT rowid FROM papers WHERE papers MATCH ? ORDER BY rowid DESC LIMIT 100"
        return lambda: [row for (row,) in self._db.execute(sql, (match,))]

    def document_numbers(self, hits: Sequence[int]) -> list[int]:
        """Return the row ids, which are document numbers."""
        return list(hits)

    def drop_query_caches(self) -> None:
        """Do nothing: SQLite's page cache stays warm."""

    def size_in_bytes(self) -> int:
        """Return the size of the file."""
        return self._path.stat().st_size


class TantivyEngine:
    """tantivy, a Rust library; sorts by the document number."""

    name = "tantivy"

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "tantivy"
        self._folder.mkdir(exist_ok=True)
        builder = tantivy.SchemaBuilder()
        for column in ("title", "abstract", "authors", "labels"):
            builder.add_text_field(column, tokenizer_name="default")
        builder.add_integer_field("number", fast=True)
        self._schema = builder.build()
        self._index = tantivy.Index(self._schema, path=str(self._folder))
        self._writer = self._index.writer(256_000_000, num_threads=1)
        self._searcher = self._index.searcher()

    def add_month(self, month: Sequence[Sighting]) -> None:
        """Add documents."""
        for paper in map(paper_from_sighting, month):
            self._writer.add_document(
                tantivy.Document(**document_columns(paper), number=document_number(paper.id))
            )

    def finish_indexing(self) -> None:
        """Commit and wait for merges."""
        self._writer.commit()
        self._writer.wait_merging_threads()
        self._index.reload()
        self._searcher = self._index.searcher()

    def prepare_query(self, query: Query) -> Callable[[], list[int]]:
        """Return a function that finds the hundred highest document numbers."""
        compiled = self._query(query.tree)

        def search() -> list[int]:
            result = self._searcher.search(compiled, 100, count=False, order_by_field="number")
            return [int(number) for number, _ in result.hits]

        return search

    def document_numbers(self, hits: Sequence[int]) -> list[int]:
        """Return the numbers unchanged."""
        return list(hits)

    def drop_query_caches(self) -> None:
        """Do nothing: tantivy has no query cache."""

    def size_in_bytes(self) -> int:
        """Return the size of the files."""
        return sum(file.stat().st_size for file in self._folder.iterdir())

    def _query(self, node: Node) -> tantivy.Query:
        must, may, never = tantivy.Occur.Must, tantivy.Occur.Should, tantivy.Occur.MustNot
        if isinstance(node, And):
            required = [(must, self._query(child)) for child in node.required]
            excluded = [(never, self._query(child)) for child in node.excluded]
            return tantivy.Query.boolean_query([*required, *excluded])
        if isinstance(node, Or):
            return tantivy.Query.boolean_query(
                [(may, self._query(child)) for child in node.alternatives]
            )
        if isinstance(node, Label):
            return self._term("labels", _label(node))
        if isinstance(node, Author):  # the other engines know words of names, not persons
            return self._text_query(Text(Field.ANY, node.words), "authors")
        assert isinstance(node, Text)
        columns = COLUMNS[node.field]
        return tantivy.Query.boolean_query(
            [(may, self._text_query(node, name)) for name in columns]
        )

    def _text_query(self, text: Text, column: str) -> tantivy.Query:
        if text.is_prefix:
            return tantivy.Query.regex_query(self._schema, column, f"{text.words[0]}.*")
        if len(text.words) == 1:
            return self._term(column, text.words[0])
        return tantivy.Query.phrase_query(self._schema, column, list(text.words))

    def _term(self, column: str, word: str) -> tantivy.Query:
        return tantivy.Query.term_query(self._schema, column, word, "basic")


def document_columns(paper: Paper) -> dict[str, str]:
    """Return the columns of a paper for the other engines."""
    archives = {category.partition(".")[0] for category in paper.categories}
    labels = [
        *map(_single_token, paper.categories),
        *(_single_token(f"{name}.*") for name in archives),
    ]
    return {
        "title": " ".join(tokenize(paper.title)),
        "abstract": " ".join(tokenize(paper.abstract)),
        "authors": " ".join(author_words(paper)),
        "labels": " ".join(labels),
    }


def _fts5_expression(node: Node) -> str:
    if isinstance(node, And):
        required = " AND ".join(map(_fts5_expression, node.required))
        return (
            f"(({required})"
            + "".join(f" NOT {_fts5_expression(child)}" for child in node.excluded)
            + ")"
        )
    if isinstance(node, Or):
        return "(" + " OR ".join(map(_fts5_expression, node.alternatives)) + ")"
    if isinstance(node, Label):
        return f"labels : {_label(node)}"
    if isinstance(node, Author):
        return f'authors : "{" ".join(node.words)}"'
    assert isinstance(node, Text)
    columns = "{" + " ".join(COLUMNS[node.field]) + "}"
    return f'({columns} : "{" ".join(node.words)}"{"*" if node.is_prefix else ""})'


def _label(label: Label) -> str:
    return _single_token(f"{label.value}.*" if label.kind is LabelKind.ARCHIVE else label.value)


def _single_token(label: str) -> str:
    """Encode a label as one word that no tokenizer splits."""
    return re.sub(r"[^a-z0-9]", "x", f"{label.lower()}x")
