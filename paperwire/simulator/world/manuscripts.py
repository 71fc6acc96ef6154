"""What the simulated world holds: manuscripts, their versions, announcements, picks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType

LICENSE: Final = "http://arxiv.org/licenses/nonexclusive-distrib/1.0/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manuscript:
    """What authors hand in.

    `affiliations` go with `authors` one by one, empty where not stated; `categories` begin with
    the primary one.
    """

    title: str
    abstract: str = "We study a small thing with care and find that it is as it should be."
    authors: tuple[str, ...] = ("Ada Example", "Bo Sample")
    affiliations: tuple[str, ...] = ()
    categories: tuple[str, ...] = ("cs.CL",)
    comment: str = ""
    journal_ref: str = ""
    doi: str = ""
    license: str = LICENSE


@dataclass(frozen=True, slots=True)
class PreprintVersion:
    """One version of a paper; times are aware UTC, `announced_on` is arXiv's day."""

    number: int
    text: Manuscript
    submitted_at: datetime
    announced_on: date
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Preprint:
    """A paper with all its versions, oldest first."""

    id: ArxivId
    versions: tuple[PreprintVersion, ...]

    @property
    def newest(self) -> PreprintVersion:
        """The version an id without one stands for."""
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class AnnouncementListing:
    """One paper's row in a day's announcement: `kind` is what it is in its primary category."""

    id: ArxivId
    version: PreprintVersion
    kind: AnnounceType
    categories: tuple[str, ...]
    """The categories it is announced in; for a cross-list only the new ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityPick:
    """A community's pick of a paper, with what is counted there now."""

    id: ArxivId
    at: datetime
    votes: int = 0
    comments: int = 0
    by: str = "curator"
    code: str = ""
    stars: int = 0
    project: str = ""
    organization: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityPost:
    """An entry of a community feed that is no pick of a paper in this world."""

    title: str
    link: str
    at: datetime
    summary: str = ""
