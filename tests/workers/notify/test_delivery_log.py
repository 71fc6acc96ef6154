from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from redis import Redis

from papers.maintenance.backup import write_backup
from papers.maintenance.migrations import prepare_store
from papers.maintenance.restore import restore_backup
from tests.service.made import NOW
from workers.notify.channels import CHANNELS
from workers.notify.delivery_log import DeliveryLog


def test_value_is_claimed_once_by_whatever_worker(redis: Redis) -> None:
    with ThreadPoolExecutor(8) as pool:
        claims = pool.map(
            lambda _: DeliveryLog(redis, "pager").claim("mllm", "2026-11-18"), "12345678"
        )
        assert sorted(claims) == [False] * 7 + [True]
    assert DeliveryLog(redis, "pager").claim("mllm", "2026-11-19")
    assert DeliveryLog(redis, "pager").claim("reward-model", "2026-11-19")
    assert DeliveryLog(redis, "beeper").claim("mllm", "2026-11-19")


def test_released_claim_is_claimed_again(redis: Redis) -> None:
    log = DeliveryLog(redis, "pager")
    assert log.claim("mllm", "2026-11-18")
    log.release("mllm", "2026-11-18")
    assert log.claim("mllm", "2026-11-18")
    assert not log.claim("mllm", "2026-11-18")


def test_deleted_subjects_are_forgotten(redis: Redis) -> None:
    log = DeliveryLog(redis, "pager")
    for subject in ("a", "b", "c"):
        log.save(subject, "1")
    log.delete(set())
    log.delete({"a", "c", "never-saved"})
    assert log.all() == {"b": "1"}


@pytest.mark.parametrize("channel", [*CHANNELS, "pager", "chat_room-2"])
def test_what_was_sent_survives_backup_and_restore(
    redis: Redis, tmp_path: Path, channel: str
) -> None:
    prepare_store(redis)
    DeliveryLog(redis, channel).claim("mllm", "2026-11-18")
    write_backup(redis, tmp_path / "b", now=NOW)
    redis.flushdb()
    restore_backup(redis, tmp_path / "b", replace=True, now=NOW)
    assert not DeliveryLog(redis, channel).claim("mllm", "2026-11-18")


@pytest.mark.parametrize(("channel", "key"), [("mail", "mailed"), ("websub", "websub")])
def test_what_earlier_versions_sent_is_known(redis: Redis, channel: str, key: str) -> None:
    redis.hset(key, "day:mllm", "2026-11-18")
    log = DeliveryLog(redis, channel)
    assert not log.claim("day:mllm", "2026-11-18")
    assert log.all() == {"day:mllm": "2026-11-18"}
