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
    background_requests,
)

ROOT = Path(__file__).resolve().parents[3]

CLIENT_SCRIPT = """
import sys
from datetime import UTC, datetime
from redis import Redis
from papers.config.settings import Settings
from workers.sources.result import UpstreamClients

store, url, interval, times = sys.argv[1:]
settings = Settings(
    allowed_networks=("127.0.0.0/8",), arxiv_interval=float(interval), arxiv_feed_url=url
)
upstreams = UpstreamClients.from_settings(Redis.from_url(store), settings)
for _ in range(int(times)):
    upstreams.fetcher.get(url, now=datetime.now(UTC))
"""
"""A worker process from the limiter's view: it sends one request after another."""


class RecordedSleeps:
    """Replaces time.sleep; lets time pass for the limiter by moving its stored moments."""

    def __init__(self, redis: Redis) -> None:
        self.redis, self.seconds = redis, list[float]()

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        pass_time(self.redis, seconds)


def pass_time(redis: Redis, seconds: float) -> None:
    """Move the limiter's stored moments so many seconds into the past."""
    for name in ("until", "next", "resume", "urgent", "spare"):
        if redis.hexists(keys.ARXIV_RATE_LIMIT, name):
            redis.hincrby(keys.ARXIV_RATE_LIMIT, name, -round(seconds * 1000) - 1)


@pytest.fixture
def sleeps(redis: Redis) -> RecordedSleeps:
    return RecordedSleeps(redis)


@pytest.fixture
def limiter(redis: Redis, sleeps: RecordedSleeps) -> ArxivRateLimiter:
    return ArxivRateLimiter(redis, 3.0, sleep=sleeps)


def fail_request(limiter: ArxivRateLimiter, error: SourceError) -> None:
    """Send one request that ends with this error."""
    with pytest.raises(type(error)), limiter.acquire():
        raise error


def overload(wait: float | None = None, status: int = 429) -> SourceRefused:
    return SourceRefused("arXiv answered", retry_after=wait, status=status)


