from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.model.arxiv_id import ArxivId
from papers.model.dates import from_epoch, published_at, updated_at
from papers.model.merge import join_papers, merge, paper_from_sighting
from papers.model.paper import AnnounceType, Channel, Paper, Pick, Sighting
from papers.records import packing
from tests.papers.model.sighting_builders import (
    DAY,
    FRIDAY,
    ID,
    MONDAY,
    TUESDAY,
    announced,
    from_api,
    from_oai,
    merged,
    pick,
    picked,
)

OTHER_ID = ArxivId.parse("2611.00043")
SPLIT_SECOND = timedelta(microseconds=700_000)
EASTERN = timezone(-timedelta(hours=5))


# (two statements, a field, the value that wins)
WINNERS = [
    (from_api(title="one", version=1), from_api(title="two", version=2), "title", "two"),
    (
        from_api(title="old", version=2),
        from_api(title="new", version=1, as_of=FRIDAY),
        "title",
        "old",
    ),
    (from_api(title="of two at once"), from_api(title="the greater"), "title", "the greater"),
    (from_api(title="arXiv's"), picked(title="a community's", version=9), "title", "arXiv's"),
    (announced(authors=("A, B",)), from_api(authors=("A", "B")), "authors", ("A", "B")),
    (
        *(announced(authors=(r"A. Fern\'andez",)), from_api(authors=("A. Ferna\u0301ndez",))),
        *("authors", ("A. Fern\u00e1ndez",)),
    ),
    (from_api(comment="9 pages"), from_api(comment="", version=4), "comment", "9 pages"),
    (from_api(), picked(code="https://github.com/a/b"), "code", "https://github.com/a/b"),
    (from_api(doi="10.1/a"), from_api(doi="10.1/b", as_of=FRIDAY), "doi", "10.1/b"),
    (announced(AnnounceType.CROSS), announced(), "announce_type", AnnounceType.NEW),
    (
        *(announced(AnnounceType.REPLACE_CROSS), announced(AnnounceType.REPLACE)),
        *("announce_type", AnnounceType.REPLACE),
    ),
    (announced(AnnounceType.REPLACE), from_api(), "announce_type", AnnounceType.NEW),
    (announced(AnnounceType.REPLACE), picked(), "announce_type", AnnounceType.NEW),
    (announced(), announced(AnnounceType.CROSS, announced_at=FRIDAY), "announced_at", TUESDAY),
    (announced(AnnounceType.REPLACE), from_api(), "announced_at", None),
    (from_api(submitted_at=MONDAY + DAY), from_api(), "submitted_at", MONDAY),
    (from_api(), picked(submitted_at=MONDAY - DAY), "submitted_at", MONDAY),
    (from_api(version=3), from_api(version=2, as_of=FRIDAY), "version", 3),
    (from_api(version=1), picked(version=9), "version", 1),
    (from_api(), picked(), "sources", ("arxiv", "hf")),
    (from_api(categories=("cs.LG",)), from_api(), "categories", ("cs.LG",)),
    (
        *(from_api(categories=("stat.ML", "cs.LG")), announced(categories=("stat.ML", "cs.AI"))),
        *("categories", ("stat.ML", "cs.AI", "cs.LG")),
    ),
    (
        *(
            from_api(categories=("math.MP", "math-ph", "stat.TH")),
            from_api(categories=("math-ph",)),
        ),
        *("categories", ("math-ph", "math.ST")),
    ),
    (from_api(version=2, withdrawn=True), from_api(version=1), "withdrawn", True),
    (from_api(version=2, withdrawn=True), from_api(version=3), "withdrawn", False),
    (from_api(version=0), picked(withdrawn=True), "withdrawn", True),
    (announced(journal_ref="J. 1"), from_oai(journal_ref="J. 2"), "referred_at", TUESDAY),
    (announced(), from_oai(journal_ref="J. 2"), "referred_at", FRIDAY + 30 * DAY),
]


