"""The commands of docs/how-to/scale.md move a store from one machine to a cluster, and back."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.maintenance.migrations import prepare_store
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from papers.redis_backend import keys
from papers.redis_backend.months import stored_months
from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.run.embedded_store import StorePaths, open_embedded_store
from tests.papers.cluster_nodes import TestCluster
from tests.service.conftest import serving

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = (ROOT / "docs" / "how-to" / "scale.md").read_text("utf-8")
BLOCKS: Final = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)
FEED: Final = "/feeds/things.atom"


def fill(redis: Redis) -> None:
    prepare_store(redis)
    Keywords(redis).add("Things", "thing", now=NOW)
    papers = [
        Sighting(ArxivId(month, n), "arxiv", Channel.API, NOW, title=f"Thing {month}.{n}")
        for month in (202411, 202503, 202511, 202610)
        for n in range(1, 6)
    ]
    Store(redis).ingest(papers, now=NOW)


def served(settings: Settings) -> bytes:
    """Return the feed that a web server with these settings gives."""
    with serving(replace(settings, public_url="http://wire.example")) as app:
        response = app.test_client().get(FEED)
    assert response.status_code == 200
    return bytes(response.data)


def test_commands_of_the_page_are_the_expected_moves() -> None:
    """The first starts everything, which other tests do."""
    assert BLOCKS[0] == "./run\n"
    names = [[line.split("./run ")[1].split()[0] for line in b.splitlines()] for b in BLOCKS[1:]]
    assert names == [["backup", "restore"]] * 4


@pytest.mark.row("one machine, two, a cluster, and back")
def test_data_moves_by_the_commands_of_the_page(
    redis: Redis, store_url: str, store_cluster: TestCluster, tmp_path: Path
) -> None:
    store_cluster.flush()
    one = Settings(data_dir=str(tmp_path / "data"))
    several = replace(one, redis_url=store_url, data_dir=str(tmp_path / "other"))
    cluster = replace(several, store_url=store_cluster.url, data_dir=str(tmp_path / "third"))
    with open_embedded_store(StorePaths.in_data_dir(one.data_dir)) as url:
        with Redis.from_url(url) as embedded:
            fill(embedded)
        expected = served(replace(one, redis_url=url))
    to_several, to_one, to_cluster, from_cluster = BLOCKS[1:]
    run_block(to_several, one, store_cluster.url, store_url, tmp_path)
    assert served(several) == expected
    run_block(to_cluster, one, store_cluster.url, store_url, tmp_path)
    assert served(cluster) == expected
    month = stored_months(redis)[-1].yymm
    assert not redis.exists(keys.month_papers(month))
    run_block(from_cluster, one, store_cluster.url, store_url, tmp_path)
    assert served(several) == expected
    assert redis.exists(keys.month_papers(month))
    run_block(to_one, one, store_cluster.url, store_url, tmp_path)
    with open_embedded_store(StorePaths.in_data_dir(one.data_dir)) as url:
        assert served(replace(one, redis_url=url)) == expected
    store_cluster.flush()


def run_block(block: str, one: Settings, cluster_url: str, redis_url: str, folder: Path) -> None:
    """Run the commands of a block, with the addresses of this machine."""
    for line in block.splitlines():
        words = shlex.split(line)
        at = words.index("./run")
        environment = {**os.environ, "PAPERWIRE_DATA_DIR": one.data_dir, "PYTHONPATH": str(ROOT)}
        for word in words[:at]:
            name, _, url = word.partition("=")
            environment[name] = {
                "redis://10.0.0.1:6379/0": redis_url,
                "redis://10.0.0.11:6379,10.0.0.12:6379": cluster_url,
            }[url]
        ran = subprocess.run(
            [sys.executable, "-m", "paperwire", *words[at + 1 :]],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, f"{line}: {ran.stdout}{ran.stderr}"
