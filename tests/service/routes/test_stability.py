"""Stability of entries: a poller sees a paper new once, and changed by its authors only."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from papers.model.paper import Sighting
from service.feeds import FORMATS
from tests.service.conftest import Announce
from tests.service.made import (
    DAY,
    FIRST_ANNOUNCED,
    make_cross_list,
    make_description,
    make_pick,
    make_revision,
    make_sighting,
)
from tests.service.pollers import POLLERS, Poller
from tests.subscriber import PollResult

NOTHING, NEW, CHANGED = PollResult(0, 0), PollResult(1, 0), PollResult(0, 1)


def votes(first: int, count: int) -> list[Sighting]:
    """Return `count` sightings of a community, each with more votes and comments than the last."""
    return [
        make_pick(1, votes=n, comments=n // 3, counted_at=FIRST_ANNOUNCED + n * DAY / 50)
        for n in range(first, first + count)
    ]


LIFE: Final[tuple[tuple[str, Iterable[Sighting], PollResult], ...]] = (
    ("v1", [make_sighting(1)], NEW),
    ("nothing", [], NOTHING),
    ("another paper, elsewhere", [make_sighting(9, title="Else", abstract="Nothing.")], NOTHING),
    ("v2", [make_revision(1, 2, abstract="A reward model, better.")], CHANGED),
    ("its journal", [make_description(1, 2, abstract="A reward model, better.")], NOTHING),
    ("a cross-listing", [make_cross_list(1, 2)], NOTHING),
    ("v2 again", [make_revision(1, 2, abstract="A reward model, better.")], NOTHING),
    ("v1 again", [make_sighting(1)], NOTHING),
    ("a pick", [make_pick(1)], NOTHING),
    *((f"votes {n}", votes(10 + 25 * n, 25), NOTHING) for n in range(4)),
    ("another community", [make_pick(1, "ours")], NOTHING),
    ("another paper", [make_sighting(2)], NEW),
    ("v3", [make_revision(1, 3, title="Reward models, revised")], CHANGED),
    ("v4, withdrawn", [make_revision(1, 4, withdrawn=True, comment="withdrawn")], CHANGED),
    ("votes once more", votes(200, 5), NOTHING),
)


@pytest.mark.parametrize(
    ("kinds", "suffixes"),
    [(("reader", "FreshRSS"), tuple(FORMATS)), (("newsboat",), ("atom", "rss"))],
    ids=["in Python", "newsboat"],
)
def test_pollers_see_the_life_of_a_paper(
    server: str,
    announce: Announce,
    tmp_path: Path,
    kinds: tuple[str, ...],
    suffixes: tuple[str, ...],
) -> None:
    """Every kind of poller reads every format after each event."""
    subscribers: dict[str, Poller] = {}
    for kind, suffix in product(kinds, suffixes):
        folder = tmp_path / f"{kind}-{suffix}"
        folder.mkdir()
        subscribers[folder.name] = POLLERS[kind](f"{server}/feeds/reward-model.{suffix}", folder)
    for event, sightings, expected in (("empty", [], NOTHING), *LIFE):
        for sighting in sightings:
            announce([sighting])
        seen = {name: subscriber.poll() for name, subscriber in subscribers.items()}
        assert seen == dict.fromkeys(subscribers, expected), event
    for subscriber in subscribers.values():
        subscriber.close()
