"""The data model: what a source states about a paper (`Sighting`), and the record (`Paper`).

One module per upstream converts its format to `Sighting`s; no other module sees that format.
`papers.model.merge` turns sightings into a `Paper`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from papers.model.arxiv_id import ArxivId


class Channel(enum.IntEnum):
    """The kind of interface a sighting came from; higher ones are more precise.

    Numbers and names are stored: append, never change.
    """

    COMMUNITY = 1
    HUGGINGFACE = 2
    ANNOUNCEMENT = 3
    API = 4
    OAI = 5

    @property
    def is_arxiv(self) -> bool:
        """Whether the statement is arXiv's own, which beats any community's."""
        return self >= Channel.ANNOUNCEMENT


class AnnounceType(enum.IntEnum):
    """How arXiv announced a paper; of several types the greatest is kept. Numbers are stored."""

    REPLACE_CROSS = 1
    REPLACE = 2
    CROSS = 3
    NEW = 4

    @property
    def label(self) -> str:
        """The name that arXiv uses: `replace-cross`."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Pick:
    """A community's pick of a paper, with its counters.

    `picked_at` (aware UTC) and `url` are those of the first pick and never change; all else is as
    of `counted_at`. None means "not stated", unlike zero.
    """

    community: str
    picked_at: datetime
    url: str = ""
    discussion: str = ""
    votes: int | None = None
    comments: int | None = None
    counted_at: datetime | None = None
    submitter: str = ""
    thumbnail: str = ""


class Sighting(NamedTuple):
    """What one source stated about one paper at one time. Empty means "not stated".

    `source` is the name in feeds and filters: `arxiv`, `hf`, or a community feed's.
    `as_of` is the time of the statement, by the source's own dates if it has them.
    `announced_at` is the Eastern midnight of the announcement (UTC), known from announcements only;
    `submitted_at` is the date of version 1, `revised_at` that of `version`, `earlier_versions` has
    the dates of submission of those between, by number. Times are aware.
    """

    id: ArxivId
    source: str
    channel: Channel
    as_of: datetime
    version: int = 0
    title: str = ""
    abstract: str = ""
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    comment: str = ""
    journal_ref: str = ""
    doi: str = ""
    license: str = ""
    announce_type: AnnounceType | None = None
    announced_at: datetime | None = None
    submitted_at: datetime | None = None
    revised_at: datetime | None = None
    withdrawn: bool = False
    code: str = ""
    project: str = ""
    organization: str = ""
    pick: Pick | None = None
    earlier_versions: tuple[tuple[int, datetime], ...] = ()


class Rank(NamedTuple):
    """The precedence of a statement: of two, the greater one wins."""

    is_arxiv: bool
    version: int
    channel: int
    as_of: int
    """Seconds since 1970, UTC."""


class Revision(NamedTuple):
    """A version and when it was announced; of two revisions the greater one wins.

    For one version, a date from an announcement (`is_exact`) beats one computed from the
    submission; of two such dates the earlier wins, hence the negated seconds since 1970.
    """

    version: int
    is_exact: bool
    negated_seconds: int


def implied_versions(revision: Revision | None) -> tuple[Revision, ...]:
    """Return the versions from the second on that are known from the newest one alone."""
    return (revision,) if revision and revision.version > 1 else ()


class Paper(NamedTuple):
    """The record of one paper: the join of every sighting of it.

    `categories` begin with the primary one; `picks` are sorted by community, `sources` by name.
    `referred_at` is when a journal reference was first known, aware UTC; None means "always" if
    there is one. `listed_at` has the seconds since 1970 at which each category was first known;
    empty means "always". `versions` has every known version from the second on, by number:
    `revision` is the last of them. `coded_at` is when code was first known: the announcement of the
    version whose text names it, or when a community did; None in records that earlier releases
    wrote. `ranks` has the rank of each field that has a value, by name: `papers.model.merge` needs
    it.
    """

    id: ArxivId
    title: str = ""
    abstract: str = ""
    authors: tuple[str, ...] = ()
    primary: str = ""
    categories: tuple[str, ...] = ()
    comment: str = ""
    journal_ref: str = ""
    doi: str = ""
    license: str = ""
    code: str = ""
    project: str = ""
    organization: str = ""
    announce_type: AnnounceType | None = None
    announced_at: datetime | None = None
    submitted_at: datetime | None = None
    revision: Revision | None = None
    withdrawn_version: int = 0
    picks: tuple[Pick, ...] = ()
    sources: tuple[str, ...] = ()
    ranks: tuple[tuple[str, Rank], ...] = ()
    referred_at: datetime | None = None
    listed_at: tuple[int, ...] = ()
    versions: tuple[Revision, ...] = ()
    coded_at: datetime | None = None

    @property
    def is_described(self) -> bool:
        """Whether the record has a title, and not just an id."""
        return bool(self.title)

    @property
    def is_from_arxiv(self) -> bool:
        """Whether any statement is arXiv's own."""
        return any(rank.is_arxiv for _, rank in self.ranks)

    @property
    def is_in_community_words(self) -> bool:
        """Whether the title is a community's, because arXiv's own is not known yet.

        Such a paper is in no feed but those of picks.
        """
        for name, rank in self.ranks:
            if name == "title" and rank.is_arxiv:
                return False
        return bool(self.title)

    @property
    def describing_communities(self) -> tuple[str, ...]:
        """The communities whose words the title may be; empty if it is arXiv's, or there is none.

        Which community stated a title is not stored, except for Hugging Face.
        """
        if not self.is_in_community_words:
            return ()
        is_hf = any(
            name == "title" and rank.channel == Channel.HUGGINGFACE for name, rank in self.ranks
        )
        named = {pick.community for pick in self.picks} or set(self.sources)
        if is_hf:
            return ("hf",) if "hf" in self.sources else tuple(sorted(named))
        return tuple(sorted(named - {"hf"}))

    @property
    def version(self) -> int:
        """The newest known version; 0 while none is known."""
        return self.revision.version if self.revision else 0

    @property
    def withdrawn(self) -> bool:
        """Whether the newest known version is a withdrawal."""
        return 0 < self.withdrawn_version >= self.version

    @property
    def first_picked_at(self) -> datetime | None:
        """The time of the first pick by any community, aware UTC; None without one."""
        return min((pick.picked_at for pick in self.picks), default=None)

    @property
    def votes(self) -> int | None:
        """The most votes that any community counts; None if none counts votes."""
        return max((p.votes for p in self.picks if p.votes is not None), default=None)

    def pick_by(self, community: str) -> Pick | None:
        """Return a community's pick of this paper; None if it has not picked it."""
        return next((pick for pick in self.picks if pick.community == community), None)