def test_four_processes_share_one_rate_limit(
    store_url: str, redis: Redis, loopback: Loopback
) -> None:
    url = loopback.reply_with("/a", ScriptedReply(body=b"<feed/>", pause=0.001))
    command = [sys.executable, "-c", CLIENT_SCRIPT, store_url, url, "0.2", "3"]
    processes = [subprocess.Popen(command, cwd=ROOT) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    requests = sorted(loopback.requests, key=lambda requested: requested.arrived_at)
    assert len(requests) == 12
    for one, next_ in itertools.pairwise(requests):
        assert next_.arrived_at - one.arrived_at >= 0.2
        assert next_.arrived_at > one.finished_at


def test_interval_separates_two_requests(limiter: ArxivRateLimiter, sleeps: RecordedSleeps) -> None:
    with limiter.acquire():
        pass
    assert sleeps.seconds == []
    with limiter.acquire():
        pass
    assert 3.0 <= sum(sleeps.seconds) < 3.1


def test_acquire_waits_while_another_request_runs(redis: Redis) -> None:
    limiter = ArxivRateLimiter(redis, 0.0)
    order: list[str] = []
    taken, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with limiter.acquire():
            taken.set()
            may_end.wait(10)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    taken.wait(10)
    threading.Timer(0.05, may_end.set).start()
    with limiter.acquire():
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_acquire_gives_up_after_max_wait(redis: Redis, sleeps: RecordedSleeps) -> None:
    limiter = ArxivRateLimiter(redis, 3.0, max_request_seconds=90, max_wait=5, sleep=sleeps)
    redis.hset(keys.ARXIV_RATE_LIMIT, mapping={"holder": "another", "until": 9_999_999_999_999})
    with pytest.raises(SourceRefused, match="taken") as refused, limiter.acquire(max_wait=0):
        pytest.fail("two requests at once")
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= 120


def test_lease_of_dead_holder_expires(redis: Redis, limiter: ArxivRateLimiter) -> None:
    with limiter.acquire():
        held = redis.dump(keys.ARXIV_RATE_LIMIT) or b""
    redis.restore(keys.ARXIV_RATE_LIMIT, 0, held, replace=True)  # as if it had never ended
    with pytest.raises(SourceRefused, match="taken"), limiter.acquire(max_wait=0):
        pytest.fail("it is held")
    pass_time(redis, 121)
    with limiter.acquire(max_wait=0):
        pass


def test_late_release_does_not_take_the_lease_of_another(
    redis: Redis, limiter: ArxivRateLimiter
) -> None:
    with limiter.acquire():
        pass_time(redis, 121)
        late = ArxivRateLimiter(redis, 3.0).acquire()
        late.__enter__()
        mine = redis.hget(keys.ARXIV_RATE_LIMIT, "holder")
    assert redis.hget(keys.ARXIV_RATE_LIMIT, "holder") == mine
    late.__exit__(None, None, None)
    assert redis.hget(keys.ARXIV_RATE_LIMIT, "holder") is None


@pytest.mark.parametrize(
    ("error", "most"), [(None, 3.1), (overload(), INITIAL_OVERLOAD_BACKOFF)], ids=str
)
def test_clock_jump_backwards_blocks_only_briefly(
    redis: Redis, limiter: ArxivRateLimiter, error: SourceError | None, most: float
) -> None:
    if error:
        fail_request(limiter, error)
    else:
        with limiter.acquire():
            pass
    pass_time(redis, -86_400)
    with pytest.raises(SourceRefused) as refused, limiter.acquire(max_wait=0):
        pytest.fail("neither pace nor back-off is kept")
    assert refused.value.retry_after is not None
    assert 0 < refused.value.retry_after <= most


def test_backoff_doubles_up_to_an_hour(redis: Redis, limiter: ArxivRateLimiter) -> None:
    pauses = []
    for _ in range(9):
        fail_request(limiter, overload())
        with (
            pytest.raises(SourceRefused, match="arXiv answered") as refused,
            limiter.acquire(max_wait=0),
        ):
            pytest.fail("the back-off is not kept")
        pauses.append(round(refused.value.retry_after or 0))
        pass_time(redis, MAX_OVERLOAD_BACKOFF)
    assert pauses == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


@pytest.mark.parametrize(
    ("requested", "pause"), [(None, 30), (5, 30), (55, 55), (7_200, 7_200)], ids=str
)
def test_requested_wait_exceeds_backoff(
    limiter: ArxivRateLimiter, requested: float | None, pause: float
) -> None:
    fail_request(limiter, overload(requested))
    with pytest.raises(SourceRefused) as refused, limiter.acquire(max_wait=1):
        pytest.fail("the back-off is not kept")
    assert refused.value.retry_after == pytest.approx(pause, abs=1)


def test_short_backoff_is_waited_for(limiter: ArxivRateLimiter, sleeps: RecordedSleeps) -> None:
    fail_request(limiter, overload())
    with limiter.acquire(max_wait=60):
        pass
    assert sum(sleeps.seconds) == pytest.approx(30, abs=1)


def test_success_ends_the_backoff(redis: Redis, limiter: ArxivRateLimiter) -> None:
    for _ in range(3):
        fail_request(limiter, overload())
        pass_time(redis, MAX_OVERLOAD_BACKOFF)
    with limiter.acquire():
        pass
    assert set(redis.hgetall(keys.ARXIV_RATE_LIMIT)) == {b"next"}
    pass_time(redis, 4)
    fail_request(limiter, overload())
    assert redis.hget(keys.ARXIV_RATE_LIMIT, "pause") == b"30000"


@pytest.mark.parametrize("status", [406, 429, 503])
def test_overload_statuses_back_off_every_process(
    redis: Redis, limiter: ArxivRateLimiter, status: int
) -> None:
    fail_request(limiter, overload(status=status))
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
def test_other_errors_do_not_back_off_others(
    redis: Redis, limiter: ArxivRateLimiter, error: SourceError
) -> None:
    fail_request(limiter, error)
    assert set(redis.hgetall(keys.ARXIV_RATE_LIMIT)) == {b"next"}


def test_lost_reply_does_not_block_its_own_request(redis: Redis) -> None:
    limiter = ArxivRateLimiter(redis, 3.0)

    def take() -> list[object]:
        reply: list[object] = limiter._run_script(limiter._acquire_script, "me", 60.0, 3.0)
        return reply

    assert take()[1] == b"taken"
    assert take()[1] == b"taken"


def test_unavailable_store_raises() -> None:
    limiter = ArxivRateLimiter(Redis.from_url("unix:///nowhere/at/all", retry=None), 3.0)
    with pytest.raises(StoreUnavailable), limiter.acquire():
        pytest.fail("nobody keeps the pace")


# -- Background requests


def send_background(limiter: ArxivRateLimiter) -> None:
    with background_requests(), limiter.acquire():
        pass


def test_background_requests_leave_an_interval_free_after_each(
    limiter: ArxivRateLimiter, sleeps: RecordedSleeps
) -> None:
    send_background(limiter)
    send_background(limiter)
    assert sum(sleeps.seconds) == pytest.approx(6.0, abs=0.1)
    sleeps.seconds.clear()
    with limiter.acquire():
        pass
    assert sum(sleeps.seconds) == pytest.approx(3.0, abs=0.1)


def test_background_request_waits_for_those_that_wait(
    redis: Redis, limiter: ArxivRateLimiter
) -> None:
    """An announcement that comes while a background request runs is the next one."""
    order: list[str] = []
    urgent_waits, background_waits = threading.Event(), threading.Event()

    def wait_as(name: str, event: threading.Event) -> ArxivRateLimiter:
        def sleep(seconds: float) -> None:
            event.set()
            threading.Event().wait(min(seconds, 0.01))

        return ArxivRateLimiter(redis, 0.2, sleep=sleep)

    def urgent() -> None:
        with wait_as("urgent", urgent_waits).acquire():
            order.append("urgent")

    def background() -> None:
        with background_requests(), wait_as("background", background_waits).acquire():
            order.append("background")

    threads = [threading.Thread(target=background), threading.Thread(target=urgent)]
    with limiter.acquire():
        threads[0].start()
        assert background_waits.wait(5)
        threads[1].start()
        assert urgent_waits.wait(5)
    pass_time(redis, 3.0)
    for thread in threads:
        thread.join(10)
    assert order == ["urgent", "background"]


def test_urgency_of_a_process_that_died_passes(
    redis: Redis, limiter: ArxivRateLimiter, sleeps: RecordedSleeps
) -> None:
    dying = ArxivRateLimiter(redis, 3.0, max_wait=1.0)
    with limiter.acquire():
        pass
    with pytest.raises(SourceRefused), dying.acquire():
        pass
    send_background(limiter)
    assert sum(sleeps.seconds) < 3.0 + 1.0 + 0.5
