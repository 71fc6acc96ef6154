"""The one lane to arXiv, shared by every process on every host through Redis.

arXiv's terms: one connection at a time, three seconds between requests, over all machines. So a
request happens inside a turn, and who has the turn stands in one hash, `keys.ARXIV_LANE`:

| field | content |
| --- | --- |
| `holder`, `until` | token of the request under way; the millisecond its claim ends if it dies |
| `next` | the millisecond from which the next request may start |
| `pause` | the length of the last back-off in milliseconds; absent after a success |
| `resume`, `said` | the millisecond at which the back-off ends, and what arXiv said |

All milliseconds are those of the Redis server's clock, the only one that everybody shares. The
pause between two requests counts from the end of the first, so that arXiv sees its arrivals
further apart than that, whatever the network adds.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from redis import Redis
from redis.commands.core import Script

from papers.config.settings import Seconds
from papers.errors import SourceRefused
from papers.redis_backend import keys
from papers.redis_backend.connection import store_errors

BUSY: Final = frozenset({406, 429, 503})
"""Statuses with which arXiv answers overload: everybody holds off."""

FIRST_PAUSE: Final = 30.0
LONGEST_PAUSE: Final = 3600.0
"""Seconds: back-off doubles from the one to the other while arXiv says no."""

_POLL: Final = 0.1
_MARGIN: Final = 0.02
"""Seconds on top of the interval: clocks that are being set right run a little fast."""

_GRACE: Final = 30.0
"""Seconds a claim outlives the longest request: time to resolve a name and to tidy up."""

_NOW = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
"""

_TAKE: Final = (
    _NOW
    + """
-- KEYS: 1 the lane    ARGV: 1 token, 2 claim in ms, 3 interval in ms
-- Returns {ms to wait, why}: {0, 'taken'}, or 'held', 'paced', 'pause' and what arXiv said.
local lane = {}
local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do lane[fields[i]] = fields[i + 1] end
local claim, interval = tonumber(ARGV[2]), tonumber(ARGV[3])
local function still(field, most)  -- ms until then; no more than most, should the clock jump back
  return math.min(tonumber(lane[field] or 0) - now, most)
end
if lane['holder'] == ARGV[1] then return {0, 'taken'} end  -- the first answer was lost
local held = lane['holder'] and still('until', claim) or 0
if held > 0 then return {held, 'held'} end
local pause = still('resume', math.max(tonumber(lane['pause'] or 0), 0))
if pause > 0 then return {pause, 'pause', lane['said'] or ''} end
local paced = still('next', interval)
if paced > 0 then return {paced, 'paced'} end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', now + claim, 'next', now + interval)
return {0, 'taken'}
"""
)

_LEAVE: Final = (
    _NOW
    + """
-- KEYS: 1 the lane    ARGV: 1 token, 2 interval in ms, 3 'fine', 'busy' or 'failed',
--   4 wait asked for in ms, 5 first pause in ms, 6 longest pause in ms, 7 what arXiv said
if redis.call('HGET', KEYS[1], 'holder') == ARGV[1] then
  redis.call('HDEL', KEYS[1], 'holder', 'until')
  redis.call('HSET', KEYS[1], 'next', now + 1 + tonumber(ARGV[2]))
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


class ArxivLane:
    """Lets one request to arXiv through at a time, at its pace.

    `interval` lies between two requests; `longest` is how long one request may take, after which
    the turn of a process that died is given to another; `patience` how long a turn is waited for.
    """

    def __init__(
        self,
        redis: Redis,
        interval: Seconds,
        *,
        longest: Seconds = 90.0,
        patience: Seconds = 120.0,
        sleep: Callable[[Seconds], None] = time.sleep,
    ) -> None:
        self._pace, self._claim, self._patience = interval + _MARGIN, longest + _GRACE, patience
        self._take, self._leave = redis.register_script(_TAKE), redis.register_script(_LEAVE)
        self._sleep = sleep

    @contextmanager
    def turn(self, patience: Seconds | None = None) -> Iterator[None]:
        """Wait for the lane, hold it for one request, and learn from how that went.

        Raises SourceRefused with `retry_after` where arXiv asked to hold off, or the lane is
        taken, for longer than `patience`; StoreAway.
        """
        token = secrets.token_hex(16)
        self._wait(token, self._patience if patience is None else patience)
        outcome, wait, said = "failed", 0.0, ""
        try:
            yield
            outcome = "fine"
        except SourceRefused as error:
            if error.status in BUSY:
                outcome, wait, said = "busy", error.retry_after or 0.0, str(error)
            raise
        finally:
            self._release(token, outcome, wait, said)

    def _wait(self, token: str, patience: Seconds) -> None:
        ends = time.monotonic() + patience
        while True:
            wait_ms, why, *said = self._run(self._take, token, self._claim, self._pace)
            wait = wait_ms / 1000
            if why == b"taken":
                return
            left = ends - time.monotonic()
            if left <= 0 or (why != b"held" and wait > left):
                raise SourceRefused(_sentence(why, wait, said), retry_after=wait)
            self._sleep(min(wait, _POLL) if why == b"held" else wait)

    def _release(self, token: str, outcome: str, wait: Seconds, said: str) -> None:
        pauses = (wait, FIRST_PAUSE, LONGEST_PAUSE)
        self._run(self._leave, token, self._pace, outcome, *pauses, said[:500])

    def _run(self, script: Script, *args: str | Seconds) -> Any:
        """Run a script on the lane; seconds become the milliseconds it counts in."""
        with store_errors():
            return script(
                keys=[keys.ARXIV_LANE],
                args=[a if isinstance(a, str) else round(a * 1000) for a in args],
            )


def _sentence(why: bytes, wait: Seconds, said: list[bytes]) -> str:
    if why == b"pause":
        return f"arXiv asked to hold off, for {wait:.0f} s more: {said[0].decode()}"
    return f"the lane to arXiv is taken for {wait:.0f} s more at most"
