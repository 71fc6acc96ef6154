"""A store that refuses is named wherever its operator looks, and nobody is told of a bug."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import CliRunner
from redis import Redis
from redis.exceptions import ReadOnlyError

from papers.config.settings import Settings
from papers.errors import StoreError
from papers.redis_backend.cluster.client import connect_store
from paperwire.cli import main
from service import create_app
from tests.papers.refusing_stores import REFUSES_ALL, REFUSES_WRITES, RefusingStore
from workers import jobs
from workers.rq_worker import PaperwireWorker

pytestmark = pytest.mark.row("a store that refuses")


@pytest.mark.parametrize(("cause", "store"), REFUSES_ALL.values(), ids=REFUSES_ALL)
def test_store_that_refuses_everything_is_named(
    cause: str,
    store: RefusingStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    with store() as url:
        client = create_app(Settings(redis_url=url, data_dir=str(tmp_path))).test_client()
        assert client.get("/healthz").json == {"status": "ok", "store": "away", "cause": cause}
        assert f'paperwire_store_problem{{cause="{cause}"}} 1.0' in client.get("/metrics").text
        for path in ("/status", "/api/v1/sources", "/feeds/search.atom?q=reward"):
            page = client.get(path)
            assert page.status_code == 503
            assert f"Cause: {cause}" in page.text
            assert str(tmp_path) not in page.text
        (found,) = findings(url)
        assert (found["check"], found["level"]) == ("store", "fault")
        assert (
            f"the store at unix://{url.rpartition('@')[2].removeprefix('unix://')}".split("?")[0]
            in found["cause"]
        )
        assert found["mend"]
        check_job_log(url, caplog)


@pytest.mark.parametrize(("cause", "store"), REFUSES_WRITES.values(), ids=REFUSES_WRITES)
def test_store_that_refuses_writes_is_named(
    cause: str,
    store: RefusingStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(tmp_path)
    with store() as url:
        if cause in ("read-only", "disk", "memory"):  # others show only in what is refused
            client = create_app(Settings(redis_url=url, data_dir=str(tmp_path))).test_client()
            answer: Any = client.get("/healthz").json
            assert (answer["store"], answer["cause"]) == ("reading", cause)
            assert f'paperwire_store_problem{{cause="{cause}"}} 1.0' in client.get("/metrics").text
            assert "the store takes no writes" in client.get("/status").text
            checks = {"read-only": "replica", "disk": "store", "memory": "store-memory"}
            names = [found["check"] for found in findings(url)]
            assert names.count(checks[cause]) == 1
            assert set(names) <= {checks[cause], "append-only-file", "processes"}
        check_job_log(url, caplog)


def findings(url: str) -> list[dict[str, str]]:
    """Run `paperwire doctor` on a store, with upstreams that cannot be reached."""
    environ = {
        "PAPERWIRE_REDIS_URL": url,
        "PAPERWIRE_PORT": "0",
        "PAPERWIRE_CONTACT": "me@a.example",
    }
    with mock.patch.dict("os.environ", environ):
        result = CliRunner().invoke(main, ["doctor", "--json", "--offline"])
    found: list[dict[str, str]] = json.loads(result.stdout)["findings"]
    return found


def connect_once(url: str, store_url: str, *, retry: bool) -> Redis:
    """Connect as a job does, without waiting for a store that comes back."""
    return connect_store(url, store_url, retry=not retry)


def check_job_log(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Run a job there, and have the worker log the error that it ends with."""
    caplog.clear()
    with (
        mock.patch.dict("os.environ", {"PAPERWIRE_REDIS_URL": url}),
        mock.patch("workers.jobs.connect_store", connect_once),
        caplog.at_level(logging.INFO),
        pytest.raises(StoreError) as raised,
    ):
        jobs.run("closing")
    job: Any = mock.Mock(description="closing")
    PaperwireWorker.handle_exception(mock.Mock(), job, StoreError, raised.value, None)
    assert "a bug" not in caplog.text
    assert "the store" in caplog.text


def test_raw_error_of_the_client_library_is_no_bug_either(caplog: pytest.LogCaptureFixture) -> None:
    """RQ's own commands raise it, outside of our translation."""
    error = ReadOnlyError("You can't write against a read only replica.")
    PaperwireWorker.handle_exception(
        mock.Mock(), mock.Mock(description="hf:today"), ReadOnlyError, error, None
    )
    assert "hf:today: the store takes no writes: it is a read-only replica; set" in caplog.text
    assert "a bug" not in caplog.text
