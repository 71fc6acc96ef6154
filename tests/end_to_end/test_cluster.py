"""Papers in a Redis Cluster: readers get the bytes that one server would give, to the last one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from flask.testing import FlaskClient
from redis import Redis
from redis.exceptions import NoPermissionError

from papers.config.settings import Settings
from papers.errors import BadSettings, StoreError
from papers.index.compaction.compactor import Compactor
from papers.maintenance import migrations
from papers.maintenance.backup import write_backup
from papers.maintenance.restore import restore_backup
from papers.maintenance.retention import Retention
from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Channel, Pick, Sighting
from papers.redis_backend import keys
from papers.redis_backend.cluster.client import connect_store
from papers.redis_backend.health import StoreStatus, check_health
from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.doctor.cluster import check_cluster
from paperwire.simulator.world.generate import PaperGenerator
from service import create_app
from service.context import AppContext, context
from tests.conftest import running_store
from tests.papers.cluster_nodes import TestCluster

ROOT: Final = Path(__file__).parents[2]
NOW: Final = datetime(2025, 3, 20, 12, tzinfo=UTC)
MONTHS: Final = (199503, 200712, 202311, 202401, 202402, 202412, 202502, 202503)
KEYWORDS: Final = {
    "Models": "model",
    "Two Words": "language model",
    "Phrase": '"language model"',
    "Either": "reward OR graph OR robot",
    "Not": "model -graph",
    "Prefix": "comp*",
    "Category": "cat:cs.CL",
    "Picked": "is:picked OR votes",
    "Rare": "nobodywrotethis",
}
PATHS: Final = (
    *(f"/feeds/{name}" for name in ("models", "two-words", "phrase", "either", "not", "prefix")),
    *(f"/feeds/{name}" for name in ("category", "rare")),
    *(f"/feeds/search{{}}?q={q}" for q in ("learning", "%22neural+network%22", "au:a*", "2024")),
    *(f"/feeds/models{{}}?when={when}" for when in ("picked", "revised")),
    "/feeds/models{}?before=2412.00003",
)


def generated_sightings() -> list[Sighting]:
    """Return announcements, revisions and picks of papers of many years."""
    generator, found = PaperGenerator(26), list[Sighting]()
    for month in MONTHS:
        announced = datetime(month // 100, month % 100, 2, tzinfo=UTC)
        for number in range(1, 41):
            text = generator.manuscript()
            first = Sighting(
                ArxivId(month, number),
                "arxiv",
                Channel.ANNOUNCEMENT,
                announced + timedelta(hours=number),
                version=1,
                title=text.title,
                abstract=text.abstract,
                authors=text.authors,
                categories=text.categories,
                comment=text.comment,
                announce_type=AnnounceType.NEW,
                announced_at=announced + timedelta(hours=number),
            )
            found.append(first)
            if number % 5 == 0:
                later = first.as_of + timedelta(days=3)
                found.append(
                    first._replace(
                        version=2,
                        abstract=f"{text.abstract} Now with proofs.",
                        as_of=later,
                        announced_at=later,
                        announce_type=AnnounceType.REPLACE,
                    )
                )
            if number % 7 == 0:
                at = first.as_of + timedelta(days=1)
                pick = Pick("hf", at, votes=number, counted_at=at)
                found.append(Sighting(first.id, "hf", Channel.HUGGINGFACE, at, pick=pick))
    return found


def fill(redis: Redis, sightings: list[Sighting]) -> None:
    """Store sightings in batches, and the keywords."""
    migrations.prepare_store(redis)
    for name, query in KEYWORDS.items():
        if name != "Picked":
            Keywords(redis).add(name, query, now=NOW)
    for at in range(0, len(sightings), 97):
        Store(redis).ingest(sightings[at : at + 97], now=NOW)


@contextmanager
def serving(settings: Settings) -> Iterator[FlaskClient]:
    """Yield a client of a new web server, without caches."""
    app = create_app(settings)
    yield app.test_client()
    with app.app_context():
        context().redis.close()


def served(settings: Settings) -> dict[str, bytes]:
    """Return what a web server answers, by path."""
    paths = [
        path.format(suffix) if "{}" in path else path + suffix
        for path in PATHS
        for suffix in (".atom", ".rss", ".json")
    ]
    paths += ["/k/models", "/search?q=language+model", "/api/v1/papers?q=model", "/p/2503.00007"]
    with serving(settings) as client:
        answers = {path: client.get(path) for path in paths}
    assert {answer.status_code for answer in answers.values()} <= {200, 404}
    assert sum(answer.status_code == 200 for answer in answers.values()) > 40
    return {path: answer.data for path, answer in answers.items()}


@pytest.fixture
def single(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Settings of a single server of its own."""
    monkeypatch.setattr(AppContext, "now", lambda _: NOW)
    with running_store() as url:
        yield Settings(redis_url=url, data_dir=str(tmp_path / "single"), questions_per_minute=0)


