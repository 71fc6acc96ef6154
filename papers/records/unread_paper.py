"""Unread papers: of whose records only hashes are known, until something of them is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from papers.records.packing import LazyPaper

SelectKnown = Callable[[Mapping[int, int]], set[int]]
"""Returns the doc ids whose records need not be read, given the hashes of records by doc id."""


class UnreadPaper(LazyPaper):
    """A paper whose record is read on first use; it equals the `LazyPaper` of the same record."""

    def __init__(self, doc_id: int, record_hash: int, read: Callable[[int], bytes]) -> None:
        """`record_hash` is `LazyPaper.record_hash`; `read` returns the record of a doc id."""
        self.doc_id, self.record_hash, self._read = doc_id, record_hash, read

    def __getattr__(self, name: str) -> Any:
        """Read the record for an attribute that only a record has (Python's protocol)."""
        if name not in ("_serialized", "_abstract_end", "text_bytes"):
            raise AttributeError(name)
        self._decompress(self._read(self.doc_id))
        return self.__dict__[name]


def select_none(_: Mapping[int, int]) -> set[int]:
    """Return no doc ids: every record must be read."""
    return set()
