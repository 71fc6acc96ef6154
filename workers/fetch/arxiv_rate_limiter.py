"""The rate limiter for arXiv, shared by every process on every host through Redis.

arXiv's terms: one connection at a time, three seconds between requests, over all machines. So every
request holds a lease, whose state is in one hash, `keys.ARXIV_RATE_LIMIT`:

| field | content |
| --- | --- |
| `holder`, `until` | token of the request under way; the millisecond its lease expires if it dies |
| `next` | the millisecond from which the next request may start |
| `pause` | the length of the last back-off in milliseconds; absent after a success |
| `resume`, `said` | the millisecond at which the back-off ends, and arXiv's own message |

| `urgent` | the millisecond until which background requests give way to others that wait |
| `spare` | the millisecond from which the next background request may start |

Background requests (initial fetches of keywords, backfills) take a turn only while no other request
waits, and leave an interval free after each: an announcement waits for one of them at most.

All milliseconds are of the Redis server's clock, the only one shared by all. The interval between
two requests counts from the end of the first, so that arXiv sees them arrive further apart than
that, whatever the network adds.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

from redis import Redis
from redis.commands.core import Script

from papers.config.settings import Seconds, Settings
from papers.errors import SourceRefused
from papers.redis_backend import keys
from papers.redis_backend.connection import translate_store_errors

OVERLOAD_STATUSES: Final = frozenset({406, 429, 503})
"""Statuses with which arXiv signals overload: every process backs off."""

INITIAL_OVERLOAD_BACKOFF: Final = 30.0
MAX_OVERLOAD_BACKOFF: Final = 3600.0
"""Seconds: back-off doubles from the initial to the maximum while arXiv refuses."""

_POLL_INTERVAL: Final = 0.1
_INTERVAL_MARGIN: Final = 0.02
"""Seconds added to the interval: a clock that is being adjusted runs slightly fast."""

_URGENT_PATIENCE: Final = 1.0
"""Seconds for which background requests give way to a waiting request after its next attempt is
due."""

_CLAIM_GRACE: Final = 30.0
"""Seconds that a lease outlives the longest request: for name resolution and clean-up."""

_BACKGROUND: Final = ContextVar("_BACKGROUND", default="")
"""`background` in the context of a task whose requests give way to others."""


@contextmanager
def background_requests() -> Iterator[None]:
    """Have all requests of this context give way to those of others."""
    token = _BACKGROUND.set("background")
    try:
        yield
    finally:
        _BACKGROUND.reset(token)


_LUA_NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""

_ACQUIRE_SCRIPT: Final = (
    _LUA_NOW
    + """
