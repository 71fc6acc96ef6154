"""Indexes of listings: categories; authors, organizations and topics of the newest picks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Final, NamedTuple

from flask import Response, render_template

from papers.model.categories import ARCHIVES, CATEGORIES, archive_of
from papers.model.paper import Paper
from service.cache.version_stamp import StoreVersion
from service.context import AppContext, context
from service.markup.clean import category_name
from service.pages.parts.index_rows import IndexRow, author_rows, organization_rows, topic_rows
from service.pages.parts.page_response import cached_page, pages
from service.pages.picks import find_picked_papers, newest_pick_date

COUNTED_DAYS: Final = 28
"""Days of which the papers of categories are counted."""
PICKED_DAYS: Final = 90
"""Days whose picks are counted."""
MAX_ROWS: Final = 200


class IndexGroup(NamedTuple):
    """Rows under a heading."""

    heading: str
    rows: list[IndexRow]


class PickIndex(NamedTuple):
    """An index of the newest picks: its title, and how to count its rows."""

    title: str
    rows: Callable[[Iterable[Paper], int], list[IndexRow]]


PICK_INDEXES: Final[Mapping[str, PickIndex]] = {
    "authors": PickIndex("Authors picked most", author_rows),
    "organizations": PickIndex("Organisations picked most", organization_rows),
    "topics": PickIndex("Topics picked most", topic_rows),
}
INDEX_TITLES: Final = {"categories": "Categories"} | {
    kind: index.title for kind, index in PICK_INDEXES.items()
}


@pages.get("/categories")
def categories() -> Response:
    """Return every category of arXiv by archive, with its papers of the last four weeks."""
    ctx = context()
    return cached_page("/categories", lambda version: _render_categories(ctx, version))


@pages.get("/<any(authors, organizations, topics):kind>")
def pick_index(kind: str) -> Response:
    """Return the authors, organizations or topics that the newest picks have most."""
    ctx = context()
    return cached_page(f"/{kind}", lambda version: _render_pick_index(ctx, version, kind))


def _render_categories(ctx: AppContext, version: StoreVersion) -> bytes:
    names = (*ARCHIVES, *CATEGORIES)
    counts = ctx.counter.papers_per_category(names, COUNTED_DAYS)
    groups = []
    for archive, title in ARCHIVES.items():
        members = [name for name in CATEGORIES if archive_of(name) == archive] or [archive]
        rows = [IndexRow(name, category_name(name), counts.get(name, 0)) for name in members]
        groups.append(IndexGroup(title, rows))
    about = "Papers of the last four weeks that are held here, cross-listed ones included."
    return _render_index("categories", about, groups)


def _render_pick_index(ctx: AppContext, version: StoreVersion, kind: str) -> bytes:
    newest = newest_pick_date(ctx)
    since = newest - timedelta(days=PICKED_DAYS - 1) if newest else None
    papers = find_picked_papers(ctx, since, newest) if since and newest else []
    rows = PICK_INDEXES[kind].rows(papers, MAX_ROWS)
    about = "In the papers that communities picked in the last three months."
    return _render_index(kind, about, [IndexGroup("", rows)] if rows else [])


def _render_index(kind: str, about: str, groups: list[IndexGroup]) -> bytes:
    return render_template(
        "index.html",
        kind=kind,
        title=INDEX_TITLES[kind],
        about=about,
        groups=groups,
        indexes=INDEX_TITLES,
        q="",
    ).encode()
