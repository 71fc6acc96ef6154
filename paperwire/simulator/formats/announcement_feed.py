"""arXiv's announcement feed of one day, in the Atom format of rss.arxiv.org.

Behavior, from recordings and from its source code: new papers first, then cross-lists, replacements
and cross-listed replacements, each sorted by id; a paper appears once, with the strongest of these
types; replacements after version 5 are omitted; if there are more than 2,000 rows, the first ones
(new papers) are dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from papers.model.arxiv_id import ArxivId
from papers.model.categories import ARCHIVES, CATEGORIES
from papers.model.paper import AnnounceType
from paperwire.simulator.formats.arxiv_xml import (
    block,
    document,
    element,
    encode_tex_accents,
    names_with_affiliations,
)
from paperwire.simulator.world import simulated_days
from paperwire.simulator.world.manuscripts import AnnouncementListing, Manuscript

MAX_ROWS: Final = 2000
LAST_LISTED_VERSION: Final = 5

_KIND_OUTSIDE_PRIMARY: Final = {
    AnnounceType.NEW: AnnounceType.CROSS,
    AnnounceType.CROSS: AnnounceType.CROSS,
    AnnounceType.REPLACE: AnnounceType.REPLACE_CROSS,
}
"""The announce type of a paper in a feed without its primary category."""

_FEED = (
    'feed xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns="http://www.w3.org/2005/Atom" xml:lang="en-us"'
)


@dataclass(frozen=True, slots=True)
class AnnouncementRow:
    """One entry of the feed; `published` is the Eastern midnight of its day."""

    id: ArxivId
    version: int
    kind: AnnounceType
    text: Manuscript
    published: datetime


def is_known_category(category: str) -> bool:
    """True if arXiv has such a category or archive."""
    return category in CATEGORIES or category in ARCHIVES


def announced_rows(
    listings: Iterable[AnnouncementListing], categories: Sequence[str], day: date
) -> list[AnnouncementRow]:
    """Return the rows of a day's announcement in a feed of these categories or archives."""
    strongest: dict[ArxivId, AnnouncementRow] = {}
    for listing in listings:
        row = _row(listing, categories, day)
        if row and (row.id not in strongest or row.kind >= strongest[row.id].kind):
            strongest[row.id] = row
    return sorted(strongest.values(), key=lambda row: (-row.kind, row.id))[-MAX_ROWS:]


def render_announcement_feed(
    query: str, entries: Iterable[AnnouncementRow], built: datetime
) -> bytes:
    """Render the feed of `query` (categories joined by `+`), generated at `built`."""
    stamp = _format_built_at(built)
    lines = [*_head(query, f"{query} updates on arXiv.org", stamp)]
    lines.append(element("subtitle", f"{query} updates on the arXiv.org e-print archive."))
    for row in entries:
        lines += _entry(row, stamp)
    return document(block(_FEED, lines))


def render_announcement_error(query: str, reason: str, built: datetime) -> bytes:
    """Render the feed sent with HTTP 400: the error is an entry."""
    stamp = _format_built_at(built)
    title = f"Feed error for query: {query}"
    entry = [element("id", f"http://rss.arxiv.org/atom/{query}"), element("title", title)]
    entry += [element("updated", stamp), element("summary", reason)]
    return document(block(_FEED, [*_head(query, title, stamp), *block("entry", entry)]))


def _row(listing: AnnouncementListing, wanted: Sequence[str], day: date) -> AnnouncementRow | None:
    listed = [category for category in listing.categories if _includes_category(wanted, category)]
    version = listing.version
    is_omitted = listing.kind is AnnounceType.REPLACE and version.number > LAST_LISTED_VERSION
    if not listed or is_omitted:
        return None
    has_primary = version.text.categories[0] in listed
    kind = listing.kind if has_primary else _KIND_OUTSIDE_PRIMARY[listing.kind]
    text = replace(version.text, authors=tuple(map(encode_tex_accents, version.text.authors)))
    return AnnouncementRow(
        listing.id, version.number, kind, text, simulated_days.eastern_midnight(day)
    )


def _includes_category(wanted: Sequence[str], category: str) -> bool:
    return category in wanted or category.split(".")[0] in wanted


def _head(query: str, title: str, stamp: str) -> list[str]:
    address = f"http://rss.arxiv.org/atom/{query}"
    return [
        element("id", address),
        element("title", title),
        element("updated", stamp),
        element("link", href=address, rel="self", type="application/atom+xml"),
    ]


def _entry(row: AnnouncementRow, stamp: str) -> list[str]:
    text, versioned_id = row.text, f"{row.id}v{row.version}"
    lines = [
        element("id", f"oai:arXiv.org:{versioned_id}"),
        element("title", text.title),
        element("updated", stamp),
        element("link", href=row.id.url, rel="alternate", type="text/html"),
        element(
            "summary",
            f"arXiv:{versioned_id} Announce Type: {row.kind.label} \nAbstract: {text.abstract}",
        ),
        *(element("category", term=category) for category in text.categories),
        element("published", row.published.isoformat()),
        element("arxiv:announce_type", row.kind.label),
        element("dc:rights", text.license),
    ]
    if text.doi:
        lines.append(element("arxiv:DOI", text.doi))
    if text.journal_ref:
        lines.append(element("arxiv:journal_reference", text.journal_ref))
    return block("entry", [*lines, element("dc:creator", ", ".join(names_with_affiliations(text)))])


def _format_built_at(built: datetime) -> str:
    """Format a time with microseconds, even if they are zero, as the feeds do."""
    return built.astimezone(UTC).isoformat(timespec="microseconds")
