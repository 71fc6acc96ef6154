from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.model import packing
from papers.model.arxiv_id import ArxivId
from papers.model.frozen_fields import categories_at_announcement, journal_ref_at_announcement
from papers.model.merge import join_papers, merge, paper_from_sighting, published_at, updated_at
from papers.model.paper import AnnounceType, Channel, Paper, Pick, Sighting

ID = ArxivId.parse("2611.00042")
OTHER = ArxivId.parse("2611.00043")
MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)
"""10:00 Eastern: announced that day at 20:00, dated the Tuesday."""
TUESDAY = datetime(2026, 11, 17, 5, tzinfo=UTC)
FRIDAY = datetime(2026, 11, 20, 5, tzinfo=UTC)
DAY = timedelta(days=1)
SPLIT = timedelta(microseconds=700_000)
EASTERN = timezone(-timedelta(hours=5))


def announced(kind: AnnounceType = AnnounceType.NEW, **said: object) -> Sighting:
    first = {"id": ID, "source": "arxiv", "channel": Channel.ANNOUNCEMENT, "as_of": TUESDAY}
    stated = {"version": 1, "title": "As announced", "announced_at": TUESDAY}
    return Sighting(**(first | stated | {"announce_type": kind} | said))  # type: ignore[arg-type]


def by_api(**said: object) -> Sighting:
    first = {"id": ID, "source": "arxiv", "channel": Channel.API, "as_of": TUESDAY + DAY}
    stated = {"version": 1, "title": "As the API has it", "submitted_at": MONDAY}
    return Sighting(**(first | stated | said))  # type: ignore[arg-type]


def by_oai(**said: object) -> Sighting:
    """What OAI-PMH says a month later, when something in the record has changed."""
    return by_api(channel=Channel.OAI, as_of=FRIDAY + 30 * DAY, **said)


def picked(**said: object) -> Sighting:
    first = {"id": ID, "source": "hf", "channel": Channel.HUGGINGFACE, "as_of": FRIDAY}
    return Sighting(**(first | said))  # type: ignore[arg-type]


def pick(votes: int | None = 3, day: int = 0, **said: object) -> Pick:
    first = {"community": "hf", "picked_at": FRIDAY + day * DAY, "votes": votes}
    return Pick(**(first | {"counted_at": FRIDAY + day * DAY} | said))  # type: ignore[arg-type]


def merged(*sightings: Sighting) -> Paper:
    """The record of these sightings, checked to be the same backwards."""
    forwards = reduce(merge, sightings, None)
    backwards = reduce(merge, reversed(sightings), None)
    assert forwards is not None
    assert forwards == backwards
    return forwards


# What is kept of two statements: (the two, the field, the value).
KEPT = [
    (by_api(title="one", version=1), by_api(title="two", version=2), "title", "two"),
    (by_api(title="old", version=2), by_api(title="new", version=1, as_of=FRIDAY), "title", "old"),
    (by_api(title="arXiv's"), picked(title="a community's", version=9), "title", "arXiv's"),
    (announced(authors=("A, B",)), by_api(authors=("A", "B")), "authors", ("A", "B")),
    (
        *(announced(authors=(r"A. Fern\'andez",)), by_api(authors=("A. Ferna\u0301ndez",))),
        *("authors", ("A. Fern\u00e1ndez",)),
    ),
    (by_api(comment="9 pages"), by_api(comment="", version=4), "comment", "9 pages"),
    (by_api(), picked(code="https://github.com/a/b"), "code", "https://github.com/a/b"),
    (by_api(doi="10.1/a"), by_api(doi="10.1/b", as_of=FRIDAY), "doi", "10.1/b"),
    (announced(AnnounceType.CROSS), announced(), "announce_type", AnnounceType.NEW),
    (
        *(announced(AnnounceType.REPLACE_CROSS), announced(AnnounceType.REPLACE)),
        *("announce_type", AnnounceType.REPLACE),
    ),
    (announced(AnnounceType.REPLACE), by_api(), "announce_type", AnnounceType.NEW),
    (announced(AnnounceType.REPLACE), picked(), "announce_type", AnnounceType.NEW),
    (announced(), announced(AnnounceType.CROSS, announced_at=FRIDAY), "announced_at", TUESDAY),
    (announced(AnnounceType.REPLACE), by_api(), "announced_at", None),
    (by_api(submitted_at=MONDAY + DAY), by_api(), "submitted_at", MONDAY),
    (by_api(), picked(submitted_at=MONDAY - DAY), "submitted_at", MONDAY),
    (by_api(version=3), by_api(version=2, as_of=FRIDAY), "version", 3),
    (by_api(version=1), picked(version=9), "version", 1),
    (by_api(), picked(), "sources", ("arxiv", "hf")),
    (by_api(categories=("cs.LG",)), by_api(), "categories", ("cs.LG",)),
    (
        *(by_api(categories=("stat.ML", "cs.LG")), announced(categories=("stat.ML", "cs.AI"))),
        *("categories", ("stat.ML", "cs.AI", "cs.LG")),
    ),
    (
        *(by_api(categories=("math.MP", "math-ph", "stat.TH")), by_api(categories=("math-ph",))),
        *("categories", ("math-ph", "math.ST")),
    ),
    (by_api(version=2, withdrawn=True), by_api(version=1), "withdrawn", True),
    (by_api(version=2, withdrawn=True), by_api(version=3), "withdrawn", False),
    (by_api(version=0), picked(withdrawn=True), "withdrawn", True),
    (announced(journal_ref="J. 1"), by_oai(journal_ref="J. 2"), "referred_at", TUESDAY),
    (announced(), by_oai(journal_ref="J. 2"), "referred_at", FRIDAY + 30 * DAY),
]


