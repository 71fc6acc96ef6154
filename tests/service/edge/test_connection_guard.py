from __future__ import annotations

import contextlib
import os
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest

from papers.config.networks import parse_cidrs
from service.edge.connection_guard import BUSY, _close, close_connections
from service.edge.connection_limits import (
    HALF_SENT_SECONDS,
    MIN_BYTES,
    RECEIVING_SECONDS,
    SLOW_READ_SECONDS,
    STALL_SECONDS,
    UNANSWERED_SECONDS,
    ClientConnection,
    GuardLimits,
    StallDetector,
    choose_excess,
    choose_slow,
)

SILENT: Final = ClientConnection(1, "192.0.2.1", 9.0, 9.0, 0, 0, is_sending=False)
RESTING: Final = replace(SILENT, received=100, acknowledged=900, received_before=5, sent_before=4)
UNANSWERED: Final = replace(RESTING, received_before=4.0, sent_before=5.0)
SENDING: Final = replace(RESTING, is_sending=True)
LIMITS: Final = GuardLimits(per_client=2, in_all=5)


def numbered(*connections: ClientConnection) -> list[ClientConnection]:
    return [replace(connection, id=number) for number, connection in enumerate(connections)]


def test_states_of_a_connection() -> None:
    states = [(c.is_silent, c.is_resting, c.is_unanswered) for c in (SILENT, RESTING, UNANSWERED)]
    assert states == [(True, False, False), (False, True, False), (False, False, True)]
    assert not any((SENDING.is_silent, SENDING.is_resting, SENDING.is_unanswered))


def test_request_in_the_millisecond_of_the_last_response_is_unanswered() -> None:
    assert replace(UNANSWERED, sent_before=4.0).is_unanswered
    assert not replace(UNANSWERED, sent_before=3.999).is_unanswered


def test_client_within_its_share_keeps_everything() -> None:
    assert choose_excess(numbered(SILENT, RESTING), LIMITS) == set()


def test_silent_connections_go_before_resting_ones_and_answered_ones_stay() -> None:
    many = numbered(RESTING, SENDING, SILENT, UNANSWERED)
    assert choose_excess(many, LIMITS) == {0, 2}
    assert choose_excess(many, replace(LIMITS, per_client=3)) == {2}
    busy = replace(UNANSWERED, received_before=HALF_SENT_SECONDS / 2)
    assert choose_excess(numbered(SENDING, busy, SENDING, busy), LIMITS) == set()
    assert choose_excess(numbered(SENDING, UNANSWERED, SENDING), LIMITS) == {1}


def test_longest_at_rest_goes_first() -> None:
    many = numbered(*(replace(RESTING, received_before=n + 4.0) for n in (5, 9, 1, 7)))
    assert choose_excess(many, LIMITS) == {1, 3}


def test_addresses_of_one_subscriber_share() -> None:
    same = [replace(SILENT, client=f"2001:db8::{n}") for n in range(3)]
    other = [replace(SILENT, client=f"2001:db8:{n}::1") for n in range(3)]
    assert len(choose_excess(numbered(*same), LIMITS)) == 1
    assert choose_excess(numbered(*other), LIMITS) == set()


def test_proxies_have_no_share_but_count_in_all() -> None:
    limits = replace(LIMITS, proxies=parse_cidrs(["192.0.2.0/24"]))
    assert choose_excess(numbered(*[RESTING] * 5), limits) == set()
    assert len(choose_excess(numbered(*[RESTING] * 7), limits)) == 2


def test_what_a_client_loses_counts_for_the_limit_in_all() -> None:
    """Six are left of eight, so one more goes: the one that has rested longest."""
    own = [replace(RESTING, client="192.0.2.99", received_before=5.0) for _ in range(4)]
    others = [
        replace(RESTING, client=f"192.0.2.{n}", received_before=50.0 + n, sent_before=40.0)
        for n in range(4)
    ]
    assert choose_excess(numbered(*own, *others), LIMITS) == {0, 1, 7}


def test_limit_in_all_closes_connections_of_any_client() -> None:
    many = numbered(*(replace(SILENT, client=f"192.0.2.{n}") for n in range(8)))
    assert len(choose_excess(many, LIMITS)) == 3


@pytest.mark.parametrize(
    ("connection", "patience"), [(SENDING, STALL_SECONDS), (UNANSWERED, UNANSWERED_SECONDS)]
)
def test_what_does_not_move_stalls(connection: ClientConnection, patience: float) -> None:
    detector = StallDetector()
    assert detector.stalled([connection], 1000.0) == set()
    assert detector.stalled([connection], 1000.0 + patience - 1) == set()
    assert detector.stalled([connection], 1000.0 + patience) == {1}


