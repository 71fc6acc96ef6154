"""All checks in their order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from papers.config.settings import Settings, config_path, load
from papers.errors import PaperwireError, StoreError
from papers.redis_backend.connection import connect
from papers.state.communities import Communities
from paperwire.doctor import machine, parts, store, upstreams
from paperwire.doctor.finding import Finding, fault
from paperwire.run import embedded_store


def examine(environ: Mapping[str, str], now: datetime, *, ask_upstreams: bool) -> list[Finding]:
    """Everything that is wrong, in the order in which to mend it; `now` is aware UTC."""
    path = config_path(environ)
    try:
        settings = load(path, environ)
    except PaperwireError as error:
        mend = "correct it; `paperwire init other.toml` writes one with every setting explained"
        return [fault("settings", error, mend)]
    return list(_examine(settings, path, now, ask_upstreams=ask_upstreams))


def _examine(
    settings: Settings, path: Path | None, now: datetime, *, ask_upstreams: bool
) -> Iterator[Finding]:
    yield from machine.settings_fit(settings)
    yield from machine.secrets_are_private(settings, path)
    yield from machine.port_is_free(settings)
    folder = [*machine.folder_is_ours(settings), *machine.disk_has_room(settings)]
    yield from folder
    with contextlib.ExitStack() as stack:
        redis = None
        if settings.redis_url or not any(found.level == "fault" for found in folder):
            redis, away = _reached(settings, stack)
            yield from away
        if redis:
            yield from _on(redis, now)
        if ask_upstreams:
            yield from upstreams.upstreams_answer(_with_saved(settings, redis), redis, now)


def _with_saved(settings: Settings, redis: Redis | None) -> Settings:
    """The settings with the saved community feeds in them, where these can be read."""
    with contextlib.suppress(StoreError):  # what is wrong with the store was told before
        return Communities(redis, settings).settings() if redis else settings
    return settings


def _reached(settings: Settings, stack: contextlib.ExitStack) -> tuple[Redis | None, list[Finding]]:
    """The configured store, or the embedded one; or what keeps us from it. Nobody waits long."""
    try:
        url = settings.redis_url or stack.enter_context(
            embedded_store.borrowed(embedded_store.place(settings.data_dir))
        )
        redis = stack.enter_context(contextlib.closing(connect(url, patient=False)))
    except PaperwireError as error:
        return None, [fault("store", error, "correct redis_url, or see the store's log")]
    away = list(store.store_is_there(redis))
    return (None if away else redis), away


def _on(redis: Redis, now: datetime) -> Iterator[Finding]:
    """The checks of a store, and of what runs on it."""
    yield from store.store_is_fit(redis)
    yield from store.clocks_agree(redis, now)
    try:
        layout = list(store.schema_is_ours(redis))
        yield from layout
        yield from parts.scheduler_ticks(redis)
        yield from parts.worker_is_there(redis, now)
        if not layout:
            yield from parts.sources_answer(redis)
    except (RedisError, StoreError) as error:
        yield fault("store-rights", error, "give its user the rights of deploy/store.acl")
