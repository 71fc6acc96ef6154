from __future__ import annotations

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from papers.config.settings import Settings
from service.edge.response_bodies import (
    LONG_BODY_BYTES,
    MAX_CLIENT_BYTES,
    LongBodyBudget,
    install_response_bodies,
)
from service.http.security import install_security_headers

ONE, OTHER = "192.0.2.1", "192.0.2.2"


def test_client_gets_its_share_and_again_a_minute_later() -> None:
    now = [0.0]
    budget = LongBodyBudget(lambda: now[0])
    count = MAX_CLIENT_BYTES // 1_000_000
    assert [budget.spend(ONE, 1_000_000) for _ in range(count)] == [0] * count
    assert budget.spend(ONE, 1_000_000) == 60
    assert budget.spend(OTHER, 1_000_000) == 0
    now[0] = 60.0
    assert budget.spend(ONE, 1_000_000) == 0


def test_addresses_of_one_subscriber_have_one_share() -> None:
    budget = LongBodyBudget()
    budget.spend("2001:db8::1", MAX_CLIENT_BYTES)
    assert budget.spend("2001:db8::2", 1) > 0


@pytest.fixture
def client() -> FlaskClient:
    app = Flask(__name__)
    install_security_headers(app, Settings())
    install_response_bodies(app)
    app.add_url_rule("/long", view_func=lambda: Response(b"x" * LONG_BODY_BYTES), endpoint="long")
    app.add_url_rule("/short", view_func=lambda: Response(b"x" * 999), endpoint="short")
    parts = (b"x" * LONG_BODY_BYTES for _ in range(1))
    app.add_url_rule("/parts", view_func=lambda: Response(parts), endpoint="parts")
    return app.test_client()


def test_only_long_bodies_that_are_sent_whole_are_counted(client: FlaskClient) -> None:
    for _ in range(MAX_CLIENT_BYTES // LONG_BODY_BYTES):
        assert client.head("/long").status_code == 200
        assert client.get("/long").status_code == 200
    refused = client.get("/long")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) in range(1, 61)
    assert "gzip" in refused.text
    assert refused.headers["X-Content-Type-Options"] == "nosniff"
    assert refused.headers["Content-Length"] == str(len(refused.data))
    for path in ("/short", "/parts"):
        assert client.get(path).status_code == 200
    assert client.head("/long").status_code == 200
