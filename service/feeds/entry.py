"""A paper as a feed entry: everything the three formats need, worked out once.

What may change without the paper changing (votes, numbers of comments, who else picked it) is
kept apart from what readers compare to tell whether an entry was modified: title, link, authors,
content, categories, `published` and `updated` come from arXiv's statements alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

from papers.model.frozen_fields import categories_at_announcement
from papers.model.merge import published_at, updated_at
from papers.model.paper import Paper, Pick
from service.feeds.content import Content, build_content
from service.markup.clean import (
    category_name,
    clean_xml_text,
    single_line,
    source_name,
    valid_http_url,
)
from service.markup.latex_html import tex_to_text

ARXIV_SCHEME: Final = "http://arxiv.org/schemas/atom"
PDF_MEDIA_TYPE: Final = "application/pdf"
HTML_MEDIA_TYPE: Final = "text/html"


class Link(NamedTuple):
    """A link of an entry; `comments` is how many there are behind a `replies` link."""

    href: str
    rel: str
    type: str = ""
    title: str = ""
    comments: int | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """A category as Atom has it."""

    term: str
    label: str
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class AtomSource:
    """The feed upstream that an entry comes from; `url` is its own address.

    Its date is the entry's: the moment the upstream feed was generated says nothing.
    """

    id: str
    title: str
    url: str


class _HasLinks:
    """What an entry's links lead to."""

    __slots__ = ()
    links: tuple[Link, ...]

    @property
    def url(self) -> str:
        """Its page."""
        return next(link.href for link in self.links if link.rel == "alternate")

    @property
    def discussion_url(self) -> str:
        """Where the paper is discussed: the first of its `replies` links, or nothing."""
        return next((link.href for link in self.links if link.rel == "replies"), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestEntry(_HasLinks):
    """An entry that lists papers, and what any entry of a feed says to those who write it.

    All text is free of what XML forbids; all links are http(s). `published` and `updated` are aware
    UTC. `touched` is the newest moment anything in the entry is of: `updated`, or the pick that a
    feed of picks shows. `votes` and `comments` (None: nobody counts) are shown only where readers
    do not compare them, and so are `keywords`: the slugs of those that the paper met, in a feed of
    several.
    """

    id: str
    title: str
    summary: str
    content: Content
    links: tuple[Link, ...]
    published: datetime
    updated: datetime
    last_activity_at: datetime
    authors: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    source: AtomSource | None = None
    comment: str = ""
    journal_ref: str = ""
    doi: str = ""
    thumbnail: str = ""
    votes: int | None = None
    comments: int | None = None
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry(_HasLinks):
    """One paper in a feed; in a feed of picks, `lead` is the pick it begins with.

    It says what a `Listing` says, worked out when it is asked for: a page shows little of it, and
    where another feed has had it spelled nothing is asked. Its hash is that of all it is made from.
    """

    paper: Paper
    lead_pick: Pick | None = None
    keywords: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The abstract page of the paper, whatever its version."""
        return self.paper.id.url

    @property
    def title(self) -> str:
        """As people read it; the id where there is none."""
        title = tex_to_text(single_line(self.paper.title)) or str(self.paper.id)
        return f"[Withdrawn] {title}" if self.paper.withdrawn else title

    @property
    def summary(self) -> str:
        """The abstract as it was written."""
        return clean_xml_text(self.paper.abstract)

    @cached_property
    def content(self) -> Content:
        """What arXiv says, behind the pick."""
        return build_content(self.paper, self.lead_pick)

    @cached_property
    def links(self) -> tuple[Link, ...]:  # type: ignore[override]  # never set
        """To the paper, and to what others say of it."""
        return _build_links(self.paper)

    @property
    def published(self) -> datetime:
        """When it was first announced."""
        return _to_whole_utc_seconds(published_at(self.paper))

    @cached_property
    def updated(self) -> datetime:
        """When its newest version was announced."""
        return _to_whole_utc_seconds(updated_at(self.paper))

    @property
    def last_activity_at(self) -> datetime:
        """The newest of that and the pick."""
        return (
            max(self.updated, _to_whole_utc_seconds(self.lead_pick.picked_at))
            if self.lead_pick
            else self.updated
        )

    @property
    def authors(self) -> tuple[str, ...]:
        """Their names, in order."""
        return tuple(filter(None, map(single_line, self.paper.authors)))

    @cached_property
    def categories(self) -> tuple[Category, ...]:
        """Those that its newest version was announced in."""
        return _atom_categories(self.paper, categories_at_announcement(self.paper))

    @property
    def all_categories(self) -> tuple[Category, ...]:
        """All that it is listed in."""
        return _atom_categories(self.paper, self.paper.categories)

    @property
    def source(self) -> AtomSource:
        """The feed upstream that it comes from."""
        return _atom_source(self.paper)

    @property
    def comment(self) -> str:
        """The authors' comment."""
        return single_line(self.paper.comment)

    @property
    def journal_ref(self) -> str:
        """Where it appeared."""
        return single_line(self.paper.journal_ref)

    @property
    def doi(self) -> str:
        """Its DOI there."""
        return single_line(self.paper.doi)

    @property
    def thumbnail(self) -> str:
        """The picture of the pick."""
        return valid_http_url(self.lead_pick.thumbnail) if self.lead_pick else ""

    @property
    def votes(self) -> int | None:
        """The most that any community counts."""
        return self.paper.votes

    @property
    def comments(self) -> int | None:
        """How many there are in all communities."""
        counts = [pick.comments for pick in self.paper.picks if pick.comments is not None]
        return sum(counts) if counts else None


FeedItem = DigestEntry | Entry
"""One entry of a feed."""


def select_lead_pick(paper: Paper, community: str = "") -> Pick | None:
    """The pick a feed of picks shows: that community's, else the first of all."""
    first = min(paper.picks, key=lambda pick: (pick.picked_at, pick.community), default=None)
    return paper.pick_by(community) or first


def _atom_categories(paper: Paper, terms: tuple[str, ...]) -> tuple[Category, ...]:
    """Categories of a paper, and that it is withdrawn, as feeds and pages name them."""
    named = map(_arxiv_category, terms)
    marks = [Category("withdrawn", "Withdrawn")] if paper.withdrawn else []
    return (*named, *marks)


@lru_cache(maxsize=1024)
def _arxiv_category(term: str) -> Category:
    return Category(single_line(term), category_name(term), ARXIV_SCHEME)


def _build_links(paper: Paper) -> tuple[Link, ...]:
    links = [
        Link(paper.id.url, "alternate", HTML_MEDIA_TYPE, "Abstract"),
        Link(paper.id.pdf_url, "related", PDF_MEDIA_TYPE, "PDF"),
    ]
    for url, title in ((paper.code, "Code"), (paper.project, "Project page")):
        if url:
            links.append(Link(valid_http_url(url), "related", HTML_MEDIA_TYPE, title))
    for pick in paper.picks:
        name = source_name(pick.community)
        links.append(Link(valid_http_url(pick.url), "via", HTML_MEDIA_TYPE, name))
        title = f"Discussion at {name}"
        links.append(
            Link(valid_http_url(pick.discussion), "replies", HTML_MEDIA_TYPE, title, pick.comments)
        )
    return tuple([link for link in links if link.href])


def _atom_source(paper: Paper) -> AtomSource:
    """The announcement feed of the primary category, or the community that brought the paper."""
    if paper.primary:
        return _announcement_feed(paper.primary)
    if "hf" in paper.sources:
        address = "https://huggingface.co/papers"
        return AtomSource(address, source_name("hf"), address)
    return AtomSource("https://arxiv.org/", "arXiv.org", "https://arxiv.org/")


@lru_cache(maxsize=1024)
def _announcement_feed(category: str) -> AtomSource:
    term = single_line(category)
    path = f"rss.arxiv.org/atom/{term}"
    return AtomSource(f"http://{path}", f"{term} updates on arXiv.org", f"https://{path}")


def _to_whole_utc_seconds(moment: datetime) -> datetime:
    whole = moment.tzinfo is UTC and not moment.microsecond
    return moment if whole else moment.astimezone(UTC).replace(microsecond=0)
