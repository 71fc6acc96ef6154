"""Xapian behind the interface of the engines: a rival in process, without a server.

Documents are numbered newest first, and found in ascending order of their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.engines import document_number
from benchmarks.rivals import COLUMNS, document_columns, label_word, load_engine
from papers.model.arxiv_id import ArxivId
from papers.model.merge import paper_from_sighting
from papers.model.paper import Sighting
from papers.query.ast import And, Author, Label, Node, Or, Text
from papers.query.parser import Query


class XapianEngine:
    """Xapian, with documents numbered newest first: it stops at the hundredth match in their order.

    The numbers are given in advance: months come oldest first, and each takes the numbers below
    those of the month before.
    """

    name = "xapian"

    def __init__(self, folder: Path) -> None:
        self._xapian = xapian = load_engine("xapian")
        self._folder = folder / "xapian"
        flags = xapian.DB_CREATE_OR_OPEN
        self._db: Any = xapian.WritableDatabase(str(self._folder), flags)

    def add_month(self, month: Sequence[Sighting]) -> None:
        """Add documents, in ascending order of their numbers."""
        for paper in sorted(map(paper_from_sighting, month), key=lambda p: p.id, reverse=True):
            document = self._xapian.Document()
            start = 0
            for column, text in document_columns(paper).items():
                words = [_PREFIXES[column] + word[:_MAX_TERM] for word in text.split()]
                for position, word in enumerate(words, start):
                    document.add_posting(word, position)
                start += len(words) + _FIELD_GAP
            self._db.replace_document(_LAST_DOCUMENT - paper.id.doc_id, document)

    def finish_indexing(self) -> None:
        """Commit, and open the index for reading."""
        self._db.commit()
        self._db.close()
        self._db = self._xapian.Database(str(self._folder))

    def prepare_query(self, query: Query) -> Callable[[], list[int]]:
        """Return a function that finds the hundred lowest numbers: those of the newest papers."""
        enquire = self._xapian.Enquire(self._db)
        enquire.set_weighting_scheme(self._xapian.BoolWeight())
        enquire.set_docid_order(self._xapian.Enquire.ASCENDING)
        enquire.set_query(self._query(query.tree))
        return lambda: [match.docid for match in enquire.get_mset(0, 100)]

    def document_numbers(self, hits: Sequence[int]) -> list[int]:
        """Convert the numbers that count from the newest paper."""
        ids = (ArxivId.from_doc_id(_LAST_DOCUMENT - number) for number in hits)
        return [document_number(id) for id in ids]

    def drop_query_caches(self) -> None:
        """Do nothing: Xapian has no query cache."""

    def size_in_bytes(self) -> int:
        """Return the size of the files."""
        return sum(file.stat().st_size for file in self._folder.iterdir())

    def _query(self, node: Node) -> Any:
        make = self._xapian.Query
        if isinstance(node, And):
            required = make(make.OP_AND, [self._query(child) for child in node.required])
            if not node.excluded:
                return required
            excluded = make(make.OP_OR, [self._query(child) for child in node.excluded])
            return make(make.OP_AND_NOT, required, excluded)
        if isinstance(node, Or):
            return make(make.OP_OR, [self._query(child) for child in node.alternatives])
        if isinstance(node, Label):
            return make(_PREFIXES["labels"] + label_word(node))
        if isinstance(node, Author):
            return self._text_query(node.words, "authors")
        assert isinstance(node, Text)
        if node.is_prefix:
            stems = [_PREFIXES[name] + node.words[0] for name in COLUMNS[node.field]]
            return make(make.OP_OR, [make(make.OP_WILDCARD, stem) for stem in stems])
        return make(make.OP_OR, [self._text_query(node.words, n) for n in COLUMNS[node.field]])

    def _text_query(self, words: Sequence[str], column: str) -> Any:
        make = self._xapian.Query
        terms = [_PREFIXES[column] + word for word in words]
        return make(terms[0]) if len(terms) == 1 else make(make.OP_PHRASE, terms, len(terms))


_PREFIXES: Final = {"title": "S", "abstract": "B", "authors": "A", "labels": "K"}
_FIELD_GAP: Final = 100
"""Positions between columns: no phrase reaches across them."""
_MAX_TERM: Final = 200
_LAST_DOCUMENT: Final = (1 << 32) - 1
"""The highest number of a document."""
