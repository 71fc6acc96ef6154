"""`paperwire demo`: settings, isolation from real stores, and a run of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from paperwire.run.demo_runner import clear_demo_folder, isolate_environment, to_toml
from tests.paperwire.processes import becomes_true

ROOT = Path(__file__).parents[3]


def test_settings_round_trip_through_toml() -> None:
    fields = {
        "contact": 'a "quoted" é\n',
        "arxiv_interval": 0.2,
        "huggingface": True,
        "allowed_networks": ("127.0.0.0/8",),
        "communities": {"a-b": "http://127.0.0.1:1/x?y=1"},
    }
    read = tomllib.loads(to_toml(fields))
    assert read == {**fields, "allowed_networks": ["127.0.0.0/8"]}


def test_demo_ignores_settings_of_a_real_store(tmp_path: Path) -> None:
    environ = {
        "REDIS_URL": "redis://real",
        "PAPERWIRE_REDIS_URL": "redis://real",
        "PAPERWIRE_DATA_DIR": "/real",
        "PAPERWIRE_PORT": "8123",
        "PATH": "/bin",
    }
    isolate_environment(environ, tmp_path / "paperwire.toml")
    assert environ == {
        "PAPERWIRE_PORT": "8123",
        "PATH": "/bin",
        "PAPERWIRE_CONFIG": str(tmp_path / "paperwire.toml"),
    }


def test_clearing_keeps_the_lock_file_and_link_targets(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    demo = tmp_path / "demo"
    for folder in (elsewhere, demo, demo / "store"):
        folder.mkdir()
        (folder / "file").touch()
    (demo / "up.lock").touch()
    (demo / "link").symlink_to(elsewhere)
    clear_demo_folder(demo)
    assert [entry.name for entry in demo.iterdir()] == ["up.lock"]
    assert (elsewhere / "file").exists()


COMMAND = (sys.executable, "-m", "paperwire")


def test_demo_serves_papers_and_each_day_adds_more(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, "demo", "--day", "6", "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as demo:
        try:
            assert demo.stdout is not None
            info = json.loads(demo.stdout.readline())
            assert info["data_dir"] == str(tmp_path / "demo-data")
            assert becomes_true(lambda: paper_count(tmp_path) > 0, within=60)
            initial = paper_count(tmp_path)
            assert becomes_true(lambda: paper_count(tmp_path) > initial, within=60)
        finally:
            demo.terminate()
            assert demo.wait(30) == 0


def paper_count(folder: Path) -> int:
    status = subprocess.run(
        [*COMMAND, "--config", "demo-data/paperwire.toml", "status", "--json"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
    )
    return int(json.loads(status.stdout)["papers"])
