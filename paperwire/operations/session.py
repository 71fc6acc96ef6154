"""The session of a command: settings, and the configured or embedded store."""

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
from papers.redis_backend.cluster.client import connect_store
from papers.redis_backend.connection import translate_store_errors
from paperwire.run import embedded_store


@dataclass(frozen=True, slots=True)
class CommandSession:
    """The store and the settings of one command; `now` is its start, aware UTC."""

    settings: Settings
    redis: Redis
    now: datetime


@contextlib.contextmanager
def open_session(settings: Settings, *, migrate: bool = True) -> Iterator[CommandSession]:
    """Open the configured store, else the embedded one, started for this command if need be.

    With `migrate`, older data is migrated to the current schema first. Raises StoreUnavailable,
    StoreTooNew.
    """
    with contextlib.ExitStack() as stack:
        if not settings.redis_url:
            url = stack.enter_context(
                embedded_store.open_embedded_store(
                    embedded_store.StorePaths.in_data_dir(settings.data_dir)
                )
            )
            settings = dataclasses.replace(settings, redis_url=url)
            os.environ["PAPERWIRE_REDIS_URL"] = url  # jobs load the settings again
        client = connect_store(settings.redis_url, settings.store_url, retry=True)
        redis = stack.enter_context(contextlib.closing(client))
        with translate_store_errors(redis):
            redis.exists(keys.SCHEMA)  # a store with a full disk refuses PING, but serves reads
        if migrate:
            migrations.prepare_store(redis)
        yield CommandSession(settings, redis, datetime.now(UTC))
