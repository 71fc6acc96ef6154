"""The records of the simulated world: manuscripts, versions, listings, picks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType

LICENSE: Final = "http://arxiv.org/licenses/nonexclusive-distrib/1.0/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manuscript:
    """A manuscript as submitted.

    `affiliations` correspond to `authors` one by one, empty where not stated; the first of
    `categories` is the primary one.
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

    def authors_with_affiliations(self) -> list[tuple[str, str]]:
        """Return each author with the affiliation, empty where not stated."""
        affiliations = self.affiliations or ("",) * len(self.authors)
        return list(zip(self.authors, affiliations, strict=True))


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
        """The version that an id without a version refers to."""
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class AnnouncementListing:
    """A paper in a day's announcement; `kind` is its announce type in its primary category."""

    id: ArxivId
    version: PreprintVersion
    kind: AnnounceType
    categories: tuple[str, ...]
    """The categories it is announced in; for a cross-list, only the new ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunityPick:
    """A community's pick of a paper, with its current counts."""

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
    """An entry of a community feed that is not a pick of a paper."""

    title: str
    link: str
    at: datetime
    summary: str = ""
