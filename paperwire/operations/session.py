"""The session of a command: settings, and the configured or embedded store."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
from redis import Redis

from papers.config.settings import Settings, load_settings
from papers.maintenance import migrations
from papers.redis_backend import keys
from papers.redis_backend.cluster.client import connect_store
from papers.redis_backend.connection import redacted_url, translate_store_errors
from papers.store import Store
from paperwire.run import embedded_store
from paperwire.run.instance_lock import running_address
from paperwire.run.instances import Instance, instances_beside, other_instances


@dataclass(frozen=True, slots=True)
class CommandSession:
    """The store and the settings of one command; `now` is its start, aware UTC."""

    settings: Settings
    redis: Redis
    now: datetime
    is_embedded: bool = False

    @property
    def place(self) -> str:
        """Where the store is, for messages: its data folder, or its address."""
        return self.settings.data_dir if self.is_embedded else redacted_url(self.redis)

    def others(self) -> list[Instance]:
        """Return the instances with other stores, if the store is the one of the data folder."""
        return other_instances(Path(self.settings.data_dir)) if self.is_embedded else []


@contextlib.contextmanager
def open_session(
    settings: Settings, *, migrate: bool = True, only_reads: bool = False
) -> Iterator[CommandSession]:
    """Open the configured store, else the embedded one, started for this command if need be.

    With `migrate`, older data is migrated to the current schema first. A command that only reads
    uses the store of the instance that runs beside it, if its own was never used; any other says
    that it does not. Raises StoreUnavailable, StoreTooNew, BadSettings.
    """
    with contextlib.ExitStack() as stack:
        beside = [] if settings.redis_url else _instances_beside(settings)
        if beside and only_reads and not _store_folder(settings).exists():
            settings = _settings_of(beside[0], settings)
            click.echo(f"reading from {beside[0].address} ({beside[0].shown_folder})", err=True)
            beside = []
        session = stack.enter_context(_open_store(settings, migrate=migrate))
        if beside and not Store(session.redis).count_papers():
            click.echo(
                f"this is the store of {settings.data_dir}, on which nothing runs; for that of "
                f"{beside[0].address}: `{beside[0].command('…')}`",
                err=True,
            )
        yield session


@contextlib.contextmanager
def _open_store(settings: Settings, *, migrate: bool) -> Iterator[CommandSession]:
    settings, is_embedded = _with_running_address(settings), not settings.redis_url
    with contextlib.ExitStack() as stack:
        if is_embedded:
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
        yield CommandSession(settings, redis, datetime.now(UTC), is_embedded)


def _with_running_address(settings: Settings) -> Settings:
    """Return the settings with the address of the instance that runs on the data folder.

    Its port may be another than the one of the settings, which was taken.
    """
    address = running_address(Path(settings.data_dir))
    if settings.public_url or not address:
        return settings
    os.environ["PAPERWIRE_PUBLIC_URL"] = address  # jobs load the settings again
    return dataclasses.replace(settings, public_url=address)


def _instances_beside(settings: Settings) -> list[Instance]:
    """Return the instances in the working folder; none if the data folder was chosen, or is in use.

    Whoever names a folder means that one.
    """
    folder = Path(settings.data_dir)
    is_default = settings.data_dir == Settings().data_dir
    return instances_beside(folder) if is_default and not running_address(folder) else []


def _store_folder(settings: Settings) -> Path:
    return embedded_store.StorePaths.in_data_dir(settings.data_dir).folder


def _settings_of(other: Instance, settings: Settings) -> Settings:
    """Return the settings of another instance, as far as its TOML file has them."""
    if other.config:
        return load_settings(other.config, {"PAPERWIRE_DATA_DIR": str(other.data_dir)})
    return dataclasses.replace(settings, data_dir=str(other.data_dir), redis_url="")
