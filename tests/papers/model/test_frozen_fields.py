from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from papers.model.arxiv_id import ArxivId
from papers.model.frozen_fields import (
    categories_at_announcement,
    feed_digest,
    journal_ref_at_announcement,
    visible_part,
)
from papers.model.merge import join_papers, paper_from_sighting
from papers.model.paper import AnnounceType, Paper, Revision, Sighting
from tests.papers.model.sighting_builders import (
    DAY,
    FRIDAY,
    TUESDAY,
    announced,
    from_api,
    from_oai,
    merged,
    pick,
    picked,
)

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)

# (sightings, the journal reference as of the newest version's announcement)
REFERENCES = [
    ([announced(journal_ref="J. 1")], "J. 1"),
    ([announced(), from_api(journal_ref="J. 1", as_of=TUESDAY)], "J. 1"),
    ([announced(journal_ref="J. 1"), from_oai(journal_ref="J. 1", doi="10.1/x")], "J. 1"),
    # within twenty hours of it, and later
    ([announced(), from_api(journal_ref="J. 1", as_of=TUESDAY + 20 * HOUR)], "J. 1"),
    ([announced(), from_api(journal_ref="J. 1", as_of=TUESDAY + 20 * HOUR + SECOND)], ""),
    # added after the announcement: left out until the next version
    ([announced(), from_oai(journal_ref="J. 1")], ""),
    (
        [
            *(announced(), from_oai(journal_ref="J. 1")),
            announced(AnnounceType.REPLACE, version=2, announced_at=FRIDAY + 40 * DAY),
        ],
        "J. 1",
    ),
    # only a replacement was announced here
    ([announced(AnnounceType.REPLACE, version=2), from_oai(journal_ref="J. 1")], ""),
    # never seen announced here
    ([from_oai(journal_ref="J. 1")], "J. 1"),
    ([from_api(), from_oai(journal_ref="J. 1")], "J. 1"),
]


@pytest.mark.parametrize(("sightings", "expected"), REFERENCES)
def test_a_later_journal_reference_is_left_out_until_the_next_version(
    sightings: list[Sighting], expected: str
) -> None:
    assert journal_ref_at_announcement(merged(*sightings)) == expected


CROSSED = announced(
    AnnounceType.CROSS,
    as_of=TUESDAY + DAY,
    announced_at=TUESDAY + DAY,
    categories=("cs.LG", "cs.AI", "cs.CY"),
)


def cross_listed(after: timedelta) -> Sighting:
    """The announcement of a cross-listing, some time after that of the paper."""
    at = TUESDAY + after
    categories = ("cs.LG", "cs.CY")
    return announced(AnnounceType.CROSS, as_of=at, announced_at=at, categories=categories)


# (sightings, the categories as of the newest version's announcement)
LISTED = [
    ([announced(categories=("cs.LG", "cs.AI"))], ("cs.LG", "cs.AI")),
    ([announced(categories=("cs.LG", "cs.AI")), CROSSED], ("cs.LG", "cs.AI")),
    ([CROSSED], ("cs.LG", "cs.AI", "cs.CY")),
    # within twenty hours of the announcement, and later
    ([announced(categories=("cs.LG",)), cross_listed(20 * HOUR)], ("cs.LG", "cs.CY")),
    ([announced(categories=("cs.LG",)), cross_listed(20 * HOUR + SECOND)], ("cs.LG",)),
    (
        [
            *(announced(categories=("cs.LG", "cs.AI")), CROSSED),
            announced(AnnounceType.REPLACE, version=2, announced_at=FRIDAY),
        ],
        ("cs.LG", "cs.AI", "cs.CY"),
    ),
    (
        [from_api(categories=("cs.LG",)), from_oai(categories=("cs.LG", "cs.CY"))],
        ("cs.LG", "cs.CY"),
    ),
    (
        [announced(categories=("cs.LG",)), from_oai(categories=("cs.AI", "cs.LG"))],
        ("cs.AI", "cs.LG"),
    ),
    ([announced(), picked()], ()),
]


@pytest.mark.parametrize(("sightings", "expected"), LISTED)
def test_a_later_cross_listing_is_left_out_until_the_next_version(
    sightings: list[Sighting], expected: tuple[str, ...]
) -> None:
    assert categories_at_announcement(merged(*sightings)) == expected


def test_values_of_legacy_records_without_times_count_as_always_known() -> None:
    legacy = paper_from_sighting(announced(journal_ref="J. 1"))._replace(referred_at=None)
    late = paper_from_sighting(from_oai(journal_ref="J. 1"))
    for paper in (join_papers(legacy, late), join_papers(late, legacy), legacy):
        assert (paper.referred_at, journal_ref_at_announcement(paper)) == (None, "J. 1")
    listed = paper_from_sighting(announced(categories=("cs.LG",)))._replace(listed_at=())
    for paper in (
        join_papers(listed, paper_from_sighting(CROSSED)),
        join_papers(paper_from_sighting(CROSSED), listed),
    ):
        assert categories_at_announcement(paper) == ("cs.LG",)


NEW = Paper(
    ArxivId.parse("2503.14895"),
    title=r"Reward  Models for Schr\"odinger",
    abstract="An\nabstract.",
    authors=("Yann LeCun", "Erwin Schrödinger"),
    primary="cs.CL",
    categories=("cs.CL", "cs.LG"),
    comment="9 pages",
    journal_ref="J. 1",
    announced_at=datetime(2025, 3, 19, 4, tzinfo=UTC),
    referred_at=datetime(2025, 6, 1, tzinfo=UTC),
    listed_at=(1_742_356_800, 1_748_736_000),
)
WITHDRAWN = Paper(
    ArxivId.parse("hep-th/9901001"),
    title="Withdrawn",
    primary="hep-th",
    categories=("hep-th",),
    revision=Revision(2, True, -916_000_000),
    withdrawn_version=2,
)
# (papers, their digest as stored since the first release): with any other digest every feed would
# be announced to the hub again
DIGESTS = [
    ([NEW, WITHDRAWN], "97025911e9c78f297405833c"),
    ([NEW], "f768a5f7d3a57cea8bf54bfa"),
    ([], "b8e1dda3ac0aa3820ad2990b"),
]


@pytest.mark.parametrize(("papers", "digest"), DIGESTS)
def test_stored_digests_stay_valid(papers: list[Paper], digest: str) -> None:
    assert feed_digest(papers) == digest


def test_a_later_count_with_equal_numbers_is_no_visible_change() -> None:
    first = merged(announced(), picked(pick=pick(3)))
    second = merged(announced(), picked(as_of=FRIDAY + DAY, pick=pick(3, counted_at=FRIDAY + DAY)))
    assert first != second
    assert visible_part(first) == visible_part(second)
    more_votes = first._replace(picks=(replace(first.picks[0], votes=4),))
    assert visible_part(first) != visible_part(more_votes)


def test_a_greater_rank_of_the_same_value_is_no_visible_change() -> None:
    stated = merged(picked(title="A title"))
    restated = merged(picked(title="A title"), picked(title="A title", as_of=FRIDAY + DAY))
    assert stated != restated
    assert visible_part(stated) == visible_part(restated)
