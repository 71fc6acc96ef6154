"""A search request (a keyword with its parameters), its hits, and a page of papers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final, Literal

from papers.model.arxiv_id import ArxivId
from papers.model.labels import Flag
from papers.model.paper import AnnounceType, Paper
from papers.query.ast import DateRange, IdFilter, Label, LabelKind, MinVotes, Node, all_of, any_of
from papers.query.parser import Query

ANNOUNCE_TYPE_NAMES: Final = tuple(
    announced.label for announced in sorted(AnnounceType, reverse=True)
)
"""Every announce type, strongest first: new, cross, replace, replace-cross."""

DEFAULT_ANNOUNCE_TYPES: Final = frozenset({"new", "cross"})
ALL_ANNOUNCE_TYPES: Final = frozenset({"new", "cross", "replace"})
VERIFICATION_LIMIT: Final = 5_000
"""The most papers whose text one search verifies; beyond it the page is marked incomplete."""

SortOrder = Literal["announced", "picked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """A keyword, its filters, the order and the page.

    `before` is the cursor of the preceding page, an id; empty for the first page. `since` and
    `until` are UTC days, inclusive: of the first announcement, or of the pick if ordered by it.
    `types` are names of `ANNOUNCE_TYPE_NAMES`; `replace` includes `replace-cross`.
    """

    query: Query
    limit: int = 100
    before: str = ""
    order: SortOrder = "announced"
    types: frozenset[str] = DEFAULT_ANNOUNCE_TYPES
    min_votes: int = 0
    since: date | None = None
    until: date | None = None
    source: str = ""

    @property
    def tree(self) -> Node:
        """The keyword and its filters as one tree; rebuilt on each access."""
        required: list[Node] = [self.query.tree]
        if self.min_votes > 0:
            required.append(MinVotes(self.min_votes))
        if self.source:
            required.append(Label(LabelKind.SOURCE, self.source.casefold()))
        if self.order == "picked":
            required.append(Label(LabelKind.FLAG, Flag.PICKED))
        elif self.since or self.until:
            required.append(DateRange(self.since, self.until))
        if isinstance(self.query.tree, IdFilter) and self.types == DEFAULT_ANNOUNCE_TYPES:
            return all_of(required)  # one paper, however it was announced
        required_types, excluded_types = _type_filters(self.types)
        return all_of([*required, *required_types], excluded_types)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of papers, in the requested order.

    `next_cursor` is the cursor of the page after, None at the end. `is_complete` is False if
    `VERIFICATION_LIMIT` ended the search early: `next_cursor` continues it. `examined` counts the
    texts that were verified.
    """

    papers: tuple[Paper, ...]
    next_cursor: str | None
    is_complete: bool
    examined: int


@dataclass(frozen=True, slots=True)
class Hits:
    """The doc ids (`ArxivId.doc_id`) that a search found, in its order.

    `examined` counts the texts that were verified; `is_complete` is False if
    `VERIFICATION_LIMIT` ended the search early.
    """

    doc_ids: tuple[int, ...]
    examined: int
    is_complete: bool
    last_examined: int | None
    """The last doc id that was decided: where to continue."""

    @property
    def ids(self) -> tuple[ArxivId, ...]:
        """The ids of the doc ids; made on each access, as hits are cached by their size."""
        return tuple(map(ArxivId.from_doc_id, self.doc_ids))


@lru_cache(maxsize=64)
def _type_filters(types: frozenset[str]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """Return the nodes that a selection of announce types requires, and those that it excludes.

    The index has no term for `new`: with it, the types that were not selected are excluded.
    """
    selected = types | {"replace-cross"} if "replace" in types else types
    if "new" in types:
        others = [name for name in ANNOUNCE_TYPE_NAMES[1:] if name not in selected]
        return (), tuple(Label(LabelKind.TYPE, name) for name in others)
    return (any_of(Label(LabelKind.TYPE, name) for name in sorted(selected)),), ()
