from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from papers.redis_backend import keys
from papers.telemetry import metric_recorder
from papers.telemetry.metric_recorder import FLUSH_INTERVAL, MetricRecorder, RecordedMetrics
from papers.telemetry.metric_table import METRICS, MetricSpec

WAITS = MetricSpec("waits", "Seconds of waiting.", ("who",), (1.0, 2.5, 10.0))
OUTCOMES = MetricSpec("outcomes", "What came of it.", ("what",))


@pytest.fixture(autouse=True)
def made_up_metrics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_recorder, "METRICS", (*METRICS, WAITS, OUTCOMES))


def clock_from(times: list[float]) -> Callable[[], float]:
    """Return a clock that shows the last of the times."""
    return lambda: times[-1]


def test_counts_of_two_processes_add_up(redis: Redis) -> None:
    first, second = MetricRecorder(redis), MetricRecorder(redis)
    first.count(OUTCOMES, "good")
    first.count(OUTCOMES, "bad", amount=2)
    second.count(OUTCOMES, "good")
    for recorder in (first, second, first):
        recorder.flush()
    assert list(RecordedMetrics(redis).counters(OUTCOMES)) == [(("bad",), 2.0), (("good",), 2.0)]


def test_value_on_a_bound_belongs_to_its_bucket(redis: Redis) -> None:
    recorder = MetricRecorder(redis)
    for value in (0.5, 1.0, 1.1, 2.5, 99.0):
        recorder.observe(WAITS, value, "a")
    recorder.observe(WAITS, 3.0, "b")
    recorder.flush()
    histograms = RecordedMetrics(redis).histograms(WAITS)
    assert histograms["a",].buckets == ((1.0, 2.0), (2.5, 4.0), (10.0, 4.0), (float("inf"), 5.0))
    assert histograms["a",].sum == pytest.approx(104.1)
    assert histograms["b",].total == 1.0


def test_counts_reach_the_store_only_when_it_is_time(redis: Redis) -> None:
    times = [100.0]
    recorder = MetricRecorder(redis, clock_from(times))
    recorder.count(OUTCOMES, "good")
    times.append(100.0 + FLUSH_INTERVAL - 0.1)
    recorder.flush_if_due()
    assert not redis.exists(keys.METRICS)
    times.append(100.0 + FLUSH_INTERVAL)
    recorder.flush_if_due()
    assert redis.exists(keys.METRICS)


def test_counts_wait_for_a_store_that_is_away(redis: Redis) -> None:
    recorder = MetricRecorder(Redis(unix_socket_path="/nobody"))
    recorder.count(OUTCOMES, "good")
    recorder.flush()
    recorder.count(OUTCOMES, "good")
    recorder._redis = redis
    recorder.flush()
    assert dict(RecordedMetrics(redis).counters(OUTCOMES)) == {("good",): 2.0}


def test_threads_lose_no_count(redis: Redis) -> None:
    recorder = MetricRecorder(redis)

    def work() -> None:
        for at in range(500):
            recorder.count(OUTCOMES, "good")
            recorder.observe(WAITS, 1.0, "a")
            if at % 100 == 0:
                recorder.flush()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    recorder.flush()
    recorded = RecordedMetrics(redis)
    assert dict(recorded.counters(OUTCOMES)) == {("good",): 2000.0}
    assert recorded.histograms(WAITS)["a",].total == 2000.0


def test_buckets_of_another_version_are_counted(redis: Redis) -> None:
    redis.hset(keys.METRICS, mapping={"waits|a|le=5": "3", "waits|a|le=1": "1", "waits|a|sum": "9"})
    buckets = RecordedMetrics(redis).histograms(WAITS)["a",].buckets
    assert buckets == ((1.0, 1.0), (2.5, 1.0), (5.0, 4.0), (10.0, 4.0), (float("inf"), 4.0))


@given(st.lists(st.floats(0, 20), min_size=1, max_size=60), st.floats(0.01, 1))
def test_quantile_lies_in_the_bucket_of_the_exact_one(values: list[float], part: float) -> None:
    counts = dict.fromkeys((*WAITS.buckets, float("inf")), 0.0)
    for value in values:
        counts[next(bound for bound in counts if value <= bound)] += 1
    histogram = metric_recorder._histogram(counts, sum(values))
    rank = max(1, -(-part * len(values) // 1))
    exact = sorted(values)[min(len(values), int(rank)) - 1]
    bounds = [0.0, *counts]
    bucket = next(at for at, bound in enumerate(bounds) if exact <= bound and at > 0)
    shown = histogram.quantile(part)
    upper = bounds[bucket] if bounds[bucket] != float("inf") else bounds[bucket - 1]
    assert bounds[bucket - 1] <= shown <= upper


def test_every_metric_has_a_unit_or_is_a_count() -> None:
    """As Prometheus wants names: histograms in base units, labels of its own."""
    for spec in METRICS:
        assert spec.name.startswith("paperwire_")
        assert spec.name.endswith("_seconds") is bool(spec.buckets)
        assert list(spec.buckets) == sorted(set(spec.buckets))
        assert not {"le", "quantile"} & set(spec.labels)
