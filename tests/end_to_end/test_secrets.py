"""No secret is in a log, a response, a page or a process list."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final
from unittest import mock

import pytest
from click.testing import CliRunner

from papers.state.access.token_texts import token_digest
from paperwire.cli import main
from paperwire.run.demo_runner import to_toml
from tests.papers.server import private_server
from tests.paperwire.processes import becomes_true, command_line_of, descendants

ROOT: Final = Path(__file__).parents[2]
STORE, TOKEN, FEED, QUERY = "store-s3cret", "token-s3cret-of-writing", "feed-s3cret", "key-s3cret"
SECRETS: Final = (STORE, TOKEN, FEED, QUERY)
COMMANDS: Final = (
    *(["config"], ["config", "--json"], ["status", "--json"], ["doctor", "--json"]),
    *(["source", "list"], ["source", "list", "--json"]),
    *(["fetch", "club"], ["quarantine"], ["--help"], ["backup", "b"], ["search", "a AND (b"]),
)
PATHS: Final = (
    *("/", "/status", "/healthz", "/metrics", "/api/v1/sources", "/api/v1/openapi.json"),
    *("/manage", "/manage/feeds", "/manage/feeds?trial=x", "/opml", "/digest"),
    *("/nowhere", "/feeds/search.atom?q=(", "/feeds/reward-model.atom", "/api/v1/papers?q=x"),
)


def environment() -> dict[str, str]:
    clean = {n: v for n, v in os.environ.items() if not n.startswith(("PAPERWIRE_", "REDIS_URL"))}
    return clean | {"PYTHONPATH": str(ROOT)}


def get(url: str) -> str:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return f"{answer.headers}\n{answer.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.headers}\n{error.read().decode()}"


@pytest.mark.row("secrets in logs, answers and process lists")
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc: needs Linux")
def test_no_secret_appears_in_any_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with private_server(appendonly="yes") as (redis, _):
        socket = redis.connection_pool.connection_kwargs["path"]
        config = tmp_path / "paperwire.toml"
        config.write_text(_settings(socket, tmp_path))
        redis.config_set("requirepass", STORE)
        redis.execute_command("AUTH", STORE)  # type: ignore[no-untyped-call]
        outputs = _run(config)
        redis.config_set("requirepass", "")
    for secret in SECRETS:
        assert [name for name, text in outputs.items() if secret in text] == [], secret
    assert "community:club" in outputs["log"]


def _settings(socket: str, folder: Path) -> str:
    nowhere = "http://127.0.0.1:9"
    return to_toml(
        {
            "redis_url": f"unix://:{STORE}@{socket}",
            "token": token_digest(TOKEN),
            "data_dir": str(folder),
            "port": 0,
            "categories": ["cs.CL"],
            "communities": {"club": f"http://me:{FEED}@127.0.0.1:9/feed?key={QUERY}"},
            "allowed_networks": ["127.0.0.0/8"],
            "web_processes": 1,
            "log_level": "debug",
            "arxiv_oai_url": "",
            **{f"{name}_url": nowhere for name in ("arxiv_feed", "arxiv_api", "huggingface")},
        }
    )


def _run(config: Path) -> dict[str, str]:
    """Return everything that a running system prints and serves, and its process list, by name."""
    outputs: dict[str, str] = {}
    base = [sys.executable, "-m", "paperwire", "--config", str(config)]
    log = config.with_name("log")
    with log.open("w") as out:
        up = subprocess.Popen(
            [*base, "up"], stdout=out, stderr=subprocess.STDOUT, env=environment(), cwd=ROOT
        )
    try:
        assert becomes_true(lambda: "Paperwire is at" in log.read_text(), 30), log.read_text()
        address = log.read_text().partition("Paperwire is at ")[2].split()[0]
        with mock.patch.dict(os.environ, environment(), clear=True):
            for words in COMMANDS:
                ran = CliRunner().invoke(main, ["--config", str(config), *words])
                outputs[f"paperwire {' '.join(words)}"] = ran.output + repr(ran.exception)
        outputs |= {path: get(address + path) for path in PATHS}
        outputs |= {f"process {pid}": command_line_of(pid) for pid in descendants(up.pid)}
    finally:
        up.terminate()
        up.wait(30)
    return outputs | {"log": log.read_text()}
