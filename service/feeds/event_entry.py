"""Entries of feeds of events: a revision, a withdrawal, code, or the joining of a list.

They are dated by the event, and begin with it. A revision is an entry of its own, whose id ends in
its version; only the newest version's text is held here, so that an older one links to arXiv's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from html import escape
from typing import Final

from papers.model.arxiv_calendar import feed_date
from papers.model.events import INDEXED_EVENTS, EventKind, EventRef
from papers.model.paper import Paper, Pick
from papers.query.request import SearchRequest
from papers.records.packing import PaperRecord, unpacked
from service.feeds.content import Content, build_content
from service.feeds.entry import Category, Entry, Link
from service.markup.clean import valid_http_url

_EVENT_ORDERS: Final = frozenset(map(str, INDEXED_EVENTS))
_OLDER_TEXT: Final = "Newer versions followed. The text of this one is not held here:"


@dataclass(frozen=True, kw_only=True)
class EventEntry(Entry):
    """A paper as an entry about an event: what happened and when, aware UTC.

    `version` is that of a revision, else 0. Without a `kind` it is the joining of a list.
    """

    happened_at: datetime
    kind: EventKind | None = None
    version: int = 0

    @property
    def id(self) -> str:
        """The URL of the abstract page, with the version of a revision."""
        return version_url(self.paper, self.version) if self.version else super().id

    @property
    def title(self) -> str:
        """The title, with the version of a revision."""
        title = Entry(self._shown_paper).title
        return f"{title} (v{self.version})" if self.version else title

    @cached_property
    def categories(self) -> tuple[Category, ...]:
        """The categories; for an older version without the mark of a later withdrawal."""
        return Entry(self._shown_paper).categories

    @property
    def _shown_paper(self) -> Paper:
        return without_withdrawal(self.paper) if self.is_older else self.paper

    @property
    def is_older(self) -> bool:
        """Whether this is a revision that newer versions have replaced."""
        return 0 < self.version < self.paper.version

    @property
    def summary(self) -> str:
        """The abstract; empty for an older version."""
        return "" if self.is_older else super().summary

    @cached_property
    def content(self) -> Content:
        """The event, and the text from arXiv if it is that of the newest version."""
        version = self.version
        body = Content("", "") if self.is_older else build_content(self.paper, version=version)
        return prepend(_lead(self), body)

    @cached_property
    def links(self) -> tuple[Link, ...]:  # type: ignore[override]  # never set
        """The links of the paper, to the version of a revision."""
        links = Entry(self.paper).links
        return links_to_version(self.paper, self.version, links) if self.version else links

    @property
    def published(self) -> datetime:
        """The time of the event; joining a list has its own milliseconds."""
        return feed_date(self.paper.id, self.happened_at) if self.kind else self.happened_at

    @cached_property
    def updated(self) -> datetime:
        """The time of the event."""
        return self.published

    @property
    def last_activity_at(self) -> datetime:
        """The time of the event."""
        return self.published


def select_lead_pick(paper: Paper, community: str = "") -> Pick | None:
    """Return the pick that a feed of picks shows: the community's, else the earliest of all."""
    first = min(paper.picks, key=lambda pick: (pick.picked_at, pick.community), default=None)
    return paper.pick_by(community) or first


def make_entry(
    record: PaperRecord,
    search: SearchRequest,
    event: EventRef | None,
    keywords: tuple[str, ...] = (),
) -> Entry:
    """Return a found paper as an entry; in an order of events or picks, about that event."""
    if event is None:
        is_by_pick = search.order == "picked"
        lead = select_lead_pick(unpacked(record), search.source) if is_by_pick else None
        return Entry(record, lead_pick=lead, keywords=keywords)
    kind = EventKind(search.order) if search.order in _EVENT_ORDERS else None
    return EventEntry(
        record, keywords=keywords, kind=kind, happened_at=event.at, version=event.version
    )


def version_url(paper: Paper, version: int) -> str:
    """Return the URL of the abstract page of a version."""
    return f"{paper.id.url}v{version}"


def without_withdrawal(paper: Paper) -> Paper:
    """Return a paper as it was before it was withdrawn, for entries about what happened before."""
    return paper._replace(withdrawn_version=0)


def links_to_version(paper: Paper, version: int, links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Return links with those to the abstract page and the PDF leading to a version."""
    versioned = {url: f"{url}v{version}" for url in (paper.id.url, paper.id.pdf_url)}
    return tuple([link._replace(href=versioned.get(link.href, link.href)) for link in links])


def prepend(lead: Content, body: Content) -> Content:
    """Return a content that begins with another one."""
    texts = (text for text in (lead.text, body.text) if text)
    return Content(lead.xhtml + body.xhtml, "\n\n".join(texts))


def revision_lead(paper: Paper, version: int, at: datetime) -> Content:
    """Return which version an entry is about, and where its text is if it is not held here."""
    is_withdrawal = paper.withdrawn and version == paper.withdrawn_version
    did = "withdrew the paper" if is_withdrawal else "was announced"
    text = f"Version {version} {did} on {at:%Y-%m-%d}."
    html = f"<p><strong>Version {version}</strong> {did} on {at:%Y-%m-%d}.</p>"
    if version >= paper.version:
        return Content(html, text)
    url, name = version_url(paper, version), f"version {version} at arXiv"
    html += f'<p>{_OLDER_TEXT} <a href="{escape(url)}">{name}</a>.</p>'
    return Content(html, f"{text}\n\n{_OLDER_TEXT} {name}, {url}")


def code_lead(paper: Paper, at: datetime) -> Content:
    """Return where the code is and since when it is known."""
    url = valid_http_url(paper.code)
    if not url:
        return Content("", "")
    since = f"known since {at:%Y-%m-%d}"
    link = f'<a href="{escape(url)}">{escape(url, quote=False)}</a>'
    return Content(f"<p><strong>Code:</strong> {link}, {since}.</p>", f"Code: {url}, {since}.")


def _lead(entry: EventEntry) -> Content:
    if entry.kind is EventKind.REVISED:
        return revision_lead(entry.paper, entry.version, entry.happened_at)
    if entry.kind is EventKind.WITHDRAWN:
        return revision_lead(entry.paper, entry.paper.withdrawn_version, entry.happened_at)
    if entry.kind is EventKind.CODED:
        return code_lead(entry.paper, entry.happened_at)
    return Content("", "")
