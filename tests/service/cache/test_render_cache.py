from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from papers.errors import StoreUnavailable, TooManyRequests, UnknownKeyword
from papers.redis_backend import keys
from papers.redis_backend.connection import connect
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from service.cache.disk_tier import DiskTier
from service.cache.lookup import CacheKey
from service.cache.render_cache import RenderCache
from service.cache.render_request import ServedBody
from service.cache.version_stamp import ALL_KEYWORDS, StoreVersion
from tests.papers.command_counts import counted
from tests.service.cache.fixed_validators import FixedValidators
from tests.service.made import NOW

KEY = CacheKey("/feeds/search.atom?q=x")
SECOND = timedelta(seconds=1)


class CountingRenderer:
    """Renders a fixed body and counts its calls."""

    def __init__(self, body: bytes = b"one") -> None:
        self.body, self.calls = body, 0

    def __call__(self, version: StoreVersion) -> bytes:
        self.calls += 1
        return self.body


@pytest.fixture
def cache(store_url: str, redis: Redis, tmp_path: Path) -> RenderCache:
    return make_cache(store_url, tmp_path)


def make_cache(
    url: str, folder: Path, build_id: str = "1", sleep: Callable[[float], None] = lambda _: None
) -> RenderCache:
    return RenderCache(
        connect(url, retry=False), DiskTier(folder), base_url="s", build_id=build_id, sleep=sleep
    )


def test_cache_hit_is_one_round_trip_without_rendering(
    cache: RenderCache, round_trips: list[int]
) -> None:
    renderer = CountingRenderer()
    first = cache.get(KEY, renderer, now=NOW)
    round_trips.clear()
    assert cache.get(KEY, renderer, now=NOW + SECOND) == first
    assert (len(round_trips), renderer.calls) == (1, 1)
    assert first.cached_body.encoded_body() == b"one"
    assert first.cached_body.plain_length == 3


def test_new_response_takes_two_round_trips_and_a_changed_one_four(
    cache: RenderCache, redis: Redis, round_trips: list[int]
) -> None:
    renderer = CountingRenderer()
    cache.get(CacheKey("/feeds/search.atom?q=another"), renderer, now=NOW)  # connects
    round_trips.clear()
    cache.get(KEY, renderer, now=NOW)
    assert len(round_trips) == 2
    assert not list(redis.scan_iter("feed:*:lock"))
    redis.incr(keys.REVISION)
    round_trips.clear()
    renderer.body = b"two"
    cache.get(KEY, renderer, now=NOW)
    assert len(round_trips) == 4
    assert not list(redis.scan_iter("feed:*:lock"))


def test_lock_that_another_process_took_over_is_not_released(
    cache: RenderCache, redis: Redis
) -> None:
    def outlive_lock(_: StoreVersion) -> bytes:
        (lock,) = redis.scan_iter("feed:*:lock")
        assert 9_000 < redis.pttl(lock) <= 10_000
        redis.set(lock, "another process")
        return b"one"

    cache.get(KEY, outlive_lock, now=NOW)
    (lock,) = redis.scan_iter("feed:*:lock")
    assert redis.get(lock) == b"another process"


def test_one_rendering_serves_every_coding(
    cache: RenderCache, store_url: str, tmp_path: Path
) -> None:
    renderer, consumed = CountingRenderer(), []
    cache_keys = replace(KEY, coding="gzip"), replace(KEY, coding="br")
    bodies = [
        cache.get(each, renderer, now=NOW, consume_quota=lambda: consumed.append(1)).cached_body
        for each in cache_keys
    ]
    assert (renderer.calls, len(consumed)) == (1, 1)
    assert [set(body.encoded_bodies) for body in bodies] == [{"gzip"}, {"gzip", "br"}]
    other = make_cache(store_url, tmp_path)
    bodies += [other.get(each, renderer, now=NOW + SECOND).cached_body for each in cache_keys]
    assert {(body.etag, body.last_modified, body.encoded_body()) for body in bodies} == {
        (bodies[0].etag, int(NOW.timestamp()), b"one")
    }
    assert (renderer.calls, len(consumed)) == (1, 1)