@pytest.mark.parametrize(("one", "two", "field", "kept"), KEPT)
def test_of_two_statements(one: Sighting, two: Sighting, field: str, kept: object) -> None:
    assert getattr(merged(one, two), field) == kept


def test_enrichment_changes_no_author() -> None:
    announced_as, api = announced(authors=(r"Jos\'e \O{}rsted",)), by_api(authors=("José Ørsted",))
    assert paper_from_sighting(announced_as).authors == merged(announced_as, api).authors


# What is kept of two picks by one community: (the two, the outcome).
PICKS = [
    (pick(3), pick(7, day=1), pick(7, counted_at=FRIDAY + DAY)),
    (pick(3, day=1), pick(0, day=2), pick(0, day=1, counted_at=FRIDAY + 2 * DAY)),
    (pick(None, counted_at=None), pick(0), pick(0)),
    (pick(url="https://x/1"), pick(day=1, url="https://x/2"), pick(day=1, url="https://x/1")),
    (pick(url=""), pick(url="https://x/2"), pick(url="https://x/2")),
    (pick(5, comments=None), pick(5, comments=0), pick(5, comments=0)),
]


@pytest.mark.parametrize(("one", "two", "kept"), PICKS)
def test_of_two_picks(one: Pick, two: Pick, kept: Pick) -> None:
    kept = replace(kept, picked_at=min(one.picked_at, two.picked_at))
    assert merged(picked(pick=one), picked(pick=two)).picks == (kept,)


def test_communities_keep_their_own_picks() -> None:
    ours = pick(community="ours", votes=None)
    assert merged(picked(pick=ours), picked(pick=pick(9))).picks == (pick(9), ours)