@pytest.mark.parametrize(("one", "two", "field", "winner"), WINNERS)
def test_which_of_two_statements_wins(
    one: Sighting, two: Sighting, field: str, winner: object
) -> None:
    assert getattr(merged(one, two), field) == winner


def test_words_are_a_communitys_until_arxiv_states_a_title() -> None:
    named = picked(title="Hype", abstract="A hoax.", authors=("Eve Il",))
    club = named._replace(source="club", channel=Channel.COMMUNITY, title="Club", authors=())
    silent = from_api(abstract="", authors=())
    assert merged(named, club).title == "Hype"  # Hugging Face copies arXiv's
    for words in ((named,), (club,), (named, club)):
        assert merged(*words).is_in_community_words
        record = merged(*words, silent)
        assert (record.title, record.abstract, record.authors) == (silent.title, "", ())
        assert not record.is_in_community_words
        assert record == join_papers(merged(words[-1], silent), merged(*words))
    assert not merged(picked()).is_in_community_words
    assert merged(named, club).describing_communities == ("hf",)
    assert merged(club).describing_communities == ("club",)


def test_what_is_no_author_is_dropped() -> None:
    listed = (":", "Ada Lovelace", "and", "et al.", "", "...", "and Bo Li", "王伟", "Andy And", "U")
    record = paper_from_sighting(announced(authors=listed))
    assert record.authors == ("Ada Lovelace", "Bo Li", "王伟", "Andy And", "U")


def test_api_data_does_not_change_authors_announced_in_tex() -> None:
    announcement, api = (
        announced(authors=(r"Jos\'e \O{}rsted",)),
        from_api(authors=("José Ørsted",)),
    )
    assert paper_from_sighting(announcement).authors == merged(announcement, api).authors


# (two picks by one community, the merged pick)
PICKS = [
    (pick(3), pick(7, day=1), pick(7, counted_at=FRIDAY + DAY)),
    (pick(3, day=1), pick(0, day=2), pick(0, day=1, counted_at=FRIDAY + 2 * DAY)),
    (pick(None, counted_at=None), pick(0), pick(0)),
    (pick(url="https://x/1"), pick(day=1, url="https://x/2"), pick(day=1, url="https://x/1")),
    (pick(url=""), pick(url="https://x/2"), pick(url="https://x/2")),
    (pick(5, comments=None), pick(5, comments=0), pick(5, comments=0)),
]


@pytest.mark.parametrize(("one", "two", "joined"), PICKS)
def test_two_picks_by_one_community_are_joined(one: Pick, two: Pick, joined: Pick) -> None:
    joined = replace(joined, picked_at=min(one.picked_at, two.picked_at))
    assert merged(picked(pick=one), picked(pick=two)).picks == (joined,)


def test_picks_of_two_communities_stay_apart() -> None:
    ours = pick(community="ours", votes=None)
    assert merged(picked(pick=ours), picked(pick=pick(9))).picks == (pick(9), ours)


# (the sightings, published, updated)
DATES = [
    ([announced()], TUESDAY, TUESDAY),
    ([from_api()], TUESDAY, TUESDAY),
    ([picked(pick=pick())], FRIDAY, FRIDAY),
    ([picked()], datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)),
    ([announced(), from_api(version=2, revised_at=MONDAY + 3 * DAY)], TUESDAY, TUESDAY + 3 * DAY),
    (
        [from_api(), announced(AnnounceType.REPLACE, version=2, announced_at=FRIDAY)],
        *(TUESDAY, FRIDAY),
    ),
    (
        # arXiv's own announcement of a version beats the date computed from its submission
        [
            from_api(version=2, revised_at=MONDAY + DAY),
            announced(AnnounceType.REPLACE, version=2, announced_at=FRIDAY),
        ],
        *(TUESDAY, FRIDAY),
    ),
    (
        # a cross-listing weeks later is no new version
        [
            from_api(version=2, revised_at=MONDAY + DAY),
            announced(AnnounceType.CROSS, version=2, announced_at=FRIDAY),
            announced(),
        ],
        *(TUESDAY, TUESDAY + DAY),
    ),
    # a community's statements about a paper that arXiv has described do not move its dates
    (
        [announced(AnnounceType.REPLACE, version=3, announced_at=FRIDAY), picked(pick=pick())],
        *(datetime(2026, 11, 1, tzinfo=UTC), FRIDAY),
    ),
    ([announced(), picked(version=7, pick=pick(99, day=9))], TUESDAY, TUESDAY),
    # a version dated before the announcement: never updated before it is published
    ([announced(announced_at=FRIDAY), from_api(version=2, revised_at=MONDAY)], FRIDAY, FRIDAY),
]