def test_body_that_is_waited_for_stalls_sooner() -> None:
    detector = StallDetector()
    detector.stalled([UNANSWERED], 1000.0)
    late = 1000.0 + RECEIVING_SECONDS
    assert detector.stalled([UNANSWERED], late) == set()
    assert detector.stalled([UNANSWERED], late, {"192.0.2.1"}) == {1}


def test_what_moves_on_or_begins_anew_does_not_stall() -> None:
    detector = StallDetector()
    for second in range(0, 200, 10):
        moved = replace(SENDING, acknowledged=900 + second * MIN_BYTES)
        assert detector.stalled([moved], second) == set()
    for count, moves in ((MIN_BYTES, True), (MIN_BYTES - 1, False)):
        detector = StallDetector()
        detector.stalled([SENDING], 0.0)
        moved = replace(SENDING, acknowledged=SENDING.acknowledged + count)
        assert detector.stalled([moved], STALL_SECONDS) == (set() if moves else {1})
    drip = [replace(SENDING, acknowledged=10_000_000 + n) for n in range(2)]
    detector = StallDetector()
    detector.stalled([drip[0]], 0.0)
    assert detector.stalled([drip[1]], STALL_SECONDS) == {1}
    detector = StallDetector()
    detector.stalled([SENDING], 0.0)
    detector.stalled([RESTING], 1.0)
    assert detector.stalled([SENDING], STALL_SECONDS) == set()
    detector = StallDetector()
    detector.stalled([UNANSWERED], 0.0)
    assert detector.stalled([SENDING], STALL_SECONDS) == set()
    assert detector.stalled([SENDING], 2 * STALL_SECONDS) == {1}


def test_responses_read_slowly_are_found_longest_at_a_stand_first() -> None:
    detector, late = StallDetector(), SLOW_READ_SECONDS
    first, second = numbered(SENDING, SENDING)
    fast = [replace(SENDING, id=9, acknowledged=n * MIN_BYTES) for n in range(3)]
    detector.stalled([first, fast[0], replace(UNANSWERED, id=7)], 0.0)
    detector.stalled([second, first, fast[1]], 1.0)
    detector.stalled([second, first, fast[2]], late)
    assert detector.slow_readers([second, first, fast[2]], late) == [first]
    found = detector.slow_readers([second, first, fast[2]], late + 1)
    assert found == [first, second]


def test_responses_read_slowly_are_limited_by_client_and_in_all() -> None:
    limits = replace(LIMITS, slow_per_client=2, slow_in_all=3)
    assert choose_slow(numbered(*[SENDING] * 4), limits) == {0, 1}
    many = numbered(*(replace(SENDING, client=f"192.0.2.{n}") for n in range(5)))
    assert choose_slow(many, limits) == {0, 1}
    assert choose_slow(many[:3], limits) == set()
    proxies = replace(limits, proxies=parse_cidrs(["192.0.2.0/24"]))
    assert choose_slow(numbered(*[SENDING] * 4), proxies) == {0}


@contextlib.contextmanager
def accepted(count: int, response: bytes = b"") -> Iterator[list[socket.socket]]:
    """Clients of a server in this process that has accepted them and sends a response at most."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1024))
        clients = []
        for _ in range(count):
            clients.append(stack.enter_context(socket.create_connection(server.getsockname(), 5)))
            connection = stack.enter_context(server.accept()[0])
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                connection.sendall(response)
        yield clients


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO: needs Linux")
def test_guard_closes_only_connections_that_this_process_has_accepted() -> None:
    with accepted(10) as clients:
        closed = close_connections(GuardLimits(6, 100), StallDetector(), time.monotonic())
        assert closed == 4
        answers = []
        for client in clients:
            client.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                answers.append(client.recv(1000))
        assert answers == [BUSY] * 4


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO: needs Linux")
def test_guard_closes_responses_that_are_read_slowly_beyond_the_limit() -> None:
    limits, detector = GuardLimits(100, 100, slow_per_client=4), StallDetector()
    with accepted(10, b"x" * 20_000_000):
        times = [share * SLOW_READ_SECONDS for share in (0.0, 0.9, 2.0, 3.0, 4.0)]
        closed = [close_connections(limits, detector, at) for at in times]
    assert (closed[:2], sum(closed)) == ([0, 0], 6)  # the system moves some bytes meanwhile


def test_connection_that_got_the_descriptor_of_another_stays_open() -> None:
    left, right = socket.socketpair()
    with left, right:
        number = os.fstat(left.fileno()).st_ino
        _close(left.fileno(), replace(RESTING, id=number + 1))
        left.send(b"open")
        assert right.recv(10) == b"open"
        _close(left.fileno(), replace(RESTING, id=number))
        assert right.recv(10) == b""


def test_refusal_declares_its_length() -> None:
    head, _, body = BUSY.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
