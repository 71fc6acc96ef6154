from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from papers.config.settings import Settings
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from tests.service.conftest import serving
from tests.service.made import NOW

TOKEN = "a token long enough to be one"
FIGURES = {
    "store_up": 1,
    "store_writable": 1,
    "papers": 3,
    "set_aside": 0,
    "scheduler_up": 0,
    "workers": 0,
    "wake_ups": 0,
}


def read(text: str) -> dict[tuple[str, ...], float]:
    """Samples by name and labels' values."""
    return {
        (sample.name.removeprefix("paperwire_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.usefixtures("three")
def test_the_store_and_the_work(client: FlaskClient) -> None:
    found = read(client.get("/metrics").text)
    assert {name: found[(name,)] for name in FIGURES} == FIGURES
    assert found[("store_memory_bytes",)] > 100_000
    assert found[("revision",)] > 0


def test_the_sources(client: FlaskClient, redis: Redis) -> None:
    then = NOW - timedelta(hours=1)
    states = TaskStates(redis)
    states.save(
        TaskState("hf:today", TaskStatus.FAILING, NOW, NOW, then, got=2, failures=3, usual=30)
    )
    states.schedule("hf:today", then)
    found = read(client.get("/metrics").text)
    assert found[("source_state", "hf:today", "failing")] == 1
    assert found[("source_state", "hf:today", "ok")] == 0
    assert found[("source_got", "hf:today")] == 2
    assert found[("source_usual", "hf:today")] == 30
    assert found[("source_failures", "hf:today")] == 3
    assert found[("source_succeeded_at", "hf:today")] == then.timestamp()
    assert found[("tasks_due",)] == 2  # and the first papers of the saved keyword


def test_a_store_that_is_away_is_told_and_nothing_else(away: Flask) -> None:
    assert read(away.test_client().get("/metrics").text) == {
        ("store_up",): 0,
        ("store_writable",): 0,
    }


# (where from, headers, whether it is told without a token)
ASKED = [
    ("127.0.0.1", {}, True),
    ("::1", {}, True),
    ("192.0.2.7", {}, False),
    ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, False),
    ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, False),
]


@pytest.mark.parametrize(("where", "headers", "told"), ASKED)
def test_told_to_this_machine_or_with_the_token(
    app: Flask, site: Settings, where: str, headers: dict[str, str], told: bool
) -> None:
    with serving(replace(site, token=TOKEN)) as guarded:
        client, environ = guarded.test_client(), {"REMOTE_ADDR": where}
        answer = client.get("/metrics", headers=headers, environ_base=environ)
        assert answer.status_code == (200 if told else 401)
        headers = {**headers, "Authorization": f"Bearer {TOKEN}"}
        assert client.get("/metrics", headers=headers, environ_base=environ).status_code == 200


def test_behind_a_trusted_proxy_the_client_counts(app: Flask, site: Settings) -> None:
    far, near = ({"X-Forwarded-For": a} for a in ("192.0.2.7", "127.0.0.1"))
    with serving(replace(site, trusted_proxies=1)) as proxied:
        client = proxied.test_client()
        assert client.get("/metrics", headers=far).status_code == 401
        assert client.get("/metrics", headers=near).status_code == 200
