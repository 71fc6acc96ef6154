from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis
from redis.connection import AbstractConnection

from papers.errors import StoreUnavailable, UnknownKeyword
from papers.redis_backend import keys
from papers.redis_backend.connection import connect
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from service.cache.disk_tier import DiskTier
from service.cache.lookup import CacheKey
from service.cache.render_cache import RenderCache, ServedBody
from service.cache.version_stamp import ALL_KEYWORDS
from tests.service.made import NOW

WANTED = CacheKey("/feeds/search.atom?q=x")
SECOND = timedelta(seconds=1)


class Page:
    """Something to render, and how often it was."""

    def __init__(self, body: bytes = b"one") -> None:
        self.body, self.times = body, 0

    def __call__(self) -> bytes:
        self.times += 1
        return self.body


@pytest.fixture
def cache(store_url: str, redis: Redis, tmp_path: Path) -> RenderCache:
    return made(store_url, tmp_path)


def made(
    url: str, folder: Path, edition: str = "1", pause: Callable[[float], None] = lambda _: None
) -> RenderCache:
    return RenderCache(
        connect(url, retry=False), DiskTier(folder), base_url="s", build_id=edition, sleep=pause
    )


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One item for each round trip to Redis."""
    sent: list[int] = []
    send = AbstractConnection.send_packed_command

    def counted(self: AbstractConnection, command: list[bytes], check_health: bool = True) -> None:
        sent.append(len(command))
        send(self, command, check_health)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counted)
    return sent


def test_a_cached_answer_is_one_round_trip_and_no_rendering(
    cache: RenderCache, requests: list[int]
) -> None:
    page = Page()
    first = cache.get(WANTED, page, now=NOW)
    requests.clear()
    assert cache.get(WANTED, page, now=NOW + SECOND) == first
    assert (len(requests), page.times) == (1, 1)
    assert first.cached_body.encoded_body() == b"one"
    assert first.cached_body.plain_length == 3


def test_one_rendering_serves_every_coding(
    cache: RenderCache, store_url: str, tmp_path: Path
) -> None:
    page, spent = Page(), []
    wanted = replace(WANTED, coding="gzip"), replace(WANTED, coding="br")
    cold = [
        cache.get(each, page, now=NOW, consume_quota=lambda: spent.append(1)).cached_body
        for each in wanted
    ]
    assert (page.times, len(spent)) == (1, 1)
    assert [set(answer.encoded_bodies) for answer in cold] == [{"gzip"}, {"br"}]
    assert {(answer.etag, answer.last_modified, answer.encoded_body()) for answer in cold} == {
        (cold[0].etag, int(NOW.timestamp()), b"one")
    }
    other = made(store_url, tmp_path / "other")
    assert [other.get(each, page, now=NOW + SECOND).cached_body for each in wanted] == cold


def test_a_coding_that_was_not_asked_for_lately_does_not_bring_the_past_back(
    cache: RenderCache, redis: Redis
) -> None:
    page, gz, br = Page(), replace(WANTED, coding="gzip"), replace(WANTED, coding="br")
    cache.get(br, page, now=NOW)
    for body in (b"two", b"one"):
        redis.incr(keys.REVISION)
        page.body = body
        answer = cache.get(gz, page, now=NOW).cached_body
    again = cache.get(br, page, now=NOW).cached_body
    assert page.times == 3
    assert (again.etag, again.last_modified) == (answer.etag, int(NOW.timestamp()) + 2)


def test_processes_share_what_is_rendered(
    store_url: str, cache: RenderCache, tmp_path: Path
) -> None:
    page, other = Page(), made(store_url, tmp_path / "other")
    assert cache.get(WANTED, page, now=NOW) == other.get(WANTED, page, now=NOW + SECOND)
    assert page.times == 1


def test_a_moved_revision_renders_again(cache: RenderCache, redis: Redis) -> None:
    page = Page()
    before = cache.get(WANTED, page, now=NOW).cached_body
    redis.incr(keys.REVISION)
    same = cache.get(WANTED, page, now=NOW + 5 * SECOND).cached_body
    assert page.times == 2
    assert (same.etag, same.last_modified) == (before.etag, before.last_modified)
    redis.incr(keys.REVISION)
    page.body = b"two"
    other = cache.get(WANTED, page, now=NOW + 9 * SECOND).cached_body
    assert other.etag != before.etag
    assert other.last_modified == before.last_modified + 9


def test_last_modified_moves_with_every_change_and_never_back(
    cache: RenderCache, redis: Redis
) -> None:
    page, seen = Page(), []
    for body, seconds in ((b"a", 0), (b"b", 0), (b"a", 0), (b"c", -60), (b"c", -50), (b"d", 60)):
        redis.incr(keys.REVISION)
        page.body = body
        answer = cache.get(WANTED, page, now=NOW + seconds * SECOND).cached_body
        seen.append(answer.last_modified - int(NOW.timestamp()))
    assert seen == [0, 1, 2, 3, 3, 60]


def test_validators_outlive_the_answer(
    cache: RenderCache, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    page = Page()
    before = cache.get(WANTED, page, now=NOW).cached_body
    expire(redis)
    after = made(store_url, tmp_path / "other host").get(WANTED, page, now=NOW + SECOND).cached_body
    assert (after.etag, after.last_modified) == (before.etag, before.last_modified)
    redis.flushall()
    again = cache.get(WANTED, page, now=NOW + SECOND).cached_body
    assert (again.etag, again.last_modified) == (before.etag, before.last_modified)


def expire(redis: Redis) -> None:
    """Let the answers, and nothing else, come to their end."""
    for key in redis.scan_iter("feed:*"):
        if not key.endswith(b":validators"):
            redis.delete(key)


def test_another_edition_of_the_code_renders_again(
    cache: RenderCache, store_url: str, tmp_path: Path
) -> None:
    page = Page()
    before = cache.get(WANTED, page, now=NOW).cached_body
    after = made(store_url, tmp_path, edition="2").get(WANTED, page, now=NOW + SECOND).cached_body
    assert page.times == 2
    assert (after.etag, after.last_modified) == (before.etag, before.last_modified)


def test_only_the_part_of_a_state_that_is_shown_counts(cache: RenderCache, redis: Redis) -> None:
    page, states = Page(), TaskStates(redis)
    ok = TaskState("hf:today", TaskStatus.OK, NOW, NOW)
    states.save(ok)
    cache.get(WANTED, page, now=NOW)
    states.save(TaskState("hf:today", TaskStatus.OK, NOW, NOW + SECOND, got=5, said="5 papers"))
    cache.get(WANTED, page, now=NOW)
    assert page.times == 1
    states.save(TaskState("hf:today", TaskStatus.STALE, NOW + SECOND, NOW + SECOND))
    cache.get(WANTED, page, now=NOW)
    assert page.times == 2


@pytest.mark.parametrize("depends_on", ["reward", ALL_KEYWORDS])
def test_a_changed_keyword_renders_again(cache: RenderCache, redis: Redis, depends_on: str) -> None:
    page, keywords = Page(), Keywords(redis)
    keywords.add("Reward", "reward", now=NOW)
    wanted = CacheKey("/k/reward", (depends_on,))
    cache.get(wanted, page, now=NOW)
    cache.get(wanted, page, now=NOW)
    assert page.times == 1
    keywords.add("Reward", "reward model", now=NOW)
    cache.get(wanted, page, now=NOW)
    assert page.times == 2


def test_a_removed_keyword_is_gone_at_once(cache: RenderCache, redis: Redis) -> None:
    keywords = Keywords(redis)
    keywords.add("Reward", "reward", now=NOW)
    cache.get(CacheKey("/k/reward", ("reward",)), Page(), now=NOW)
    keywords.remove("Reward")
    with pytest.raises(UnknownKeyword):
        cache.get(CacheKey("/k/reward", ("reward",)), Page(), now=NOW)


def test_while_one_renders_the_others_serve_what_was(
    cache: RenderCache, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    before = cache.get(WANTED, Page(), now=NOW).cached_body
    redis.incr(keys.REVISION)
    other, unused = made(store_url, tmp_path), Page(b"other")

    def render() -> bytes:
        assert other.get(WANTED, unused, now=NOW + SECOND).cached_body == before
        return b"two"

    assert cache.get(WANTED, render, now=NOW + SECOND).cached_body.encoded_body() == b"two"
    assert unused.times == 0


def test_a_cold_answer_is_rendered_once_for_a_crowd(
    store_url: str, redis: Redis, tmp_path: Path
) -> None:
    page, everyone = Page(), threading.Barrier(12)
    bodies: list[bytes] = []

    def ask() -> None:
        cache = RenderCache(
            connect(store_url, retry=False), DiskTier(tmp_path), base_url="s", build_id="1"
        )
        everyone.wait()
        bodies.append(cache.get(WANTED, page, now=NOW).cached_body.encoded_body())

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (page.times, set(bodies), len(bodies)) == (1, {b"one"}, 12)


def test_a_renderer_that_died_is_not_waited_for_for_ever(cache: RenderCache, redis: Redis) -> None:
    page = Page()
    cache.get(WANTED, page, now=NOW)
    for key in redis.scan_iter("feed:*"):
        if not key.endswith(b":validators"):
            redis.delete(key)
            redis.set(f"{key.decode().rpartition(':')[0]}:lock", "a dead one")
    assert cache.get(WANTED, page, now=NOW).cached_body.encoded_body() == b"one"
    assert page.times == 2


def test_a_renderer_that_fails_leaves_no_lock(cache: RenderCache, redis: Redis) -> None:
    def fail() -> bytes:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cache.get(WANTED, fail, now=NOW)
    assert not list(redis.scan_iter("feed:*"))


def test_a_store_that_takes_no_writes_still_serves(cache: RenderCache, redis: Redis) -> None:
    page = Page()
    redis.config_set("maxmemory", 1)
    try:
        assert cache.get(WANTED, page, now=NOW).cached_body.encoded_body() == b"one"
    finally:
        redis.config_set("maxmemory", 0)
    assert page.times == 1


def test_store_away_serves_the_last_good_answer(cache: RenderCache, tmp_path: Path) -> None:
    page = Page()
    before = cache.get(WANTED, page, now=NOW).cached_body
    gone = made(f"unix://{tmp_path}/nobody", tmp_path)
    served = gone.get(WANTED, page, now=NOW)
    assert (served.cached_body, served.is_stale, page.times) == (before, True, 1)
    with pytest.raises(StoreUnavailable):
        gone.get(CacheKey("/feeds/search.atom?q=y"), page, now=NOW)


def test_a_damaged_source_state_leaves_the_last_good_answer(
    cache: RenderCache, redis: Redis
) -> None:
    before = cache.get(WANTED, Page(), now=NOW).cached_body
    redis.hset(keys.SOURCES, "hf:today", "[]")
    assert cache.get(WANTED, Page(), now=NOW) == ServedBody(before, is_stale=True)


def test_a_store_that_hangs_is_given_up(cache: RenderCache, tmp_path: Path) -> None:
    before = cache.get(WANTED, Page(), now=NOW).cached_body
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{tmp_path}/silent")
        silent.listen()
        hung = made(f"unix://{tmp_path}/silent", tmp_path)
        assert hung.get(WANTED, Page(), now=NOW).cached_body == before


@pytest.mark.parametrize("damage", [b"", b"\xc1", b"\x93\x01", b"torn"])
def test_a_damaged_file_is_no_answer(cache: RenderCache, tmp_path: Path, damage: bytes) -> None:
    cache.get(WANTED, Page(), now=NOW)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(damage)
    with pytest.raises(StoreUnavailable):
        made(f"unix://{tmp_path}/nobody", tmp_path).get(WANTED, Page(), now=NOW)


def test_a_damaged_cache_renders_again(cache: RenderCache, redis: Redis) -> None:
    page = Page()
    cache.get(WANTED, page, now=NOW)
    for key in redis.scan_iter("feed:*"):
        redis.set(key, b"\x93\x01")
    assert cache.get(WANTED, page, now=NOW).cached_body.encoded_body() == b"one"


def test_a_store_that_was_emptied_serves_the_last_good_answer(
    cache: RenderCache, redis: Redis
) -> None:
    redis.incr(keys.REVISION)
    before = cache.get(WANTED, lambda: b"papers", now=NOW)
    redis.flushall()
    served = cache.get(WANTED, lambda: b"nothing", now=NOW)
    assert (served.cached_body.encoded_body(), served.is_stale) == (
        before.cached_body.encoded_body(),
        True,
    )
    with pytest.raises(UnknownKeyword):  # nothing was kept of this one
        cache.get(CacheKey("/feeds/other.atom", ("other",)), lambda: b"", now=NOW)


KEYWORD = CacheKey("/feeds/reward.atom", ("reward",))


@pytest.fixture
def keywords(redis: Redis) -> Keywords:
    """Seeded, into a store that has held papers."""
    redis.incr(keys.REVISION)
    keywords = Keywords(redis)
    keywords.seed({"Reward": "reward"}, now=NOW)
    return keywords


@pytest.mark.parametrize("wanted", [KEYWORD, CacheKey("/", (ALL_KEYWORDS,))])
def test_papers_are_back_before_the_keywords_are(
    cache: RenderCache, redis: Redis, keywords: Keywords, wanted: CacheKey
) -> None:
    cache.get(wanted, lambda: b"papers", now=NOW)
    redis.flushall()
    redis.incr(keys.REVISION)  # by a job that was under way
    assert cache.get(wanted, lambda: b"", now=NOW).is_stale
    keywords.seed({"Reward": "reward"}, now=NOW)
    assert not cache.get(wanted, lambda: b"papers", now=NOW).is_stale


def test_a_keyword_that_was_removed_is_not_taken_for_one_lost(
    cache: RenderCache, keywords: Keywords
) -> None:
    cache.get(KEYWORD, lambda: b"papers", now=NOW)
    keywords.remove("Reward")
    with pytest.raises(UnknownKeyword):
        cache.get(KEYWORD, lambda: b"papers", now=NOW)
    assert not cache.get(CacheKey("/", (ALL_KEYWORDS,)), lambda: b"none", now=NOW).is_stale


@pytest.mark.usefixtures("keywords")
def test_emptied_while_it_is_rendered(cache: RenderCache, redis: Redis) -> None:
    before = cache.get(KEYWORD, lambda: b"papers", now=NOW)
    redis.incr(keys.REVISION)

    def emptied() -> bytes:
        redis.flushall()
        return b"nothing"

    for _ in range(2):
        served = cache.get(KEYWORD, emptied, now=NOW)
        assert (served.cached_body.encoded_body(), served.is_stale) == (
            before.cached_body.encoded_body(),
            True,
        )


@pytest.mark.usefixtures("keywords")
def test_emptied_while_its_keyword_is_looked_for(cache: RenderCache, redis: Redis) -> None:
    cache.get(KEYWORD, lambda: b"papers", now=NOW)
    redis.incr(keys.REVISION)

    def missed() -> bytes:
        redis.flushall()
        raise UnknownKeyword("no keyword 'reward' is saved here")

    assert cache.get(KEYWORD, missed, now=NOW).is_stale
