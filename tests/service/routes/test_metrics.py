from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from papers.config.settings import Settings
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from tests.service.conftest import serving
from tests.service.made import NOW
from tests.service.parsed_metrics import parse_metrics

TOKEN = "a token long enough to be one"
EXPECTED = {
    "store_up": 1,
    "store_writable": 1,
    "papers": 3,
    "set_aside": 0,
    "scheduler_up": 0,
    "workers": 0,
    "wake_ups": 0,
}


@pytest.mark.usefixtures("three")
def test_metrics_of_store_and_workload(client: FlaskClient) -> None:
    found = parse_metrics(client.get("/metrics").text)
    assert {name: found[(name,)] for name in EXPECTED} == EXPECTED
    assert found[("store_memory_bytes",)] > 100_000
    assert found[("revision",)] > 0


def test_metrics_of_tasks(client: FlaskClient, redis: Redis) -> None:
    an_hour_ago = NOW - timedelta(hours=1)
    states = TaskStates(redis)
    states.save(
        TaskState(
            "hf:today", TaskStatus.FAILING, NOW, NOW, an_hour_ago, got=2, failures=3, usual=30
        )
    )
    states.schedule("hf:today", an_hour_ago)
    found = parse_metrics(client.get("/metrics").text)
    assert found[("source_state", "hf:today", "failing")] == 1
    assert found[("source_state", "hf:today", "ok")] == 0
    assert found[("source_got", "hf:today")] == 2
    assert found[("source_usual", "hf:today")] == 30
    assert found[("source_failures", "hf:today")] == 3
    assert found[("source_succeeded_at", "hf:today")] == an_hour_ago.timestamp()
    assert found[("tasks_due",)] == 2  # with the initial fetch of the saved keyword


def test_unavailable_store_leaves_two_metrics(away: Flask) -> None:
    assert parse_metrics(away.test_client().get("/metrics").text) == {
        ("store_up",): 0,
        ("store_writable",): 0,
    }


# (remote address, headers, whether it is served without the token)
REQUESTS = [
    ("127.0.0.1", {}, True),
    ("::1", {}, True),
    ("192.0.2.7", {}, False),
    ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, False),
    ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, False),
]


@pytest.mark.parametrize(("remote_address", "headers", "is_served"), REQUESTS)
def test_metrics_are_for_this_machine_or_with_the_token(
    app: Flask, site: Settings, remote_address: str, headers: dict[str, str], is_served: bool
) -> None:
    with serving(replace(site, token=TOKEN)) as app_with_token:
        client, environ = app_with_token.test_client(), {"REMOTE_ADDR": remote_address}
        response = client.get("/metrics", headers=headers, environ_base=environ)
        assert response.status_code == (200 if is_served else 401)
        headers = {**headers, "Authorization": f"Bearer {TOKEN}"}
        assert client.get("/metrics", headers=headers, environ_base=environ).status_code == 200


def test_metrics_behind_a_trusted_proxy_need_the_token(app: Flask, site: Settings) -> None:
    """No header opens the metrics, and none is needed to close them where this host is a proxy."""
    with serving(replace(site, trusted_proxies=("127.0.0.0/8",))) as proxied:
        client = proxied.test_client()
        for address in ("192.0.2.7", "127.0.0.1", "127.0.0.1, 127.0.0.1", "::1", ""):
            response = client.get("/metrics", headers={"X-Forwarded-For": address})
            assert response.status_code == 401, address
        assert client.get("/metrics").status_code == 401
