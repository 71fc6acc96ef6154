from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from unittest import mock

import pytest
from redis import Redis

from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.state.import_blocks import BLOCK_SIZE, ImportEntry, import_keywords
from papers.state.keyword_directory import KeywordDirectory
from papers.state.keyword_record import Keyword
from papers.state.keywords import Keywords

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def entry(name: str, query: str = "fish", **fields: bool) -> ImportEntry:
    return ImportEntry(1, name, parse_query(query), **fields)  # type: ignore[arg-type]


def outcomes(redis: Redis, *entries: ImportEntry) -> list[tuple[str, str]]:
    blocks = import_keywords(redis, entries, now=NOW)
    return [(one.name, one.outcome) for block in blocks for one in block]


def test_new_keywords_are_saved_and_known_ones_are_not_changed(redis: Redis) -> None:
    Keywords(redis).add("Fish", "fish", now=NOW)
    found = outcomes(
        redis,
        entry("Fish", "FISH"),
        entry("fish", "bird"),
        entry("Bird", "bird"),
        entry("bird", "bird"),
        entry("BIRD", "a third"),
        entry("!!!"),
        ImportEntry(1, "elsewhere"),
        ImportEntry(1, "bad", problem="no query"),
        entry("Fish", "guess", is_guessed=True),
    )
    assert found == [
        *(("Fish", "known"), ("fish", "refused"), ("Bird", "saved"), ("bird", "known")),
        *(("BIRD", "refused"), ("!!!", "refused"), ("elsewhere", "foreign"), ("bad", "refused")),
        ("Fish", "known"),
    ]
    assert [(k.name, k.query) for k in Keywords(redis).all()] == [
        ("Bird", "bird"),
        ("Fish", "fish"),
    ]


def test_import_of_any_length_is_one_transaction_a_block(redis: Redis) -> None:
    count = 5 * BLOCK_SIZE // 2
    entries = (entry(f"Keyword {n}") for n in range(count))
    redis.config_resetstat()
    sizes = []
    for block in import_keywords(redis, entries, now=NOW):
        sizes.append(len(block))
        assert redis.hlen(keys.KEYWORDS) == sum(sizes)
    stats = redis.info("commandstats")
    assert sizes == [BLOCK_SIZE, BLOCK_SIZE, BLOCK_SIZE // 2]
    assert stats["cmdstat_exec"]["calls"] == 3
    again = outcomes(redis, *(entry(f"Keyword {n}") for n in range(count)))
    assert Counter(outcome for _, outcome in again) == {"known": count}


def test_lists_of_other_processes_show_imported_keywords(redis: Redis) -> None:
    directory = KeywordDirectory(redis)
    assert len(directory.read().keywords) == 0
    outcomes(redis, entry("Fish"))
    assert [keyword.name for keyword in directory.read().keywords] == ["Fish"]


@pytest.mark.parametrize(("query", "outcome"), [("fish", "known"), ("bird", "refused")])
def test_keyword_that_another_process_saves_meanwhile_stays(
    redis: Redis, query: str, outcome: str
) -> None:
    save_new = Keywords.save_new

    def overtaken(self: Keywords, keywords: list[Keyword]) -> set[str]:
        Keywords(redis).add("Fish", query, now=NOW)
        return save_new(self, keywords)

    with mock.patch.object(Keywords, "save_new", overtaken):
        assert outcomes(redis, entry("Fish"), entry("Bird", "bird")) == [
            ("Fish", outcome),
            ("Bird", "saved"),
        ]
    assert Keywords(redis).get("fish").query == query
