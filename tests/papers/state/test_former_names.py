from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis

from papers.errors import BadParameter, FormerNameTaken, StoreError, UnknownKeyword
from papers.maintenance.backup import write_backup
from papers.maintenance.restore import restore_backup
from papers.redis_backend import keys
from papers.state.former_names import UNDO_PERIOD, FormerNames
from papers.state.keywords import Keywords

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def keywords(redis: Redis) -> Keywords:
    keywords = Keywords(redis)
    keywords.add("Reward", "reward", now=NOW)
    keywords.add("Vision", "vision", now=NOW)
    return keywords


def successor(keywords: Keywords, slug: str) -> str:
    former = keywords.former_names.get(slug)
    assert former is not None
    return former.successor


def test_renamed_keyword_redirects_through_every_name_it_had(keywords: Keywords) -> None:
    keywords.rename("Reward", "Rewards of RL")
    keywords.rename("Rewards of RL", "RLHF")
    assert successor(keywords, "reward") == "rlhf"
    assert successor(keywords, "rewards-of-rl") == "rlhf"
    keywords.rename("RLHF", "Reward")
    assert keywords.former_names.get("reward") is None
    assert successor(keywords, "rlhf") == "reward"


def test_change_of_case_leaves_no_former_name(keywords: Keywords) -> None:
    keywords.rename("Reward", "REWARD")
    assert keywords.former_names.all() == {}


def test_merged_keyword_redirects_and_so_does_what_redirected_to_it(keywords: Keywords) -> None:
    keywords.rename("Reward", "RLHF")
    keywords.merge("RLHF", "Vision", now=NOW)
    assert successor(keywords, "reward") == successor(keywords, "rlhf") == "vision"


def test_former_name_is_refused_for_another_query(keywords: Keywords) -> None:
    keywords.rename("Reward", "RLHF")
    with pytest.raises(FormerNameTaken, match="'Reward' is a former name of 'RLHF'"):
        keywords.add("Reward", "something else", now=NOW)
    with pytest.raises(FormerNameTaken):
        keywords.rename("Vision", "Reward")
    assert keywords.add("reward", "Reward", now=NOW).slug == "rlhf"  # the same query: it is known
    assert keywords.count() == 2


def test_former_name_can_be_taken_over(keywords: Keywords) -> None:
    keywords.rename("Reward", "RLHF")
    assert keywords.add("Reward", "something else", now=NOW, take_over=True).slug == "reward"
    assert keywords.former_names.get("reward") is None


def test_removed_keyword_is_restored_as_it_was(keywords: Keywords) -> None:
    removed = keywords.remove("Reward", now=NOW + timedelta(days=1))
    former = keywords.former_names.get("reward")
    assert former is not None
    assert former.can_be_undone(NOW + UNDO_PERIOD)
    assert not former.can_be_undone(NOW + timedelta(days=1) + UNDO_PERIOD)
    assert [f.slug for f in keywords.former_names.removed_lately(NOW + timedelta(days=2))] == [
        "reward"
    ]
    assert keywords.restore("reward") == removed
    assert keywords.former_names.all() == {}
    with pytest.raises(UnknownKeyword):
        keywords.restore("reward")


def test_removal_ends_the_redirects_to_it(keywords: Keywords) -> None:
    keywords.rename("Reward", "RLHF")
    keywords.remove("RLHF", now=NOW)
    former = keywords.former_names.get("reward")
    assert former is not None
    assert not former.successor
    assert former.removed_at == NOW


def test_restored_keyword_has_its_redirects_again(keywords: Keywords) -> None:
    keywords.rename("Reward", "Rewards of RL")
    keywords.rename("Rewards of RL", "RLHF")
    keywords.remove("RLHF", now=NOW)
    keywords.restore("rlhf")
    assert successor(keywords, "reward") == successor(keywords, "rewards-of-rl") == "rlhf"
    assert keywords.former_names.removed_lately(NOW) == []


def test_name_of_a_removed_keyword_is_free(keywords: Keywords) -> None:
    keywords.remove("Reward", now=NOW)
    assert keywords.add("Reward", "another", now=NOW).query == "another"
    assert keywords.former_names.get("reward") is None


def test_keyword_that_the_first_version_named_keeps_its_slug(redis: Redis) -> None:
    stored = '{"name":"β-VAE","query":"vae","added_at":"2026-11-01T00:00:00+00:00"}'
    redis.hset(keys.KEYWORDS, "vae", stored)
    keywords = Keywords(redis)
    assert keywords.get("β-VAE").slug == "vae"
    assert keywords.add("β-VAE", "beta vae", now=NOW).slug == "vae"
    assert keywords.add("VAE 2", "vae2", now=NOW).slug == "vae-2"
    with pytest.raises(BadParameter):
        keywords.add("VAE", "vae", now=NOW)
    assert keywords.count() == 2


def test_former_names_are_kept_in_backups(keywords: Keywords, redis: Redis, tmp_path: Path) -> None:
    keywords.rename("Reward", "RLHF")
    keywords.remove("Vision", now=NOW)
    before = keywords.former_names.all()
    write_backup(redis, tmp_path / "backup", now=NOW)
    restore_backup(redis, tmp_path / "backup", replace=True, now=NOW)
    assert FormerNames(redis).all() == before


@pytest.mark.parametrize("damaged", [b"{", b"[1]", b'{"unknown":1}', b'{"removed_at":"x"}'])
def test_damaged_record_is_named(redis: Redis, damaged: bytes) -> None:
    redis.hset(keys.FORMER_KEYWORDS, "old", damaged)
    with pytest.raises(StoreError, match="delete 'old' to go on"):
        FormerNames(redis).get("old")
