"""The files of `deploy/monitoring`: promtool judges rules and metrics, and every name is served."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from redis import Redis

from papers.config.settings import Settings
from papers.telemetry.metric_recorder import MetricRecorder
from papers.telemetry.metric_table import METRICS
from service import create_app

MONITORING = Path(__file__).parents[2] / "deploy" / "monitoring"
ALERTS = MONITORING / "alerts.yml"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")


def buckets(name: str, labels: str, bound: float, fast: int, slow: int) -> dict[str, str]:
    """Return a histogram that grows a minute: `fast` values within the bound, `slow` not."""
    label = f"{labels}, le" if labels else "le"
    return {
        f'paperwire_{name}_bucket{{{label}="{bound}"}}': f"0+{fast}x600",
        f'paperwire_{name}_bucket{{{label}="{bound * 2}"}}': f"0+{fast + slow}x600",
        f'paperwire_{name}_bucket{{{label}="+Inf"}}': f"0+{fast + slow}x600",
    }


UP = 'up{job="paperwire"}'
FAILING = 'paperwire_source_state{source="hf:today", state="failing"}'
ARXIV_FAULTS = 'paperwire_upstream_seconds_count{upstream="arxiv", outcome="5xx"}'
SERVER_ERRORS = 'paperwire_request_seconds_count{route="feed", status="5xx"}'
STALE = 'paperwire_cache_outcomes_total{outcome="stale"}'
FEED_SECONDS = ("request_seconds", 'route="feed", status="2xx"', 1.0)
HEALTHY: Mapping[str, str] = {
    UP: "1x600",
    "paperwire_store_up": "1x600",
    "paperwire_store_writable": "1x600",
    "paperwire_store_memory_bytes": "500x600",
    "paperwire_store_memory_limit_bytes": "1000x600",
    "paperwire_scheduler_up": "1x600",
    "paperwire_workers": "2x600",
    "paperwire_tasks_overdue": "0x600",
    "paperwire_clock_skew_seconds": "0.1x600",
    "paperwire_backup_age_seconds": "0+60x600",
    "paperwire_set_aside": "3x600",
    FAILING: "0x600",
    'paperwire_upstream_seconds_count{upstream="arxiv", outcome="2xx"}': "0+10x600",
    ARXIV_FAULTS: "0+1x600",
    'paperwire_request_seconds_count{route="feed", status="2xx"}': "0+600x600",
    SERVER_ERRORS: "0+1x600",
    STALE: "7x600",
    **buckets("queue_seconds", "", 60.0, fast=100, slow=1),
    **buckets("announcement_seconds", "", 600.0, fast=2, slow=1),
    **buckets(*FEED_SECONDS, fast=1000, slow=1),
}
"""Ten hours, a value a minute, in promtool's notation."""


class Case(NamedTuple):
    """What is changed in the healthy ten hours, when it is looked at, and all alerts that fire."""

    name: str
    changes: Mapping[str, str]
    at: str
    alerts: tuple[str, ...]


def stops(*series: str) -> dict[str, str]:
    """Return series that are 1 for an hour and then 0."""
    return dict.fromkeys(series, "1x59 0x540")


def pauses(*series: str) -> dict[str, str]:
    """Return series that are 0 for a minute after an hour."""
    return dict.fromkeys(series, "1x59 0 1x540")


CASES = [
    Case("all is well", {}, "9h", ()),
    Case("web server away", stops(UP), "63m", ("PaperwireDown",)),
    Case("store away", stops("paperwire_store_up"), "62m", ("PaperwireStoreDown",)),
    Case("disk full", stops("paperwire_store_writable"), "66m", ("PaperwireStoreReadOnly",)),
    Case(
        "memory short",
        {"paperwire_store_memory_bytes": "950x600"},
        "20m",
        ("PaperwireStoreNearlyFull",),
    ),
    Case("no limit of memory", {"paperwire_store_memory_limit_bytes": "0x600"}, "9h", ()),
    Case(
        "no scheduler, no worker",
        stops("paperwire_scheduler_up", "paperwire_workers"),
        "64m",
        ("PaperwireNoScheduler", "PaperwireNoWorkers"),
    ),
    Case(
        "bad for a minute",
        {
            **pauses(UP, "paperwire_scheduler_up", "paperwire_workers"),
            **pauses("paperwire_store_writable"),
            **dict.fromkeys((FAILING, "paperwire_tasks_overdue"), "0x59 1 0x540"),
            "paperwire_store_memory_bytes": "500x59 950 500x540",
            "paperwire_clock_skew_seconds": "0x59 90 0x540",
        },
        "60m",
        (),
    ),
    Case(
        "tasks not woken",
        {"paperwire_tasks_overdue": "0x59 4x540"},
        "76m",
        ("PaperwireTasksOverdue",),
    ),
    Case(
        "jobs wait",
        buckets("queue_seconds", "", 60.0, fast=80, slow=20),
        "2h",
        ("PaperwireQueueSlow",),
    ),
    Case("source fails", {FAILING: "0x59 1x540"}, "7h2m", ("PaperwireSourceFailing",)),
    Case("source fails and recovers", {FAILING: "0x59 1x300 0x240"}, "7h2m", ()),
    Case("arXiv refuses", {ARXIV_FAULTS: "0+11x600"}, "3h", ("PaperwireArxivRefuses",)),
    Case("arXiv refuses some", {ARXIV_FAULTS: "0+9x600"}, "3h", ()),
    Case(
        "news late",
        buckets("announcement_seconds", "", 600.0, fast=4, slow=6),
        "3h",
        ("PaperwireNewsLate",),
    ),
    Case("requests fail", {SERVER_ERRORS: "0+7x600"}, "1h", ("PaperwireServerErrors",)),
    Case("feeds slow", buckets(*FEED_SECONDS, fast=98, slow=2), "1h", ("PaperwireFeedsSlow",)),
    Case("old copies", {STALE: "7x59 8+5x540"}, "75m", ("PaperwireServesOldCopies",)),
    Case("old copies, once", {STALE: "7x59 9x540"}, "75m", ()),
    Case("clock slow", {"paperwire_clock_skew_seconds": "-31x600"}, "9m", ("PaperwireClockSkew",)),
    Case("clock fast", {"paperwire_clock_skew_seconds": "31x600"}, "9m", ("PaperwireClockSkew",)),
    Case(
        "backup old",
        {"paperwire_backup_age_seconds": "172000+60x600"},
        "20m",
        ("PaperwireBackupOld",),
    ),
    Case(
        "records set aside", {"paperwire_set_aside": "3+1x600"}, "8h", ("PaperwireQuarantineGrows",)
    ),
]