def test_old_body_in_another_coding_does_not_set_validators_back(
    cache: RenderCache, redis: Redis
) -> None:
    renderer, gz, br = CountingRenderer(), replace(KEY, coding="gzip"), replace(KEY, coding="br")
    cache.get(br, renderer, now=NOW)
    for changed in (b"two", b"one"):
        redis.incr(keys.REVISION)
        renderer.body = changed
        body = cache.get(gz, renderer, now=NOW).cached_body
    again = cache.get(br, renderer, now=NOW).cached_body
    assert renderer.calls == 3
    assert (again.etag, again.last_modified) == (body.etag, int(NOW.timestamp()) + 2)


def test_processes_of_a_machine_share_rendered_bodies(
    store_url: str, cache: RenderCache, tmp_path: Path
) -> None:
    renderer, other = CountingRenderer(), make_cache(store_url, tmp_path)
    assert cache.get(KEY, renderer, now=NOW) == other.get(KEY, renderer, now=NOW + SECOND)
    assert renderer.calls == 1


def test_another_machine_renders_the_same_and_needs_no_body_for_a_304(
    store_url: str, cache: RenderCache, tmp_path: Path
) -> None:
    renderer, other = CountingRenderer(), make_cache(store_url, tmp_path / "other")
    first = cache.get(KEY, renderer, now=NOW)
    matching = FixedValidators(matches=True)
    assert other.get(KEY, renderer, now=NOW, validators=matching).cached_body == (
        first.cached_body.without_body
    )
    assert renderer.calls == 1
    assert other.get(KEY, renderer, now=NOW + SECOND) == first
    assert renderer.calls == 2


def test_store_holds_no_bodies(cache: RenderCache, redis: Redis) -> None:
    cache.get(KEY, lambda _: os.urandom(100_000), now=NOW)
    assert sum(redis.memory_usage(key) or 0 for key in redis.scan_iter("*")) < 2_000


def test_new_revision_renders_again(cache: RenderCache, redis: Redis) -> None:
    renderer = CountingRenderer()
    before = cache.get(KEY, renderer, now=NOW).cached_body
    redis.incr(keys.REVISION)
    same = cache.get(KEY, renderer, now=NOW + 5 * SECOND).cached_body
    assert renderer.calls == 2
    assert (same.etag, same.last_modified) == (before.etag, before.last_modified)
    redis.incr(keys.REVISION)
    renderer.body = b"two"
    other = cache.get(KEY, renderer, now=NOW + 9 * SECOND).cached_body
    assert other.etag != before.etag
    assert other.last_modified == before.last_modified + 9


def test_last_modified_grows_with_every_change(cache: RenderCache, redis: Redis) -> None:
    renderer, seen = CountingRenderer(), []
    for changed, seconds in ((b"a", 0), (b"b", 0), (b"a", 0), (b"c", -60), (b"c", -50), (b"d", 60)):
        redis.incr(keys.REVISION)
        renderer.body = changed
        body = cache.get(KEY, renderer, now=NOW + seconds * SECOND).cached_body
        seen.append(body.last_modified - int(NOW.timestamp()))
    assert seen == [0, 1, 2, 3, 3, 60]


