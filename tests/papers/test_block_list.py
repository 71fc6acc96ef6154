"""Blocks of papers, authors, communities and addresses, and what is left of a paper."""

from __future__ import annotations

import pytest
from redis import Redis

from papers.blocks.block_list import Block, BlockKind, BlockList
from papers.blocks.saved_blocks import SavedBlocks
from papers.errors import BadInput, BadParameter, BlockedPaper, UnknownPaper
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.redis_backend import keys
from papers.search.counts import MatchCounter
from papers.search.reader import IndexReader
from papers.state.voting.pick_lists import PickLists
from papers.store import Store
from tests.service.made import NOW, make_pick, make_sighting


def block_list(kind: BlockKind, subject: str) -> BlockList:
    return BlockList([Block(kind, subject, "spam", NOW)])


def stored(store: Store, number: int) -> Paper:
    (paper,) = store.get_records([ArxivId(202611, number)])
    assert paper
    return paper


@pytest.fixture
def store(redis: Redis) -> Store:
    """Papers 1 to 30, of which 3 was picked twice; and 60, which only a community has named."""
    store = Store(redis)
    store.ingest([make_sighting(number) for number in range(1, 31)], now=NOW)
    store.ingest([make_pick(3), make_pick(3, "weekly"), make_pick(60, "weekly")], now=NOW)
    PickLists(redis).join("daily", [ArxivId(202611, 3), ArxivId(202611, 60)], now=NOW)
    return store


@pytest.fixture
def blocks(redis: Redis) -> SavedBlocks:
    return SavedBlocks(redis)


def found(store: Store, text: str = "reward", **fields: object) -> list[int]:
    request = SearchRequest(query=parse_query(text), **fields)  # type: ignore[arg-type]
    return [paper.id.number for paper in store.search(request).papers]


def test_an_empty_list_shows_every_paper_unchanged(store: Store) -> None:
    paper = stored(store, 3)
    assert BlockList().visible_part(paper) is paper
    assert block_list("author", "Somebody Else").visible_part(paper) is paper
    assert block_list("community", "others").visible_part(paper) is paper
    assert block_list("url", "a.example").visible_part(paper) is paper


@pytest.mark.parametrize("name", ["Jose Orsted", "JOSÉ ØRSTED", "José  Ørsted"])
def test_author_is_blocked_in_any_case_and_with_any_accents(store: Store, name: str) -> None:
    assert block_list("author", name).visible_part(stored(store, 3)) is None


@pytest.mark.parametrize("name", ["J. Ørsted", "José Ørsted Lovelace", "Ørsted"])
def test_other_names_are_not_blocked(store: Store, name: str) -> None:
    paper = stored(store, 3)
    assert block_list("author", name).visible_part(paper) is paper


@pytest.mark.parametrize("subject", ["a.example", "a.example/b", "b.a.example"])
@pytest.mark.parametrize("text", ["See https://b.a.example/b/c.", "see (https://b.a.example/b)"])
def test_paper_that_names_a_blocked_address_is_out(store: Store, subject: str, text: str) -> None:
    if subject == "a.example/b":
        text = text.replace("b.a.example", "www.a.example")
    paper = stored(store, 1)._replace(comment=text)
    assert block_list("url", subject).visible_part(paper) is None


@pytest.mark.parametrize(
    "url", ["https://nota.example/b", "https://a.example.org/b", "https://a.example/bc"]
)
def test_similar_addresses_are_not_blocked(store: Store, url: str) -> None:
    paper = stored(store, 1)._replace(abstract=f"Code is at {url} today.")
    assert block_list("url", "a.example/b").visible_part(paper) is paper


def test_pick_and_code_at_a_blocked_address_are_out_and_the_paper_stays(store: Store) -> None:
    paper = stored(store, 3)._replace(code="https://huggingface.co/a/b")
    part = block_list("url", "huggingface.co").visible_part(paper)
    assert part
    assert (part.picks, part.code, part.sources) == ((), "", ("arxiv",))
    assert part.title == paper.title


def test_pick_of_a_blocked_community_is_out_and_what_only_it_named(store: Store) -> None:
    weekly = block_list("community", "weekly")
    part = weekly.visible_part(stored(store, 3))
    assert part
    assert ([pick.community for pick in part.picks], part.sources) == (["hf"], ("arxiv", "hf"))
    assert weekly.visible_part(stored(store, 60)) is None
    assert weekly.hiding_block(stored(store, 60)) == weekly.blocks[0]


def test_blocked_papers_leave_searches_whose_pages_keep_their_size(
    store: Store, blocks: SavedBlocks
) -> None:
    assert found(store, limit=5) == [30, 29, 28, 27, 26]
    for number in (30, 28, 27):
        blocks.add("paper", f"2611.{number:05}", "takedown", now=NOW)
    assert found(store, limit=5) == [29, 26, 25, 24, 23]
    first = store.search(SearchRequest(query=parse_query("reward"), limit=5))
    following = SearchRequest(query=parse_query("reward"), limit=5, before=first.next_cursor or "")
    assert [paper.id.number for paper in store.search(following).papers] == [22, 21, 20, 19, 18]
    assert store.previous_cursor(following) == ""
    blocks.remove("paper", "https://arxiv.org/abs/2611.00028v2", now=NOW)
    assert found(store, limit=3) == [29, 28, 26]