def promtool(*arguments: str | Path, stdin: str = "") -> None:
    """Run promtool; fail with what it says."""
    assert PROMTOOL
    ended = subprocess.run(
        [PROMTOOL, *map(str, arguments)], input=stdin, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr


@needs_promtool
def test_alerts_fire_when_they_should_and_only_then(tmp_path: Path) -> None:
    tests = [
        {
            "name": case.name,
            "interval": "1m",
            "input_series": [
                {"series": name, "values": values}
                for name, values in {**HEALTHY, **case.changes}.items()
            ],
            "promql_expr_test": [
                {
                    "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": case.at,
                    "exp_samples": [
                        {"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in case.alerts
                    ],
                }
            ],
        }
        for case in CASES
    ]
    written = {"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(written))
    promtool("test", "rules", tmp_path / "test.yml")


def test_every_alert_has_a_case_and_says_what_to_do() -> None:
    (group,) = yaml.safe_load(ALERTS.read_text("utf-8"))["groups"]
    assert {rule["alert"] for rule in group["rules"]} == {
        alert for case in CASES for alert in case.alerts
    }
    for rule in group["rules"]:
        assert set(rule["annotations"]) == {"summary", "remedy"}
        assert rule["labels"]["severity"] in {"page", "ticket"}


@needs_promtool
def test_example_configuration_is_valid(tmp_path: Path) -> None:
    for file in ("prometheus.yml", "alerts.yml"):
        shutil.copy(MONITORING / file, tmp_path)
    (tmp_path / "token").write_text("token")
    promtool("check", "config", "--lint=all", "--lint-fatal", tmp_path / "prometheus.yml")


@pytest.fixture
def scraped(redis: Redis, store_url: str, tmp_path: Path) -> str:
    """The text of `/metrics` after something of every kind was counted."""
    recorder = MetricRecorder(redis)
    for spec in METRICS:
        labels = ["x"] * len(spec.labels)
        if spec.buckets:
            recorder.observe(spec, 1.0, *labels)
        else:
            recorder.count(spec, *labels)
    recorder.flush()
    settings = Settings(redis_url=store_url, data_dir=str(tmp_path), backup_dir="backups")
    return create_app(settings).test_client().get("/metrics").text


@needs_promtool
def test_metrics_follow_the_conventions_of_prometheus(scraped: str) -> None:
    promtool("check", "metrics", stdin=scraped)


def names_in(text: str) -> set[str]:
    """Return the metrics that expressions use, without the suffixes of their series."""
    found = re.findall(r"paperwire_\w+", text)
    return {re.sub(r"_(bucket|count|sum|total)$", "", name) for name in found}


def expressions(value: Any) -> list[str]:
    """Return every `expr` in a document."""
    if isinstance(value, list):
        return [found for item in value for found in expressions(item)]
    if not isinstance(value, dict):
        return []
    own = [value["expr"]] if "expr" in value else []
    return own + [found for item in value.values() for found in expressions(item)]


@pytest.mark.parametrize("file", ["alerts.yml", "grafana-dashboard.json"])
def test_dashboard_and_rules_use_metrics_that_are_served(file: str, scraped: str) -> None:
    text = (MONITORING / file).read_text("utf-8")
    document = json.loads(text) if file.endswith("json") else yaml.safe_load(text)
    used = names_in(" ".join(expressions(document)))
    assert len(used) > 10
    conditional = {"paperwire_backup_age_seconds", "paperwire_source_state"}  # where there are any
    assert used - names_in(scraped) <= conditional


@needs_promtool
def test_panels_are_valid_queries_side_by_side(tmp_path: Path) -> None:
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text("utf-8"))
    cells: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        own = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not own & cells, panel["title"]
        assert max(x for x, _ in own) < 24
        cells |= own
    rules = [
        {"record": f"panel:{at}", "expr": text.replace("$__rate_interval", "5m")}
        for at, text in enumerate(expressions(dashboard))
    ]
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]})
    )
    promtool("check", "rules", tmp_path / "rules.yml")


def test_every_metric_is_documented(scraped: str) -> None:
    page = (MONITORING.parents[1] / "docs" / "reference" / "metrics.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `paperwire_")]
    documented = names_in(" ".join(rows))
    per_source = {name for name in names_in(scraped) if name.startswith("paperwire_source_")}
    conditional = {"paperwire_backup_age_seconds"}
    assert names_in(scraped) - per_source - documented == set()
    assert documented - names_in(scraped) <= conditional
