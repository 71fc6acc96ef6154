"""The app with a real store, and without one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from redis.connection import AbstractConnection

from papers.config.settings import Settings
from papers.model.paper import Sighting
from papers.state.keywords import Keywords
from papers.store import Store
from service import create_app
from service.context import AppContext, context, open_context
from tests.service.made import NOW, make_sighting

SITE = "https://wire.example"
Announce = Callable[[Iterable[Sighting]], None]


@pytest.fixture
def site(store_url: str, tmp_path: Path) -> Settings:
    """Settings without a rate limit: tests send many requests in a second."""
    return Settings(
        redis_url=store_url, data_dir=str(tmp_path), public_url=SITE, questions_per_minute=0
    )


@dataclass
class Clock:
    """The time that the app sees."""

    now: datetime = NOW


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still until a test moves it."""
    clock = Clock()
    monkeypatch.setattr(AppContext, "now", lambda _: clock.now)
    return clock


@contextmanager
def serving(site: Settings) -> Iterator[Flask]:
    """Create an app, and close its connections afterwards."""
    app = create_app(site)
    yield app
    with app.app_context():
        context().redis.close()


@pytest.fixture(scope="session")
def shell(store_url: str) -> Flask:
    """An app with routes and templates compiled once. Its only state is its context."""
    return create_app(Settings(redis_url=store_url, public_url=SITE))


@pytest.fixture
def app(redis: Redis, shell: Flask, site: Settings, clock: Clock) -> Iterator[Flask]:
    """The app with a context of its own and an empty store. A keyword `Reward Model` is saved."""
    assert clock
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    open_context(shell, site)
    yield shell
    with shell.app_context():
        context().redis.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def announce(redis: Redis) -> Announce:
    def announce(sightings: Iterable[Sighting]) -> None:
        Store(redis).ingest(sightings, now=NOW)

    return announce


@pytest.fixture
def three(announce: Announce) -> None:
    """Papers 1, 2 and 3 are in the store."""
    announce([make_sighting(number) for number in (1, 2, 3)])


@pytest.fixture
def away(site: Settings, tmp_path: Path) -> Flask:
    """An app with the same data folder whose store is unreachable."""
    unreachable = Settings(
        redis_url=f"unix://{tmp_path}/nobody", data_dir=site.data_dir, public_url=SITE
    )
    return create_app(unreachable)


@pytest.fixture
def server(redis: Redis, store_url: str, tmp_path: Path) -> Iterator[str]:
    """The base URL of granian serving `service.wsgi:app`. A keyword `Reward Model` is saved."""
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "REDIS_URL": store_url,
        "PAPERWIRE_DATA_DIR": str(tmp_path),
        "PAPERWIRE_PORT": str(port),
        "PAPERWIRE_QUESTIONS_PER_MINUTE": "0",
    }
    command = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--log-level", "error", "service.wsgi:app"],
        env=environment,
    )
    try:
        wait_for_server(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def wait_for_server(url: str) -> None:
    """Wait until a server responds at a URL."""
    for _ in range(600):
        try:
            requests.get(url, timeout=1)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(url)


@pytest.fixture
def round_trips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One item for each round trip to Redis, as it is sent."""
    sent: list[int] = []
    send = AbstractConnection.send_packed_command

    def counted(self: AbstractConnection, command: list[bytes], check_health: bool = True) -> None:
        sent.append(len(command))
        send(self, command, check_health)  # type: ignore[no-untyped-call]

    monkeypatch.setattr(AbstractConnection, "send_packed_command", counted)
    return sent
