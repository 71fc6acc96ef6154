"""`paperwire doctor` on real misconfigurations: each is reported with its cause and remedy."""

from __future__ import annotations

import http.server
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from unittest import mock

import pytest
from click.testing import CliRunner
from flask import Flask
from redis import Redis
from rq import Worker
from werkzeug.serving import make_server

from papers.config.settings import Settings
from papers.config.sources import SOURCES, SourceSpec
from papers.maintenance.migrations import SCHEMA_VERSION
from papers.records.paper_size import ABSURD_SIZE
from papers.redis_backend import keys
from papers.state.communities import Communities
from papers.state.task_states import QuarantinedRecord, TaskState, TaskStates, TaskStatus
from paperwire.cli import main
from service import create_app
from tests import small_disk
from tests.papers.server import private_cluster, private_server
from tests.paperwire.misconfigurations import (
    THEN,
    Installation,
    Seed,
    SkewedUpstream,
    running_server,
    with_config_file,
    with_failing_source,
    with_file_as_parent_folder,
    with_free_disk,
    with_full_device,
    with_full_file_system,
    with_keys,
    with_little_memory,
    with_old_store,
    with_other_store,
    with_settings,
    with_skewed_upstream_clocks,
    with_used_port,
    with_wrong_password,
    without_keys,
)
from workers import jobs

pytestmark = pytest.mark.row("doctor names misconfigurations")


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with running_server(SkewedUpstream, http.server.ThreadingHTTPServer) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def durable_store() -> Iterator[Redis]:
    with private_server(appendonly="yes") as (redis, _):
        yield redis


