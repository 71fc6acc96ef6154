"""A paper as a feed entry: everything the three formats need, worked out once.

What may change without the paper changing (votes, numbers of comments, who else picked it) is
kept apart from what readers compare to tell whether an entry was modified: title, link, authors,
content, categories, `published` and `updated` come from arXiv's statements alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from papers.announced import announced_categories
from papers.merge import published_at, updated_at
from papers.paper import Paper, Pick
from service.feeds.content import Content, PaperContent
from service.feeds.text import category_name, clean, line, link, source_name
from service.feeds.typesetting import plain

ARXIV_SCHEME: Final = "http://arxiv.org/schemas/atom"
PDF: Final = "application/pdf"
HTML: Final = "text/html"


@dataclass(frozen=True, slots=True)
class Link:
    """A link of an entry; `count` is the number of comments behind a `replies` link."""

    href: str
    rel: str
    type: str = ""
    title: str = ""
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """A category as Atom has it."""

    term: str
    label: str
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """The feed upstream that an entry comes from; `url` is its own address."""

    id: str
    title: str
    url: str
    updated: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One entry of a feed, as formats write it: a paper, or a list of papers.

    All text is free of what XML forbids; all links are http(s). `published` and `updated` are aware
    UTC. `touched` is the newest moment anything in the entry is of: `updated`, or the pick that a
    feed of picks shows. `votes` and `comments` (None: nobody counts) are shown only where readers
    do not compare them, and so are `keywords`: the slugs of those that the paper met, in a feed of
    several.
    """

    id: str
    title: str
    summary: str
    content: Content | PaperContent
    links: tuple[Link, ...]
    published: datetime
    updated: datetime
    touched: datetime
    authors: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    source: Source | None = None
    comment: str = ""
    journal_ref: str = ""
    doi: str = ""
    thumbnail: str = ""
    votes: int | None = None
    comments: int | None = None
    keywords: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """Its page."""
        return next(link.href for link in self.links if link.rel == "alternate")

    @property
    def discussion(self) -> str:
        """Where the paper is discussed: the first of its `replies` links, or nothing."""
        return next((link.href for link in self.links if link.rel == "replies"), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Item):
    """One paper in a feed.

    Of what it is `listed` in, `categories` are those that its newest version was announced in.
    """

    paper: Paper
    source: Source
    listed: tuple[Category, ...]


def entry_of(paper: Paper, *, lead: Pick | None = None, keywords: tuple[str, ...] = ()) -> Entry:
    """The entry of a paper; in a feed of picks, `lead` is the pick it begins with.

    `keywords` are those it met, in a feed of several.
    """
    published, updated = _utc(published_at(paper)), _utc(updated_at(paper))
    title = plain(line(paper.title)) or str(paper.id)
    counts = [pick.comments for pick in paper.picks if pick.comments is not None]
    return Entry(
        paper=paper,
        id=paper.id.url,
        title=f"[Withdrawn] {title}" if paper.withdrawn else title,
        summary=clean(paper.abstract),
        content=PaperContent(paper, lead),
        authors=tuple(name for name in map(line, paper.authors) if name),
        categories=_categories(paper, announced_categories(paper)),
        listed=_categories(paper, paper.categories),
        links=_links(paper),
        source=_source(paper, updated),
        published=published,
        updated=updated,
        touched=max(updated, _utc(lead.picked_at)) if lead else updated,
        comment=line(paper.comment),
        journal_ref=line(paper.journal_ref),
        doi=line(paper.doi),
        thumbnail=link(lead.thumbnail) if lead else "",
        votes=paper.votes,
        comments=sum(counts) if counts else None,
        keywords=keywords,
    )


def lead_of(paper: Paper, community: str = "") -> Pick | None:
    """The pick a feed of picks shows: that community's, else the first of all."""
    first = min(paper.picks, key=lambda pick: (pick.picked_at, pick.community), default=None)
    return paper.pick_by(community) or first


def _categories(paper: Paper, terms: tuple[str, ...]) -> tuple[Category, ...]:
    """Categories of a paper, and that it is withdrawn, as feeds and pages name them."""
    named = [Category(line(term), category_name(term), ARXIV_SCHEME) for term in terms]
    marks = [Category("withdrawn", "Withdrawn")] if paper.withdrawn else []
    return (*named, *marks)


def _links(paper: Paper) -> tuple[Link, ...]:
    links = [
        Link(paper.id.url, "alternate", HTML, "Abstract"),
        Link(paper.id.pdf_url, "related", PDF, "PDF"),
        Link(link(paper.code), "related", HTML, "Code"),
        Link(link(paper.project), "related", HTML, "Project page"),
    ]
    for pick in paper.picks:
        name = source_name(pick.community)
        links.append(Link(link(pick.url), "via", HTML, name))
        title = f"Discussion at {name}"
        links.append(Link(link(pick.discussion), "replies", HTML, title, pick.comments))
    return tuple(link for link in links if link.href)


def _source(paper: Paper, updated: datetime) -> Source:
    """The announcement feed of the primary category, or the community that brought the paper.

    Its date is the entry's own: the moment the upstream feed was generated says nothing.
    """
    if paper.primary:
        title = f"{line(paper.primary)} updates on arXiv.org"
        path = f"rss.arxiv.org/atom/{line(paper.primary)}"
        return Source(f"http://{path}", title, f"https://{path}", updated)
    if "hf" in paper.sources:
        address = "https://huggingface.co/papers"
        return Source(address, source_name("hf"), address, updated)
    return Source("https://arxiv.org/", "arXiv.org", "https://arxiv.org/", updated)


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)
