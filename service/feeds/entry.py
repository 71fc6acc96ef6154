"""Entries of a feed, independent of its format: a paper (`Entry`), a digest (`DigestEntry`).

Feed readers compare title, link, authors, content, categories, `published` and `updated` to decide
whether an entry was modified. These come from arXiv's own statements only. What changes while the
paper does not (votes, comment counts, further picks) goes where readers do not compare.

A new field that feeds show is a row of `ARXIV_FIELDS` or `TEXT_FIELDS`, a property of `Entry`, a
field of `DigestEntry`, and one place in each format.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, NamedTuple

from papers.config.sources import SOURCES
from papers.model.arxiv_calendar import feed_date
from papers.model.categories import ARCHIVES, CATEGORIES
from papers.model.dates import from_epoch, published_at, to_epoch, updated_at
from papers.model.frozen_fields import categories_at_announcement
from papers.model.paper import Paper, Pick
from papers.model.resources import paper_resources
from papers.records.packing import PaperRecord, unpacked
from service.feeds.content import Content, build_content
from service.markup.clean import (
    category_name,
    clean_xml_text,
    single_line,
    source_name,
    valid_http_url,
)
from service.markup.paper_text import author_names, marked_title, resource_title

ARXIV_SCHEME: Final = "http://arxiv.org/schemas/atom"
PDF_MEDIA_TYPE: Final = "application/pdf"
HTML_MEDIA_TYPE: Final = "text/html"

ARXIV_FIELDS: Final = ("comment", "journal_ref", "doi")
"""Texts that XML formats write as `arxiv:` elements, and JSON Feed under `_arxiv`."""
TEXT_FIELDS: Final = ("id", "title", "summary", *ARXIV_FIELDS, "thumbnail")
"""Texts of an entry, one each, in the order in which entry templates number them."""


class Link(NamedTuple):
    """A link of an entry; `comments` is the comment count of a `replies` link."""

    href: str
    rel: str
    type: str = ""
    title: str = ""
    comments: int | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """A category with the three attributes that Atom defines."""

    term: str
    label: str
    scheme: str = ""


@dataclass(frozen=True, slots=True)
class AtomSource:
    """The upstream feed of an entry (`atom:source`); `url` is that feed's own address.

    Its `updated` is the entry's: when the upstream feed was generated is not known.
    """

    id: str
    title: str
    url: str


class _HasLinks:
    """Lookups in an entry's links."""

    __slots__ = ()
    links: tuple[Link, ...]

    @property
    def url(self) -> str:
        """The `alternate` link."""
        return next(link.href for link in self.links if link.rel == "alternate")

    @property
    def discussion_url(self) -> str:
        """The first `replies` link; empty if there is none."""
        return next((link.href for link in self.links if link.rel == "replies"), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestEntry(_HasLinks):
    """An entry that lists papers, and the fields that formats read of any entry.

    Texts have no character that XML forbids; links are http(s). `published` and `updated` are aware
    UTC. `last_activity_at` is the newest time of anything in the entry: `updated`, or the pick that
    a feed of picks shows. `votes` and `comments` are None if no source counts them. Formats write
    them only where readers do not compare them, as they do `keywords`: the slugs of the keywords
    that the paper matches, in a feed of several.
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
    """A paper as an entry; in a feed of picks, its content begins with `lead_pick`.

    It has the fields of `DigestEntry`, computed on access: a page shows few of them, and an entry
    whose bytes are cached needs none. Its hash covers everything it is made from.
    """

    record: PaperRecord
    lead_pick: Pick | None = None
    keywords: tuple[str, ...] = ()

    @cached_property
    def paper(self) -> Paper:
        """The paper; it stays packed if nothing of it is needed."""
        return unpacked(self.record)

    @property
    def is_plain(self) -> bool:
        """Whether the entry says nothing but what its paper does."""
        return type(self) is Entry and not self.lead_pick and not self.keywords

    @property
    def id(self) -> str:
        """The URL of the abstract page, without a version."""
        return self.paper.id.url

    @property
    def title(self) -> str:
        """The title without markup, marked if withdrawn; the id if there is none."""
        return marked_title(self.paper)

    @property
    def summary(self) -> str:
        """The abstract as its authors wrote it, TeX included."""
        return clean_xml_text(self.paper.abstract)

    @cached_property
    def content(self) -> Content:
        """The pick, if any, and the text from arXiv."""
        return build_content(self.paper, self.lead_pick, authors=self.authors)

    @cached_property
    def links(self) -> tuple[Link, ...]:  # type: ignore[override]  # never set
        """Links to the paper, its code, picks and discussions."""
        return _build_links(self.paper)

    @cached_property
    def published(self) -> datetime:
        """The first announcement, as feeds date it; in a feed of picks the pick."""
        pick = self.lead_pick
        return feed_date(self.paper.id, pick.picked_at if pick else published_at(self.paper))

    @cached_property
    def updated(self) -> datetime:
        """The announcement of the newest version, as feeds date it; not before `published`."""
        paper = self.paper
        if paper.version <= 1 and not self.lead_pick:
            return self.published
        return max(self.published, feed_date(paper.id, updated_at(paper)))

    @property
    def last_activity_at(self) -> datetime:
        """The newer of `updated` and the pick."""
        return (
            max(self.updated, from_epoch(to_epoch(self.lead_pick.picked_at)))
            if self.lead_pick
            else self.updated
        )

    @cached_property
    def authors(self) -> tuple[str, ...]:
        """Names in order."""
        return author_names(self.paper)

    @cached_property
    def categories(self) -> tuple[Category, ...]:
        """Categories at the announcement of the newest version."""
        return _atom_categories(self.paper, categories_at_announcement(self.paper))

    @property
    def all_categories(self) -> tuple[Category, ...]:
        """Current categories, later cross-lists included."""
        return _atom_categories(self.paper, self.paper.categories)

    @property
    def source(self) -> AtomSource:
        """The upstream feed."""
        return _atom_source(self.paper)

    @property
    def comment(self) -> str:
        """The authors' comment, on one line."""
        return single_line(self.paper.comment)

    @property
    def journal_ref(self) -> str:
        """The journal reference, on one line."""
        return single_line(self.paper.journal_ref)

    @property
    def doi(self) -> str:
        """The DOI of the published version."""
        return single_line(self.paper.doi)

    @property
    def thumbnail(self) -> str:
        """The thumbnail URL of the pick; empty outside feeds of picks."""
        return valid_http_url(self.lead_pick.thumbnail) if self.lead_pick else ""

    @property
    def votes(self) -> int | None:
        """The highest vote count of any community."""
        return self.paper.votes

    @property
    def comments(self) -> int | None:
        """The comment count, summed over communities."""
        counts = [pick.comments for pick in self.paper.picks if pick.comments is not None]
        return sum(counts) if counts else None


FeedItem = DigestEntry | Entry
"""An entry of a feed."""


def _atom_categories(paper: Paper, terms: tuple[str, ...]) -> tuple[Category, ...]:
    """Return the categories, and `withdrawn` as one more if the paper is."""
    named = tuple([_ARXIV_CATEGORIES.get(term) or _arxiv_category(term) for term in terms])
    return (*named, Category("withdrawn", "Withdrawn")) if paper.withdrawn else named


def _arxiv_category(term: str) -> Category:
    return Category(single_line(term), category_name(term), ARXIV_SCHEME)


def _build_links(paper: Paper) -> tuple[Link, ...]:
    links = [
        Link(paper.id.url, "alternate", HTML_MEDIA_TYPE, "Abstract"),
        Link(paper.id.pdf_url, "related", PDF_MEDIA_TYPE, "PDF"),
    ]
    for each in paper_resources(paper):
        url = valid_http_url(each.url)
        links.append(Link(url, "related", HTML_MEDIA_TYPE, resource_title(each)))
    for pick in paper.picks:
        name = source_name(pick.community)
        links.append(Link(valid_http_url(pick.url), "via", HTML_MEDIA_TYPE, name))
        title = f"Discussion at {name}"
        links.append(
            Link(valid_http_url(pick.discussion), "replies", HTML_MEDIA_TYPE, title, pick.comments)
        )
    return tuple([link for link in links if link.href])


def _atom_source(paper: Paper) -> AtomSource:
    """Return the announcement feed of the primary category.

    A paper without categories has the site of the built-in source that named it, else arXiv's.
    """
    if paper.primary:
        return _ANNOUNCEMENT_FEEDS.get(paper.primary) or _announcement_feed(paper.primary)
    for name, spec in SOURCES.items():
        if name in paper.sources and not spec.is_arxiv:
            return AtomSource(spec.homepage, spec.title, spec.homepage)
    return AtomSource("https://arxiv.org/", "arXiv.org", "https://arxiv.org/")


def _announcement_feed(category: str) -> AtomSource:
    term = single_line(category)
    path = f"rss.arxiv.org/atom/{term}"
    return AtomSource(f"http://{path}", f"{term} updates on arXiv.org", f"https://{path}")


_ARXIV_CATEGORIES: Final = {term: _arxiv_category(term) for term in (*CATEGORIES, *ARCHIVES)}
_ANNOUNCEMENT_FEEDS: Final = {term: _announcement_feed(term) for term in (*CATEGORIES, *ARCHIVES)}
"""Made once for arXiv's own categories: computing these adds some 10 µs to an entry."""
