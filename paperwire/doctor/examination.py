"""All checks in their order."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from papers.config.settings import Settings, config_path, load_settings
from papers.errors import PaperwireError, StoreError
from papers.redis_backend.connection import connect
from papers.state.communities import Communities
from paperwire.doctor import machine, parts, store, upstreams
from paperwire.doctor.finding import Finding, fault
from paperwire.run import embedded_store


def run_checks(environ: Mapping[str, str], now: datetime, *, ask_upstreams: bool) -> list[Finding]:
    """Everything that is wrong, in the order in which to mend it; `now` is aware UTC."""
    path = config_path(environ)
    try:
        settings = load_settings(path, environ)
    except PaperwireError as error:
        mend = "correct it; `paperwire init other.toml` writes one with every setting explained"
        return [fault("settings", error, mend)]
    return list(_all_findings(settings, path, now, ask_upstreams=ask_upstreams))


def _all_findings(
    settings: Settings, path: Path | None, now: datetime, *, ask_upstreams: bool
) -> Iterator[Finding]:
    yield from machine.check_settings(settings)
    yield from machine.check_secrets(settings, path)
    yield from machine.check_port(settings)
    folder = [*machine.check_data_folder(settings), *machine.check_disk_space(settings)]
    yield from folder
    with contextlib.ExitStack() as stack:
        redis = None
        if settings.redis_url or not any(found.level == "fault" for found in folder):
            redis, away = _connect_store(settings, stack)
            yield from away
        if redis:
            yield from _store_findings(redis, now)
        if ask_upstreams:
            yield from upstreams.check_upstreams(
                _with_saved_communities(settings, redis), redis, now
            )


def _with_saved_communities(settings: Settings, redis: Redis | None) -> Settings:
    """The settings with the saved community feeds in them, where these can be read."""
    with contextlib.suppress(StoreError):  # what is wrong with the store was told before
        return Communities(redis, settings).effective_settings() if redis else settings
    return settings


def _connect_store(
    settings: Settings, stack: contextlib.ExitStack
) -> tuple[Redis | None, list[Finding]]:
    """The configured store, or the embedded one; or what keeps us from it. Nobody waits long."""
    try:
        url = settings.redis_url or stack.enter_context(
            embedded_store.open_embedded_store(embedded_store.store_paths(settings.data_dir))
        )
        redis = stack.enter_context(contextlib.closing(connect(url, retry=False)))
    except PaperwireError as error:
        return None, [fault("store", error, "correct redis_url, or see the store's log")]
    away = list(store.check_store_reachable(redis))
    return (None if away else redis), away


def _store_findings(redis: Redis, now: datetime) -> Iterator[Finding]:
    """The checks of a store, and of what runs on it."""
    yield from store.check_store_settings(redis)
    yield from store.check_store_clock(redis, now)
    try:
        layout = list(store.check_schema_version(redis))
        yield from layout
        yield from parts.check_scheduler(redis)
        yield from parts.check_workers(redis, now)
        if not layout:
            yield from parts.check_source_states(redis)
    except (RedisError, StoreError) as error:
        yield fault("store-rights", error, "give its user the rights of deploy/store.acl")
