"""Run all checks: settings, machine, store, what runs on it, upstreams.

A check is a generator of findings and changes nothing. Checks that need a store are skipped if
there is none, so that one cause gives one finding.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from papers.command_name import program_name
from papers.config.settings import Settings, config_path, load_settings
from papers.errors import PaperwireError, StoreError
from papers.redis_backend.cluster.client import connect_store
from papers.state.communities import Communities
from paperwire.doctor import cluster, machine, parts, store, upstreams
from paperwire.doctor.finding import Finding, fault
from paperwire.run import embedded_store


def run_checks(environ: Mapping[str, str], now: datetime, *, ask_upstreams: bool) -> list[Finding]:
    """Return all findings in the order in which to fix them; `now` is aware UTC."""
    path = config_path(environ)
    try:
        settings = load_settings(path, environ)
    except PaperwireError as error:
        init = f"{program_name()} init other.toml"
        remedy = f"correct it; `{init}` writes a file that explains every setting"
        return [fault("settings", error, remedy)]
    return _once_each(_all_findings(settings, path, now, ask_upstreams=ask_upstreams))


def _once_each(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings without those that have the cause of an earlier one.

    A clock that is wrong here differs from the store's and from the upstreams'.
    """
    first: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        cause = "" if finding.check == "clock" else finding.cause
        first.setdefault((finding.check, cause), finding)
    return list(first.values())


def _all_findings(
    settings: Settings, path: Path | None, now: datetime, *, ask_upstreams: bool
) -> Iterator[Finding]:
    yield from machine.check_settings(settings)
    yield from machine.check_secrets(settings, path)
    yield from machine.check_port(settings)
    folder_findings = [*machine.check_data_folder(settings), *machine.check_disk_space(settings)]
    yield from folder_findings
    with contextlib.ExitStack() as stack:
        redis, settings_findings = None, list[Finding]()
        if settings.redis_url or not any(one.level == "fault" for one in folder_findings):
            redis, store_findings = _connect_store(settings, stack)
            yield from store_findings
        if redis:
            settings_findings = list(store.check_store_settings(redis))
            yield from settings_findings
            if any(one.check == "cluster" for one in settings_findings):
                return  # whatever else fails, fails for that
            yield from cluster.check_cluster(redis)
            yield from _store_findings(redis, settings, now)
        if ask_upstreams:
            probes = upstreams.check_upstreams(_with_saved_communities(settings, redis), redis, now)
            yield from (one for one in probes if one.check != "store" or not settings_findings)


def _with_saved_communities(settings: Settings, redis: Redis | None) -> Settings:
    """Return the settings with the saved community feeds, if these can be read."""
    with contextlib.suppress(StoreError):  # an earlier check has reported the store's problem
        return Communities(redis, settings).effective_settings() if redis else settings
    return settings


def _connect_store(
    settings: Settings, stack: contextlib.ExitStack
) -> tuple[Redis | None, list[Finding]]:
    """Connect to the configured or embedded store without retries; or return why we cannot."""
    try:
        url = settings.redis_url or stack.enter_context(
            embedded_store.open_embedded_store(
                embedded_store.StorePaths.in_data_dir(settings.data_dir)
            )
        )
        redis = stack.enter_context(
            contextlib.closing(connect_store(url, settings.store_url, retry=False))
        )
    except StoreError as error:
        return None, [store.start_fault(error)]
    except PaperwireError as error:
        return None, [fault("store", error, "correct redis_url")]
    findings = list(store.check_store_reachable(redis))
    return (None if findings else redis), findings


def _store_findings(redis: Redis, settings: Settings, now: datetime) -> Iterator[Finding]:
    """Check the clock and the data of a reachable store, and what runs on it."""
    yield from store.check_store_clock(redis, now)
    try:
        schema_findings = list(store.check_schema_version(redis))
        yield from schema_findings
        process_findings = list(parts.check_processes(redis, now))
        yield from process_findings
        if not process_findings and not schema_findings:
            yield from parts.check_due_tasks(redis)
        if not schema_findings:
            yield from parts.check_source_states(redis)
            yield from parts.check_paper_sizes(redis)
            yield from parts.check_backup_age(redis, settings, now)
    except StoreError as error:
        yield store.refusal_fault(redis, error)
    except RedisError as error:
        yield fault("store-rights", error, "grant its user the permissions in deploy/store.acl")
