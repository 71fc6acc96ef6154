"""Community feeds: any RSS or Atom whose entries name arXiv papers, as its community's picks.

Only ids, links and dates are taken. An entry may name a paper by its link, its id, its title or
its text; one that names none is counted and passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from papers.errors import BadId, BadParameter
from papers.model.arxiv_id import ArxivId, find_ids
from papers.model.paper import Channel, Pick, Sighting
from workers.sources.foreign_xml import clean, link, parse_feed, time_of
from workers.sources.result import Fetched, Upstreams

ACCEPT: Final = (
    "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.1"
)
MOST_IDS: Final = 1_000
"""Papers that one entry may name; a longer list is cut."""

_SLACK: Final = timedelta(days=2)


def fetch(subject: str, upstreams: Upstreams, now: datetime) -> Iterator[Fetched]:
    """The picks of the community called `subject` in the settings, as one part."""
    communities = upstreams.settings.communities
    if subject not in communities:
        raise BadParameter("community", f"there is no community {subject!r}")
    answer = upstreams.fetcher.get(communities[subject], now=now, accept=ACCEPT, conditional=True)
    if answer.not_modified:
        yield Fetched(not_modified=True, said="not changed")
        return
    part = read(answer.body, subject, now)
    yield replace(part, answer=answer if part.complete else None)


def read(body: bytes, community: str, now: datetime) -> Fetched:
    """The picks in a feed, one per entry and paper. Raises SourceGarbled, SourceIncomplete."""
    feed = parse_feed(body)
    picked = [(entry, _ids(entry)) for entry in feed.entries]
    sightings = tuple(
        _sighting(id, entry, community, now) for entry, ids in picked for id in ids[:MOST_IDS]
    )
    naming = sum(1 for _, ids in picked if ids)
    cut = "" if feed.whole else "; the feed was cut"
    return Fetched(
        sightings=sightings,
        got=len(picked),
        passed_over=len(picked) - naming,
        complete=feed.whole,
        said=f"{len({s.id for s in sightings})} papers in {naming} of {len(picked)} entries{cut}",
    )


def _ids(entry: Any) -> list[ArxivId]:
    """Every paper an entry names, once each."""
    whole = (_bare(text) for text in (clean(entry.get("id")), *_links(entry)))
    named = (id for text in _texts(entry) for id in find_ids(text))
    return list(dict.fromkeys([id for id in whole if id] + list(named)))


def _bare(text: str) -> ArxivId | None:
    """The paper that this text as a whole is the id or the address of."""
    try:
        return ArxivId.parse(text)
    except BadId:
        return None


def _links(entry: Any) -> list[str]:
    candidates = [entry.get("link"), *(each.get("href") for each in entry.get("links", ()))]
    return list(dict.fromkeys(address for text in candidates if (address := link(text))))


def _texts(entry: Any) -> Iterable[str]:
    yield from _links(entry)
    yield from (clean(entry.get(name)) for name in ("id", "title", "summary"))
    yield from (clean(content.get("value")) for content in entry.get("content", ()))


def _sighting(id: ArxivId, entry: Any, community: str, now: datetime) -> Sighting:
    picked_at = _picked_at(id, entry, now)
    return Sighting(
        id=id,
        source=community,
        channel=Channel.COMMUNITY,
        as_of=picked_at,
        pick=Pick(
            community=community,
            picked_at=picked_at,
            url=next(iter(_links(entry)), ""),
            discussion=link(entry.get("comments")),
        ),
    )


def _picked_at(id: ArxivId, entry: Any, now: datetime) -> datetime:
    """When the entry says it was picked: not in the future, and not before there was the paper."""
    said = time_of(entry, "published") or time_of(entry, "updated")
    month = datetime(id.month // 100, id.month % 100, 1, tzinfo=UTC)
    return min(said, now) if said and said >= month - _SLACK else now
