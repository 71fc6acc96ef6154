"""The world behind the simulated upstreams: papers, versions, announcements and picks.

    world.announce(Manuscript(title="…"))   announce a new paper today
    world.revise(id, title="…")             announce its next version: a replacement today
    world.withdraw(id)                      announce a version that withdraws it
    world.cross_list(id, "cs.CV")           announce it today in one more category
    world.pick(id, votes=3)                 let a community pick it now
    world.next_day()                        go to four hours after the next announcement's midnight

It is independent of HTTP and formats. Every method may be called from any thread.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from papers.errors import UnknownPaper
from papers.model.arxiv_calendar import newest_announcement
from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType
from paperwire.simulator.world import simulated_days
from paperwire.simulator.world.manuscripts import (
    AnnouncementListing,
    CommunityPick,
    CommunityPost,
    Manuscript,
    Preprint,
    PreprintVersion,
)

WEDNESDAY: Final = datetime(2026, 11, 18, 9, tzinfo=UTC)
"""The default start of a world: a day with an announcement."""

LAST_NUMBER: Final = 65_535
_NEXT_DAY_OFFSET: Final = timedelta(hours=4)


class World:
    """See the module. `empty_on_rest_days`: feeds are empty on days without announcement."""

    def __init__(self, now: datetime = WEDNESDAY, *, empty_on_rest_days: bool = True) -> None:
        self._lock = threading.RLock()
        self.created_at = now
        self._clock: Callable[[], datetime] = lambda: now
        self._empty_on_rest_days = empty_on_rest_days
        self._papers: dict[ArxivId, Preprint] = {}
        self._last_number: dict[int, int] = {}
        self._listings: dict[date, list[AnnouncementListing]] = {}
        self._announced: Counter[date] = Counter()
        self._changed_at: dict[date | str, datetime] = {}
        self._picks: dict[str, dict[ArxivId, CommunityPick]] = {}
        self._posts: dict[str, list[CommunityPost]] = {}

    @property
    def now(self) -> datetime:
        """The world's time, aware UTC."""
        return self._clock()

    @property
    def today(self) -> date:
        """The date of arXiv's current feeds."""
        return simulated_days.eastern_day(
            self.now if self._empty_on_rest_days else newest_announcement(self.now)
        )

    def set_time(self, moment: datetime) -> None:
        """Set the time (aware) and stop the clock."""
        moment = moment.astimezone(UTC)
        self._clock = lambda: moment

    def follow_clock(self, clock: Callable[[], datetime]) -> None:
        """Take the time from `clock` (aware UTC) from now on."""
        self._clock = clock

    def next_day(self) -> date:
        """Advance to the next announcement day, four hours after its midnight."""
        day = simulated_days.following_announcement_day(self.today)
        self.set_time(simulated_days.eastern_midnight(day) + _NEXT_DAY_OFFSET)
        return day

    def announce(self, text: Manuscript, *, id: ArxivId | str | None = None) -> ArxivId:
        """Announce a new paper today, with the month's next number or with `id`; return its id.

        Numbers continue from the highest one used.
        """
        with self._lock:
            day = self._announcement_day()
            new = self._as_id(id) if id is not None else self._next_id(day)
            if new in self._papers:
                raise ValueError(f"{new} is announced already: revise it")
            self._last_number[new.month] = max(self._last_number.get(new.month, 0), new.number)
            version = PreprintVersion(1, text, self._submission_time(day), day)
            self._papers[new] = Preprint(new, (version,))
            self._add_listing(new, version, AnnounceType.NEW, text.categories)
            return new

    def revise(self, id: ArxivId | str, **changes: Any) -> int:
        """Announce the next version, with changed fields of the manuscript; return its number."""
        text = replace(self.preprint(id).newest.text, **changes)
        return self._add_version(id, text, withdrawn=False)

    def withdraw(
        self,
        id: ArxivId | str,
        comment: str = "This paper has been withdrawn by the authors",
        **changes: Any,
    ) -> int:
        """Announce a withdrawn version, which arXiv marks in the comment; return its number."""
        text = replace(self.preprint(id).newest.text, comment=comment, **changes)
        return self._add_version(id, text, withdrawn=True)

    def cross_list(self, id: ArxivId | str, category: str) -> None:
        """Announce a paper in one more category today, without a new version."""
        with self._lock:
            preprint, day = self.preprint(id), self._announcement_day()
            text = preprint.newest.text
            if category in text.categories:
                raise ValueError(f"{preprint.id} is in {category} already")
            text = replace(text, categories=(*text.categories, category))
            version = replace(preprint.newest, text=text)
            versions = (*preprint.versions[:-1], version)
            self._papers[preprint.id] = replace(preprint, versions=versions)
            self._add_listing(preprint.id, version, AnnounceType.CROSS, (category,), day)

    def pick(self, id: ArxivId | str, community: str = "hf", **details: Any) -> CommunityPick:
        """Let a community pick a paper now; `details` are fields of `CommunityPick`."""
        with self._lock:
            known = self.preprint(id).id
            pick = CommunityPick(id=known, **{"at": self.now, **details})
            self._picks.setdefault(community, {})[known] = pick
            self._changed_at[community] = self.now
            return pick

    def unpick(self, id: ArxivId | str, community: str = "hf") -> None:
        """Remove a pick."""
        with self._lock:
            del self._picks[community][self._as_id(id)]
            self._changed_at[community] = self.now

    def add_votes(self, id: ArxivId | str, n: int = 1, community: str = "hf") -> int:
        """Add votes to a pick; return their total."""
        return self._add_counts(id, community, votes=n).votes

    def add_comments(self, id: ArxivId | str, n: int = 1, community: str = "hf") -> int:
        """Add comments to a pick; return their total."""
        return self._add_counts(id, community, comments=n).comments

    def post(self, community: str, title: str, link: str, summary: str = "") -> None:
        """Add an entry with any link to a community feed."""
        with self._lock:
            entry = CommunityPost(title=title, link=link, at=self.now, summary=summary)
            self._posts.setdefault(community, []).append(entry)
            self._changed_at[community] = self.now

    def remaining_numbers(self) -> int:
        """Return how many numbers are left in this month, up to 65,535."""
        month = self.today.year * 100 + self.today.month
        return LAST_NUMBER - self._last_number.get(month, 0)

    def trim_announcement(self, rows: int) -> None:
        """Keep only the newest rows of today's announcement, for the demo's endless day."""
        with self._lock:
            del self._listings.get(self.today, [])[:-rows]

    def preprint(self, id: ArxivId | str) -> Preprint:
        """Return a paper. Raises UnknownPaper."""
        known = self._as_id(id)
        if known not in self._papers:
            raise UnknownPaper(f"{known} is not in this world: announce it first")
        return self._papers[known]

    def preprints(self) -> list[Preprint]:
        """Return all papers, newest first."""
        with self._lock:
            return [self._papers[id] for id in sorted(self._papers, reverse=True)]

    def listings(self, day: date) -> list[AnnouncementListing]:
        """Return the rows of a day's announcement, in order of arrival."""
        with self._lock:
            return list(self._listings.get(day, ()))

    def picks(self, community: str) -> list[CommunityPick]:
        """Return a community's picks, newest first."""
        with self._lock:
            picks = self._picks.get(community, {}).values()
            return sorted(picks, key=lambda pick: (pick.at, pick.id), reverse=True)

    def posts(self, community: str) -> list[CommunityPost]:
        """Return a community feed's other entries, newest first."""
        with self._lock:
            return self._posts.get(community, [])[::-1]

    def communities(self) -> list[str]:
        """Return every community with a pick or a post, except Hugging Face."""
        with self._lock:
            return sorted({*self._picks, *self._posts} - {"hf"})

    def changed_at(self, what: date | str) -> datetime | None:
        """Return when a day's announcement or a community's feed last changed; None: never."""
        return self._changed_at.get(what)

    def _add_version(self, id: ArxivId | str, text: Manuscript, *, withdrawn: bool) -> int:
        with self._lock:
            preprint, day = self.preprint(id), self._announcement_day()
            number = preprint.newest.number + 1
            version = PreprintVersion(number, text, self._submission_time(day), day, withdrawn)
            versions = (*preprint.versions, version)
            self._papers[preprint.id] = replace(preprint, versions=versions)
            self._add_listing(preprint.id, version, AnnounceType.REPLACE, text.categories)
            return number

    def _add_counts(self, id: ArxivId | str, community: str, **more: int) -> CommunityPick:
        with self._lock:
            pick = self._picks[community][self._as_id(id)]
            updated = replace(pick, **{name: getattr(pick, name) + n for name, n in more.items()})
            self._picks[community][pick.id] = updated
            self._changed_at[community] = self.now
            return updated

    def _add_listing(
        self,
        id: ArxivId,
        version: PreprintVersion,
        kind: AnnounceType,
        categories: tuple[str, ...],
        day: date | None = None,
    ) -> None:
        day = day or version.announced_on
        self._listings.setdefault(day, []).append(
            AnnouncementListing(id, version, kind, categories)
        )
        self._announced[day] += 1
        self._changed_at[day] = self.now

    def _announcement_day(self) -> date:
        if not simulated_days.is_announcement_day(self.today):
            raise ValueError(f"arXiv announces nothing on {self.today:%A %d %B}: next_day() first")
        return self.today

    def _next_id(self, day: date) -> ArxivId:
        month = day.year * 100 + day.month
        return ArxivId(month, self._last_number.get(month, 0) + 1)

    def _submission_time(self, day: date) -> datetime:
        """Return a time in the day's submission window, later for each paper, before its end."""
        opening, closing = simulated_days.submission_window(day)
        count = self._announced[day]
        moment = opening + (closing - opening) * ((count + 1) / (count + 100))
        return moment.replace(microsecond=0)

    @staticmethod
    def _as_id(id: ArxivId | str) -> ArxivId:
        return ArxivId.parse(id) if isinstance(id, str) else id
