"""A search request (a keyword with its parameters), its hits, and a page of papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Final, Literal

from papers.model.arxiv_id import ArxivId
from papers.model.events import EventRef
from papers.model.labels import Flag
from papers.model.paper import AnnounceType, Paper
from papers.query.ast import DateRange, IdFilter, Label, LabelKind, MinVotes, Node, all_of, any_of
from papers.query.parser import Query
from papers.records.packing import PaperRecord, unpacked

ANNOUNCE_TYPE_NAMES: Final = tuple(
    announced.label for announced in sorted(AnnounceType, reverse=True)
)
"""Every announce type, strongest first: new, cross, replace, replace-cross."""

DEFAULT_ANNOUNCE_TYPES: Final = frozenset({"new", "cross"})
ALL_ANNOUNCE_TYPES: Final = frozenset({"new", "cross", "replace"})
VERIFICATION_LIMIT: Final = 5_000
"""The most papers whose text one search verifies; beyond it the page is marked incomplete."""

SortOrder = Literal["announced", "picked", "revised", "withdrawn", "code"]
ORDERS: Final[tuple[SortOrder, ...]] = ("announced", "picked", "revised", "withdrawn", "code")
"""Orders of results: by announcement, or by an event, only papers that have it, newest first."""
ListName = Literal["picked", "daily", "weekly", "monthly", "trending"]
LIST_NAMES: Final[tuple[ListName, ...]] = ("picked", "daily", "weekly", "monthly", "trending")
"""Pick lists of picked papers: a paper joins once, and neither moves nor leaves."""
_COMMUNITY_WORDS: Final = Label(LabelKind.FLAG, Flag.COMMUNITY_WORDS)
_ORDER_FLAGS: Final[Mapping[str, str]] = {
    "picked": Flag.PICKED,
    "withdrawn": Flag.WITHDRAWN,
    "code": Flag.CODE,
}
"""The flag that every paper in an order has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """A keyword, its filters, the order and the page.

    `before` is the cursor of the preceding page, an id, in order of revisions with its version;
    empty for the first page. `since` and `until` are UTC days, inclusive: of the first
    announcement, or of the event if ordered by one. `types` are names of `ANNOUNCE_TYPE_NAMES`;
    `replace` includes `replace-cross`; the default means any type in orders of events but picks.
    With `listed` these are the papers of a pick list, in the order in which they joined, or reached
    `min_votes` if that was later.
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
    listed: ListName | None = None

    @property
    def is_by_event(self) -> bool:
        """Whether a sorted set of events or of a list gives the order; picks have another one."""
        return bool(self.listed) or self.order in ("revised", "withdrawn", "code")

    @property
    def has_community_words(self) -> bool:
        """Whether papers that only a community describes are found: only in picks and lists."""
        return bool(self.listed) or self.order == "picked"

    @property
    def seconds_range(self) -> tuple[float, float]:
        """The first and last second since 1970 of `since` and `until`; infinite where None."""
        since, until = self.since, self.until
        first = datetime.combine(since, time(), UTC).timestamp() if since else float("-inf")
        last = datetime.combine(until, time.max, UTC).timestamp() if until else float("inf")
        return first, last

    @property
    def tree(self) -> Node:
        """The keyword and its filters as one tree; rebuilt on each access."""
        required: list[Node] = [self.query.tree]
        if self.min_votes > 0 and not self.listed:
            required.append(MinVotes(self.min_votes))
        if self.source:
            required.append(Label(LabelKind.SOURCE, self.source.casefold()))
        if self.order in _ORDER_FLAGS:
            required.append(Label(LabelKind.FLAG, _ORDER_FLAGS[self.order]))
        elif not self.is_by_event and (self.since or self.until):
            required.append(DateRange(self.since, self.until))
        excluded = () if self.has_community_words else (_COMMUNITY_WORDS,)
        is_any_type = self.is_by_event or isinstance(self.query.tree, IdFilter)
        if is_any_type and self.types == DEFAULT_ANNOUNCE_TYPES:
            return all_of(required, excluded)
        required_types, excluded_types = _type_filters(self.types)
        return all_of([*required, *required_types], (*excluded_types, *excluded))


@dataclass(frozen=True, slots=True)
class Page:
    """A page of papers, in the requested order; `events` has the event of each, if by events.

    `next_cursor` is the cursor of the page after, None at the end. `is_complete` is False if
    `VERIFICATION_LIMIT` ended the search early: `next_cursor` continues it. `examined` counts the
    texts that were verified.
    """

    records: tuple[PaperRecord, ...]
    next_cursor: str | None
    is_complete: bool
    examined: int
    events: tuple[EventRef, ...] = ()

    @property
    def papers(self) -> tuple[Paper, ...]:
        """The papers, each unpacked when it is first needed."""
        return tuple(map(unpacked, self.records))


@dataclass(frozen=True, slots=True)
class Hits:
    """The doc ids (`ArxivId.doc_id`) that a search found, in its order.

    `events` has the event of each in an order of events. `examined` counts the texts that were
    verified; `is_complete` is False if `VERIFICATION_LIMIT` ended the search early.
    """

    doc_ids: tuple[int, ...]
    examined: int
    is_complete: bool = True
    last_cursor: str = ""
    """The cursor of the last paper that was decided: where to continue if it is not complete."""
    events: tuple[EventRef, ...] = ()

    @property
    def ids(self) -> tuple[ArxivId, ...]:
        """The arXiv ids; computed on each access, so that cached hits stay small."""
        return tuple(map(ArxivId.from_doc_id, self.doc_ids))

    def cursor_at(self, index: int) -> str:
        """Return the cursor of a hit."""
        found = self.events[index] if self.events else None
        return found.cursor if found else str(ArxivId.from_doc_id(self.doc_ids[index]))

    def next_cursor(self, limit: int) -> str | None:
        """Return the cursor of the page behind the first `limit` hits; None if there is none."""
        if len(self.doc_ids) > limit:
            return self.cursor_at(limit - 1)
        return None if self.is_complete else self.last_cursor or None


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
