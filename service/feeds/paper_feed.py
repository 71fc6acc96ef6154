"""The feed of one paper: an entry for each version, pick, code and journal reference, newest first.

A version has the entry that it has among the revisions of a keyword; ids of the others end in a
fragment.
"""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from html import escape
from typing import Final

from papers.model.arxiv_calendar import feed_date
from papers.model.dates import published_at
from papers.model.events import EventKind, PaperEvent, paper_events
from papers.model.paper import Paper
from service.feeds.content import Content, render_footer, render_pick
from service.feeds.entry import DigestEntry, Entry, FeedItem
from service.feeds.event_entry import EventEntry, code_lead, prepend, without_withdrawal
from service.markup.clean import single_line, source_name


def paper_entries(paper: Paper) -> tuple[FeedItem, ...]:
    """Return an entry for everything that is known to have happened to a paper."""
    entries = [_event_entry(paper, event) for event in paper_events(paper)]
    if paper.is_from_arxiv:
        entries.append(_version_entry(paper, 1, published_at(paper)))
    return tuple(sorted(entries, key=lambda entry: entry.updated, reverse=True))


def _event_entry(paper: Paper, event: PaperEvent) -> FeedItem:
    if event.kind is EventKind.REVISED:
        return _version_entry(paper, event.version, event.at)
    if event.kind is EventKind.WITHDRAWN:
        return _version_entry(paper, paper.withdrawn_version, event.at)
    return _RENDERERS[event.kind](paper, event)


def _version_entry(paper: Paper, version: int, at: datetime) -> EventEntry:
    return EventEntry(paper, kind=EventKind.REVISED, happened_at=at, version=version)


def _pick_entry(paper: Paper, event: PaperEvent) -> DigestEntry:
    pick = paper.pick_by(event.community)
    content = render_pick(pick) if pick else Content("", "")
    name = source_name(event.community)
    fragment = f"picked-{event.community}"
    return _describe(paper, event, fragment, f"picked by {name}", content)


def _code_entry(paper: Paper, event: PaperEvent) -> DigestEntry:
    return _describe(paper, event, "code", "code", code_lead(paper, event.at))


def _journal_entry(paper: Paper, event: PaperEvent) -> DigestEntry:
    reference = single_line(paper.journal_ref)
    html = f"<p><strong>Journal reference:</strong> {escape(reference, quote=False)}</p>"
    content = Content(html, f"Journal reference: {reference}")
    return _describe(paper, event, "journal", "journal reference", content)


def _describe(
    paper: Paper, event: PaperEvent, fragment: str, what: str, content: Content
) -> DigestEntry:
    entry, at = Entry(without_withdrawal(paper)), _date_of(paper, event)
    return DigestEntry(
        id=f"{entry.id}#{fragment}",
        title=f"{entry.title} ({what})",
        summary="",
        content=prepend(content, render_footer(paper)),
        links=entry.links,
        published=at,
        updated=at,
        last_activity_at=at,
        authors=entry.authors,
        categories=entry.categories,
        source=entry.source,
    )


def _date_of(paper: Paper, event: PaperEvent) -> datetime:
    """Return the date of an entry, apart from others of the same moment."""
    apart = timedelta(milliseconds=1 + sorted(EventKind).index(event.kind))
    if event.community:
        apart += timedelta(microseconds=zlib.crc32(event.community.encode()) % 1_000)
    return feed_date(paper.id, event.at) + apart


_RENDERERS: Final = {
    EventKind.PICKED: _pick_entry,
    EventKind.CODED: _code_entry,
    EventKind.REFERRED: _journal_entry,
}