@pytest.mark.parametrize(("sightings", "published", "updated"), DATES)
def test_dates_of_publication_and_update(
    sightings: list[Sighting], published: datetime, updated: datetime
) -> None:
    paper = merged(*sightings)
    assert (published_at(paper), updated_at(paper)) == (published, updated)


def test_every_version_keeps_its_date_and_an_announced_one_beats_the_earlier() -> None:
    submitted = MONDAY + 2 * DAY
    history = ((1, MONDAY), (2, MONDAY + DAY), (4, submitted))
    paper = merged(
        from_oai(version=5, revised_at=submitted + DAY, earlier_versions=history),
        announced(AnnounceType.REPLACE, version=2, announced_at=FRIDAY),
        from_api(version=4, revised_at=submitted + DAY),
    )
    dates = {each.version: from_epoch(-each.negated_seconds) for each in paper.versions}
    assert dates == {2: FRIDAY, 4: TUESDAY + 2 * DAY, 5: TUESDAY + 3 * DAY}
    assert paper.versions[-1] == paper.revision


def test_the_first_version_is_no_revision() -> None:
    assert merged(announced(), from_oai(earlier_versions=((1, MONDAY),))).versions == ()


def test_code_is_dated_by_its_first_statement_in_older_records_by_the_announcement() -> None:
    early, late = (picked(code=f"https://x/{n}", as_of=FRIDAY + n * DAY) for n in (0, 2))
    assert merged(late, picked(), early).coded_at == FRIDAY
    legacy = paper_from_sighting(late)._replace(coded_at=None)
    since = published_at(legacy)
    assert since < FRIDAY
    assert join_papers(legacy, paper_from_sighting(early)).coded_at == since
    assert join_papers(paper_from_sighting(picked()), legacy).coded_at == since


def test_times_are_stored_in_whole_seconds_and_utc() -> None:
    local = (FRIDAY + SPLIT_SECOND).astimezone(EASTERN)
    paper = merged(announced(announced_at=local, pick=pick(picked_at=local, counted_at=local)))
    assert (paper.announced_at, paper.picks) == (FRIDAY, (pick(),))
    assert paper.announced_at is not None
    assert paper.announced_at.tzinfo is UTC


def test_papers_with_different_ids_cannot_be_joined() -> None:
    with pytest.raises(ValueError, match="are two papers"):
        merge(paper_from_sighting(from_api()), from_api(id=OTHER_ID))


def test_only_fields_with_a_value_have_a_rank() -> None:
    paper = merged(from_api(comment="9 pages"), picked(organization="A lab"))
    assert [name for name, _ in paper.ranks] == ["comment", "organization", "title"]


