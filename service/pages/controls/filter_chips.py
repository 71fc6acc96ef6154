"""Filter chips above a list: order, type, source, category, votes and dates, with counts.

A chip opens a menu of links; one whose filter is set is the link that removes it. Counts are of the
newest papers of the search, and of none where a filter hides the others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NamedTuple

from papers.model.paper import Paper
from papers.search.counts import MatchCounts
from service.feed_result import FeedResult
from service.markup.clean import source_name
from service.pages.parts.facets import Facet, narrowed_path
from service.pages.parts.template_filters import format_known_day
from service.urls.keyword_urls import SearchUrls

VOTE_STEPS: Final = (1, 5, 10, 25, 50, 100)
_ORDERS: Final = (
    ("announced", "Newest first", "Newest"),
    ("picked", "Newest pick, picked only", "Picked"),
    ("code", "Newest code, with code only", "With code"),
    ("revised", "Newest later version", "Revised"),
    ("withdrawn", "Newest withdrawal", "Withdrawn"),
)
"""Value of `when`, its label in the menu, and on the chip."""
_TYPES: Final = (
    (None, "New or cross-listed", ""),
    (frozenset({"new"}), "New", "new"),
    (frozenset({"cross"}), "Cross-listed", "cross"),
    (frozenset({"replace"}), "Replaced", "replace"),
    (frozenset({"new", "cross", "replace"}), "Any type", "any"),
)
SearchPath = Callable[[SearchUrls], str]
"""Returns the path of the page of a search."""


class ChipOption(NamedTuple):
    """An option of a chip's menu; `paper_count` is None where it is not known."""

    label: str
    path: str
    paper_count: int | None
    is_current: bool


@dataclass(frozen=True, slots=True)
class FilterChip:
    """A chip: with `remove_path` its filter is set, and the chip removes it; else it has options.

    A chip with one option is a link itself.
    """

    name: str
    label: str
    options: tuple[ChipOption, ...] = ()
    remove_path: str = ""

    @property
    def is_link(self) -> bool:
        """Whether the chip is a link in place of a menu."""
        return not self.remove_path and len(self.options) == 1


def build_chips(
    found: FeedResult,
    path: SearchPath,
    sample: Sequence[Paper],
    counts: MatchCounts | None,
    sources: Collection[str],
    facets: Iterable[Facet],
) -> tuple[FilterChip, ...]:
    """Build the chips of a search; `sample` are its newest papers."""
    urls = found.address
    chips = (
        _order_chip(urls, path),
        _type_chip(urls, path, sample),
        _source_chip(urls, path, sample, sources),
        _category_chip(facets),
        _votes_chip(urls, path, sample),
        _dates_chip(urls, path, counts),
        _code_chip(found),
    )
    return tuple(chip for chip in chips if chip)


def count_set_filters(chips: Iterable[FilterChip]) -> int:
    """Return how many filters are set."""
    return sum(bool(chip.remove_path) for chip in chips)


def _order_chip(urls: SearchUrls, path: SearchPath) -> FilterChip:
    shown = urls.params.options.get("order", "announced")
    options = tuple(
        ChipOption(
            label, path(_with(urls, "order", None if o == "announced" else o)), None, o == shown
        )
        for o, label, _ in _ORDERS
    )
    label = next(short for order, _, short in _ORDERS if order == shown)
    return FilterChip("Order", label, options)


def _type_chip(urls: SearchUrls, path: SearchPath, sample: Sequence[Paper]) -> FilterChip | None:
    shown = urls.params.options.get("types")
    if shown is not None:
        label = next((text for types, text, _ in _TYPES if types == shown), "several")
        return _set_chip("Type", label.lower(), path(_with(urls, "types", None)))
    labels = Counter(paper.announce_type.label for paper in sample if paper.announce_type)
    known: Mapping[str, int] = {"": len(sample), "new": labels["new"], "cross": labels["cross"]}
    options = tuple(
        ChipOption(label, path(_with(urls, "types", types)), known.get(key), types is None)
        for types, label, key in _TYPES
    )
    return FilterChip("Type", "Type", options)


def _source_chip(
    urls: SearchUrls, path: SearchPath, sample: Sequence[Paper], sources: Collection[str]
) -> FilterChip | None:
    shown = urls.params.options.get("source")
    if shown:
        return _set_chip("Source", source_name(str(shown)), path(_with(urls, "source", None)))
    named = Counter(name for paper in sample for name in {*paper.sources})
    options = [ChipOption("Any source", path(urls), len(sample), True)]
    for name in sources:
        there = path(_with(urls, "source", name))
        options.append(ChipOption(source_name(name), there, named[name], False))
    return FilterChip("Source", "Source", tuple(options)) if len(options) > 2 else None


def _category_chip(facets: Iterable[Facet]) -> FilterChip | None:
    found = next((facet for facet in facets if facet.name == "Categories"), None)
    if not found:
        return None
    options = (
        ChipOption(value.description, value.path, value.paper_count, False)
        for value in found.values
    )
    return FilterChip("Category", "Category", tuple(options))


def _votes_chip(urls: SearchUrls, path: SearchPath, sample: Sequence[Paper]) -> FilterChip | None:
    shown = urls.params.options.get("min_votes")
    if shown:
        return _set_chip("Votes", f"{shown} or more", path(_with(urls, "min_votes", None)))
    options = [ChipOption("Any number", path(urls), len(sample), True)]
    for step in VOTE_STEPS:
        count = sum((paper.votes or 0) >= step for paper in sample)
        if count:
            there = path(_with(urls, "min_votes", step))
            options.append(ChipOption(f"{step} or more", there, count, False))
    return FilterChip("Votes", "Votes", tuple(options)) if len(options) > 1 else None


def _dates_chip(
    urls: SearchUrls, path: SearchPath, counts: MatchCounts | None
) -> FilterChip | None:
    since, until = urls.params.options.get("since"), urls.params.options.get("until")
    if since or until:
        days = [format_known_day(day) for day in (since, until) if day]
        text = " to ".join(days) if since and until else f"{'from' if since else 'to'} {days[0]}"
        every = _with(_with(urls, "since", None), "until", None)
        return _set_chip("Dates", text, path(every))
    if counts is None:
        return None

    def option(label: str, days: int, count: int | None) -> ChipOption:
        first = counts.until - timedelta(days=days - 1)
        return ChipOption(label, path(_with(urls, "since", first)), count, False)

    is_counted = counts.exact and "order" not in urls.params.options
    return FilterChip(
        "Dates",
        "Dates",
        (
            ChipOption("All that is held", path(urls), None, True),
            option(f"Only {format_known_day(counts.until)}", 1, None),
            option("Last 7 days", 7, counts.week if is_counted else None),
            option("Last 4 weeks", 28, counts.month if is_counted else None),
        ),
    )


def _code_chip(found: FeedResult) -> FilterChip | None:
    there = narrowed_path(found, "has:code")
    if not there or "has:code" in found.query.canonical:
        return None
    return FilterChip("Code", "With code", (ChipOption("With code", there, None, False),))


def _set_chip(name: str, value: str, remove_path: str) -> FilterChip:
    return FilterChip(name, f"{name}: {value}", remove_path=remove_path)


def _with(urls: SearchUrls, field: str, value: Any) -> SearchUrls:
    return urls.with_option(field, value)
