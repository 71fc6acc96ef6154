"""Events of a paper: revisions, withdrawal, first code, picks, journal reference; derived from it.

Only the newest version's text is in a record, but the date of every known version is, and when
code was first known. Feeds in order of an event read these from an index of events by time
(`papers.redis_backend.event_sets`), whose members are `EventRef`s.
"""

from __future__ import annotations

import enum
from datetime import UTC, datetime
from typing import NamedTuple

from papers.model.arxiv_id import ArxivId
from papers.model.dates import code_known_at, from_epoch, published_at, to_epoch, updated_at
from papers.model.paper import Paper, Revision
from papers.model.resources import has_code


class EventKind(enum.StrEnum):
    """What can happen to a paper after its first announcement; the value is used in URLs."""

    REVISED = "revised"
    WITHDRAWN = "withdrawn"
    CODED = "code"
    PICKED = "picked"
    REFERRED = "journal"


INDEXED_EVENTS = (EventKind.REVISED, EventKind.WITHDRAWN, EventKind.CODED)
"""The kinds that the store indexes by the time of the event; picks have an index of their own."""


class EventRef(NamedTuple):
    """An event in a sorted set: the paper's doc id, the version of a revision (else 0), its time.

    The time is in seconds since 1970; papers that join a list together differ in milliseconds.
    """

    doc_id: int
    version: int
    seconds: float

    @property
    def id(self) -> ArxivId:
        """The paper's id."""
        return ArxivId.from_doc_id(self.doc_id)

    @property
    def at(self) -> datetime:
        """When it happened, aware UTC."""
        return datetime.fromtimestamp(self.seconds, UTC)

    @property
    def cursor(self) -> str:
        """The cursor of a page that ends here: the id, with the version of a revision."""
        return f"{self.id}v{self.version}" if self.version else str(self.id)


class PaperEvent(NamedTuple):
    """An event of one paper: the version of a revision (else 0), the community of a pick."""

    kind: EventKind
    at: datetime
    version: int = 0
    community: str = ""

    @property
    def second(self) -> int:
        """The second since 1970."""
        return to_epoch(self.at)


def indexed_events(paper: Paper) -> list[PaperEvent]:
    """Return the paper's events of the indexed kinds, revisions first."""
    events = [revision_event(paper, revision) for revision in paper.versions]
    if paper.withdrawn:
        events.append(PaperEvent(EventKind.WITHDRAWN, withdrawn_at(paper)))
    if paper.coded_at and has_code(paper) and (known_at := code_known_at(paper)):
        events.append(PaperEvent(EventKind.CODED, known_at))
    return events


def paper_events(paper: Paper) -> list[PaperEvent]:
    """Return everything that is known to have happened to a paper, newest first.

    A withdrawal takes the place of its version. What happened at an unknown time is left out.
    """
    events = [event for event in indexed_events(paper) if not _is_withdrawal(paper, event)]
    events += [
        PaperEvent(EventKind.PICKED, pick.picked_at, community=pick.community)
        for pick in paper.picks
    ]
    if paper.journal_ref and paper.referred_at:
        events.append(PaperEvent(EventKind.REFERRED, paper.referred_at))
    return sorted(events, key=lambda event: (event.at, *event[:1], *event[2:]), reverse=True)


def revision_event(paper: Paper, revision: Revision) -> PaperEvent:
    """Return the announcement of a version, never before that of the paper."""
    at = max(published_at(paper), from_epoch(-revision.negated_seconds))
    return PaperEvent(EventKind.REVISED, at, revision.version)


def withdrawn_at(paper: Paper) -> datetime:
    """Return when the version that is a withdrawal was announced, or else the newest one."""
    known = [each for each in paper.versions if each.version == paper.withdrawn_version]
    return revision_event(paper, known[0]).at if known else updated_at(paper)


def _is_withdrawal(paper: Paper, event: PaperEvent) -> bool:
    is_version = event.kind is EventKind.REVISED and event.version == paper.withdrawn_version
    return is_version and paper.withdrawn
