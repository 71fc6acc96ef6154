"""A question to the store and its answer: a keyword with the parameters beside it, and a page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from typing import Final, Literal

from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Paper
from papers.query.ast import DateRange, Label, LabelKind, MinVotes, Node, all_of, any_of
from papers.query.parser import Query

ANNOUNCE_TYPE_NAMES: Final = tuple(
    announced.label for announced in sorted(AnnounceType, reverse=True)
)
"""Every type of announcement, strongest first: new, cross, replace, replace-cross."""

DEFAULT_ANNOUNCE_TYPES: Final = frozenset({"new", "cross"})
ALL_ANNOUNCE_TYPES: Final = frozenset({"new", "cross", "replace"})
VERIFICATION_LIMIT: Final = 5_000
"""Papers whose text one question may have verified; an answer cut by it says so."""

SortOrder = Literal["announced", "picked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What is asked of the store.

    `before` is the cursor of the page before, an id; empty for the first page. `since` and `until`
    are UTC days, both included: of the first announcement, or with order `picked` of the pick.
    `types` are names from `TYPES`; `replace` stands for `replace-cross` too.
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
        """The keyword and its filters as one tree."""
        wanted: list[Node] = [self.query.tree]
        if self.min_votes > 0:
            wanted.append(MinVotes(self.min_votes))
        if self.source:
            wanted.append(Label(LabelKind.SOURCE, self.source.casefold()))
        if self.order == "picked":
            wanted.append(Label(LabelKind.FLAG, "picked"))
        elif self.since or self.until:
            wanted.append(DateRange(self.since, self.until))
        of_types, barred = _type_filters(self.types)
        return all_of([*wanted, *of_types], barred)


@dataclass(frozen=True, slots=True)
class Page:
    """Papers in order, newest first.

    `next` is the cursor for the page after, None at the end. `complete` is False where the bound on
    work cut the answer: then `next` leads on. `examined` counts the texts that were verified.
    """

    papers: tuple[Paper, ...]
    next_cursor: str | None
    is_complete: bool
    examined: int


@dataclass(frozen=True)
class Hits:
    """What answers a question, in its order, as places (`papers.model.arxiv_id.ArxivId.place`).

    Besides: how many texts were looked at, and whether the bound did not cut the answer.
    """

    doc_ids: tuple[int, ...]
    examined: int
    is_complete: bool
    last_examined: int | None
    """The last candidate looked at: where to go on."""

    @cached_property
    def ids(self) -> tuple[ArxivId, ...]:
        """The same as ids; made once, as the same is asked again."""
        return tuple(map(ArxivId.from_doc_id, self.doc_ids))


@lru_cache(maxsize=64)
def _type_filters(types: frozenset[str]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """What a choice of types asks for, and what it bars.

    Papers announced as new bear no label, so a choice without `new` asks for the others.
    """
    widened = types | {"replace-cross"} if "replace" in types else types
    if "new" in types:
        return (), tuple(
            Label(LabelKind.TYPE, name) for name in ANNOUNCE_TYPE_NAMES[1:] if name not in widened
        )
    return (any_of(Label(LabelKind.TYPE, name) for name in sorted(widened)),), ()