def test_validators_are_those_of_every_machine_and_outlive_the_store(
    cache: RenderCache, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    renderer = CountingRenderer()
    before = cache.get(KEY, renderer, now=NOW).cached_body
    other = make_cache(store_url, tmp_path / "other host")
    after = other.get(KEY, renderer, now=NOW + SECOND).cached_body
    assert (after.etag, after.last_modified) == (before.etag, before.last_modified)
    redis.flushall()
    again = cache.get(KEY, renderer, now=NOW + SECOND).cached_body
    assert (again.etag, again.last_modified) == (before.etag, before.last_modified)


def test_new_build_renders_again(cache: RenderCache, store_url: str, tmp_path: Path) -> None:
    renderer = CountingRenderer()
    before = cache.get(KEY, renderer, now=NOW).cached_body
    after = (
        make_cache(store_url, tmp_path, build_id="2")
        .get(KEY, renderer, now=NOW + SECOND)
        .cached_body
    )
    assert renderer.calls == 2
    assert (after.etag, after.last_modified) == (before.etag, before.last_modified)


def test_only_visible_changes_of_a_task_state_render_again(
    cache: RenderCache, redis: Redis
) -> None:
    renderer, states = CountingRenderer(), TaskStates(redis)
    ok = TaskState("hf:today", TaskStatus.OK, NOW, NOW)
    states.save(ok)
    cache.get(KEY, renderer, now=NOW)
    states.save(TaskState("hf:today", TaskStatus.OK, NOW, NOW + SECOND, got=5, said="5 papers"))
    cache.get(KEY, renderer, now=NOW)
    assert renderer.calls == 1
    states.save(TaskState("hf:today", TaskStatus.STALE, NOW + SECOND, NOW + SECOND))
    cache.get(KEY, renderer, now=NOW)
    assert renderer.calls == 2


@pytest.mark.parametrize("depends_on", ["reward", ALL_KEYWORDS])
def test_changed_keyword_renders_again(cache: RenderCache, redis: Redis, depends_on: str) -> None:
    renderer, keywords = CountingRenderer(), Keywords(redis)
    keywords.add("Reward", "reward", now=NOW)
    cache_key = CacheKey("/k/reward", (depends_on,))
    cache.get(cache_key, renderer, now=NOW)
    cache.get(cache_key, renderer, now=NOW)
    assert renderer.calls == 1
    keywords.add("Reward", "reward model", now=NOW)
    cache.get(cache_key, renderer, now=NOW)
    assert renderer.calls == 2


def test_request_for_an_unknown_keyword_locks_nothing(cache: RenderCache, redis: Redis) -> None:
    unknown = CacheKey("/feeds/nobody.atom", ("nobody",))
    with counted(redis) as calls, pytest.raises(UnknownKeyword):
        cache.get(unknown, CountingRenderer(), now=NOW)
    assert not calls.keys() & {"eval", "set", "del"}


def test_removed_keyword_is_unknown_at_once(cache: RenderCache, redis: Redis) -> None:
    keywords = Keywords(redis)
    keywords.add("Reward", "reward", now=NOW)
    cache.get(CacheKey("/k/reward", ("reward",)), CountingRenderer(), now=NOW)
    keywords.remove("Reward", now=NOW)
    with pytest.raises(UnknownKeyword):
        cache.get(CacheKey("/k/reward", ("reward",)), CountingRenderer(), now=NOW)


def test_previous_body_is_served_while_another_process_renders(
    cache: RenderCache, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    before = cache.get(KEY, CountingRenderer(), now=NOW).cached_body
    redis.incr(keys.REVISION)
    other, idle_renderer = make_cache(store_url, tmp_path), CountingRenderer(b"other")

    def render(_: StoreVersion) -> bytes:
        assert other.get(KEY, idle_renderer, now=NOW + SECOND).cached_body == before
        return b"two"

    assert cache.get(KEY, render, now=NOW + SECOND).cached_body.encoded_body() == b"two"
    assert idle_renderer.calls == 0


def test_previous_body_is_marked_and_not_given_to_clients_that_may_have_it(
    cache: RenderCache, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    before = cache.get(KEY, CountingRenderer(), now=NOW).cached_body
    redis.incr(keys.REVISION)
    other, renderer = make_cache(store_url, tmp_path), CountingRenderer(b"two")

    def render(_: StoreVersion) -> bytes:
        older = other.get(KEY, renderer, now=NOW, validators=FixedValidators(allows=True))
        assert older == ServedBody(before, is_previous=True)
        assert renderer.calls == 0
        served = other.get(KEY, renderer, now=NOW, validators=FixedValidators())
        assert (served.cached_body.encoded_body(), served.is_previous) == (b"two", False)
        return b"two"

    assert cache.get(KEY, render, now=NOW).cached_body.encoded_body() == b"two"


@pytest.mark.parametrize("milliseconds", [4_900, None])
def test_previous_body_is_served_for_seconds_only(
    cache: RenderCache, redis: Redis, milliseconds: int | None
) -> None:
    cache.get(KEY, CountingRenderer(), now=NOW)
    (validators,) = redis.scan_iter("feed:*:validators")
    lock = validators.decode().replace(":validators", ":lock")
    redis.set(lock, "a dead or slow process", px=milliseconds)
    redis.incr(keys.REVISION)
    allowing = FixedValidators(allows=True)
    served = cache.get(KEY, CountingRenderer(b"two"), now=NOW, validators=allowing)
    assert (served.cached_body.encoded_body(), served.is_previous) == (b"two", False)


def test_waiting_ends_when_the_other_process_has_stored_or_failed(
    cache: RenderCache, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    """A state that changes from second to second renders each response once per request."""
    cache.get(KEY, CountingRenderer(), now=NOW)
    (validators,) = redis.scan_iter("feed:*:validators")
    lock = validators.decode().replace(":validators", ":lock")
    other = make_cache(store_url, tmp_path)
    for body in (b"stored", b"failed"):
        redis.incr(keys.REVISION)
        redis.set(lock, "another process")

        def sleep(_: float, body: bytes = body) -> None:
            redis.delete(lock)
            if body == b"stored":
                other.get(KEY, CountingRenderer(body), now=NOW)
                redis.incr(keys.REVISION)
                redis.set(lock, "another process")

        waiting, renderer = make_cache(store_url, tmp_path, sleep=sleep), CountingRenderer(body)
        assert waiting.get(KEY, renderer, now=NOW).cached_body.encoded_body() == body
        assert renderer.calls == (body == b"failed")
        redis.delete(lock)


def refuse() -> None:
    raise TooManyRequests("refused", retry_after=7)


def test_refused_client_gets_no_body_unless_it_proves_that_it_has_the_last(
    cache: RenderCache, redis: Redis
) -> None:
    costs: list[bool] = []

    def get(body: bytes, **validators: bool) -> bytes:
        served = cache.get(
            KEY,
            CountingRenderer(body),
            now=NOW,
            consume_quota=refuse if costs else lambda: None,
            charge=lambda seconds, is_new: costs.append(is_new),
            validators=FixedValidators(**validators),
        )
        return served.cached_body.encoded_body()

    with pytest.raises(TooManyRequests):
        cache.get(KEY, CountingRenderer(), now=NOW, consume_quota=refuse)
    assert get(b"one", proves=True) == b"one"
    assert get(b"never rendered") == b"one"
    redis.incr(keys.REVISION)
    with pytest.raises(TooManyRequests):
        get(b"two", allows=True)
    assert get(b"two", proves=True) == b"two"
    assert costs == [True, False]


def test_failed_rendering_is_charged(cache: RenderCache) -> None:
    costs: list[float] = []

    def fail(_: StoreVersion) -> bytes:
        began = time.thread_time()
        while time.thread_time() < began + 0.02:
            pass
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cache.get(KEY, fail, now=NOW, charge=lambda seconds, _: costs.append(seconds))
    assert 0.02 <= sum(costs) < 0.5


def test_concurrent_requests_render_once(store_url: str, redis: Redis, tmp_path: Path) -> None:
    renderer, barrier = CountingRenderer(), threading.Barrier(12)
    bodies: list[bytes] = []

    def request() -> None:
        cache = RenderCache(
            connect(store_url, retry=False), DiskTier(tmp_path), base_url="s", build_id="1"
        )
        barrier.wait()
        bodies.append(cache.get(KEY, renderer, now=NOW).cached_body.encoded_body())

    threads = [threading.Thread(target=request) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (renderer.calls, set(bodies), len(bodies)) == (1, {b"one"}, 12)


def test_wait_for_a_dead_renderer_ends(cache: RenderCache, redis: Redis) -> None:
    renderer = CountingRenderer()
    cache.get(KEY, renderer, now=NOW)
    for key in redis.scan_iter("feed:*:validators"):
        redis.delete(key)
        redis.set(key.decode().replace(":validators", ":lock"), "a dead process")
    assert cache.get(KEY, renderer, now=NOW).cached_body.encoded_body() == b"one"
    assert renderer.calls == 2


def test_failed_rendering_releases_the_lock(cache: RenderCache, redis: Redis) -> None:
    def fail(_: StoreVersion) -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cache.get(KEY, fail, now=NOW)
    assert not list(redis.scan_iter("feed:*"))


def test_read_only_store_still_serves(cache: RenderCache, redis: Redis) -> None:
    renderer = CountingRenderer()
    redis.config_set("maxmemory", 1)
    try:
        assert cache.get(KEY, renderer, now=NOW).cached_body.encoded_body() == b"one"
    finally:
        redis.config_set("maxmemory", 0)
    assert renderer.calls == 1


def test_last_good_body_is_served_without_the_store(cache: RenderCache, tmp_path: Path) -> None:
    renderer = CountingRenderer()
    before = cache.get(KEY, renderer, now=NOW).cached_body
    unreachable = make_cache(f"unix://{tmp_path}/nobody", tmp_path)
    served = unreachable.get(KEY, renderer, now=NOW)
    assert (served.cached_body, served.is_stale, renderer.calls) == (before, True, 1)
    with pytest.raises(StoreUnavailable):
        unreachable.get(CacheKey("/feeds/search.atom?q=y"), renderer, now=NOW)


def test_last_good_body_is_served_with_a_damaged_task_state(
    cache: RenderCache, redis: Redis
) -> None:
    before = cache.get(KEY, CountingRenderer(), now=NOW).cached_body
    redis.hset(keys.SOURCES, "hf:today", "[]")
    assert cache.get(KEY, CountingRenderer(), now=NOW) == ServedBody(before, is_stale=True)


def test_hanging_store_times_out(cache: RenderCache, tmp_path: Path) -> None:
    before = cache.get(KEY, CountingRenderer(), now=NOW).cached_body
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{tmp_path}/silent")
        silent.listen()
        hung = make_cache(f"unix://{tmp_path}/silent", tmp_path)
        assert hung.get(KEY, CountingRenderer(), now=NOW).cached_body == before


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x93\x01", b"torn"])
def test_damaged_file_is_ignored(cache: RenderCache, tmp_path: Path, damage: bytes) -> None:
    cache.get(KEY, CountingRenderer(), now=NOW)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    with pytest.raises(StoreUnavailable):
        make_cache(f"unix://{tmp_path}/nobody", tmp_path).get(KEY, CountingRenderer(), now=NOW)


def test_damaged_redis_entry_renders_again(cache: RenderCache, redis: Redis) -> None:
    renderer = CountingRenderer()
    cache.get(KEY, renderer, now=NOW)
    for key in redis.scan_iter("feed:*"):
        redis.set(key, b"\x93\x01")
    assert cache.get(KEY, renderer, now=NOW).cached_body.encoded_body() == b"one"


def test_last_good_body_is_served_after_the_store_was_emptied(
    cache: RenderCache, redis: Redis
) -> None:
    redis.incr(keys.REVISION)
    before = cache.get(KEY, lambda _: b"papers", now=NOW)
    redis.flushall()
    served = cache.get(KEY, lambda _: b"nothing", now=NOW)
    assert (served.cached_body.encoded_body(), served.is_stale) == (
        before.cached_body.encoded_body(),
        True,
    )
    with pytest.raises(UnknownKeyword):  # it has no last good body
        cache.get(CacheKey("/feeds/other.atom", ("other",)), lambda _: b"", now=NOW)


def test_renderer_gets_the_version_that_its_body_is_stamped_with(
    cache: RenderCache, redis: Redis
) -> None:
    keywords, states = Keywords(redis), TaskStates(redis)
    keywords.add("Reward", "reward", now=NOW)
    states.save(TaskState("hf:today", TaskStatus.OK, NOW, NOW))
    seen: list[tuple[list[str], list[TaskStatus]]] = []

    def render(version: StoreVersion) -> bytes:
        keywords.add("Reward", "changed meanwhile", now=NOW)
        states.save(TaskState("hf:today", TaskStatus.STALE, NOW, NOW))
        queries = [keyword.query for keyword in version.keywords]
        seen.append((queries, [state.state for state in version.task_states]))
        return b"body"

    for _ in range(3):
        cache.get(CacheKey("/k/reward", ("reward",)), render, now=NOW)
    changed = Keywords(redis).get("reward").query
    assert seen == [(["reward"], [TaskStatus.OK]), ([changed], [TaskStatus.STALE])]


def test_version_has_all_keywords_by_name(cache: RenderCache, redis: Redis) -> None:
    for name in ("beta", "Alpha", "Émile", "Gamma"):
        Keywords(redis).add(name, "reward", now=NOW)

    def render(version: StoreVersion) -> bytes:
        assert version.keywords_by_name == Keywords(redis).all()
        return b"body"

    cache.get(CacheKey("/", (ALL_KEYWORDS,)), render, now=NOW)


KEYWORD_KEY = CacheKey("/feeds/reward.atom", ("reward",))


@pytest.fixture
def keywords(redis: Redis) -> Keywords:
    """The keyword `Reward`, seeded, in a store that has held papers."""
    redis.incr(keys.REVISION)
    keywords = Keywords(redis)
    keywords.seed({"Reward": "reward"}, now=NOW)
    return keywords


@pytest.mark.parametrize("cache_key", [KEYWORD_KEY, CacheKey("/", (ALL_KEYWORDS,))])
def test_last_good_body_is_served_until_keywords_are_seeded(
    cache: RenderCache, redis: Redis, keywords: Keywords, cache_key: CacheKey
) -> None:
    cache.get(cache_key, lambda _: b"papers", now=NOW)
    redis.flushall()
    redis.incr(keys.REVISION)  # by a job that was running
    assert cache.get(cache_key, lambda _: b"", now=NOW).is_stale
    keywords.seed({"Reward": "reward"}, now=NOW)
    assert not cache.get(cache_key, lambda _: b"papers", now=NOW).is_stale


def test_removed_keyword_is_unknown_in_a_seeded_store(
    cache: RenderCache, keywords: Keywords
) -> None:
    cache.get(KEYWORD_KEY, lambda _: b"papers", now=NOW)
    keywords.remove("Reward", now=NOW)
    with pytest.raises(UnknownKeyword):
        cache.get(KEYWORD_KEY, lambda _: b"papers", now=NOW)
    assert not cache.get(CacheKey("/", (ALL_KEYWORDS,)), lambda _: b"none", now=NOW).is_stale


@pytest.mark.usefixtures("keywords")
def test_last_good_body_is_served_if_the_store_is_emptied_during_rendering(
    cache: RenderCache, redis: Redis
) -> None:
    before = cache.get(KEYWORD_KEY, lambda _: b"papers", now=NOW)
    redis.incr(keys.REVISION)

    def empty_store(_: StoreVersion) -> bytes:
        redis.flushall()
        return b"nothing"

    for _ in range(2):
        served = cache.get(KEYWORD_KEY, empty_store, now=NOW)
        assert (served.cached_body.encoded_body(), served.is_stale) == (
            before.cached_body.encoded_body(),
            True,
        )


@pytest.mark.usefixtures("keywords")
def test_last_good_body_is_served_if_the_keyword_vanishes_with_the_store(
    cache: RenderCache, redis: Redis
) -> None:
    cache.get(KEYWORD_KEY, lambda _: b"papers", now=NOW)
    redis.incr(keys.REVISION)

    def miss_keyword(_: StoreVersion) -> bytes:
        redis.flushall()
        raise UnknownKeyword("no keyword 'reward' is saved here")

    assert cache.get(KEYWORD_KEY, miss_keyword, now=NOW).is_stale