-- KEYS: 1 the limiter's hash    ARGV: 1 token, 2 claim in ms, 3 interval in ms, 4 ms that others
--   are to give way, 5 'background' or ''
-- Returns {ms to wait, why}: {0, 'taken'}, or 'held', 'paced', 'pause' and arXiv's message.
local state = {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do state[fields[i]] = fields[i + 1] end
local claim, interval, patience = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local background = ARGV[5] == 'background'
local function remaining(field, most)  -- ms until then; at most `most`, if the clock jumped back
  return math.min(tonumber(state[field] or 0) - now, most)
end
if state['holder'] == ARGV[1] then return {0, 'taken'} end  -- the first answer was lost
local held = state['holder'] and remaining('until', claim) or 0
local paced = remaining('next', interval)
local function wait(ms, why)  -- what is urgent has background requests give way until it is back
  if not background then
    redis.call('HSET', KEYS[1], 'urgent', now + math.min(ms, interval) + patience)
  end
  return {ms, why}
end
if held > 0 then return wait(held, 'held') end
local pause = remaining('resume', math.max(tonumber(state['pause'] or 0), 0))
if pause > 0 then return {pause, 'pause', state['said'] or ''} end
if background then
  local urgent = remaining('urgent', interval + patience)
  paced = math.max(paced, urgent, remaining('spare', 2 * interval))
end
if paced > 0 then return wait(paced, 'paced') end
if not background then redis.call('HDEL', KEYS[1], 'urgent') end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', now + claim, 'next', now + interval)
return {0, 'taken'}
"""
)

_RELEASE_SCRIPT: Final = (
    _LUA_NOW
    + """
-- KEYS: 1 the limiter's hash    ARGV: 1 token, 2 interval in ms, 3 'fine', 'busy' or 'failed',
--   4 requested wait in ms, 5 initial back-off in ms, 6 maximum in ms, 7 arXiv's message,
--   8 'background' or ''
if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then
  redis.call('HDEL', KEYS[1], 'holder', 'until')
  redis.call('HSET', KEYS[1], 'next', now + 1 + tonumber(ARGV[2]))
  if ARGV[8] == 'background' then
    redis.call('HSET', KEYS[1], 'spare', now + 1 + 2 * tonumber(ARGV[2]))
  end
end
if ARGV[3] == 'fine' then
  redis.call('HDEL', KEYS[1], 'pause', 'resume', 'said')
elseif ARGV[3] == 'busy' then
  local last = tonumber(redis.call('HGET', KEYS[1], 'pause') or 0)
  local grown = math.min(math.max(last * 2, tonumber(ARGV[5])), tonumber(ARGV[6]))
  local pause = math.max(grown, tonumber(ARGV[4]))
  redis.call('HSET', KEYS[1], 'pause', pause, 'resume', now + pause, 'said', ARGV[7])
end
"""
)


class ArxivRateLimiter:
    """Lets one request to arXiv through at a time, with an interval between them.

    A request may take `max_request_seconds`; then the lease of a process that died expires. A
    caller waits up to `max_wait` for its turn.
    """

    def __init__(
        self,
        redis: Redis,
        interval: Seconds,
        *,
        max_request_seconds: Seconds = 90.0,
        max_wait: Seconds = 120.0,
        sleep: Callable[[Seconds], None] = time.sleep,
    ) -> None:
        self._interval, self._claim_seconds, self._max_wait = (
            interval + _INTERVAL_MARGIN,
            max_request_seconds + _CLAIM_GRACE,
            max_wait,
        )
        self._acquire_script, self._release_script = (
            redis.register_script(_ACQUIRE_SCRIPT),
            redis.register_script(_RELEASE_SCRIPT),
        )
        self._sleep = sleep

    @classmethod
    def from_settings(
        cls, redis: Redis, settings: Settings, *, max_wait: Seconds = 120.0
    ) -> ArxivRateLimiter:
        """Return the limiter for fetches under these settings."""
        return cls(
            redis,
            settings.arxiv_interval,
            max_request_seconds=settings.fetch_deadline,
            max_wait=max_wait,
        )

    @contextmanager
    def acquire(self, max_wait: Seconds | None = None) -> Iterator[None]:
        """Wait for the lease, hold it for one request, and back off according to the outcome.

        Raises SourceRefused with `retry_after` if arXiv asked for a longer back-off than
        `max_wait`, or the lease is held for longer; StoreUnavailable.
        """
        token = secrets.token_hex(16)
        self._wait_for_slot(token, self._max_wait if max_wait is None else max_wait)
        outcome, wait, message = "failed", 0.0, ""
        try:
            yield
            outcome = "fine"
        except SourceRefused as error:
            if error.status in OVERLOAD_STATUSES:
                outcome, wait, message = "busy", error.retry_after or 0.0, str(error)
            raise
        finally:
            self._release(token, outcome, wait, message)

    def _wait_for_slot(self, token: str, max_wait: Seconds) -> None:
        deadline = time.monotonic() + max_wait
        while True:
            wait_ms, reason, *message = self._run_script(
                self._acquire_script,
                *(token, self._claim_seconds, self._interval, _URGENT_PATIENCE),
                _BACKGROUND.get(),
            )
            wait = wait_ms / 1000
            if reason == b"taken":
                return
            seconds_left = deadline - time.monotonic()
            if seconds_left <= 0 or (reason != b"held" and wait > seconds_left):
                raise SourceRefused(_refusal_message(reason, wait, message), retry_after=wait)
            self._sleep(min(wait, _POLL_INTERVAL) if reason == b"held" else wait)

    def _release(self, token: str, outcome: str, wait: Seconds, message: str) -> None:
        pauses = (wait, INITIAL_OVERLOAD_BACKOFF, MAX_OVERLOAD_BACKOFF)
        self._run_script(
            self._release_script,
            *(token, self._interval, outcome, *pauses, message[:500], _BACKGROUND.get()),
        )

    def _run_script(self, script: Script, *args: str | Seconds) -> Any:
        """Run a script on the limiter's hash; seconds are passed as milliseconds."""
        with translate_store_errors():
            return script(
                keys=[keys.ARXIV_RATE_LIMIT],
                args=[a if isinstance(a, str) else round(a * 1000) for a in args],
            )


def _refusal_message(reason: bytes, wait: Seconds, message: list[bytes]) -> str:
    if reason == b"pause":
        return f"arXiv asked to hold off, for {wait:.0f} s more: {message[0].decode()}"
    return f"arXiv's rate limit is taken by another request for {wait:.0f} s more at most"
