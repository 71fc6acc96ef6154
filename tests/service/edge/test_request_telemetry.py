from __future__ import annotations

import logging
from dataclasses import replace
from unittest import mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis

from papers.config.settings import Settings
from papers.telemetry.metric_recorder import MetricRecorder, RecordedMetrics
from papers.telemetry.metric_table import CACHE_OUTCOMES, REQUEST_SECONDS
from service.edge.request_telemetry import install_request_telemetry, route_kind
from tests.service.conftest import SITE, Announce, serving
from tests.service.made import make_sighting
from tests.service.parsed_metrics import parse_metrics

FEED = "/feeds/reward-model.atom"


def outcomes(client: FlaskClient, redis: Redis) -> dict[str, float]:
    """Return how many requests each outcome answered, after a scrape."""
    client.get("/metrics")
    return {labels[0]: count for labels, count in RecordedMetrics(redis).counters(CACHE_OUTCOMES)}


def test_cache_outcomes_distinguish_rendering_from_hit(
    client: FlaskClient, redis: Redis, announce: Announce
) -> None:
    client.get(FEED)
    assert outcomes(client, redis) == {"render": 1}
    tag = client.get(FEED).headers["ETag"]
    assert client.get(FEED, headers={"If-None-Match": tag}).status_code == 304
    assert outcomes(client, redis) == {"render": 1, "hit": 2}
    announce([make_sighting(7)])
    client.get(FEED)
    assert outcomes(client, redis) == {"render": 2, "hit": 2}


def test_requests_are_counted_by_route_and_status(client: FlaskClient, redis: Redis) -> None:
    for path in (FEED, "/feeds/none.atom", "/feeds/none.atom", "/", "/nothing-here", "/healthz"):
        client.get(path)
    client.get("/metrics")
    counted = RecordedMetrics(redis).histograms(REQUEST_SECONDS)
    assert {labels: histogram.total for labels, histogram in counted.items()} == {
        ("feed", "2xx"): 1,
        ("feed", "4xx"): 2,
        ("page", "2xx"): 1,
        ("page", "4xx"): 1,
        ("monitoring", "2xx"): 1,  # a scrape is counted when it has ended: by the next one
    }


def test_request_that_ends_in_an_exception_is_counted_as_an_error() -> None:
    app, recorder = Flask("broken"), mock.Mock(spec=MetricRecorder)
    app.wsgi_app = mock.Mock(side_effect=OSError("broken"))  # type: ignore[method-assign]
    install_request_telemetry(app, lambda: recorder, log_requests=False)
    with pytest.raises(OSError, match="broken"):
        app.test_client().get(FEED)
    (_, _, route, status), _ = recorder.observe.call_args
    assert (route, status) == ("feed", "5xx")


def test_histograms_are_scraped_as_prometheus_reads_them(client: FlaskClient) -> None:
    client.get(FEED)
    found = parse_metrics(client.get("/metrics").text)
    assert found["request_seconds_count", "feed", "2xx"] == 1
    assert found["request_seconds_bucket", "+Inf", "feed", "2xx"] == 1
    assert 0 < found["request_seconds_sum", "feed", "2xx"] < 60
    assert found["cache_outcomes_total", "render"] == 1


@pytest.mark.parametrize(
    "path", ["", "/", "//", "/feedsx", "/\x00", "/x|y|le=1", "/" + "a" * 9000, "/métrique"]
)
def test_route_kinds_come_from_a_fixed_set(path: str) -> None:
    assert route_kind(path) == "page"


def test_request_is_logged_without_its_query_or_its_reader(
    site: Settings, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        serving(replace(site, log_requests=True)) as logging_app,
        caplog.at_level(logging.INFO, logger="paperwire.requests"),
    ):
        logging_app.test_client().get(
            "/feeds/search.atom",
            base_url=SITE,
            query_string={"q": "secret"},
            environ_base={"REMOTE_ADDR": "192.0.2.77"},
        )
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("request id=")
    assert " method=GET path=/feeds/search.atom status=200 seconds=" in line
    assert line.endswith(" cache=render client=192.0.2.0")
    assert "secret" not in line


def test_no_request_is_logged_by_default(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, logger="paperwire.requests"):
        client.get(FEED)
    assert caplog.records == []
