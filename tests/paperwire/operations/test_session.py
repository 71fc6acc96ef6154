"""Commands beside a running instance: whose store they use, and which addresses they write."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from papers.store import Store
from paperwire.cli import main
from paperwire.run import instances
from paperwire.run.embedded_store import StorePaths, open_embedded_store
from paperwire.run.instance_lock import hold_instance_lock, write_address
from tests.paperwire.command_line import json_output
from tests.service.made import NOW, make_sighting

DEMO = "http://127.0.0.1:8123"


def run(*arguments: str) -> Result:
    """Run a command with the store of the settings, none of the test's own."""
    for name in ("REDIS_URL", "PAPERWIRE_REDIS_URL", "PAPERWIRE_PUBLIC_URL"):
        os.environ.pop(name, None)
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder; instances of other tests on this machine are not seen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(instances, "_folders_of_stores", lambda: iter(()))
    with mock.patch.dict(os.environ):
        yield tmp_path


@pytest.fixture
def demo(working_folder: Path) -> Iterator[Path]:
    """A demo that runs in the working folder, on another port than that of its settings."""
    folder = working_folder / "demo-data"
    with ExitStack() as stack:
        lock = stack.enter_context(hold_instance_lock(folder))
        url = stack.enter_context(open_embedded_store(StorePaths.in_data_dir(str(folder))))
        redis = Redis.from_url(url)
        Store(redis).ingest([make_sighting(1)], now=NOW)
        config = folder / "paperwire.toml"
        config.write_text('data_dir = "."\nport = 8000\n')
        write_address(lock, DEMO, config)
        yield folder
        redis.close()


def test_search_beside_a_running_demo_reads_its_store(demo: Path) -> None:
    found = run("search", "reward")
    assert found.exit_code == 0
    assert f"reading from {DEMO} (demo-data)" in found.stderr
    (row,) = found.stdout.splitlines()
    assert re.split(r"\s{2,}", row) == [
        *("2026-11-02", "https://arxiv.org/abs/2611.00001"),
        *("Ada Lovelace et al.", "Reward model number 1"),
    ]
    assert not Path("data").exists(), "no store of its own is made for it"


def test_exported_addresses_are_those_that_the_instance_serves_under(demo: Path) -> None:
    added = json_output(
        run("--config", "demo-data/paperwire.toml", "keyword", "add", "RL", "rl", "--json")
    )
    assert added["feed"] == f"{DEMO}/feeds/rl.atom"
    outlines = run("--config", "demo-data/paperwire.toml", "export", "opml", "-").stdout
    assert f'xmlUrl="{DEMO}/feeds/rl.atom"' in outlines
    assert ":8000" not in outlines
    Path("demo-data/paperwire.toml").write_text(
        'data_dir = "."\npublic_url = "https://wire.example/papers"\n'
    )
    public = run("--config", "demo-data/paperwire.toml", "export", "opml", "-").stdout
    assert 'xmlUrl="https://wire.example/papers/feeds/rl.atom"' in public


def test_empty_store_is_named_and_says_where_papers_are(demo: Path) -> None:
    added = run("keyword", "add", "RL", "rl")
    assert "this is the store of data, on which nothing runs" in added.stderr
    assert "its feed is /feeds/rl.atom, at the address that `paperwire up` prints" in added.stdout
    found = run("search", "reward")
    assert found.stdout.splitlines() == [
        "the store of data has no papers yet; `paperwire up` fetches them, or `paperwire fetch "
        "arxiv` once",
        f"for the papers of {DEMO}: `paperwire --config demo-data/paperwire.toml search …`",
    ]
    assert json_output(run("search", "reward", "--json"))["empty_store"]


def test_named_data_folder_is_the_one_that_is_used(demo: Path) -> None:
    with mock.patch.dict(os.environ, {"PAPERWIRE_DATA_DIR": str(demo.parent / "typo")}):
        found = run("search", "reward")
    assert "has no papers yet" in found.stdout
    assert found.stderr == ""


def test_data_folder_that_cannot_be_written_is_an_error_with_a_remedy(working_folder: Path) -> None:
    (working_folder / "file").touch()
    with mock.patch.dict(os.environ, {"PAPERWIRE_DATA_DIR": "file"}):
        failed = run("search", "reward")
    assert failed.exit_code == 2
    (line,) = failed.stderr.splitlines()
    assert line.endswith("Not a directory; set data_dir to a folder that you may write to")
