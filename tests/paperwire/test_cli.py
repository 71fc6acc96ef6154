from __future__ import annotations

import dataclasses
import json
import os
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from papers.config.settings import Settings, load_settings
from paperwire.cli import main
from paperwire.operations.queries import tasks_of_source
from paperwire.run.demo_runner import to_toml
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript

Command = Callable[..., Result]


@pytest.fixture
def command(
    store_url: str, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """Run a command on the emptied store of the tests, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    with mock.patch.dict(os.environ, {"REDIS_URL": store_url}):
        yield lambda *words: CliRunner().invoke(main, words)


def document(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_keywords_are_added_changed_listed_and_removed(command: Command) -> None:
    added = document(command("keyword", "add", "Réward Model", '"reward model"', "--json"))
    assert (added["slug"], added["query"]) == ("reward-model", '"reward model"')
    assert command("keyword", "add", "Réward Model", "reward").exit_code == 0
    (listed,) = document(command("keyword", "list", "--json"))
    assert listed["query"] == "reward"
    assert (
        document(command("keyword", "remove", "reward-model", "--json"))["name"] == "Réward Model"
    )
    assert document(command("keyword", "list", "--json")) == []
    assert command("keyword", "list").stdout == "no keyword is saved\n"


def test_empty_system_says_so(command: Command) -> None:
    status = document(command("status", "--json"))
    assert status["papers"] == 0
    assert status["address"] is None
    assert status["sources"] == []
    assert "no source was asked yet" in command("status").stdout
    assert document(command("search", "reasoning", "--json"))["papers"] == []
    assert command("search", "reasoning").stdout == "no paper matches\n"


def test_fetched_papers_are_found_and_shown(command: Command, upstream: Upstream) -> None:
    id = upstream.announce(Manuscript(title="A Small Reward Model"))
    upstream.pick(id, "weekly")
    Path("paperwire.toml").write_text(to_toml(upstream.settings(arxiv_interval=0.0)))
    (report,) = document(command("fetch", "weekly", "--json"))
    assert (report["state"], report["new"]) == ("ok", 1)
    assert command("fetch", "enrich").exit_code == 0
    (found,) = document(command("search", "reward model", "--json"))["papers"]
    (shown,) = document(command("papers", f"https://arxiv.org/abs/{id}v1", "--json"))
    assert found == shown
    assert shown["picks"][0]["community"] == "weekly"
    assert "A Small Reward Model" in command("search", "reward", "--picked").stdout
    assert "picked by weekly" in command("papers", str(id)).stdout
    assert "community:weekly        ok " in command("status").stdout


def test_source_that_fails_is_exit_code_one(command: Command, upstream: Upstream) -> None:
    upstream.fail(503)
    Path("paperwire.toml").write_text(to_toml(upstream.settings(arxiv_interval=0.0)))
    failed = command("fetch", "weekly")
    assert failed.exit_code == 1
    assert failed.stdout.startswith("community:weekly: failing")


REFUSALS = [
    (("search", "a AND (b"), 2, "character"),
    (("papers", "2503.1"), 2, "no arXiv id"),
    (("papers", "2503.14895"), 1, "is not here"),
    (("keyword", "remove", "nothing"), 1, "no keyword 'nothing'"),
    (("keyword", "add", "!!!", "a"), 2, "no letter or digit"),
    (("fetch", "nobody"), 2, "'nobody' is none of arxiv, hf"),
    (("--config", "missing.toml", "config"), 2, "paperwire init"),
    (("frobnicate",), 2, "No such command"),
]


@pytest.mark.parametrize(("words", "code", "said"), REFUSALS)
def test_refusals_are_a_line_and_an_exit_code(
    command: Command, words: tuple[str, ...], code: int, said: str
) -> None:
    result = command(*words)
    assert result.exit_code == code
    assert result.stdout == ""
    assert said in result.stderr.splitlines()[-1]


def test_store_that_is_away_is_exit_code_one(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("papers.redis_backend.connection._MAX_RETRIES", 0)
    with mock.patch.dict(os.environ, {"REDIS_URL": "unix:///nowhere/s"}):
        result = command("status")
    assert result.exit_code == 1
    assert result.stderr.startswith("paperwire: the store at unix:///nowhere/s does not answer")


def test_commands_bring_a_store_along_where_there_is_none(command: Command) -> None:
    del os.environ["REDIS_URL"]
    assert command("keyword", "add", "Kept", "kept").exit_code == 0
    os.environ.pop("PAPERWIRE_REDIS_URL")
    assert "Kept (kept): kept" in command("keyword", "list").stdout
    assert Path("data/store/appendonlydir").is_dir()


def test_init_writes_the_defaults_and_overwrites_nothing(command: Command) -> None:
    assert "wrote paperwire.toml" in command("init").stdout
    assert load_settings(Path("paperwire.toml"), {}).keywords == Settings().keywords
    Path("paperwire.toml").write_text("port = 9000\n")
    again = command("init")
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    assert document(command("config", "--json"))["port"] == 9000


def test_config_hides_secrets(command: Command) -> None:
    os.environ["REDIS_URL"] = "redis://:hidden@localhost"
    shown = command("config").stdout
    assert "hidden" not in shown
    assert 'redis_url = "***"' in shown


def test_template_holds_every_setting_with_its_default_and_its_meaning() -> None:
    text = (Path(__file__).parents[2] / "paperwire" / "paperwire.toml").read_text("utf-8")
    uncommented = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
        for line in text.splitlines()
    )
    values = tomllib.loads(uncommented)
    for field in dataclasses.fields(Settings):
        value = values.pop(field.name, "missing")
        default = getattr(Settings(), field.name)
        assert f"# {field.metadata['about']}\n" in text, field.name
        if field.name != "communities":  # its example is a comment; there are none by default
            assert value == (list(default) if isinstance(default, tuple) else default), field.name
    assert values == {}
    assert (
        load_settings(Path(__file__).parents[2] / "paperwire" / "paperwire.toml", {}).communities
        == {}
    )


TASKS = [
    ("arxiv", ["announcements:cs.AI", "announcements:cs.CL"]),
    ("hf", ["hf:today", "hf:recent"]),
    ("club", ["community:club"]),
    ("enrich", ["enrich"]),
    ("announcements:cs.AI", ["announcements:cs.AI"]),
    ("fill:mllm", ["fill:mllm"]),
]


@pytest.mark.parametrize(("source", "tasks"), TASKS)
def test_sources_stand_for_their_tasks(source: str, tasks: list[str]) -> None:
    settings = Settings(categories=("cs.AI", "cs.CL"), communities={"club": "http://club.example"})
    assert tasks_of_source(settings, source) == tasks