def test_every_reading_of_the_store_obeys_the_list(store: Store, blocks: SavedBlocks) -> None:
    assert found(store, "is:picked", listed="daily") == [3]
    count = len(list(store.iter_papers()))
    blocks.add("paper", "2611.00003", "takedown", now=NOW)
    assert store.get_papers([ArxivId(202611, 3)]) == [None]
    assert store.get_records([ArxivId(202611, 3)]) != [None]
    assert len(list(store.iter_papers())) == count - 1
    assert found(store, "is:picked", order="picked") == []
    assert found(store, "is:picked", listed="daily") == []
    counts = MatchCounter(store.reader).count(parse_query("reward").tree)
    assert counts
    assert (counts.year, counts.exact) == (29, True)


def test_picks_of_a_blocked_community_make_no_paper_picked(
    store: Store, blocks: SavedBlocks
) -> None:
    assert found(store, "is:picked", order="picked") == [3]
    assert found(store, "source:weekly") == [3]
    blocks.add("community", "weekly", "spam", now=NOW)
    assert found(store, "is:picked", order="picked") == [3]
    assert found(store, "source:weekly") == []
    blocks.add("community", "hf", "spam", now=NOW)
    assert found(store, "is:picked", order="picked") == []
    assert found(store, "is:picked", listed="daily") == []
    assert 3 in found(store)
    blocks.remove("community", "hf", now=NOW)
    blocks.remove("community", "weekly", now=NOW)
    assert found(store, "is:picked", listed="daily") == [3]
    assert found(store, "source:weekly") == [3]


def test_author_leaves_all_results_and_comes_back(store: Store, blocks: SavedBlocks) -> None:
    blocks.add("author", "ada lovelace", "request", now=NOW)
    assert found(store) == []
    blocks.remove("author", "Ada Lovelace", now=NOW)
    assert len(found(store)) == 30


def test_search_ends_after_so_many_hidden_papers_and_can_be_continued(
    store: Store, blocks: SavedBlocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("papers.search.collector.VERIFICATION_LIMIT", 10)
    blocks.add("author", "ada lovelace", "request", now=NOW)
    request = SearchRequest(query=parse_query("reward"), limit=4)
    page = store.search(request)
    assert (page.papers, page.is_complete) == ((), False)
    assert page.next_cursor
    assert 10 <= page.examined < 30


def test_counts_are_exact_only_if_blocks_name_papers(
    store: Store, redis: Redis, blocks: SavedBlocks
) -> None:
    counter, tree = MatchCounter(IndexReader(redis)), parse_query("reward").tree
    blocks.add("paper", "2611.00003", "takedown", now=NOW)
    recent = counter.count(tree)
    assert recent is not None
    assert (recent.year, recent.exact) == (29, True)
    assert counter.count_all(tree) == (29, True)
    blocks.add("author", "ada lovelace", "request", now=NOW)
    recent = counter.count(tree)
    assert recent is not None
    assert (recent.year, recent.exact) == (29, False)
    assert counter.count_all(tree) == (29, False)


def test_error_of_a_blocked_paper_has_the_reason_only_if_it_is_public(
    store: Store, blocks: SavedBlocks
) -> None:
    id = ArxivId(202611, 3)
    assert isinstance(store.missing_paper(ArxivId(202611, 99)), UnknownPaper)
    blocks.add("paper", str(id), "a private matter", now=NOW)
    assert isinstance(store.missing_paper(id), BlockedPaper)
    assert "private" not in str(store.missing_paper(id))
    blocks.add("paper", str(id), "court order 7", now=NOW, is_public=True)
    assert "court order 7" in str(store.missing_paper(id))
    assert len(blocks.all()) == 1, "a subject is blocked once"


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("paper", "no id"),
        ("author", "…"),
        ("community", "arxiv"),
        ("community", "No Name"),
        ("url", "localhost"),
        ("url", "https://"),
        ("url", "http://[::1"),
        ("author", "x" * 301),
        ("author", "a\0b"),
    ],
)
def test_what_is_no_subject_is_refused(blocks: SavedBlocks, kind: BlockKind, subject: str) -> None:
    with pytest.raises(BadInput):
        blocks.add(kind, subject, "spam", now=NOW)
    assert blocks.all() == []


def test_block_needs_a_reason_and_lifting_needs_a_block(blocks: SavedBlocks) -> None:
    with pytest.raises(BadParameter, match="reason"):
        blocks.add("author", "Ada", " ", now=NOW)
    with pytest.raises(BadParameter, match="not blocked"):
        blocks.remove("author", "Ada", now=NOW)


def test_an_empty_list_is_read_once_a_revision(store: Store, redis: Redis) -> None:
    def reads() -> int:
        stats = redis.info("commandstats").get("cmdstat_hvals", {"calls": 0})
        return int(stats["calls"])

    found(store)
    before = reads()
    for text in ("model", "number", '"reward model"', "cs.CL"):
        found(store, text)
    assert reads() == before
    assert redis.exists(keys.BLOCKS) == 0
