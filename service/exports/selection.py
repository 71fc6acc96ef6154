"""Parameters of lists and exports: parsing, and their canonical query string."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId
from papers.query.request import ORDERS
from papers.state.slugs import slug_of
from service.urls.forgiving import clean_args
from service.urls.keyword_urls import with_query_string
from service.urls.paging import parse_page_number
from service.urls.params import MAX_PAPERS, MAX_VALUE_LENGTH, abbreviate

MAX_EXPORT_KEYWORDS: Final = 100
DEFAULT_ROWS: Final = 100
"""Rows of a keyword in the daily table without `n=`."""
LIST_FEEDS: Final = "lists"
EXPORT_ORDERS: Final = (*ORDERS, LIST_FEEDS)
"""The orders of a keyword's papers whose feeds are listed, and the list feeds."""


@dataclass(frozen=True, slots=True)
class ExportSelection:
    """Saved keywords (sorted slugs; none means all), papers per keyword, orders of papers.

    `page` is which page of all keywords the daily tables show.
    """

    slugs: tuple[str, ...] = ()
    rows: int = DEFAULT_ROWS
    orders: tuple[str, ...] = EXPORT_ORDERS[:1]
    page: int = 1

    def path(self, base_path: str) -> str:
        """Return the canonical path and query string: parameters sorted, defaults left out."""
        params = [("k", slug) for slug in self.slugs]
        if self.rows != DEFAULT_ROWS:
            params.append(("n", str(self.rows)))
        if self.page > 1:
            params.append(("page", str(self.page)))
        if self.orders != EXPORT_ORDERS[:1]:
            params.append(("when", ",".join(self.orders)))
        return with_query_string(base_path, urlencode(params, safe=","))


def parse_export_selection(args: MultiDict[str, str], known: Sequence[str]) -> ExportSelection:
    """Parse the parameters `k`, `n`, `when` and `page`; of these only the `known` are accepted.

    Raises BadParameter.
    """
    given = _collect_values(args, known)
    names = [name for name in given.get("k", []) if name]
    if len(names) > MAX_EXPORT_KEYWORDS:
        raise BadParameter(
            "k",
            f"given {len(names)} times; at most {MAX_EXPORT_KEYWORDS} keywords in one: make it two",
        )
    return ExportSelection(
        tuple(sorted({_keyword_slug(name) for name in names})),
        _parse_rows(_single_value("n", given)),
        _parse_orders(_single_value("when", given)),
        parse_page_number({"page": _single_value("page", given)}),
    )


def parse_paper_ids(args: MultiDict[str, str]) -> list[ArxivId]:
    """Parse `id=ID,ID,…`: ids without duplicates, newest first. Raises BadId, BadParameter."""
    given = _collect_values(args, ("id",))
    texts = [text.strip() for value in given.get("id", []) for text in value.split(",")]
    ids = {ArxivId.parse(text) for text in texts if text}
    if not ids:
        raise BadParameter("id", "missing; give papers, as in ?id=2503.14895,hep-th/9901001")
    if len(ids) > MAX_PAPERS:
        raise BadParameter("id", f"names {len(ids)} papers; at most {MAX_PAPERS}: make it two")
    return sorted(ids, reverse=True)


def _collect_values(args: MultiDict[str, str], known: Sequence[str]) -> dict[str, list[str]]:
    """Return each parameter's values; tags of trackers (`utm_…`) are dropped."""
    given = {}
    for name, values in clean_args(args).lists():
        if name not in known:
            known_names = ", ".join(known) or "none here"
            raise BadParameter(abbreviate(name), f"no such parameter; there are {known_names}")
        if sum(map(len, values)) > MAX_VALUE_LENGTH * len(known) * 2:
            raise BadParameter(
                name, f"has {sum(map(len, values)):,} characters, too many; give fewer at a time"
            )
        given[name] = [value.strip() for value in values]
    return given


def _single_value(name: str, given: dict[str, list[str]]) -> str:
    values = given.get(name, [""])
    if len(values) > 1:
        raise BadParameter(name, f"given {len(values)} times; give it once")
    return values[0]


def _keyword_slug(name: str) -> str:
    try:
        return slug_of(name)
    except BadParameter as error:
        raise BadParameter("k", f"{abbreviate(name)!r} is no keyword's name") from error


def _parse_rows(text: str) -> int:
    rows = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0
    if text and not 1 <= rows <= MAX_PAPERS:
        raise BadParameter("n", f"{abbreviate(text)!r} is no whole number from 1 to {MAX_PAPERS}")
    return rows if text else DEFAULT_ROWS


def _parse_orders(text: str) -> tuple[str, ...]:
    named = {part.strip() for part in text.split(",") if part.strip()}
    if named - {*EXPORT_ORDERS}:
        raise BadParameter("when", f"{abbreviate(text)!r} is no list of {', '.join(EXPORT_ORDERS)}")
    return tuple(order for order in EXPORT_ORDERS if order in named) or EXPORT_ORDERS[:1]