# (the sightings, published, updated)
DATES = [
    ([announced()], TUESDAY, TUESDAY),
    ([by_api()], TUESDAY, TUESDAY),
    ([picked(pick=pick())], FRIDAY, FRIDAY),
    ([picked()], datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
    ([announced(), by_api(version=2, revised_at=MONDAY + 3 * DAY)], TUESDAY, TUESDAY + 3 * DAY),
    (
        [by_api(), announced(AnnounceType.REPLACE, version=2, announced_at=FRIDAY)],
        *(TUESDAY, FRIDAY),
    ),
    (
        # arXiv's own announcement of a version beats the date reckoned from its submission
        [
            by_api(version=2, revised_at=MONDAY + DAY),
            announced(AnnounceType.REPLACE, version=2, announced_at=FRIDAY),
        ],
        *(TUESDAY, FRIDAY),
    ),
    (
        # a cross-listing weeks later is no new version
        [
            by_api(version=2, revised_at=MONDAY + DAY),
            announced(AnnounceType.CROSS, version=2, announced_at=FRIDAY),
            announced(),
        ],
        *(TUESDAY, TUESDAY + DAY),
    ),
    # what communities say of a paper that arXiv has described moves nothing
    (
        [announced(AnnounceType.REPLACE, version=3, announced_at=FRIDAY), picked(pick=pick())],
        *(datetime(2026, 11, 1, tzinfo=UTC), FRIDAY),
    ),
    ([announced(), picked(version=7, pick=pick(99, day=9))], TUESDAY, TUESDAY),
    # a version dated before the announcement: never updated before published
    ([announced(announced_at=FRIDAY), by_api(version=2, revised_at=MONDAY)], FRIDAY, FRIDAY),
]


@pytest.mark.parametrize(("sightings", "published", "updated"), DATES)
def test_dates(sightings: list[Sighting], published: datetime, updated: datetime) -> None:
    paper = merged(*sightings)
    assert (published_at(paper), updated_at(paper)) == (published, updated)


# (the sightings, the journal reference that is shown as part of the newest version)
REFERENCES = [
    ([announced(journal_ref="J. 1")], "J. 1"),
    ([announced(), by_api(journal_ref="J. 1", as_of=TUESDAY)], "J. 1"),
    ([announced(journal_ref="J. 1"), by_oai(journal_ref="J. 1", doi="10.1/x")], "J. 1"),
    # named after the announcement: it waits for the next version
    ([announced(), by_oai(journal_ref="J. 1")], ""),
    (
        [
            *(announced(), by_oai(journal_ref="J. 1")),
            announced(AnnounceType.REPLACE, version=2, announced_at=FRIDAY + 40 * DAY),
        ],
        "J. 1",
    ),
    # only a replacement was announced here
    ([announced(AnnounceType.REPLACE, version=2), by_oai(journal_ref="J. 1")], ""),
    # nobody has seen the paper announced
    ([by_oai(journal_ref="J. 1")], "J. 1"),
    ([by_api(), by_oai(journal_ref="J. 1")], "J. 1"),
]


@pytest.mark.parametrize(("sightings", "shown"), REFERENCES)
def test_a_late_journal_reference_waits_for_a_version(
    sightings: list[Sighting], shown: str
) -> None:
    assert journal_ref_at_announcement(merged(*sightings)) == shown


CROSSED = announced(
    AnnounceType.CROSS,
    as_of=TUESDAY + DAY,
    announced_at=TUESDAY + DAY,
    categories=("cs.LG", "cs.AI", "cs.CY"),
)
# (the sightings, the categories that are shown as those of the newest version)
LISTED = [
    ([announced(categories=("cs.LG", "cs.AI"))], ("cs.LG", "cs.AI")),
    ([announced(categories=("cs.LG", "cs.AI")), CROSSED], ("cs.LG", "cs.AI")),
    ([CROSSED], ("cs.LG", "cs.AI", "cs.CY")),
    (
        [
            *(announced(categories=("cs.LG", "cs.AI")), CROSSED),
            announced(AnnounceType.REPLACE, version=2, announced_at=FRIDAY),
        ],
        ("cs.LG", "cs.AI", "cs.CY"),
    ),
    ([by_api(categories=("cs.LG",)), by_oai(categories=("cs.LG", "cs.CY"))], ("cs.LG", "cs.CY")),
    ([announced(categories=("cs.LG",)), by_oai(categories=("cs.AI", "cs.LG"))], ("cs.AI", "cs.LG")),
    ([announced(), picked()], ()),
]


@pytest.mark.parametrize(("sightings", "shown"), LISTED)
def test_a_later_cross_listing_waits_for_a_version(
    sightings: list[Sighting], shown: tuple[str, ...]
) -> None:
    assert categories_at_announcement(merged(*sightings)) == shown


def test_a_record_from_before_the_time_was_kept_has_always_had_its_reference() -> None:
    before = paper_from_sighting(announced(journal_ref="J. 1"))._replace(referred_at=None)
    late = paper_from_sighting(by_oai(journal_ref="J. 1"))
    for paper in (join_papers(before, late), join_papers(late, before), before):
        assert (paper.referred_at, journal_ref_at_announcement(paper)) == (None, "J. 1")
    listed = paper_from_sighting(announced(categories=("cs.LG",)))._replace(listed_at=())
    for paper in (
        join_papers(listed, paper_from_sighting(CROSSED)),
        join_papers(paper_from_sighting(CROSSED), listed),
    ):
        assert categories_at_announcement(paper) == ("cs.LG",)


def test_times_are_kept_in_whole_seconds_and_utc() -> None:
    local = (FRIDAY + SPLIT).astimezone(EASTERN)
    kept = merged(announced(announced_at=local, pick=pick(picked_at=local, counted_at=local)))
    assert (kept.announced_at, kept.picks) == (FRIDAY, (pick(),))
    assert kept.announced_at is not None
    assert kept.announced_at.tzinfo is UTC


def test_two_papers_do_not_join() -> None:
    with pytest.raises(ValueError, match="are two papers"):
        merge(paper_from_sighting(by_api()), by_api(id=OTHER))


def test_ranks_remember_only_what_was_said() -> None:
    paper = merged(by_api(comment="9 pages"), picked(organization="A lab"))
    assert [name for name, _ in paper.ranks] == ["comment", "organization", "title"]


MOMENTS = st.sampled_from([MONDAY, TUESDAY, TUESDAY + DAY, FRIDAY, FRIDAY + SPLIT])
MAYBE = st.none() | MOMENTS
TEXTS = st.sampled_from(["", "a", "b"])
CATEGORIES = st.sampled_from(["cs.LG", "cs.IT", "math.IT", "stat.ML"])
COUNTS = st.sampled_from([None, 0, 1])
PICKED = st.builds(
    Pick, st.sampled_from(["hf", "ours"]), MOMENTS, TEXTS, TEXTS, COUNTS, COUNTS, MAYBE, TEXTS
)
SIGHTINGS = st.builds(
    Sighting,
    id=st.just(ID),
    source=st.sampled_from(["arxiv", "hf", "ours"]),
    channel=st.sampled_from(Channel),
    as_of=MOMENTS,
    version=st.integers(0, 3),
    title=TEXTS,
    abstract=TEXTS,
    authors=st.lists(TEXTS, max_size=2).map(tuple),
    categories=st.lists(CATEGORIES, max_size=3).map(tuple),
    comment=TEXTS,
    announce_type=st.none() | st.sampled_from(AnnounceType),
    announced_at=MAYBE,
    submitted_at=MAYBE,
    revised_at=MAYBE,
    withdrawn=st.booleans(),
    code=TEXTS,
    pick=st.none() | PICKED,
)


@given(st.lists(SIGHTINGS, min_size=1, max_size=8), st.integers())
def test_any_order_repetition_and_split_give_one_record(
    sightings: list[Sighting], seed: int
) -> None:
    record = reduce(merge, sightings, None)
    chance = random.Random(seed)
    again = [*sightings, *chance.choices(sightings, k=3)]
    chance.shuffle(again)
    assert reduce(merge, again, None) == record
    cut = chance.randint(1, len(again))
    parts = [reduce(merge, part, None) for part in (again[:cut], again[cut:]) if part]
    assert reduce(join_papers, [part for part in parts if part]) == record


@given(SIGHTINGS, SIGHTINGS)
def test_a_join_of_equals_is_itself_and_order_is_no_matter(a: Sighting, b: Sighting) -> None:
    both = join_papers(paper_from_sighting(a), paper_from_sighting(b))
    assert both == join_papers(paper_from_sighting(b), paper_from_sighting(a))
    assert (
        join_papers(both, paper_from_sighting(a))
        == join_papers(both, paper_from_sighting(b))
        == join_papers(both, both)
        == both
    )


@given(st.lists(SIGHTINGS, min_size=1, max_size=5), SIGHTINGS)
def test_nothing_ever_goes_back(sightings: list[Sighting], one_more: Sighting) -> None:
    before = reduce(merge, sightings, None)
    assert before is not None
    after = merge(before, one_more)
    assert after.version >= before.version
    assert updated_at(after) >= published_at(after)
    assert set(after.sources) >= set(before.sources)
    assert {name for name, _ in after.ranks} >= {name for name, _ in before.ranks}
    assert bool(after.title) >= bool(before.title)


@given(st.lists(SIGHTINGS, min_size=1, max_size=5), PICKED)
def test_a_pick_moves_no_date_of_a_paper_arxiv_has_described(
    sightings: list[Sighting], new_pick: Pick
) -> None:
    before = reduce(merge, [by_api(), *sightings], None)
    assert before is not None
    after = merge(before, picked(pick=new_pick, version=9, submitted_at=MONDAY - DAY))
    assert published_at(after) == published_at(before)
    assert updated_at(after) == updated_at(before)


@given(st.lists(SIGHTINGS, min_size=1, max_size=6))
def test_a_record_that_was_packed_between_is_no_other(sightings: list[Sighting]) -> None:
    kept: Paper | None = None
    for sighting in sightings:
        kept = packing.unpack(ID, packing.pack(merge(kept, sighting)))
    assert kept == reduce(merge, sightings, None)
