from __future__ import annotations

import itertools
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from redis import Redis

from papers.errors import (
    SourceError,
    SourceGarbled,
    SourceRefused,
    SourceUnreachable,
    StoreUnavailable,
)
from papers.redis_backend import keys
from tests.workers.loopback import Loopback, ScriptedReply
from workers.fetch.arxiv_rate_limiter import (
    INITIAL_OVERLOAD_BACKOFF,
    MAX_OVERLOAD_BACKOFF,
    ArxivRateLimiter,
)

ROOT = Path(__file__).resolve().parents[3]

VISITOR = """
import sys
from datetime import UTC, datetime
from redis import Redis
from papers.config.settings import Settings
from workers.sources.result import UpstreamClients

store, url, interval, times = sys.argv[1:]
settings = Settings(allowed_networks=("127.0.0.0/8",), arxiv_interval=float(interval))
upstreams = UpstreamClients.from_settings(Redis.from_url(store), settings)
for _ in range(int(times)):
    upstreams.fetcher.get(url, now=datetime.now(UTC), throttle=upstreams.arxiv_limiter.acquire)
"""
"""A worker process as the lane knows it: it asks, and asks again."""


class Naps:
    """Stands for time.sleep; makes time pass for the lane by moving what it has written down."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.taken = redis, list[float]()

    def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)
        pass_time(self.redis, seconds)


def pass_time(redis: Redis, seconds: float) -> None:
    """Let the lane believe that it is later, by so many seconds."""
    for name in ("until", "next", "resume"):
        if redis.hexists(keys.ARXIV_RATE_LIMIT, name):
            redis.hincrby(keys.ARXIV_RATE_LIMIT, name, -round(seconds * 1000) - 1)


@pytest.fixture
def naps(redis: Redis) -> Naps:
    return Naps(redis)


@pytest.fixture
def lane(redis: Redis, naps: Naps) -> ArxivRateLimiter:
    return ArxivRateLimiter(redis, 3.0, sleep=naps)


def refuse(lane: ArxivRateLimiter, error: SourceError) -> None:
    """One request that ends so."""
    with pytest.raises(type(error)), lane.acquire():
        raise error


def busy(wait: float | None = None, status: int = 429) -> SourceRefused:
    return SourceRefused("arXiv answered", retry_after=wait, status=status)


def test_four_processes_are_one_to_arxiv(store_url: str, redis: Redis, loopback: Loopback) -> None:
    url = loopback.reply_with("/a", ScriptedReply(body=b"<feed/>", pause=0.001))
    command = [sys.executable, "-c", VISITOR, store_url, url, "0.2", "3"]
    visitors = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [visitor.wait(60) for visitor in visitors] == [0] * 4
    visits = sorted(loopback.requests, key=lambda asked: asked.arrived_at)
    assert len(visits) == 12
    for one, next_ in itertools.pairwise(visits):
        assert next_.arrived_at - one.arrived_at >= 0.2
        assert next_.arrived_at > one.finished_at


def test_the_interval_lies_between_two_requests(lane: ArxivRateLimiter, naps: Naps) -> None:
    with lane.acquire():
        pass
    assert naps.taken == []
    with lane.acquire():
        pass
    assert 3.0 <= sum(naps.taken) < 3.1


def test_a_turn_is_waited_for_while_another_has_it(redis: Redis) -> None:
    lane = ArxivRateLimiter(redis, 0.0)
    order: list[str] = []
    taken, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with lane.acquire():
            taken.set()
            may_end.wait(10)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    taken.wait(10)
    threading.Timer(0.05, may_end.set).start()
    with lane.acquire():
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_a_turn_that_does_not_come_is_refused(redis: Redis, naps: Naps) -> None:
    lane = ArxivRateLimiter(redis, 3.0, max_request_seconds=90, max_wait=5, sleep=naps)
    redis.hset(keys.ARXIV_RATE_LIMIT, mapping={"holder": "another", "until": 9_999_999_999_999})
    with pytest.raises(SourceRefused, match="taken") as refused, lane.acquire(max_wait=0):
        pytest.fail("there are two in the lane")
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= 120


def test_a_holder_that_died_gives_way_in_time(redis: Redis, lane: ArxivRateLimiter) -> None:
    with lane.acquire():
        held = redis.dump(keys.ARXIV_RATE_LIMIT) or b""
    redis.restore(
        keys.ARXIV_RATE_LIMIT, 0, held, replace=True
    )  # as if it had never come to its end
    with pytest.raises(SourceRefused, match="taken"), lane.acquire(max_wait=0):
        pytest.fail("it is held")
    pass_time(redis, 121)
    with lane.acquire(max_wait=0):
        pass


def test_a_holder_that_comes_back_late_takes_nothing_away(
    redis: Redis, lane: ArxivRateLimiter
) -> None:
    with lane.acquire():
        pass_time(redis, 121)
        late = ArxivRateLimiter(redis, 3.0).acquire()
        late.__enter__()
        mine = redis.hget(keys.ARXIV_RATE_LIMIT, "holder")
    assert redis.hget(keys.ARXIV_RATE_LIMIT, "holder") == mine
    late.__exit__(None, None, None)
    assert redis.hget(keys.ARXIV_RATE_LIMIT, "holder") is None


@pytest.mark.parametrize(
    ("error", "most"), [(None, 3.1), (busy(), INITIAL_OVERLOAD_BACKOFF)], ids=str
)
def test_a_clock_that_jumped_back_stops_nobody_for_long(
    redis: Redis, lane: ArxivRateLimiter, error: SourceError | None, most: float
) -> None:
    if error:
        refuse(lane, error)
    else:
        with lane.acquire():
            pass
    pass_time(redis, -86_400)
    with pytest.raises(SourceRefused) as refused, lane.acquire(max_wait=0):
        pytest.fail("neither pace nor back-off is kept")
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= most


def test_backing_off_doubles_up_to_an_hour(redis: Redis, lane: ArxivRateLimiter) -> None:
    pauses = []
    for _ in range(9):
        refuse(lane, busy())
        with (
            pytest.raises(SourceRefused, match="arXiv answered") as refused,
            lane.acquire(max_wait=0),
        ):
            pytest.fail("the back-off is not kept")
        pauses.append(round(refused.value.retry_after or 0))
        pass_time(redis, MAX_OVERLOAD_BACKOFF)
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


@pytest.mark.parametrize(
    ("asked", "pause"), [(None, 30), (5, 30), (55, 55), (7_200, 7_200)], ids=str
)
def test_arxiv_may_ask_for_more(lane: ArxivRateLimiter, asked: float | None, pause: float) -> None:
    refuse(lane, busy(asked))
    with pytest.raises(SourceRefused) as refused, lane.acquire(max_wait=1):
        pytest.fail("the back-off is not kept")
    assert refused.value.retry_after == pytest.approx(pause, abs=1)


def test_a_short_pause_is_waited_for(lane: ArxivRateLimiter, naps: Naps) -> None:
    refuse(lane, busy())
    with lane.acquire(max_wait=60):
        pass
    assert sum(naps.taken) == pytest.approx(30, abs=1)


def test_a_success_ends_the_back_off(redis: Redis, lane: ArxivRateLimiter) -> None:
    for _ in range(3):
        refuse(lane, busy())
        pass_time(redis, MAX_OVERLOAD_BACKOFF)
    with lane.acquire():
        pass
    assert set(redis.hgetall(keys.ARXIV_RATE_LIMIT)) == {b"next"}
    pass_time(redis, 4)
    refuse(lane, busy())
    assert redis.hget(keys.ARXIV_RATE_LIMIT, "pause") == b"30000"


@pytest.mark.parametrize("status", [406, 429, 503])
def test_what_makes_everybody_hold_off(redis: Redis, lane: ArxivRateLimiter, status: int) -> None:
    refuse(lane, busy(status=status))
    with pytest.raises(SourceRefused), ArxivRateLimiter(redis, 3.0).acquire(max_wait=0):
        pytest.fail("the back-off is not shared")


@pytest.mark.parametrize(
    "error",
    [
        SourceRefused("bad id", status=400),
        SourceRefused("not here", status=404),
        SourceGarbled("a page"),
        SourceUnreachable("cut off"),
    ],
    ids=str,
)
def test_what_concerns_only_the_one_who_asked(
    redis: Redis, lane: ArxivRateLimiter, error: SourceError
) -> None:
    refuse(lane, error)
    assert set(redis.hgetall(keys.ARXIV_RATE_LIMIT)) == {b"next"}


def test_a_lost_reply_does_not_lock_its_own_lane(redis: Redis) -> None:
    lane = ArxivRateLimiter(redis, 3.0)

    def take() -> list[object]:
        reply: list[object] = lane._run_script(lane._acquire_script, "me", 60.0, 3.0)
        return reply

    assert take()[1] == b"taken"
    assert take()[1] == b"taken"


def test_the_store_is_away() -> None:
    lane = ArxivRateLimiter(Redis.from_url("unix:///nowhere/at/all", retry=None), 3.0)
    with pytest.raises(StoreUnavailable), lane.acquire():
        pytest.fail("nobody keeps the pace")
