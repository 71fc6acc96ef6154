from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from papers.errors import BadParameter, BadQuery, StoreError, UnknownKeyword
from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.state.keyword_record import Keyword
from papers.state.keywords import Keywords
from papers.state.slugs import slug_of
from papers.state.task_states import TaskStates

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)

SLUGS = [
    ("Reward Model", "reward-model"),
    ("  MLLM ", "mllm"),
    ("RLHF & DPO", "rlhf-dpo"),
    ("Réseaux", "reseaux"),
    ("C++", "c"),
    ("3D Gaussian", "3d-gaussian"),
    ("search engines", "search-engines"),
    ("强化学习", "强化学习"),
    ("Møller", "moller"),
    ("β-VAE", "beta-vae"),
    ("Λόγος", "λόγος"),
    ("Straße", "strasse"),
    ("глубокое обучение", "глубокое-обучение"),
    ("हिन्दी मॉडल", "हिन्दी-मॉडल"),
    ("ＬＬＭ", "llm"),
    ("Việt Nam", "viet-nam"),
]
NAMES_WITHOUT_SLUG = [
    "",
    "   ",
    "search",
    "Search!",
    "!?",
    "---",
    "x" * 81,
    "tab\there",
    "a\x00b",
]


@pytest.mark.parametrize(("name", "slug"), SLUGS)
def test_slug_of_a_name(name: str, slug: str) -> None:
    assert slug_of(name) == slug


@pytest.mark.parametrize("name", NAMES_WITHOUT_SLUG)
def test_name_without_a_slug_is_refused(name: str) -> None:
    with pytest.raises(BadParameter, match=r"name: "):
        slug_of(name)


def test_get_accepts_slug_and_name(redis: Redis) -> None:
    keywords = Keywords(redis)
    added = keywords.add("Reward Model", '"Reward-Models"  OR  rlhf', now=NOW)
    assert added.slug == "reward-model"
    assert added.added_at == NOW
    assert keywords.get("reward-model") == keywords.get("Reward Model") == added


def test_all_keywords_are_sorted_by_name(redis: Redis) -> None:
    keywords = Keywords(redis)
    for name in ("reasoning", "Hallucination", "MLLM"):
        keywords.add(name, name, now=NOW)
    assert [keyword.name for keyword in keywords.all()] == ["Hallucination", "MLLM", "reasoning"]


def test_query_is_stored_as_it_is_displayed(redis: Redis) -> None:
    saved = Keywords(redis).add("One", "“Reward   Models” or rlhf", now=NOW)
    assert saved.query == '"Reward Models" OR rlhf'


def test_another_spelling_of_a_query_fetches_nothing(redis: Redis) -> None:
    keywords = Keywords(redis)
    keywords.add("One", "reward model", now=NOW)
    redis.delete(keys.DUE_INITIAL_FETCHES)
    assert keywords.add("One", "Model Rewards", now=LATER).query == "Model Rewards"
    assert TaskStates(redis).due_tasks(LATER) == []


@pytest.mark.parametrize(
    ("stored", "canonical"),
    [
        ("or rl rlhf", '"or" rl rlhf'),
        ("cat dog or", '"or" cat dog'),
        ("not or rl", '"or" not rl'),
        ('"reward model" or rl', '"or" "reward model" rl'),
        ("gan or rl OR x", '"or" gan rl OR x'),
        ("and cat dog", '"and" cat dog'),
        ("rl OR rlhf", "rl OR rlhf"),
    ],
)
def test_query_that_an_earlier_version_stored_means_the_same(
    redis: Redis, stored: str, canonical: str
) -> None:
    value = json.dumps({"name": "One", "query": stored, "added_at": NOW.isoformat()})
    redis.hset(keys.KEYWORDS, "one", value)
    assert parse_query(Keywords(redis).get("one").query).canonical == canonical


def test_adding_a_keyword_schedules_its_initial_fetch(redis: Redis) -> None:
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    assert TaskStates(redis).due_tasks(NOW) == ["fill:reward-model"]


def test_adding_the_same_keyword_again_changes_nothing(redis: Redis) -> None:
    keywords = Keywords(redis)
    first = keywords.add("MLLM", "mllm", now=NOW)
    redis.delete(keys.DUE_TASKS)
    assert keywords.add("MLLM", "mllm", now=LATER) == first
    assert TaskStates(redis).due_times() == {}