MOMENTS = st.sampled_from([MONDAY, TUESDAY, TUESDAY + DAY, FRIDAY, FRIDAY + SPLIT_SECOND])
OPTIONAL_MOMENTS = st.none() | MOMENTS
TEXTS = st.sampled_from(["", "a", "b"])
CATEGORIES = st.sampled_from(["cs.LG", "cs.IT", "math.IT", "stat.ML"])
COUNTS = st.sampled_from([None, 0, 1])
PICKS_BY_ANYONE = st.builds(
    Pick,
    st.sampled_from(["hf", "ours"]),
    MOMENTS,
    TEXTS,
    TEXTS,
    COUNTS,
    COUNTS,
    OPTIONAL_MOMENTS,
    TEXTS,
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
    announced_at=OPTIONAL_MOMENTS,
    submitted_at=OPTIONAL_MOMENTS,
    revised_at=OPTIONAL_MOMENTS,
    withdrawn=st.booleans(),
    code=TEXTS,
    pick=st.none() | PICKS_BY_ANYONE,
    earlier_versions=st.lists(st.tuples(st.integers(1, 3), MOMENTS), max_size=2).map(tuple),
)


@given(st.lists(SIGHTINGS, min_size=1, max_size=8), st.integers())
def test_any_order_repetition_and_split_gives_the_same_record(
    sightings: list[Sighting], seed: int
) -> None:
    record = reduce(merge, sightings, None)
    rng = random.Random(seed)
    shuffled = [*sightings, *rng.choices(sightings, k=3)]
    rng.shuffle(shuffled)
    assert reduce(merge, shuffled, None) == record
    cut = rng.randint(1, len(shuffled))
    parts = [reduce(merge, part, None) for part in (shuffled[:cut], shuffled[cut:]) if part]
    assert reduce(join_papers, [part for part in parts if part]) == record


@given(SIGHTINGS, SIGHTINGS)
def test_join_is_commutative_and_idempotent(a: Sighting, b: Sighting) -> None:
    both = join_papers(paper_from_sighting(a), paper_from_sighting(b))
    assert both == join_papers(paper_from_sighting(b), paper_from_sighting(a))
    assert (
        join_papers(both, paper_from_sighting(a))
        == join_papers(both, paper_from_sighting(b))
        == join_papers(both, both)
        == both
    )


@given(st.lists(SIGHTINGS, min_size=1, max_size=5), SIGHTINGS)
def test_a_merge_never_lowers_any_part(sightings: list[Sighting], one_more: Sighting) -> None:
    before = reduce(merge, sightings, None)
    assert before is not None
    after = merge(before, one_more)
    assert after.version >= before.version
    assert updated_at(after) >= published_at(after)
    assert set(after.sources) >= set(before.sources)
    lost = dict(before.ranks).keys() - dict(after.ranks).keys()
    assert lost <= {"abstract", "authors"}, "only a community's words give way to arXiv's title"
    assert not any(dict(before.ranks)[name].is_arxiv for name in lost)
    assert bool(after.title) >= bool(before.title)


@given(st.lists(SIGHTINGS, min_size=1, max_size=5), PICKS_BY_ANYONE)
def test_a_pick_moves_no_date_of_a_paper_that_arxiv_has_described(
    sightings: list[Sighting], new_pick: Pick
) -> None:
    before = reduce(merge, [from_api(), *sightings], None)
    assert before is not None
    after = merge(before, picked(pick=new_pick, version=9, submitted_at=MONDAY - DAY))
    assert published_at(after) == published_at(before)
    assert updated_at(after) == updated_at(before)


@given(st.lists(SIGHTINGS, min_size=1, max_size=6))
def test_packing_between_merges_changes_nothing(sightings: list[Sighting]) -> None:
    stored: Paper | None = None
    for sighting in sightings:
        stored = packing.unpack(ID, packing.pack(merge(stored, sighting)))
    assert stored == reduce(merge, sightings, None)


@pytest.mark.parametrize(
    ("votes", "expected"), [((), None), ((None,), None), ((0,), 0), ((None, 0), 0), ((2, 7, 0), 7)]
)
def test_votes_are_the_most_of_any_community_and_none_if_nobody_counts(
    votes: tuple[int | None, ...], expected: int | None
) -> None:
    picks = [pick(count, community=f"club-{n}") for n, count in enumerate(votes)]
    assert merged(announced(), *(picked(pick=each) for each in picks)).votes == expected
