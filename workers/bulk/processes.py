"""The processes of a bulk load: each has its own store and ends with its parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from papers.redis_backend.cluster.client import connect_store
from papers.store import Store
from workers.bulk.portions import PortionResult, RecordTuple, ingest_portion

_store: Store | None = None
"""This process's store, set once it belongs to a load."""


def ingest_in_process(
    records: Sequence[RecordTuple], now: datetime, first_month: int
) -> PortionResult:
    """Parse records and store them, in a process of `load_executor`. Raises StoreError."""
    assert _store is not None
    return ingest_portion(_store, records, now, first_month)


@contextmanager
def load_executor(redis_url: str, processes: int, store_url: str = "") -> Iterator[Executor]:
    """Yield an executor with child processes for the store; for one, in this process."""
    if processes == 1:
        _connect(redis_url, store_url)
        yield _InProcessExecutor()
        return
    pool = ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_initialize_child,
        initargs=(redis_url, store_url),
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _InProcessExecutor(Executor):
    """An executor that runs each call at once, in this process."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run the call; its future is done on return."""
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _connect(redis_url: str, store_url: str) -> None:
    global _store
    _store = Store(connect_store(redis_url, store_url, retry=True))


def _initialize_child(redis_url: str, store_url: str) -> None:
    """Connect to the store; leave Ctrl-C to the parent, and exit when it ends for any reason."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def exit_with_parent() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=exit_with_parent, name="starter", daemon=True).start()
    _connect(redis_url, store_url)
