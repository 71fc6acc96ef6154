"""A search always finds what a scan of every paper would find."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from redis import Redis

from papers.errors import BadId, BadParameter
from papers.index.compaction.compactor import Compactor
from papers.index.terms import text_terms
from papers.model.arxiv_id import ArxivId
from papers.model.events import PaperEvent, indexed_events
from papers.model.merge import merge
from papers.model.paper import AnnounceType, Channel, Paper, Pick, Sighting
from papers.query.ast import Text
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import parse_query
from papers.query.request import Page, SearchRequest
from papers.redis_backend.listings.event_sets import open_index
from papers.search.execution import QueryExecution
from papers.store import Store
from tests.papers.papers_strategies import TUESDAY, sightings
from tests.papers.query_strategies import requests

pytestmark = pytest.mark.both_stores

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


corpora = st.lists(sightings(), min_size=1, max_size=30)


def merged_papers(ingested: list[Sighting]) -> list[Paper]:
    """Merge sightings into papers without a store."""
    papers: dict[ArxivId, Paper] = {}
    for sighting in ingested:
        papers[sighting.id] = merge(papers.get(sighting.id), sighting)
    return list(papers.values())


def scan(papers: list[Paper], request: SearchRequest) -> list[Paper]:
    """Find all papers that match a request the slow and plain way, without a limit."""
    found = [
        paper
        for paper in papers
        if paper.is_described and matches_node(request.tree, FoldedPaper(paper))
    ]
    if request.order == "announced":
        return sorted(found, key=lambda paper: paper.id, reverse=True)
    if request.is_by_event:
        return [paper for paper, _ in scan_events(found, request)]
    found = [paper for paper in found if _picked_between(paper, request.since, request.until)]
    return sorted(found, key=lambda paper: (_picked_at(paper), str(paper.id)), reverse=True)


def scan_events(papers: list[Paper], request: SearchRequest) -> list[tuple[Paper, PaperEvent]]:
    """Return the events of a request's order, newest first, then by id and version."""
    events = [
        (paper, event)
        for paper in papers
        for event in indexed_events(paper)
        if event.kind == request.order and _is_in_range(event.at.date(), request)
    ]
    return sorted(events, key=lambda row: (row[1].at, row[0].id, row[1].version), reverse=True)


def _is_in_range(day: date, request: SearchRequest) -> bool:
    return (request.since or day) <= day <= (request.until or day)


def _picked_at(paper: Paper) -> datetime:
    assert paper.first_picked_at
    return paper.first_picked_at


def _picked_between(paper: Paper, since: date | None, until: date | None) -> bool:
    day = _picked_at(paper).date()
    return (since or day) <= day <= (until or day)


def all_pages(store: Store, request: SearchRequest) -> list[Page]:
    """Return every page of a result."""
    pages = [store.search(request)]
    while pages[-1].next_cursor:
        pages.append(store.search(replace(request, before=pages[-1].next_cursor)))
    return pages


def papers_on(pages: list[Page]) -> list[Paper]:
    return [paper for page in pages for paper in page.papers]


def shown_on(pages: list[Page]) -> list[tuple[ArxivId, int]]:
    """Return the id of each paper shown, and the version if it is shown as a revision."""
    papers = [paper.id for paper in papers_on(pages)]
    versions = [event.version for page in pages for event in page.events] or [0] * len(papers)
    return list(zip(papers, versions, strict=True))


def store_of(redis: Redis) -> Store:
    """Return an empty store that indexes every event of the drawn papers."""
    redis.flushdb()
    open_index(redis, datetime(1991, 1, 1, tzinfo=UTC))
    return Store(redis)


def single_term(phrase: Text, nth: int) -> tuple[bytes, ...]:
    terms = text_terms(phrase)
    return (terms[nth % len(terms)],)


