from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from papers.model.arxiv_id import ArxivId
from papers.model.merge import lift
from papers.model.paper import AnnounceType, Paper, Revision
from service.feeds import FORMATS
from service.feeds.digest_entry import digest_of
from service.feeds.entry import Entry, Item
from service.feeds.entry_cache import Kept, Spelled, joined
from service.feeds.feed import Feed
from tests.service.feeds.made import SITE, feed
from tests.service.made import NOW, paper, picked

TAGS = "<entry> </entry><item> </item></feed></channel></rss> ]]> &lt;entry&gt; },{ ]}"
HOSTILE = paper(
    4, title=TAGS, abstract=f"{TAGS} $x < y$", authors=(TAGS,), comment=TAGS, journal_ref=TAGS
)


def listing(*papers: Paper) -> Item:
    return digest_of(
        papers, id="urn:a", name="K", when="2026-11-20", url=f"{SITE}/search?q=k", at=NOW
    )


def entries(*numbers: int) -> tuple[Item, ...]:
    return tuple(Entry(HOSTILE if number == 4 else paper(number)) for number in numbers)


FEEDS = [
    feed(),
    feed(paper(1), paper(2), paper(3)),
    feed(paper(3), HOSTILE, paper(1)),
    feed(entries=(Entry(paper(1)), Entry(paper(1), keywords=("a", "b")), *entries(4))),
    feed(entries=(Entry(lift(picked(5)), lift(picked(5)).picks[0]), *entries(1, 2))),
    feed(HOSTILE, paper(2), title="Another", archive=True, around=(("current", SITE),)),
    feed(entries=(listing(paper(1), HOSTILE), *entries(4, 1))),
]


@pytest.mark.parametrize("suffix", FORMATS)
def test_what_other_feeds_had_spelled_changes_no_byte(suffix: str) -> None:
    form, kept = FORMATS[suffix], Kept(1_000_000)
    for each in [*FEEDS, *reversed(FEEDS)]:
        assert joined("f", form.spell, each, kept) == joined("f", form.spell, each, Kept(0))


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_entry_is_spelled_once(suffix: str) -> None:
    asked: list[str] = []

    def spell(feed: Feed, entries: Sequence[Item]) -> Spelled:
        asked.extend(entry.id[-1] for entry in entries)
        return FORMATS[suffix].spell(feed, entries)

    kept = Kept(1_000_000)
    for numbers in ((3, 2, 1), (4, 3, 2), (4, 1), (5,)):
        joined("f", spell, feed(entries=entries(*numbers)), kept)
    assert asked == ["3", "2", "1", "4", "5"]
    joined("other", spell, feed(entries=entries(5)), kept)
    assert asked[5:] == ["5"]


def others() -> list[Entry]:
    """Entries that differ from that of `paper(1)` in one thing each."""
    told = lift(picked(1))
    changed: dict[str, Any] = {
        "id": ArxivId(202611, 2),
        "announce_type": AnnounceType.CROSS,
        "announced_at": NOW + timedelta(days=3),
        "submitted_at": NOW,
        "revision": Revision(7, True, -1),
        "withdrawn_version": 9,
        "picks": told.picks,
        "ranks": paper(1).ranks[1:],
        "referred_at": NOW,
        "listed_at": (1, 2),
    }
    for name in Paper._fields:
        was = getattr(paper(1), name)
        if name not in changed:
            changed[name] = f"{was}x" if isinstance(was, str) else (*was, "x")
    varied = [Entry(paper(1)._replace(**{name: value})) for name, value in changed.items()]
    (pick,) = told.picks
    leads = [Entry(told, lead) for lead in (pick, replace(pick, thumbnail="https://a.example/b"))]
    return [*varied, *leads, Entry(paper(1), keywords=("a",)), Entry(paper(1), keywords=("b",))]


def test_whatever_an_entry_is_made_from_tells_it_from_others() -> None:
    hashes = [hash(entry) for entry in [Entry(paper(1)), *others()]]
    assert len(set(hashes)) == len(hashes)
    assert hash(Entry(paper(1))) == hashes[0]
