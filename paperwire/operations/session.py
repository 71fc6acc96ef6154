"""What a command works with: the settings and a store, its own if it must be."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from redis import Redis

from papers.config.settings import Settings
from papers.maintenance import migrations
from papers.redis_backend import keys
from papers.redis_backend.connection import connect, store_errors
from paperwire.run import embedded_store


@dataclass(frozen=True, slots=True)
class Session:
    """One command's: `settings` name the store, `now` is its time, aware UTC."""

    settings: Settings
    redis: Redis
    now: datetime


@contextlib.contextmanager
def opened(settings: Settings, *, prepared: bool = True) -> Iterator[Session]:
    """The configured store, else the embedded one: running already or for this command only.

    `prepared`: its data has the schema of this code, older data is migrated. Raises StoreAway,
    StoreNewer.
    """
    with contextlib.ExitStack() as stack:
        if not settings.redis_url:
            url = stack.enter_context(
                embedded_store.borrowed(embedded_store.place(settings.data_dir))
            )
            settings = dataclasses.replace(settings, redis_url=url)
            os.environ["PAPERWIRE_REDIS_URL"] = url  # jobs read the settings anew
        redis = stack.enter_context(contextlib.closing(connect(settings.redis_url, patient=True)))
        with store_errors(redis):
            redis.exists(keys.SCHEMA)  # with its disk full a store refuses PING, and still reads
        if prepared:
            migrations.prepare(redis)
        yield Session(settings, redis, datetime.now(UTC))
