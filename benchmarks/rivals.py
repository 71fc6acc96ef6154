"""Rivals of Paperwire on the same papers and queries: SQLite FTS5 and tantivy.

Each gets the words of a paper as folded by Paperwire, so that only the engines differ. Title,
abstract, author words and labels (categories, archives) are separate columns. tantivy and Xapian
(`benchmarks.xapian_engine`) are optional: neither is a dependency of the tests.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from benchmarks.engines import document_number
from papers.index.terms import author_words
from papers.model.merge import paper_from_sighting
from papers.model.paper import Paper, Sighting
from papers.query.ast import And, Author, Field, Label, LabelKind, Node, Or, Text
from papers.query.parser import Query
from papers.text.folding import tokenize

COLUMNS: Final = {
    Field.ANY: ("title", "abstract"),
    Field.TITLE: ("title",),
    Field.ABSTRACT: ("abstract",),
}
_PACKAGES: Final = {"tantivy": "tantivy", "xapian": "xapian-bindings-binary"}


class EngineMissing(Exception):
    """A rival whose package is not installed; the message says how to install it or do without."""


def load_engine(name: str) -> Any:
    """Import the module of an optional engine. Raises EngineMissing."""
    try:
        return import_module(name)
    except ImportError:
        raise EngineMissing(
            f"{name} is not installed: python -m pip install {_PACKAGES[name]}, "
            f"or leave it out by --without {name}"
        ) from None


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
        self._tantivy = tantivy = load_engine("tantivy")
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
                self._tantivy.Document(**document_columns(paper), number=document_number(paper.id))
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

    def _query(self, node: Node) -> Any:
        tantivy = self._tantivy
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
            return self._term("labels", label_word(node))
        if isinstance(node, Author):  # the other engines know words of names, not persons
            return self._text_query(Text(Field.ANY, node.words), "authors")
        assert isinstance(node, Text)
        columns = COLUMNS[node.field]
        return tantivy.Query.boolean_query(
            [(may, self._text_query(node, name)) for name in columns]
        )

    def _text_query(self, text: Text, column: str) -> Any:
        if text.is_prefix:
            return self._tantivy.Query.regex_query(self._schema, column, f"{text.words[0]}.*")
        if len(text.words) == 1:
            return self._term(column, text.words[0])
        return self._tantivy.Query.phrase_query(self._schema, column, list(text.words))

    def _term(self, column: str, word: str) -> Any:
        return self._tantivy.Query.term_query(self._schema, column, word, "basic")


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
        return f"labels : {label_word(node)}"
    if isinstance(node, Author):
        return f'authors : "{" ".join(node.words)}"'
    assert isinstance(node, Text)
    columns = "{" + " ".join(COLUMNS[node.field]) + "}"
    return f'({columns} : "{" ".join(node.words)}"{"*" if node.is_prefix else ""})'


def label_word(label: Label) -> str:
    """Return a label as one word."""
    return _single_token(f"{label.value}.*" if label.kind is LabelKind.ARCHIVE else label.value)


def _single_token(label: str) -> str:
    """Encode a label as one word that no tokenizer splits."""
    return re.sub(r"[^a-z0-9]", "x", f"{label.lower()}x")
