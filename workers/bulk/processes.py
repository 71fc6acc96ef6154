"""The processes of a load: each has a store of its own and ends with the one that started it."""

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

from papers.redis_backend.connection import connect
from papers.store import Store
from workers.bulk.portions import PortionResult, RecordTuple, ingest_portion

_store: Store | None = None
"""Of this process, once it is one of a load's."""


def ingest_in_process(
    records: Sequence[RecordTuple], now: datetime, first_month: int
) -> PortionResult:
    """Read records and store them, in a process that `executor` started. Raises StoreError."""
    assert _store is not None
    return ingest_portion(_store, records, now, first_month)


@contextmanager
def load_executor(url: str, processes: int) -> Iterator[Executor]:
    """So many processes at the store of that URL; with one, this process itself."""
    if processes == 1:
        _connect_store(url)
        yield _InProcessExecutor()
        return
    pool = ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_initialize_child,
        initargs=(url,),
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class _InProcessExecutor(Executor):
    """Does at once what it is given."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call it."""
        future: Future[Any] = Future()
        try:
            future.set_result(call(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _connect_store(url: str) -> None:
    global _store
    _store = Store(connect(url, retry=True))


def _initialize_child(url: str) -> None:
    """Ctrl-C is for the starter to mind; its end, whatever the cause, is ours."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    starter = multiprocessing.parent_process()
    assert starter is not None

    def end_with_it() -> None:
        starter.join()
        os._exit(1)

    threading.Thread(target=end_with_it, name="starter", daemon=True).start()
    _connect_store(url)
