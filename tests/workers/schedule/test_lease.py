from __future__ import annotations

import threading

from redis import Redis

from workers.schedule.lease import Lease, heartbeat_thread


def test_lease_has_one_holder(redis: Redis) -> None:
    lease, other_lease = Lease(redis, "lease:x", 30.0), Lease(redis, "lease:x", 30.0)
    assert [lease.acquire(), other_lease.acquire(), lease.acquire()] == [True, False, True]
    other_lease.release()
    assert not other_lease.acquire()
    lease.release()
    assert other_lease.acquire()


def test_lease_expires(redis: Redis) -> None:
    lease, other_lease = Lease(redis, "lease:x", 0.05), Lease(redis, "lease:x", 30.0)
    assert lease.acquire()
    threading.Event().wait(0.1)
    assert other_lease.acquire()
    assert not lease.acquire()


def test_heartbeat_stops_with_the_block() -> None:
    beats = threading.Semaphore(0)
    with heartbeat_thread(beats.release, interval=0.01):
        assert beats.acquire(timeout=30)
        assert beats.acquire(timeout=30)
    while beats.acquire(blocking=False):
        pass
    assert not beats.acquire(timeout=0.05)