def test_adding_a_known_name_changes_its_query(redis: Redis) -> None:
    keywords = Keywords(redis)
    keywords.add("MLLM", "mllm", now=NOW)
    changed = keywords.add("MLLM", "mllm OR vlm", now=LATER)
    assert keywords.all() == [changed]
    assert changed.added_at == NOW
    assert TaskStates(redis).due_time("fill:mllm") == LATER


def test_second_name_with_the_same_slug_is_refused(redis: Redis) -> None:
    keywords = Keywords(redis)
    first = keywords.add("Reward Model", "reward", now=NOW)
    with pytest.raises(BadParameter, match="would have the URL of 'Reward Model'"):
        keywords.add("reward-model", "other", now=NOW)
    assert keywords.all() == [first]


def test_bad_query_saves_nothing(redis: Redis) -> None:
    keywords = Keywords(redis)
    with pytest.raises(BadQuery):
        keywords.add("Broken", "(reward", now=NOW)
    assert keywords.all() == []
    assert TaskStates(redis).due_times() == {}


def test_removing_a_keyword_removes_its_initial_fetch(redis: Redis) -> None:
    keywords = Keywords(redis)
    added = keywords.add("MLLM", "mllm", now=NOW)
    assert keywords.remove("MLLM", now=NOW) == added
    assert keywords.all() == []
    assert TaskStates(redis).due_times() == {}
    with pytest.raises(UnknownKeyword, match="'MLLM'"):
        keywords.remove("MLLM", now=NOW)


@pytest.mark.parametrize("name", ["nothing", "", "大模型", "x" * 10_000])
def test_unknown_keyword_is_an_error(redis: Redis, name: str) -> None:
    with pytest.raises(UnknownKeyword):
        Keywords(redis).get(name)


def test_configured_keyword_is_seeded_only_once(redis: Redis) -> None:
    keywords = Keywords(redis)
    configured = {"MLLM": "mllm", "Reasoning": "reasoning"}
    assert len(keywords.seed(configured, now=NOW)) == 2
    keywords.remove("MLLM", now=NOW)
    assert keywords.seed(configured | {"New": "new"}, now=LATER) == [keywords.get("New")]
    assert [keyword.name for keyword in keywords.all()] == ["New", "Reasoning"]


def test_configured_keyword_does_not_replace_a_saved_one(redis: Redis) -> None:
    keywords = Keywords(redis)
    ours = keywords.add("MLLM", "ours", now=NOW)
    assert keywords.seed({"MLLM": "theirs"}, now=LATER) == []
    assert keywords.get("MLLM") == ours


def test_damaged_keyword_is_named(redis: Redis) -> None:
    redis.hset(keys.KEYWORDS, "mllm", b'{"name": "MLLM"}')
    with pytest.raises(StoreError, match="delete 'mllm' to go on"):
        Keywords(redis).all()


def test_decode_reads_a_stored_value(redis: Redis) -> None:
    added = Keywords(redis).add("MLLM", "mllm OR vlm", now=NOW)
    stored = redis.hget(keys.KEYWORDS, "mllm")
    assert isinstance(stored, bytes)
    assert Keyword.decode("mllm", stored) == added


def test_keywords_with_the_slug_of_a_list_move(redis: Redis) -> None:
    keywords = Keywords(redis)
    redis.hset(keys.KEYWORDS, "daily", keyword_value("Daily!", "diary"))
    keywords.add("Other", "other", now=NOW)
    assert [(k.slug, k.name) for k in keywords.move_reserved()] == [
        ("daily-keyword", "Daily! keyword")
    ]
    assert [keyword.slug for keyword in keywords.all()] == ["daily-keyword", "other"]
    assert keywords.move_reserved() == []


def keyword_value(name: str, query: str) -> str:
    return json.dumps({"name": name, "query": query, "added_at": NOW.isoformat()})


def test_a_configured_name_of_a_list_gets_a_word_more(redis: Redis) -> None:
    configured = {"Trending": "trend", "Picked": "pick"}
    saved = Keywords(redis).seed(configured, now=NOW)
    assert [keyword.slug for keyword in saved] == ["trending-keyword", "picked-keyword"]
    assert Keywords(redis).seed(configured, now=NOW) == []
    with pytest.raises(BadParameter, match="'weekly' is taken by the list of that name"):
        Keywords(redis).add("Weekly", "week", now=NOW)
