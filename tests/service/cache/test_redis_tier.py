"""The validators that a store keeps: those of custom responses are limited in number."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from redis import Redis

from papers.redis_backend import keys
from service.cache.cached_body import CachedBody, StoredValidators, VersionStamp
from service.cache.redis_tier import RedisTier, RenderLock

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BODY = CachedBody("a1" * 12, 0, {}, 0, VersionStamp())


def put(tier: RedisTier, *numbers: int) -> None:
    for number in numbers:
        at = NOW + timedelta(seconds=number)
        lock = RenderLock(str(number))
        tier.put(str(number), BODY, StoredValidators(), lock, is_custom=True, now=at)


def kept(redis: Redis) -> list[int]:
    return [number for number in range(20) if redis.exists(keys.response_validators(str(number)))]


def test_new_custom_responses_replace_the_oldest(redis: Redis) -> None:
    put(RedisTier(redis, "build", max_custom=3), *range(8))
    assert kept(redis) == [5, 6, 7]


def test_as_many_as_are_allowed_stay_and_one_more_evicts_a_fiftieth(redis: Redis) -> None:
    tier = RedisTier(redis, "build", max_custom=100)
    put(tier, *range(100))
    assert redis.zcard(keys.CUSTOM_RESPONSES) == 100
    put(tier, 100)
    assert redis.zcard(keys.CUSTOM_RESPONSES) == 98
    assert kept(redis)[0] == 3


def test_all_beyond_a_smaller_limit_are_evicted_at_once(redis: Redis) -> None:
    put(RedisTier(redis, "build", max_custom=10), *range(10))
    put(RedisTier(redis, "build", max_custom=3), 10)
    assert kept(redis) == [8, 9, 10]
    assert redis.zcard(keys.CUSTOM_RESPONSES) == 3
