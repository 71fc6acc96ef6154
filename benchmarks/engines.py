"""Search engines side by side: one interface, the same papers, the same keywords, the same answers.

Each is given a paper's words as Paperwire folds them, so that answers differ by nothing but the
engine. Text is a title and an abstract; labels (categories, archives) and authors' words are words
of columns of their own.
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
from papers.query.ast import And, Field, Label, LabelKind, Node, Or, Text
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
    Field.AUTHOR: ("authors",),
}


class Engine(Protocol):
    """What is compared."""

    name: str

    def add_month(self, month: Sequence[Sighting]) -> None:
        """Take a month's papers in; months come oldest first."""

    def finish_indexing(self) -> None:
        """All have come: merge, commit, whatever it takes to be fast."""

    def prepare_query(self, query: Query) -> Callable[[], Sequence[int]]:
        """What gives the newest hundred of a keyword, newest first, as numbers of the engine's."""

    def document_numbers(self, found: Sequence[int]) -> list[int]:
        """The same as numbers of `number_of`."""

    def drop_query_caches(self) -> None:
        """Forget what earlier questions left in this process, but not what months there are."""

    def size_in_bytes(self) -> int:
        """Bytes of memory or disk."""


def document_number(id: ArxivId) -> int:
    """A number that orders papers as ids do."""
    return id.month << 16 | id.number


class PaperwireEngine:
    """Ours, over a real store."""

    name = "paperwire"

    def __init__(self, redis: Redis) -> None:
        self.redis, self.store = redis, Store(redis)
        self._empty = int(self._memory()["used_memory"])
        self._loading = compact_behind(Compactor(redis), repeat(None))

    def add_month(self, month: Sequence[Sighting]) -> None:
        """Ingest; and close the years that are left behind, as a load does."""
        next(self._loading)
        self.store.ingest(month, now=NOW)

    def finish_indexing(self) -> None:
        """Close the months that are over, as is done once a day."""
        Compactor(self.redis).compact_before(first_open_month(NOW))

    def prepare_query(self, query: Query) -> Callable[[], Sequence[int]]:
        """The places of the newest hundred."""
        ask = SearchRequest(query=query, types=ALL_ANNOUNCE_TYPES)
        return lambda: self.store.find_hits(ask, 100).doc_ids

    def document_numbers(self, found: Sequence[int]) -> list[int]:
        """Those of places."""
        return [document_number(ArxivId.from_doc_id(place)) for place in found]

    def drop_query_caches(self) -> None:
        """Forget words and postings."""
        self.store.reader.clear_postings()

    def size_in_bytes(self) -> int:
        """Memory, all told: records and index."""
        return int(self._memory()["used_memory"]) - self._empty

    def resident_bytes(self) -> int:
        """Bytes that the store has of the system: what it has freed may be among them."""
        return int(self._memory()["used_memory_rss"])

    def rewrite_append_only_file(self) -> None:
        """Have the store write its file anew, behind one that it is writing by itself."""
        self._wait_for_rewrite()
        self.redis.bgrewriteaof()
        self._wait_for_rewrite()

    def _wait_for_rewrite(self) -> None:
        while (told := self._server_info("persistence"))["aof_rewrite_in_progress"]:
            time.sleep(0.1)
        assert told["aof_last_bgrewrite_status"] == "ok", "the store could not write its file anew"

    def _memory(self) -> dict[str, Any]:
        """What the store tells of it, once all is freed that was given back."""
        while (told := self._server_info("memory"))["lazyfree_pending_objects"]:
            time.sleep(0.01)
        return told

    def _server_info(self, section: str) -> dict[str, Any]:
        return dict(self.redis.info(section))


class Fts5Engine:
    """SQLite's, contentless, rows in order of time: it may stop at the hundredth."""

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
        """Insert."""
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
        """One segment."""
        self._db.execute("INSERT INTO papers(papers) VALUES ('optimize')")
        self._db.commit()

    def prepare_query(self, query: Query) -> Callable[[], list[int]]:
        """The newest hundred rows."""
        match = _fts5_expression(query.tree)
        sql = "SELECT rowid FROM papers WHERE papers MATCH ? ORDER BY rowid DESC LIMIT 100"
        return lambda: [row for (row,) in self._db.execute(sql, (match,))]

    def document_numbers(self, found: Sequence[int]) -> list[int]:
        """The rows."""
        return list(found)

    def drop_query_caches(self) -> None:
        """Nothing: pages read stay in SQLite's cache, which is its way."""

    def size_in_bytes(self) -> int:
        """The file."""
        return self._path.stat().st_size


class TantivyEngine:
    """A library in Rust; sorts by the number."""

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
        """The hundred highest numbers."""
        question = self._query(query.tree)

        def answer() -> list[int]:
            found = self._searcher.search(question, 100, count=False, order_by_field="number")
            return [int(number) for number, _ in found.hits]

        return answer

    def document_numbers(self, found: Sequence[int]) -> list[int]:
        """The same."""
        return list(found)

    def drop_query_caches(self) -> None:
        """Nothing."""

    def size_in_bytes(self) -> int:
        """The files."""
        return sum(file.stat().st_size for file in self._folder.iterdir())

    def _query(self, node: Node) -> tantivy.Query:
        must, may, never = tantivy.Occur.Must, tantivy.Occur.Should, tantivy.Occur.MustNot
        if isinstance(node, And):
            wanted = [(must, self._query(child)) for child in node.required]
            barred = [(never, self._query(child)) for child in node.excluded]
            return tantivy.Query.boolean_query([*wanted, *barred])
        if isinstance(node, Or):
            return tantivy.Query.boolean_query(
                [(may, self._query(child)) for child in node.alternatives]
            )
        if isinstance(node, Label):
            return self._term("labels", _label(node))
        assert isinstance(node, Text)
        everywhere = COLUMNS[node.field]
        return tantivy.Query.boolean_query(
            [(may, self._text_query(node, name)) for name in everywhere]
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
    """A paper as the others are given it."""
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
        wanted = " AND ".join(map(_fts5_expression, node.required))
        return (
            f"(({wanted})"
            + "".join(f" NOT {_fts5_expression(child)}" for child in node.excluded)
            + ")"
        )
    if isinstance(node, Or):
        return "(" + " OR ".join(map(_fts5_expression, node.alternatives)) + ")"
    if isinstance(node, Label):
        return f"labels : {_label(node)}"
    assert isinstance(node, Text)
    place = "{" + " ".join(COLUMNS[node.field]) + "}"
    return f'({place} : "{" ".join(node.words)}"{"*" if node.is_prefix else ""})'


def _label(label: Label) -> str:
    return _single_token(f"{label.value}.*" if label.kind is LabelKind.ARCHIVE else label.value)


def _single_token(label: str) -> str:
    """A label as one word that no tokenizer parts."""
    return re.sub(r"[^a-z0-9]", "x", f"{label.lower()}x")
