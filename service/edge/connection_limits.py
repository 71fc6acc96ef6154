"""Connection limits: decides which connections of clients are to be closed.

choose_excess     what a client, or all, have beyond their share of connections
StallDetector     requests and responses that do not move, and responses that are read slowly
choose_slow       what a client, or all, have beyond their share of these
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from papers.config.networks import Network, address_in
from papers.config.settings import Seconds
from service.http.rate_limit import rate_limit_key

MAX_PER_CLIENT: Final = 256
"""Connections of one client to one process; trusted proxies have no such limit."""

HALF_SENT_SECONDS: Final[Seconds] = 3.0
"""Time after which a request that is not answered counts as left open, if there are too many."""

STALL_SECONDS: Final[Seconds] = 20.0
"""Time in which a response must move on by `MIN_BYTES`."""

UNANSWERED_SECONDS: Final[Seconds] = 300.0
"""Time in which a request must be answered, or move on by `MIN_BYTES`."""

RECEIVING_SECONDS: Final[Seconds] = 30.0
"""Time in which a body must be received, or move on by `MIN_BYTES`."""

SLOW_READ_SECONDS: Final[Seconds] = 3.0
"""Time in which a response must move on by `MIN_BYTES` not to count as read slowly."""

MAX_SLOW_PER_CLIENT: Final = 32
"""Responses that one client may read slowly from one process; trusted proxies have no limit."""

MAX_SLOW: Final = 256
"""Responses that all clients may read slowly from one process."""

MIN_BYTES: Final = 20_000


@dataclass(frozen=True, slots=True)
class ClientConnection:
    """A connection as the kernel sees it. `id` is its inode; times are seconds before now."""

    id: int
    client: str
    sent_before: Seconds
    received_before: Seconds
    acknowledged: int
    """Bytes that the client has acknowledged."""
    received: int
    is_sending: bool
    """True if bytes wait for the client to acknowledge them."""

    @property
    def is_silent(self) -> bool:
        """True if nothing has come yet."""
        return not self.received

    @property
    def is_unanswered(self) -> bool:
        """True if something has come, and nothing has been sent since."""
        return bool(self.received) and self.received_before <= self.sent_before

    @property
    def is_resting(self) -> bool:
        """True between two requests."""
        return not (self.is_silent or self.is_unanswered or self.is_sending)


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """How many connections there may be, and the networks of proxies, which have no share."""

    per_client: int
    in_all: int
    proxies: tuple[Network, ...] = ()
    slow_per_client: int = MAX_SLOW_PER_CLIENT
    slow_in_all: int = MAX_SLOW


def choose_excess(connections: Iterable[ClientConnection], limits: GuardLimits) -> set[int]:
    """Return the ids of connections to close so that nobody has more than the limits.

    Only those that can be closed without cutting an answer: there may be fewer than excess.
    """
    clients: dict[str, list[ClientConnection]] = defaultdict(list)
    everything = list(connections)
    for connection in everything:
        if not address_in(connection.client, limits.proxies):
            clients[rate_limit_key(connection.client)].append(connection)
    chosen: set[int] = set()
    for own in clients.values():
        chosen.update(_longest_open(own, len(own) - limits.per_client))
    left = [connection for connection in everything if connection.id not in chosen]
    chosen.update(_longest_open(left, len(left) - limits.in_all))
    return chosen


def _longest_open(connections: list[ClientConnection], count: int) -> Iterator[int]:
    """Yield up to `count` connections that may be closed, those of least use first."""
    if count <= 0:
        return
    closable = [
        (rank, -connection.received_before, connection.id)
        for connection in connections
        if (rank := _rank(connection)) is not None
    ]
    for _, _, id in sorted(closable)[:count]:
        yield id


def _rank(connection: ClientConnection) -> int | None:
    if connection.is_silent:
        return 0
    if connection.is_resting:
        return 1
    left_open = connection.is_unanswered and connection.received_before >= HALF_SENT_SECONDS
    return 2 if left_open else None


def choose_slow(slow: Iterable[ClientConnection], limits: GuardLimits) -> set[int]:
    """Return the ids of connections to close so that no more responses are read slowly.

    `slow` are those that are, longest at a stand first.
    """
    counts, kept, chosen = Counter[str](), list[int](), set[int]()
    for connection in reversed(list(slow)):
        key = rate_limit_key(connection.client)
        counts[key] += not address_in(connection.client, limits.proxies)
        if counts[key] > limits.slow_per_client:
            chosen.add(connection.id)
        else:
            kept.append(connection.id)
    return chosen.union(kept[limits.slow_in_all :])


@dataclass(frozen=True, slots=True)
class _Mark:
    """How far a connection had got at some time, for comparison."""

    at: Seconds
    moved: int
    is_sending: bool


class StallDetector:
    """Finds connections whose request or response does not move, from one tick to the next."""

    def __init__(self) -> None:
        self._marks: dict[int, _Mark] = {}

    def stalled(
        self,
        connections: Iterable[ClientConnection],
        now: Seconds,
        senders: Collection[str] = (),
    ) -> set[int]:
        """Return the ids of connections that stall at `now`, seconds that never go back.

        `senders` are the clients (rate-limit keys) whose bodies have been waited for too long.
        """
        marks, stalled = {}, set()
        for one in connections:
            if not (one.is_sending or one.is_unanswered):
                continue
            moved = one.acknowledged if one.is_sending else one.received
            mark = self._marks.get(one.id)
            if mark is None or mark.is_sending != one.is_sending or moved - mark.moved >= MIN_BYTES:
                mark = _Mark(now, moved, one.is_sending)
            marks[one.id] = mark
            if now - mark.at >= _patience(one, senders):
                stalled.add(one.id)
        self._marks = marks
        return stalled

    def slow_readers(
        self, connections: Iterable[ClientConnection], now: Seconds
    ) -> list[ClientConnection]:
        """Return the connections, as last given to `stalled`, whose responses are read slowly.

        Those that have stood still longest come first.
        """
        slow = [
            (mark.at, one.id, one)
            for one in connections
            if (mark := self._marks.get(one.id))
            and mark.is_sending
            and now - mark.at >= SLOW_READ_SECONDS
        ]
        return [one for _, _, one in sorted(slow, key=lambda found: found[:2])]


def _patience(connection: ClientConnection, senders: Collection[str]) -> Seconds:
    """Return for how long a connection may stand still."""
    if connection.is_sending:
        return STALL_SECONDS
    is_sender = rate_limit_key(connection.client) in senders
    return RECEIVING_SECONDS if is_sender else UNANSWERED_SECONDS
