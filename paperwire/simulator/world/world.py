"""The world behind the simulated upstreams: papers, their versions, and who picked them.

    world.announce(Manuscript(title="…"))   a new paper in today's announcement
    world.revise(id, title="…")             its next version: a replacement today
    world.withdraw(id)                      a version that takes it back
    world.cross(id, "cs.CV")                announced today in one more category
    world.pick(id, votes=3)                 a community picks it now
    world.next_day()                        the next announcement day, four hours after midnight

Nothing here knows HTTP or a format. Every method may be called from any thread.
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
"""When a world begins unless told otherwise: a day on which arXiv announces."""

LAST_NUMBER: Final = 65_535
_NEXT_DAY_OFFSET: Final = timedelta(hours=4)


class World:
    """See the module. `rests`: whether arXiv's feeds are empty on days without announcement."""

    def __init__(self, now: datetime = WEDNESDAY, *, empty_on_rest_days: bool = True) -> None:
        self._lock = threading.RLock()
        self.created_at = now
        self._clock: Callable[[], datetime] = lambda: now
        self._empty_on_rest_days = empty_on_rest_days
        self._papers: dict[ArxivId, Preprint] = {}
        self._last_number: dict[int, int] = {}
        self._listings: dict[date, list[AnnouncementListing]] = {}
        self._announced: Counter[date] = Counter()
        self._touched: dict[date | str, datetime] = {}
        self._picks: dict[str, dict[ArxivId, CommunityPick]] = {}
        self._posts: dict[str, list[CommunityPost]] = {}

    @property
    def now(self) -> datetime:
        """The world's time, aware UTC."""
        return self._clock()

    @property
    def today(self) -> date:
        """The day arXiv's feeds are of."""
        return simulated_days.eastern_day(
            self.now if self._empty_on_rest_days else newest_announcement(self.now)
        )

    def set_time(self, moment: datetime) -> None:
        """Set the time (aware), and stop it there."""
        moment = moment.astimezone(UTC)
        self._clock = lambda: moment

    def follow_clock(self, clock: Callable[[], datetime]) -> None:
        """Let the time be what `clock` (aware UTC) says from now on."""
        self._clock = clock

    def next_day(self) -> date:
        """Go on to the next announcement day, four hours after its midnight."""
        day = simulated_days.following_announcement_day(self.today)
        self.set_time(simulated_days.eastern_midnight(day) + _NEXT_DAY_OFFSET)
        return day

    def announce(self, text: Manuscript, *, id: ArxivId | str | None = None) -> ArxivId:
        """A new paper, announced today under the next number of the month, or under `id`.

        Numbers go on from the highest one given.
        """
        with self._lock:
            day = self._announcement_day()
            known = self._as_id(id) if id is not None else self._next_id(day)
            if known in self._papers:
                raise ValueError(f"{known} is announced already: revise it")
            self._last_number[known.month] = max(
                self._last_number.get(known.month, 0), known.number
            )
            version = PreprintVersion(1, text, self._submission_time(day), day)
            self._papers[known] = Preprint(known, (version,))
            self._add_listing(known, version, AnnounceType.NEW, text.categories)
            return known

    def revise(self, id: ArxivId | str, **changes: Any) -> int:
        """The paper's next version, with those fields of its manuscript changed. Its number."""
        text = replace(self.preprint(id).newest.text, **changes)
        return self._add_version(id, text, withdrawn=False)

    def withdraw(
        self,
        id: ArxivId | str,
        comment: str = "This paper has been withdrawn by the authors",
        **changes: Any,
    ) -> int:
        """A version that takes the paper back, as arXiv shows it: in the comment. Its number."""
        text = replace(self.preprint(id).newest.text, comment=comment, **changes)
        return self._add_version(id, text, withdrawn=True)

    def cross_list(self, id: ArxivId | str, category: str) -> None:
        """Announce a known paper in one more category today; its version stays."""
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
        """A community picks a paper now; `details` are fields of `Pick`."""
        with self._lock:
            known = self.preprint(id).id
            pick = CommunityPick(id=known, **{"at": self.now, **details})
            self._picks.setdefault(community, {})[known] = pick
            self._touched[community] = self.now
            return pick

    def unpick(self, id: ArxivId | str, community: str = "hf") -> None:
        """The pick vanishes."""
        with self._lock:
            del self._picks[community][self._as_id(id)]
            self._touched[community] = self.now

    def add_votes(self, id: ArxivId | str, n: int = 1, community: str = "hf") -> int:
        """`n` more votes for a pick. Its votes now."""
        return self._add_counts(id, community, votes=n).votes

    def add_comments(self, id: ArxivId | str, n: int = 1, community: str = "hf") -> int:
        """`n` more comments on a pick. Its comments now."""
        return self._add_counts(id, community, comments=n).comments

    def post(self, community: str, title: str, link: str, summary: str = "") -> None:
        """An entry in a community feed with any link."""
        with self._lock:
            entry = CommunityPost(title=title, link=link, at=self.now, summary=summary)
            self._posts.setdefault(community, []).append(entry)
            self._touched[community] = self.now

    def remaining_numbers(self) -> int:
        """How many papers this month can still take: its numbers end at 65,535."""
        month = self.today.year * 100 + self.today.month
        return LAST_NUMBER - self._last_number.get(month, 0)

    def trim_announcement(self, rows: int) -> None:
        """Keep only today's newest rows: for a day that never ends."""
        with self._lock:
            del self._listings.get(self.today, [])[:-rows]

    def preprint(self, id: ArxivId | str) -> Preprint:
        """One paper. Raises UnknownPaper."""
        known = self._as_id(id)
        if known not in self._papers:
            raise UnknownPaper(f"{known} is not in this world: announce it first")
        return self._papers[known]

    def preprints(self) -> list[Preprint]:
        """Every paper, newest first."""
        with self._lock:
            return [self._papers[id] for id in sorted(self._papers, reverse=True)]

    def listings(self, day: date) -> list[AnnouncementListing]:
        """The rows of a day's announcement, in the order they came."""
        with self._lock:
            return list(self._listings.get(day, ()))

    def picks(self, community: str) -> list[CommunityPick]:
        """A community's picks, newest first."""
        with self._lock:
            picks = self._picks.get(community, {}).values()
            return sorted(picks, key=lambda pick: (pick.at, pick.id), reverse=True)

    def posts(self, community: str) -> list[CommunityPost]:
        """A community feed's other entries, newest first."""
        with self._lock:
            return self._posts.get(community, [])[::-1]

    def communities(self) -> list[str]:
        """Everyone with a pick or a post, except Hugging Face."""
        with self._lock:
            return sorted({*self._picks, *self._posts} - {"hf"})

    def changed_at(self, what: date | str) -> datetime | None:
        """When a day's announcement or a community's feed last changed; None: never."""
        return self._touched.get(what)

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
            counted = replace(pick, **{name: getattr(pick, name) + n for name, n in more.items()})
            self._picks[community][pick.id] = counted
            self._touched[community] = self.now
            return counted

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
        self._touched[day] = self.now

    def _announcement_day(self) -> date:
        if not simulated_days.is_announcement_day(self.today):
            raise ValueError(f"arXiv announces nothing on {self.today:%A %d %B}: next_day() first")
        return self.today

    def _next_id(self, day: date) -> ArxivId:
        month = day.year * 100 + day.month
        return ArxivId(month, self._last_number.get(month, 0) + 1)

    def _submission_time(self, day: date) -> datetime:
        """Times inside the day's window that grow with every paper and never reach its end."""
        opening, closing = simulated_days.submission_window(day)
        nth = self._announced[day]
        moment = opening + (closing - opening) * ((nth + 1) / (nth + 100))
        return moment.replace(microsecond=0)

    @staticmethod
    def _as_id(id: ArxivId | str) -> ArxivId:
        return ArxivId.parse(id) if isinstance(id, str) else id
