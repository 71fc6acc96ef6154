"""The one model: what a source says of a paper (`Sighting`) and what is kept of it (`Paper`).

Every upstream's foreign format becomes `Sighting`s in its own module and travels no further.
`papers.model.merge` turns sightings into a `Paper`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from papers.model.arxiv_id import ArxivId


class Channel(enum.IntEnum):
    """Through which door a sighting came; a higher one says things more exactly."""

    COMMUNITY = 1
    HUGGINGFACE = 2
    ANNOUNCEMENT = 3
    API = 4
    OAI = 5

    @property
    def is_arxiv(self) -> bool:
        """Whether arXiv itself speaks: its words beat any community's."""
        return self >= Channel.ANNOUNCEMENT


class AnnounceType(enum.IntEnum):
    """How arXiv announced a paper; of several the strongest is kept."""

    REPLACE_CROSS = 1
    REPLACE = 2
    CROSS = 3
    NEW = 4

    @property
    def label(self) -> str:
        """The spelling arXiv uses: `replace-cross`."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Pick:
    """That a community picked a paper, and what it has said since.

    `picked_at` (aware UTC) and `url` are of the first pick and do not move; the rest is as of
    `counted_at`. None is "not said"; zero is a number.
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
    """What one source said of one paper at one time. Empty means "did not say".

    `source` is the name feeds and filters use: `arxiv`, `hf`, or a community feed's.
    `as_of` is the moment the statement is of, by the source's own dates where it has them.
    `announced_at` is Eastern midnight of the announcement (UTC), known from announcements only;
    `submitted_at` the date of version 1; `revised_at` that of `version`.
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


class Rank(NamedTuple):
    """How good a statement is: of two, the greater is kept."""

    is_arxiv: bool
    version: int
    channel: int
    as_of: int
    """Seconds since 1970, UTC."""


class Revision(NamedTuple):
    """The newest version known and when it was announced.

    Of one version, a date from an announcement (`exact`) beats one reckoned from a submission;
    of two alike the earlier is kept (hence the negated seconds).
    """

    version: int
    is_exact: bool
    negated_seconds: int


class Paper(NamedTuple):
    """All that is known of one paper: the join of every sighting of it.

    `categories` begin with the primary one; `picks` are sorted by community, `sources` by name.
    `referred_at` is when arXiv is first known to have named a journal reference, aware UTC; of a
    record that has one, None is "always". `listed_at` has for each category the seconds since 1970
    at which it was first known; empty is "always".
    `ranks` tells, per stated field, how good the statement is that was kept: merge's own memory.
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

    @property
    def is_described(self) -> bool:
        """Whether arXiv's or a community's words are here, not just the id."""
        return bool(self.title)

    @property
    def is_from_arxiv(self) -> bool:
        """Whether any of the words are arXiv's own."""
        return any(rank.is_arxiv for _, rank in self.ranks)

    @property
    def version(self) -> int:
        """The newest version known; 0 while no source has named one."""
        return self.revision.version if self.revision else 0

    @property
    def withdrawn(self) -> bool:
        """Whether the newest version known is a withdrawal."""
        return 0 < self.withdrawn_version >= self.version

    @property
    def first_picked_at(self) -> datetime | None:
        """The first pick by any community, aware UTC."""
        return min((pick.picked_at for pick in self.picks), default=None)

    @property
    def votes(self) -> int | None:
        """The most votes any community counts; None where none counts."""
        return max((p.votes for p in self.picks if p.votes is not None), default=None)

    def pick_by(self, community: str) -> Pick | None:
        """That community's pick of this paper."""
        return next((pick for pick in self.picks if pick.community == community), None)