@pytest.fixture
def clustered(store_cluster: TestCluster, tmp_path: Path) -> Iterator[Settings]:
    """Settings of an empty cluster, and of a plain Redis of its own beside it."""
    store_cluster.flush()
    with running_store() as url:
        yield Settings(
            redis_url=url,
            store_url=store_cluster.url,
            data_dir=str(tmp_path / "clustered"),
            questions_per_minute=0,
        )


def open_store(settings: Settings) -> Redis:
    """Return a client of the store of settings."""
    return connect_store(settings.redis_url, settings.store_url, retry=True)


def test_every_answer_is_the_same_as_from_a_single_server(
    single: Settings, clustered: Settings, tmp_path: Path
) -> None:
    """After ingests, a compaction, a removal of months, and in a restored backup."""
    said, answers = generated_sightings(), list[list[dict[str, bytes]]]()
    for settings in (single, clustered):
        redis, steps = open_store(settings), list[dict[str, bytes]]()
        fill(redis, said)
        steps.append(served(settings))
        assert Compactor(redis).compact_before(202501)
        steps.append(served(settings))
        Store(redis).ingest([said[-1]._replace(version=9, as_of=NOW)], now=NOW)
        write_backup(redis, tmp_path / "backup", now=NOW)
        assert Retention(redis).remove_before(202311, now=NOW).papers == 80
        steps.append(served(settings))
        restore_backup(redis, tmp_path / "backup", replace=True, now=NOW)
        steps.append(served(settings))
        answers.append(steps)
        redis.close()
    for step, (one, many) in enumerate(zip(*answers, strict=True)):
        different = [path for path, body in one.items() if many[path] != body]
        assert different == [], f"after step {step}"


def test_a_store_moves_to_a_cluster_by_its_backup(
    single: Settings, clustered: Settings, tmp_path: Path
) -> None:
    redis = open_store(single)
    fill(redis, generated_sightings()[:200])
    expected = served(single)
    write_backup(redis, tmp_path / "backup", now=NOW)
    both = replace(single, store_url=clustered.store_url)
    moving = open_store(both)
    with pytest.raises(StoreError, match="papers are in redis_url"):
        migrations.prepare_store(moving)
    restore_backup(moving, tmp_path / "backup", replace=True, now=NOW)
    moved = served(both)
    for answers in (expected, moved):
        del answers["/k/models"]  # it shows that a fetch waits, and queues are in no backup
    assert moved == expected
    assert [*redis.scan_iter("{[0-9w]*")] == [], "none is left where it is no longer read"
    redis.close()
    moving.close()


