"""Presets of community feeds: their formats are read, and nobody requests them here."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from papers.config.community_presets import COMMUNITY_PRESETS, PresetEvidence
from papers.config.sources import check_community
from tests.promises.source_tree import ROOT
from tests.workers.sources.preset_feeds import DISCUSSION, PAPER, preset_feed
from workers.sources.community import parse_community_feed

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize("name", COMMUNITY_PRESETS)
def test_feed_of_a_preset_gives_picks_with_their_discussion(name: str) -> None:
    result = parse_community_feed(preset_feed(name), name, NOW)
    (sighting,), pick = result.sightings, result.sightings[0].pick
    assert (str(sighting.id), result.skipped) == (PAPER, 1)
    assert pick is not None
    assert pick.picked_at == datetime(2026, 11, 19, 8, tzinfo=UTC)
    assert (pick.url, pick.discussion) == (DISCUSSION[name], DISCUSSION[name])
    has_votes = COMMUNITY_PRESETS[name].has_votes
    assert (pick.votes, pick.comments) == ((212, 87) if has_votes else (None, None))


@pytest.mark.parametrize("name", COMMUNITY_PRESETS)
def test_words_of_a_preset_are_those_of_its_people(name: str) -> None:
    (sighting,) = parse_community_feed(preset_feed(name), name, NOW).sightings
    assert sighting.title.removeprefix("[R] ") == "On Reward Models"
    assert sighting.abstract == ("The paper:" if name.startswith("reddit") else "")


@pytest.mark.parametrize("name", COMMUNITY_PRESETS)
def test_preset_can_be_saved_and_is_documented(name: str) -> None:
    found = COMMUNITY_PRESETS[name]
    assert check_community(name, found.url) == ("", "")
    assert urlsplit(found.url).scheme == urlsplit(found.documentation).scheme == "https"
    row = f"| `{name}` | {found.title} | {'yes' if found.has_votes else 'no'} | {found.evidence} |"
    assert row in (ROOT / "docs" / "reference" / "sources.md").read_text("utf-8")


def test_presets_are_sorted_by_name() -> None:
    assert [*COMMUNITY_PRESETS] == sorted(COMMUNITY_PRESETS)


def test_recorded_response_is_read_as_the_preset_says(recorded: Path) -> None:
    tried = [n for n, p in COMMUNITY_PRESETS.items() if p.evidence is PresetEvidence.RECORDED]
    assert tried == ["hackernews-front"]
    body = (recorded / "community" / "hn_30.rss").read_bytes()
    naming = body.replace(b"https://fil-c.org/seccomp", b"https://arxiv.org/abs/2511.01234", 1)
    (sighting,) = parse_community_feed(naming, "hackernews-front", NOW).sightings
    discussion = "https://news.ycombinator.com/item?id=46259064"
    assert sighting.pick is not None
    assert (sighting.pick.url, sighting.pick.discussion) == (discussion, discussion)
    assert (sighting.title, sighting.abstract) == ("Linux Sandboxes and Fil-C", "")
