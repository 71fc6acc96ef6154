"""Backup and restore: feeds are the same afterwards, byte for byte."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import StoreTooNew
from papers.maintenance.migrations import SCHEMA_VERSION
from papers.redis_backend import keys
from papers.state.keywords import Keywords
from papers.store import Store
from service import create_app
from tests.paperwire.command_line import RunCommand
from tests.service.made import NOW, make_pick, make_revision, make_sighting
from workers.jobs import TaskRunner

pytestmark = pytest.mark.row("backup and restore, damaged files")

PATHS = [
    *(f"/feeds/{name}.{suffix}" for name in ("reward-model", "old") for suffix in ("atom", "rss")),
    *(
        "/feeds/reward-model.json",
        "/feeds/search.atom?q=number",
        "/feeds/search.json?q=au%3Alovelace",
    ),
    *("/feeds/reward-model.atom?when=picked", "/feeds/search.rss?min_votes=1&q=reward"),
    *("/api/v1/papers?q=reward&n=7", "/api/v1/papers/2611.00003", "/api/v1/keywords", "/"),
]


def ingest_papers(redis: Redis) -> None:
    Store(redis).ingest([make_sighting(number) for number in range(1, 30)], now=NOW)
    Store(redis).ingest([make_revision(4, 2, title="Reward model four, again")], now=NOW)
    Store(redis).ingest(
        [make_sighting(5, withdrawn=True, version=2), make_pick(3), make_pick(9)], now=NOW
    )
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    Keywords(redis).add("Old", "number -model*", now=NOW - timedelta(days=9))


def served_bodies(store_url: str, folder: Path) -> dict[str, bytes]:
    settings = Settings(redis_url=store_url, data_dir=str(folder), questions_per_minute=0)
    client = create_app(settings).test_client()
    answers = {path: client.get(path, follow_redirects=True) for path in PATHS}
    for path, answer in answers.items():
        assert answer.status_code == 200, path
    return {path: answer.data for path, answer in answers.items()}


def test_restored_store_serves_the_same_bytes(
    command: RunCommand, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    ingest_papers(redis)
    before = served_bodies(store_url, tmp_path / "one")
    report = command("backup", "b", "--json")
    assert json.loads(report.stdout) == {
        **{"file": "b", "bytes": Path("b").stat().st_size},
        **{"papers": 29, "months": 1, "keys": 5},
    }
    redis.flushall()
    assert "restored b: 29 papers of 1 month," in command("restore", "b").stdout
    assert served_bodies(store_url, tmp_path / "two") == before


def test_error_is_one_line_and_an_exit_code(command: RunCommand, redis: Redis) -> None:
    ingest_papers(redis)
    assert command("backup", "b").exit_code == 0
    Path("cut").write_bytes(Path("b").read_bytes()[:-7])
    for arguments, code, message in (
        (("restore", "b"), 2, "the store is not empty; `--replace`"),
        (("restore", "cut", "--replace"), 2, "cut is damaged or truncated"),
        (("restore", "none"), 2, "none: No such file"),
        (("backup", "none/b"), 2, "No such file"),
    ):
        refused = command(*arguments)
        assert (refused.exit_code, refused.stdout) == (code, "")
        assert message in refused.stderr
    assert command("restore", "b", "--replace").exit_code == 0


def test_data_of_a_later_schema_is_refused(
    command: RunCommand, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    ingest_papers(redis)
    before = served_bodies(store_url, tmp_path)
    redis.set(keys.SCHEMA, SCHEMA_VERSION + 1)
    for arguments in (("status",), ("search", "reward"), ("backup", "b"), ("fetch", "enrich")):
        refused = command(*arguments)
        assert refused.exit_code == 1
        assert (
            f"schema {SCHEMA_VERSION + 1}, this Paperwire knows {SCHEMA_VERSION}: update"
            in refused.stderr
        )
    with pytest.raises(StoreTooNew, match=f"schema {SCHEMA_VERSION + 1}"):
        TaskRunner(redis, Settings(), lambda: NOW).run("enrich", None)
    settings = Settings(redis_url=store_url, data_dir=str(tmp_path))
    client = create_app(settings).test_client()
    assert client.get("/feeds/search.atom?q=never").status_code == 503
    cached = client.get("/feeds/reward-model.atom")
    assert (cached.status_code, cached.data) == (200, before["/feeds/reward-model.atom"])
