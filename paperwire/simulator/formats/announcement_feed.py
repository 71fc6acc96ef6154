"""arXiv's announcement feed of one day, in the Atom form of rss.arxiv.org.

Its habits, as recorded and as read in its code: new papers first, then cross-lists, replacements
and cross-listed replacements, each by id; a paper once, as the strongest of these; a replacement
after version 5 is left out; of more than 2,000 rows the first ones, so new papers, fall off.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Final

from papers.model.arxiv_id import ArxivId
from papers.model.categories import ARCHIVES, CATEGORIES
from papers.model.paper import AnnounceType
from paperwire.simulator.formats.arxiv_xml import block, document, element, encode_tex_accents
from paperwire.simulator.world import simulated_days
from paperwire.simulator.world.manuscripts import AnnouncementListing, Manuscript

MAX_ROWS: Final = 2000
LAST_LISTED_VERSION: Final = 5

_KIND_OUTSIDE_PRIMARY: Final = {
    AnnounceType.NEW: AnnounceType.CROSS,
    AnnounceType.CROSS: AnnounceType.CROSS,
    AnnounceType.REPLACE: AnnounceType.REPLACE_CROSS,
}
"""What a paper is called in a feed that has not its primary category."""

_FEED = (
    'feed xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns:dc="http://purl.org/dc/elements/1.1/"'
    ' xmlns="http://www.w3.org/2005/Atom" xml:lang="en-us"'
)


@dataclass(frozen=True, slots=True)
class AnnouncementRow:
    """One entry as it is written; `published` is the Eastern midnight of its day."""

    id: ArxivId
    version: int
    kind: AnnounceType
    text: Manuscript
    published: datetime


def is_known_category(category: str) -> bool:
    """Whether arXiv has such a category or archive."""
    return category in CATEGORIES or category in ARCHIVES


def announced_rows(
    listings: Iterable[AnnouncementListing], categories: Sequence[str], day: date
) -> list[AnnouncementRow]:
    """What a feed of these categories (or archives) shows of a day's announcement."""
    strongest: dict[ArxivId, AnnouncementRow] = {}
    for listing in listings:
        row = _row(listing, categories, day)
        if row and (row.id not in strongest or row.kind >= strongest[row.id].kind):
            strongest[row.id] = row
    return sorted(strongest.values(), key=lambda row: (-row.kind, row.id))[-MAX_ROWS:]


def render(query: str, entries: Iterable[AnnouncementRow], built: datetime) -> bytes:
    """The feed of `query` (categories joined by `+`), generated at `built`."""
    stamp = _format_built_at(built)
    lines = [*_head(query, f"{query} updates on arXiv.org", stamp)]
    lines.append(element("subtitle", f"{query} updates on the arXiv.org e-print archive."))
    for row in entries:
        lines += _entry(row, stamp)
    return document(block(_FEED, lines))


def render_announcement_error(query: str, reason: str, built: datetime) -> bytes:
    """The feed that comes with HTTP 400: an error dressed as an entry."""
    stamp = _format_built_at(built)
    title = f"Feed error for query: {query}"
    entry = [element("id", f"http://rss.arxiv.org/atom/{query}"), element("title", title)]
    entry += [element("updated", stamp), element("summary", reason)]
    return document(block(_FEED, [*_head(query, title, stamp), *block("entry", entry)]))


def _row(listing: AnnouncementListing, wanted: Sequence[str], day: date) -> AnnouncementRow | None:
    listed = [category for category in listing.categories if _includes_category(wanted, category)]
    version = listing.version
    late = listing.kind is AnnounceType.REPLACE and version.number > LAST_LISTED_VERSION
    if not listed or late:
        return None
    at_home = version.text.categories[0] in listed
    kind = listing.kind if at_home else _KIND_OUTSIDE_PRIMARY[listing.kind]
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
    text, named = row.text, f"{row.id}v{row.version}"
    lines = [
        element("id", f"oai:arXiv.org:{named}"),
        element("title", text.title),
        element("updated", stamp),
        element("link", href=row.id.url, rel="alternate", type="text/html"),
        element(
            "summary",
            f"arXiv:{named} Announce Type: {row.kind.label} \nAbstract: {text.abstract}",
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
    return block("entry", [*lines, element("dc:creator", format_creators(text))])


def format_creators(text: Manuscript) -> str:
    """All authors as the one string a feed has, affiliations in parentheses."""
    affiliations = text.affiliations or ("",) * len(text.authors)
    return ", ".join(
        f"{name} ({affiliation})" if affiliation else name
        for name, affiliation in zip(text.authors, affiliations, strict=True)
    )


def _format_built_at(built: datetime) -> str:
    """A time with microseconds even where they are zero, as the feeds have it."""
    return built.astimezone(UTC).isoformat(timespec="microseconds")