def test_papers_are_not_looked_for_in_the_wrong_place(
    single: Settings, clustered: Settings, store_cluster: TestCluster
) -> None:
    redis = open_store(clustered)
    fill(redis, generated_sightings()[:20])
    without = replace(clustered, store_url="", data_dir=clustered.data_dir + "2")
    with serving(without) as client:
        answer = client.get("/feeds/models.atom")
    assert answer.status_code == 503
    with closing(open_store(without)) as other, pytest.raises(StoreError, match="any node"):
        migrations.prepare_store(other)
    with (
        running_tcp_server() as url,
        closing(connect_store(clustered.redis_url, url, retry=True)) as other,
        pytest.raises(BadSettings, match="no node of a cluster"),
    ):
        other.exists("{25}03:papers", "{words}:rev")
    store_cluster.flush()
    with closing(redis), pytest.raises(StoreError, match="or was emptied"):
        migrations.prepare_store(redis)


@contextmanager
def running_tcp_server() -> Iterator[str]:
    """Run a plain server that listens on TCP."""
    from paperwire.run.ports import find_free_port
    from tests.papers.server import private_server

    port = str(find_free_port("127.0.0.1", 0))
    with private_server(port=port, bind="127.0.0.1"):
        yield f"redis://127.0.0.1:{port}"


def test_status_metrics_and_doctor_show_every_node(
    clustered: Settings, store_cluster: TestCluster
) -> None:
    redis = open_store(clustered)
    fill(redis, generated_sightings()[:20])
    alone = check_health(redis.plain_client())  # type: ignore[attr-defined]
    health = check_health(redis)
    assert health.status is StoreStatus.OK
    assert health.used_memory > 3 * alone.used_memory
    urls = [load.url for load in health.nodes]
    assert urls == sorted(
        f"redis://127.0.0.1:{n.port}" for n in store_cluster.nodes if n.is_primary
    )
    with serving(clustered) as client:
        metrics = client.get("/metrics").text
    assert all(f'paperwire_store_node_memory_bytes{{node="{url}"}}' in metrics for url in urls)
    assert [*check_cluster(redis)] == []
    primary = next(node for node in store_cluster.nodes if node.is_primary)
    primary.client.config_set("maxmemory-policy", "allkeys-lru")
    (found,) = check_cluster(redis)
    primary.client.config_set("maxmemory-policy", "noeviction")
    assert (found.check, found.level) == ("eviction", "fault")
    assert found.cause.startswith(f"redis://127.0.0.1:{primary.port}: ")
    redis.close()


def test_permissions_of_the_example_suffice(
    clustered: Settings, store_cluster: TestCluster
) -> None:
    """The users of deploy/cluster.acl: a worker fills the store, a web server reads it."""
    lines = (ROOT / "deploy/cluster.acl").read_text("utf-8").splitlines()
    for node in store_cluster.nodes:
        for line in lines:
            words = line.replace("#PASSWORD_SHA256", ">secret").split()
            if words[1] != "default":  # the tests' own user
                node.client.execute_command("ACL", "SETUSER", *words[1:])  # type: ignore[no-untyped-call]
    try:
        for user in ("worker", "web"):
            named = clustered.store_url.replace("redis://", f"redis://{user}:secret@")
            settings = replace(clustered, store_url=named)
            if user == "worker":
                redis = open_store(settings)
                fill(redis, generated_sightings()[:40])
                Compactor(redis).compact_before(202501)
                Retention(redis).remove_before(200001, now=NOW)
                assert check_health(redis).used_memory
                redis.close()
            with serving(settings) as client:
                assert client.get("/feeds/models.atom").status_code == 200
                assert client.get("/metrics").status_code == 200
                assert context_writes_fail(client) is (user == "web")
    finally:
        for node in store_cluster.nodes:
            node.client.acl_deluser("worker", "web", "node", "health")


def context_writes_fail(client: FlaskClient) -> bool:
    """Return whether the user of a web server may not write to the cluster."""
    with client.application.app_context():
        try:
            context().redis.hset(keys.month_papers("2503"), "a", "b")
        except NoPermissionError:
            return True
    return False
