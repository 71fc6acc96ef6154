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
from papers.redis_backend.connection import connect, translate_store_errors
from paperwire.run import embedded_store


@dataclass(frozen=True, slots=True)
class CommandSession:
    """One command's: `settings` name the store, `now` is its time, aware UTC."""

    settings: Settings
    redis: Redis
    now: datetime


@contextlib.contextmanager
def open_session(settings: Settings, *, migrate: bool = True) -> Iterator[CommandSession]:
    """The configured store, else the embedded one: running already or for this command only.

    `prepared`: its data has the schema of this code, older data is migrated. Raises StoreAway,
    StoreNewer.
    """
    with contextlib.ExitStack() as stack:
        if not settings.redis_url:
            url = stack.enter_context(
                embedded_store.open_embedded_store(embedded_store.store_paths(settings.data_dir))
            )
            settings = dataclasses.replace(settings, redis_url=url)
            os.environ["PAPERWIRE_REDIS_URL"] = url  # jobs read the settings anew
        redis = stack.enter_context(contextlib.closing(connect(settings.redis_url, retry=True)))
        with translate_store_errors(redis):
            redis.exists(keys.SCHEMA)  # with its disk full a store refuses PING, and still reads
        if migrate:
            migrations.prepare_store(redis)
        yield CommandSession(settings, redis, datetime.now(UTC))