@settings(max_examples=300)
@given(
    ingested=corpora,
    request=requests,
    max_prefix_words=st.sampled_from([0, 1, 256]),
    probe_term=st.none() | st.integers(0, 2),
    cut=st.integers(1, 30),
)
def test_pages_equal_a_scan(
    store_url: str,
    ingested: list[Sighting],
    request: SearchRequest,
    max_prefix_words: int,
    probe_term: int | None,
    cut: int,
) -> None:
    """Whichever word of a phrase is its probe term, and however few words a prefix may have."""
    redis = Redis.from_url(store_url)
    store = store_of(redis)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("papers.search.index_cache.MAX_PREFIX_WORDS", max_prefix_words)
        if probe_term is not None:
            patch.setattr("papers.search.plan.TEXT_READ_COST", 1e9)
            patch.setattr("papers.index.probe_terms.is_rare_word", lambda _: False)
            patch.setattr(
                "papers.search.plan.probe_terms", lambda text: single_term(text, probe_term)
            )
        store.ingest(ingested[:cut], now=NOW)
        assert papers_on(all_pages(store, request)) == scan(merged_papers(ingested[:cut]), request)
        store.ingest(ingested[cut:], now=NOW)
        pages, expected = all_pages(store, request), scan(merged_papers(ingested), request)
    assert papers_on(pages) == expected
    assert all(page.is_complete and len(page.papers) <= request.limit for page in pages)
    assert all(page.papers for page in pages[:-1])
    assert len(pages) <= max(1, -(-len(expected) // request.limit))
    redis.close()


@settings(max_examples=60)
@given(ingested=corpora, request=requests)
def test_previous_cursors_lead_back_page_by_page(
    store_url: str, ingested: list[Sighting], request: SearchRequest
) -> None:
    redis = Redis.from_url(store_url)
    store = store_of(redis)
    store.ingest(ingested, now=NOW)
    cursors = ["", *(page.next_cursor for page in all_pages(store, request) if page.next_cursor)]
    for before, cursor in pairwise(cursors):
        assert cursor
        assert store.previous_cursor(replace(request, before=cursor)) == before
    redis.close()


@given(ingested=corpora, request=requests, before=st.sampled_from([202503, 202502, 199901, 202601]))
def test_any_id_can_be_a_cursor(
    store_url: str, ingested: list[Sighting], request: SearchRequest, before: int
) -> None:
    redis = Redis.from_url(store_url)
    store = store_of(redis)
    store.ingest(ingested, now=NOW)
    cursor = ArxivId(before, 2)
    request = replace(request, order="announced", before=str(cursor))
    rest = [paper for paper in scan(merged_papers(ingested), request) if paper.id < cursor]
    assert papers_on(all_pages(store, request)) == rest
    redis.close()


@given(ingested=corpora, later=st.lists(sightings(), max_size=6), request=requests)
def test_papers_ingested_between_pages_repeat_or_skip_nothing(
    store_url: str, ingested: list[Sighting], later: list[Sighting], request: SearchRequest
) -> None:
    redis = Redis.from_url(store_url)
    store = store_of(redis)
    store.ingest(ingested, now=NOW)
    known = {sighting.id for sighting in ingested}
    new = [sighting for sighting in later if sighting.id not in known]
    pages = [store.search(request)]
    while pages[-1].next_cursor:
        store.ingest([new.pop()] if new else [], now=NOW)
        pages.append(store.search(replace(request, before=pages[-1].next_cursor)))
    shown = shown_on(pages)
    assert len(set(shown)) == len(shown)
    assert [id for id, _ in shown if id in known] == [
        p.id for p in scan(merged_papers(ingested), request)
    ]
    redis.close()


# -- Single requests


def described(number: int, **values: object) -> Sighting:
    first = {"source": "arxiv", "channel": Channel.API, "as_of": TUESDAY, "version": 1}
    stated = {"id": ArxivId(202503, number), "title": f"Reward models, part {number}"}
    return Sighting(**(first | stated | {"submitted_at": TUESDAY} | values))  # type: ignore[arg-type]


def picked(number: int, day: int, votes: int | None = None) -> Sighting:
    pick = Pick("hf", TUESDAY + timedelta(days=day), votes=votes)
    values = {"source": "hf", "channel": Channel.HUGGINGFACE, "as_of": TUESDAY, "pick": pick}
    return Sighting(id=ArxivId(202503, number), **values)  # type: ignore[arg-type]


def ids(page: Page) -> list[int]:
    return [paper.id.number for paper in page.papers]


def request_for(keyword: str, **beside: Any) -> SearchRequest:
    return SearchRequest(query=parse_query(keyword), **beside)


@pytest.fixture
def store(redis: Redis) -> Store:
    return Store(redis)


def test_empty_store_finds_nothing(store: Store) -> None:
    page = store.search(request_for("reward"))
    assert page == Page((), None, is_complete=True, examined=0)
    assert store.newest_ids(parse_query("reward")) == []


def test_newest_ids_are_of_every_announcement_type(store: Store) -> None:
    announced = {"channel": Channel.ANNOUNCEMENT, "announce_type": AnnounceType.REPLACE}
    store.ingest([described(1), described(2, **announced), described(3)], now=NOW)
    assert [id.number for id in store.newest_ids(parse_query("reward"))] == [3, 2, 1]
    assert [id.number for id in store.newest_ids(parse_query("reward"), 2)] == [3, 2]
    assert [id.number for id in store.newest_ids(parse_query("reward"), 2, "2503.00003")] == [2, 1]
    assert ids(store.search(request_for("reward"))) == [3, 1]
    assert ids(store.search(request_for("reward", types=frozenset({"replace"})))) == [2]


def test_author_name_matches_within_one_author(store: Store) -> None:
    crowd = ("Juan Anna", "Anna de la Paz", "Jo Cruz")
    store.ingest([described(1, authors=crowd), described(2, authors=("Juan de la Cruz",))], now=NOW)
    assert [id.number for id in store.newest_ids(parse_query('au:"juan cruz"'))] == [2]
    assert [id.number for id in store.newest_ids(parse_query('au:"juan paz"'))] == []
    assert [id.number for id in store.newest_ids(parse_query('au:"anna de la paz"'))] == [1]
    assert [id.number for id in store.newest_ids(parse_query('au:"juan de la cruz"'))] == [2]


def test_last_page_has_no_next_cursor(store: Store) -> None:
    store.ingest([described(number) for number in range(1, 5)], now=NOW)
    first = store.search(request_for("reward", limit=2))
    second = store.search(request_for("reward", limit=2, before=first.next_cursor))
    assert (ids(first), first.next_cursor) == ([4, 3], "2503.00003")
    assert (ids(second), second.next_cursor) == ([2, 1], None)


@pytest.mark.parametrize("order", ["announced", "picked"])
def test_previous_cursor_is_the_last_paper_of_the_page_before(
    store: Store, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr("papers.search.collector._PICKS_PER_READ", 2)
    store.ingest([described(number) for number in range(1, 8)], now=NOW)
    store.ingest([picked(number, day=number) for number in range(1, 8)], now=NOW)
    request = request_for("reward", order=order, limit=2)
    cursors = ["", *(page.next_cursor or "" for page in all_pages(store, request)[:-1])]
    assert cursors == ["", "2503.00006", "2503.00004", "2503.00002"]
    for before, cursor in pairwise(cursors):
        assert store.previous_cursor(replace(request, before=cursor)) == before


def test_order_by_pick_is_newest_first_then_by_id(store: Store) -> None:
    store.ingest([described(number) for number in range(1, 6)], now=NOW)
    store.ingest([picked(2, 3), picked(1, 3), picked(5, 1), picked(4, 5)], now=NOW)
    page = store.search(request_for("reward", order="picked", limit=3))
    assert (ids(page), page.next_cursor) == ([4, 2, 1], "2503.00001")
    rest = store.search(request_for("reward", order="picked", limit=3, before=page.next_cursor))
    assert (ids(rest), rest.next_cursor) == ([5], None)
    since = TUESDAY.date() + timedelta(days=3)
    assert ids(store.search(request_for("reward", order="picked", until=since))) == [2, 1, 5]
    assert ids(store.search(request_for("reward", order="picked", since=since))) == [4, 2, 1]


MIN, MAX = date(2000, 1, 1), date(2030, 1, 1)


@pytest.mark.parametrize("is_compacted", [False, True])
@pytest.mark.parametrize(
    ("since", "until"),
    [
        (date(2025, 1, 20), date(2025, 3, 10)),
        (date(2025, 1, 1), date(2025, 2, 14)),
        (date(2025, 2, 14), None),
        (None, date(2025, 1, 15)),
        (date(2025, 2, 3), date(2025, 2, 5)),
    ],
)
def test_date_range_matches_exactly_the_papers_of_its_days(
    redis: Redis, store: Store, since: date | None, until: date | None, is_compacted: bool
) -> None:
    """Within one month or across two, and whether or not they are compacted."""
    first = datetime(2025, 1, 1, 12, tzinfo=UTC)
    days = [first + timedelta(days=n) for n in range(90)]
    announced = {ArxivId(day.year * 100 + day.month, day.day): day for day in days}
    announced[ArxivId(202501, 99)] = datetime(
        2025, 2, 28, tzinfo=UTC
    )  # announced long after it was submitted
    values = {"source": "arxiv", "channel": Channel.ANNOUNCEMENT, "version": 1, "title": "Reward"}
    store.ingest(
        [
            Sighting(id, as_of=day, announced_at=day, announce_type=AnnounceType.NEW, **values)  # type: ignore[arg-type]
            for id, day in announced.items()
        ],
        now=NOW,
    )
    if is_compacted:
        assert Compactor(redis).compact_before(202601)
    found = store.search(
        SearchRequest(query=parse_query("reward"), since=since, until=until)
    ).papers
    expected = [id for id, at in announced.items() if (since or MIN) <= at.date() <= (until or MAX)]
    assert [paper.id for paper in found] == sorted(expected, reverse=True)


def test_invalid_cursor_is_refused(store: Store) -> None:
    store.ingest([described(1)], now=NOW)
    with pytest.raises(BadId, match="'x' is no arXiv id"):
        store.search(request_for("reward", before="x"))
    with pytest.raises(BadParameter, match=r"before: 2503\.00001 was never picked"):
        store.search(request_for("reward", order="picked", before="2503.00001"))


def test_exact_matches_read_no_text(store: Store) -> None:
    store.ingest([described(1), described(2, abstract="A survey")], now=NOW)
    assert store.search(request_for("reward -survey")).examined == 0
    assert store.search(request_for('"reward model"')).examined == 0
    assert store.search(request_for('"model reward"')).examined == 0
    assert store.search(request_for('ti:"reward model"')).examined == 2


BLOCK = 16
"""The fewest candidates whose texts are read together."""


@pytest.mark.parametrize("order", ["announced", "picked"])
@pytest.mark.parametrize("keyword", ['abs:"reward model"', 'part -abs:"reward model"'])
def test_result_cut_by_the_verification_limit_has_a_next_cursor(
    store: Store, monkeypatch: pytest.MonkeyPatch, order: str, keyword: str
) -> None:
    texts = {
        number: "Reward of models." if number % 40 else "Reward models." for number in range(1, 400)
    }
    store.ingest([described(number, abstract=text) for number, text in texts.items()], now=NOW)
    store.ingest([picked(number, day=number % 5) for number in texts], now=NOW)
    request = request_for(keyword, order=order, limit=7)
    whole = [paper.id for paper in papers_on(all_pages(store, request))]
    store.reader.clear_postings()
    monkeypatch.setattr("papers.search.collector.VERIFICATION_LIMIT", 20)
    pages = all_pages(store, request)
    assert [paper.id for paper in papers_on(pages)] == whole
    assert len(whole) == (9 if keyword.startswith("abs:") else 390)
    cut = [page for page in pages if not page.is_complete]
    assert all(page.examined == 20 for page in cut)
    assert max(page.examined for page in pages) <= 20
    assert all(page.next_cursor for page in cut)
    assert bool(cut) is keyword.startswith("abs:")


@pytest.mark.parametrize("order", ["announced", "picked"])
def test_blocks_of_texts_grow_while_hardly_any_matches(
    store: Store, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    numbers = range(1, 400)
    texts = [described(n, abstract="Reward models." if n == 1 else "Of none.") for n in numbers]
    store.ingest([text._replace(title="Reward model") for text in texts], now=NOW)
    store.ingest([picked(number, day=1) for number in numbers], now=NOW)
    sizes, verify = list[int](), QueryExecution.verify_docs

    def counted_verify(execution: QueryExecution, doc_ids: BitMap) -> BitMap:
        sizes.append(len(doc_ids))
        return verify(execution, doc_ids)

    monkeypatch.setattr(QueryExecution, "verify_docs", counted_verify)
    assert ids(store.search(request_for('abs:"reward model"', order=order, limit=5))) == [1]
    assert sum(sizes) == len(numbers)
    assert len(sizes) <= 9
    assert sizes[0] < 10


def test_prefix_in_the_abstract_is_not_found_in_the_title(store: Store) -> None:
    texts = {1: "Rewards.", 2: "A survey.", 3: "Rewarding surveys."}
    store.ingest([described(number, abstract=text) for number, text in texts.items()], now=NOW)
    assert ids(store.search(request_for("abs:rewar*"))) == [3, 1]
    assert ids(store.search(request_for("part -abs:rewar*"))) == [2]
    assert ids(store.search(request_for("ti:rewar*"))) == [3, 2, 1]


def test_replacements_of_cross_listed_papers_are_replacements(store: Store) -> None:
    kinds = (AnnounceType.NEW, AnnounceType.CROSS, AnnounceType.REPLACE, AnnounceType.REPLACE_CROSS)
    store.ingest(
        [
            described(number, channel=Channel.ANNOUNCEMENT, announce_type=kind)
            for number, kind in enumerate(kinds, 1)
        ],
        now=NOW,
    )
    selections = {"new": [1], "cross": [2], "replace": [4, 3], "replace-cross": [4]}
    for name, expected in selections.items():
        assert ids(store.search(request_for("reward", types=frozenset({name})))) == expected
        with_new = frozenset({name, "new"})
        assert ids(store.search(request_for("reward", types=with_new))) == sorted(
            {*expected, 1}, reverse=True
        )


def test_least_number_of_votes(store: Store) -> None:
    store.ingest([described(number) for number in range(1, 6)], now=NOW)
    votes = {2: None, 3: 0, 4: 1, 5: 2}
    store.ingest([picked(number, 0, votes=count) for number, count in votes.items()], now=NOW)
    found = {least: ids(store.search(request_for("reward", min_votes=least))) for least in range(4)}
    assert found == {0: [5, 4, 3, 2, 1], 1: [5, 4], 2: [5], 3: []}


def test_link_with_a_long_path_is_compared_whole(store: Store) -> None:
    """The index knows the first parts of a path; the text decides."""
    links = {1: "/a/b", 2: "/a/b/c", 3: "/a/b/c/d", 4: "/a/b/x"}
    texts = {number: f"See https://github.com{path} for it." for number, path in links.items()}
    store.ingest([described(number, abstract=text) for number, text in texts.items()], now=NOW)
    assert ids(store.search(request_for("reward link:github.com/a/b"))) == [4, 3, 2, 1]
    assert ids(store.search(request_for("reward link:github.com/a/b/c"))) == [3, 2]
    assert ids(store.search(request_for("reward -link:github.com/a/b/c"))) == [4, 1]


def test_prefix_of_too_many_words_is_matched_on_the_texts(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.ingest([described(n, abstract=f"pre{'abcdefgh'[n]} fix") for n in range(8)][1:], now=NOW)
    monkeypatch.setattr("papers.search.index_cache.MAX_PREFIX_WORDS", 3)
    assert ids(store.search(request_for("pre*"))) == [7, 6, 5, 4, 3, 2, 1]
    assert ids(store.search(request_for("reward -pre*"))) == []
    assert ids(store.search(request_for("preb* fix"))) == [1]


def test_plural_prefix_matches_plural_and_singular(store: Store) -> None:
    store.ingest(
        [described(1), described(2, title="Modelscope"), described(3, title="Model")], now=NOW
    )
    assert ids(store.search(request_for("models*"))) == [3, 2, 1]
    assert ids(store.search(request_for("modelsc*"))) == [2]


ODD_PREFIXES = [
    ("3dgs*", "3DGS-based"),
    ("2025*", "20251"),
    ("моде*", "моделирование"),
    ("abc*", "abc" * 30),
]


@pytest.mark.parametrize(("prefix", "word"), ODD_PREFIXES)
def test_any_word_of_three_letters_matches_its_prefix(store: Store, prefix: str, word: str) -> None:
    store.ingest([described(1, abstract=f"On {word}."), described(2)], now=NOW)
    assert ids(store.search(request_for(prefix))) == [1]


# -- Recorded papers

RECORDED_KEYWORDS = (
    *("hallucination", '"reward model"', '"vision language model"', "MLLM OR multimodal -survey"),
    *("reasoning cat:cs.CL", 'ti:agent abs:"large language model"', "hallucinat*", "con* cat:cs.*"),
    *("abs:benchmark ti:benchmark", "au:wang comment:accepted", '-"language model" "in context"'),
)


@pytest.fixture(scope="module")
def recorded_papers(recorded: Path) -> list[Sighting]:
    with gzip.open(recorded / "papers.jsonl.gz", "rt", encoding="utf-8") as lines:
        records = [json.loads(line) for line in islice(lines, 0, None, 15)]
    return [
        Sighting(
            id=ArxivId.parse(record["id"]),
            source="arxiv",
            channel=Channel.OAI,
            as_of=TUESDAY,
            version=1,
            title=record["title"],
            abstract=record["abstract"],
            authors=tuple(record.get("authors") or ()),
            categories=tuple(record.get("categories") or ()),
            comment=record.get("comment") or "",
        )
        for record in records
    ]


def test_search_of_recorded_papers_equals_a_scan(
    store: Store, recorded_papers: list[Sighting]
) -> None:
    for start in range(0, len(recorded_papers), 500):
        store.ingest(recorded_papers[start : start + 500], now=NOW)
    known = merged_papers(recorded_papers)
    for keyword in RECORDED_KEYWORDS:
        request = request_for(keyword, limit=200)
        found = [paper.id for paper in papers_on(all_pages(store, request))]
        assert found == [paper.id for paper in scan(known, request)], keyword
        assert found, keyword