@pytest.fixture
def installation(
    durable_store: Redis, upstream: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    monkeypatch.chdir(tmp_path)
    durable_store.flushall()
    durable_store.set(keys.SCHEDULER_LEASE, "token")
    Worker([jobs.job_queue(durable_store)], connection=durable_store).register_birth()  # type: ignore[no-untyped-call]
    clean = {name: value for name, value in os.environ.items() if "REDIS_URL" not in name}
    with mock.patch.dict(os.environ, clean, clear=True):
        yield Installation(tmp_path, durable_store, upstream)


def test_correct_installation_has_no_findings(installation: Installation) -> None:
    assert installation.run_doctor() == (0, [])
    assert CliRunner().invoke(main, ["doctor"]).stdout == "no problems found\n"


# name of the problem, how to seed it, check, level, pattern of the cause, text of the remedy
PROBLEMS: list[tuple[str, Seed, str, str, str, str]] = [
    (
        "no TOML",
        lambda _: with_config_file("port = "),
        "settings",
        "fault",
        "is not valid TOML",
        "correct it",
    ),
    (
        *("setting unknown", lambda _: with_config_file("prot = 1"), "settings", "fault"),
        *("prot in .*there is no such setting", "paperwire init"),
    ),
    (
        "contact",
        lambda _: with_settings(contact=""),
        "contact",
        "warning",
        "no contact",
        "set contact",
    ),
    (
        *("category", lambda _: with_settings(categories=["cs.IA"]), "categories", "warning"),
        *("'cs.IA' is not a known", "category_taxonomy"),
    ),
    (
        *("keyword", lambda _: with_settings(keywords="UNUSED"), "settings", "fault"),
        *("keywords in .*must be a table", "correct it"),
    ),
    (
        *("public URL", lambda _: with_settings(host="0.0.0.0"), "public-url", "warning"),
        *("links in feeds lead to http://localhost", "set public_url"),
    ),
    (
        "port",
        lambda _: with_used_port(),
        "port",
        "fault",
        "another program listens",
        "another port",
    ),
    (
        *("folder", lambda _: with_file_as_parent_folder(), "permissions", "fault"),
        *("cannot write to .*file/data", "data_dir"),
    ),
    (
        "disk",
        lambda _: with_free_disk(10_000_000),
        "disk",
        "fault",
        "10 MB are free",
        "free some space",
    ),
    (
        "little",
        lambda _: with_free_disk(800_000_000),
        "disk",
        "warning",
        "800 MB are",
        "free some space",
    ),
    (
        "disk full",
        lambda _: with_full_device(),
        "disk",
        "fault",
        "No space left",
        "free some space",
    ),
    *(
        ("disk really full", lambda _: with_full_file_system(), *row)
        for row in [("disk", "fault", "No space left", "free some space")]
        if small_disk.CAN_MOUNT
    ),
    (
        *("store", lambda _: with_settings(redis_url="unix:///nowhere/s"), "store", "fault"),
        *("unix:///nowhere/s does not answer", "redis_url"),
    ),
    (
        "no URL",
        lambda _: with_settings(redis_url="http://a"),
        "store",
        "fault",
        "redis_url",
        "redis_url",
    ),
    ("password", with_wrong_password, "store", "fault", "invalid username-password", "password"),
    (
        "old store",
        lambda _: with_old_store(),
        "store-version",
        "fault",
        "6.2.14, but 7.2 is",
        "update it",
    ),
    ("clock", lambda _: with_old_store(), "clock", "fault", "clock and the store's", "NTP"),
    (
        *("no append-only file", lambda _: with_other_store(appendonly="no"), "append-only-file"),
        *("fault", "has no append-only file", "CONFIG SET appendonly yes"),
    ),
    (
        *(
            "eviction",
            lambda _: with_other_store(maxmemory_policy="allkeys-lru"),
            "eviction",
            "fault",
        ),
        *("allkeys-lru", "noeviction"),
    ),
    ("memory", with_little_memory, "store-memory", "warning", "used 9", "maxmemory"),
    (
        *("newer", lambda p: with_keys(p, schema=str(SCHEMA_VERSION + 1)), "schema", "fault"),
        *(
            f"schema {SCHEMA_VERSION + 1}, this Paperwire knows {SCHEMA_VERSION}",
            "update Paperwire",
        ),
    ),
    ("older", lambda p: with_keys(p, schema="0"), "schema", "fault", "schema 0", "start this"),
    (
        *("cut short", lambda p: with_keys(p, schema="restoring"), "schema", "fault"),
        *("cut short", "restore --replace FILE"),
    ),
    (
        "scheduler",
        lambda p: without_keys(p, keys.SCHEDULER_LEASE),
        "scheduler",
        "fault",
        "no sch",
        "up",
    ),
    (
        "worker",
        lambda p: without_keys(p, "rq:*"),
        "worker",
        "fault",
        "no worker has sent",
        "worker",
    ),
    (
        "source",
        with_failing_source,
        "source hf:today",
        "warning",
        "9 times .* 500",
        "fetch hf:today",
    ),
    (
        *(
            "upstream",
            lambda _: with_settings(arxiv_api_url="http://127.0.0.1:1"),
            "upstream",
            "fault",
        ),
        *(r"arXiv \(arxiv_api_url\) cannot be reached: .*refused", "network"),
    ),
    (
        *(
            "name",
            lambda _: with_settings(huggingface_url="http://no-such.invalid"),
            "upstream",
            "fault",
        ),
        *(r"Papers \(huggingface_url\) cannot be reached: .*does not resolve", "DNS"),
    ),
    (
        *("private", lambda _: with_settings(arxiv_oai_url="http://10.0.0.1"), "upstream", "fault"),
        *("10.0.0.1 is not a public address", "allowed_networks"),
    ),
    ("clocks", lambda _: with_skewed_upstream_clocks(9_000), "clock", "fault", "s apart", "NTP"),
]


@pytest.mark.parametrize("row", PROBLEMS, ids=[row[0] for row in PROBLEMS])
def test_problem_is_reported_with_cause_and_remedy(installation: Installation, row: Any) -> None:
    _, seed, check, level, cause, remedy = row
    with seed(installation) as settings:
        installation.settings |= settings or {}
        code, findings = installation.run_doctor()
    matching = [finding for finding in findings if finding["check"] == check]
    assert matching, findings
    assert any(re.search(cause, finding["cause"]) for finding in matching), matching
    assert all(remedy in finding["mend"] for finding in matching), matching
    assert {finding["level"] for finding in matching} == {level}
    assert code == (1 if any(finding["level"] == "fault" for finding in findings) else 0)
    others = {finding["check"] for finding in findings} - {check}
    assert others <= EXPECTED_OTHERS.get(row[0], set()), findings


EXPECTED_OTHERS: Final = {
    "old store": {"clock", "worker"},
    "clock": {"store-version", "worker"},
}
"""One cause gives one finding; these seeds have more than one."""


def test_invalid_keyword_is_reported(installation: Installation) -> None:
    installation.run_doctor()
    text = installation.path.read_text() + "\n[keywords]\nBroken = 'a AND (b'\n"
    installation.path.write_text(text)
    code, (found,) = installation.run_doctor("--offline")
    assert (code, found["check"], found["level"]) == (1, "keywords", "fault")
    assert "'Broken'" in found["cause"]


def test_secrets_readable_by_others_are_reported(installation: Installation) -> None:
    installation.run_doctor()
    installation.path.chmod(0o644)
    code, (found,) = installation.run_doctor("--offline")
    assert (code, found["check"], found["level"]) == (0, "secrets", "warning")
    assert "redis_url" in found["cause"]
    assert "chmod 600" in found["mend"]
    assert "unix://" not in found["cause"]


def test_digest_of_a_token_is_no_secret(installation: Installation) -> None:
    installation.run_doctor()
    digest = f'token = "sha256:{"0123456789abcdef" * 4}"\n'
    installation.path.write_text(digest + installation.path.read_text())
    installation.path.chmod(0o644)
    _, findings = installation.run_doctor("--offline")
    assert [found for found in findings if "token" in found["cause"]] == []


def test_offline_skips_upstreams(installation: Installation) -> None:
    installation.settings["arxiv_api_url"] = "http://127.0.0.1:1"
    assert installation.run_doctor("--offline") == (0, [])


def test_text_output_has_cause_and_remedy(installation: Installation) -> None:
    installation.settings["contact"] = ""
    installation.run_doctor()
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 0
    assert result.stdout.startswith("warning  contact: no contact is set")
    assert "\n         fix: set contact" in result.stdout


@contextmanager
def serving(app: Flask) -> Iterator[int]:
    """Serve an application; yield its port."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()


def test_web_server_that_was_started_apart_is_no_other_program(installation: Installation) -> None:
    settings = Settings(redis_url=installation.settings["redis_url"])
    with serving(create_app(settings)) as port:
        installation.settings["port"] = port
        _, findings = installation.run_doctor("--offline")
        with mock.patch.dict(os.environ, {"PAPERWIRE_CONFIG": str(installation.path)}):
            status = CliRunner().invoke(main, ["status"]).stdout
    assert [found for found in findings if found["check"] == "port"] == []
    assert status.startswith(f"address      http://127.0.0.1:{port}\n")


def test_other_web_server_on_the_port_is_reported(installation: Installation) -> None:
    other = Flask("other")
    other.add_url_rule("/healthz", view_func=lambda: {"status": "ok"})
    with serving(other) as port:
        installation.settings["port"] = port
        _, findings = installation.run_doctor("--offline")
        with mock.patch.dict(os.environ, {"PAPERWIRE_CONFIG": str(installation.path)}):
            status = CliRunner().invoke(main, ["status"]).stdout
    (found,) = [found for found in findings if found["check"] == "port"]
    assert "another program listens there" in found["cause"]
    assert status.startswith("address      none: no web server of these settings runs")


def test_new_row_of_the_source_table_is_probed(installation: Installation) -> None:
    row = SourceSpec("Invented", "https://x.example/", ("hf",), ("hf",), ("public_url",))
    installation.settings["public_url"] = "http://127.0.0.1:1"
    with mock.patch.dict(SOURCES, {"invented": row}):
        code, (found,) = installation.run_doctor()
    assert (code, found["check"]) == (1, "upstream")
    assert found["cause"].startswith("Invented (public_url) cannot be reached: ")


def test_disabled_source_is_not_probed(installation: Installation) -> None:
    installation.settings |= {"huggingface_url": "http://127.0.0.1:1", "huggingface": False}
    assert installation.run_doctor() == (0, [])


def test_only_probes_of_arxiv_hosts_use_the_rate_limiter(installation: Installation) -> None:
    """A community feed at such a host too."""
    upstream = installation.settings["arxiv_api_url"]
    with running_server(SkewedUpstream, http.server.ThreadingHTTPServer) as port:
        other = f"http://127.0.0.1:{port}"
        installation.settings["huggingface_url"] = other
        communities = Communities(installation.redis, Settings())
        communities.add("near", f"{upstream}/club", now=datetime.now(UTC))
        communities.add("far", f"{other}/club", now=datetime.now(UTC))
        with mock.patch("paperwire.doctor.upstreams.ArxivRateLimiter") as limiter:
            assert installation.run_doctor() == (0, [])
    assert limiter.return_value.acquire.call_count == len(SOURCES["arxiv"].url_settings) + 1


def test_one_cause_is_one_finding(installation: Installation) -> None:
    """Neither process runs; tasks that fail for the same reason; clocks that are all off."""
    installation.redis.flushall()
    for name in ("announcements:cs.AI", "announcements:cs.CL", "oai:daily"):
        said = f"export.arxiv.org/{name[-2:]}: out of time"
        TaskStates(installation.redis).save(
            TaskState(name, TaskStatus.FAILING, THEN, THEN, said=said, failures=5)
        )
    _, findings = installation.run_doctor("--offline")
    assert [finding["check"] for finding in findings] == [
        *("processes", "source announcements:cs.AI")
    ]
    assert "(and so did announcements:cs.CL, oai:daily)" in findings[1]["cause"]


def test_tasks_that_are_due_and_not_woken_are_reported(installation: Installation) -> None:
    """By the store's time: a plan for later is none, whatever the clock here says."""
    now = datetime.now(UTC)
    states = TaskStates(installation.redis)
    states.schedule("hf:today", now - timedelta(minutes=10))
    states.schedule("hf:recent", now + timedelta(minutes=10))
    _, (found,) = installation.run_doctor("--offline")
    assert (found["check"], found["level"]) == ("overdue", "warning")
    assert re.search(r"1 tasks are due and not woken since .*: hf:today$", found["cause"])


def test_papers_of_absurd_size_are_counted(installation: Installation) -> None:
    states = TaskStates(installation.redis)
    for number, reason in enumerate([f"{ABSURD_SIZE}: 9 characters", "no id", ABSURD_SIZE]):
        states.quarantine(QuarantinedRecord("community:club", THEN, reason, f"{number}"))
    _, (found,) = installation.run_doctor("--offline")
    assert (found["check"], found["level"]) == ("paper-size", "warning")
    assert "2 papers of absurd size were set aside, from community:club" in found["cause"]


def test_wrong_database_number_is_reported(installation: Installation) -> None:
    """It exists and is empty: nothing else would say so."""
    installation.settings["redis_url"] += "?db=3"
    _, findings = installation.run_doctor("--offline")
    assert [finding["check"] for finding in findings] == ["database", "processes"]
    assert "database 3 of the store is empty, and 0 has" in findings[0]["cause"]


def test_node_of_a_cluster_is_one_finding(installation: Installation) -> None:
    with private_cluster() as redis:
        path = redis.connection_pool.connection_kwargs["path"]
        installation.settings["redis_url"] = f"unix://{path}"
        redis.set("a", "1")
        code, (found, *others) = installation.run_doctor("--offline")
    assert (code, found["check"]) == (1, "cluster")
    assert "no part of a cluster" in found["mend"]
    assert {other["check"] for other in others} <= {"append-only-file"}
