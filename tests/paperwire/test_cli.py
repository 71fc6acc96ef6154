"""The command line: keywords, fetches, searches, settings, and errors."""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

import pytest

from papers.config.settings import Settings, load_settings
from papers.config.sources import SOURCES, SourceSpec
from papers.errors import BadParameter
from paperwire.operations.queries import tasks_of_source
from paperwire.run.demo_runner import to_toml
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.paperwire.command_line import RunCommand, json_output


def test_keywords_can_be_added_changed_listed_and_removed(command: RunCommand) -> None:
    added = json_output(command("keyword", "add", "Réward Model", '"reward model"', "--json"))
    assert (added["slug"], added["query"]) == ("reward-model", '"reward model"')
    assert command("keyword", "add", "Réward Model", "reward").exit_code == 0
    (listed,) = json_output(command("keyword", "list", "--json"))
    assert listed["query"] == "reward"
    assert (
        json_output(command("keyword", "remove", "reward-model", "--json"))["name"]
        == "Réward Model"
    )
    assert json_output(command("keyword", "list", "--json")) == []
    assert command("keyword", "list").stdout == "there are no saved keywords\n"


def test_empty_store_is_reported(command: RunCommand) -> None:
    status = json_output(command("status", "--json"))
    assert status["papers"] == 0
    assert status["address"] is None
    assert status["sources"] == []
    assert "no source has been fetched yet" in command("status").stdout
    assert json_output(command("search", "reasoning", "--json"))["papers"] == []
    assert "has no papers yet" in command("search", "reasoning").stdout
    assert json_output(command("search", "reasoning", "--json"))["empty_store"]


def test_search_says_how_it_read_a_keyword(command: RunCommand) -> None:
    output = command("search", "au:geoffrey hinton").stdout
    assert "note: read as author geoffrey and the word hinton" in output
    assert 'au:"geoffrey hinton"' in output
    document = json_output(command("search", "Rewards or x", "--json"))
    assert (document["query"], document["read_as"]) == ("Rewards OR x", "reward OR x")
    assert [note["kind"] for note in document["notes"]] == ["operator"]


def test_fetched_papers_can_be_searched_and_shown(command: RunCommand, upstream: Upstream) -> None:
    id = upstream.announce(Manuscript(title="A Small Reward Model"))
    upstream.pick(id, "weekly")
    Path("paperwire.toml").write_text(to_toml(upstream.settings(arxiv_interval=0.0)))
    (report,) = json_output(command("fetch", "weekly", "--json"))
    assert (report["state"], report["new"]) == ("ok", 1)
    assert command("fetch", "enrich").exit_code == 0
    (found,) = json_output(command("search", "reward model", "--json"))["papers"]
    (shown,) = json_output(command("papers", f"https://arxiv.org/abs/{id}v1", "--json"))
    assert found == shown
    assert shown["picks"][0]["community"] == "weekly"
    assert "A Small Reward Model" in command("search", "reward", "--picked").stdout
    assert "picked by weekly" in command("papers", str(id)).stdout
    assert "community:weekly        ok " in command("status").stdout


def test_failing_source_gives_exit_code_one(command: RunCommand, upstream: Upstream) -> None:
    upstream.fail(503)
    Path("paperwire.toml").write_text(to_toml(upstream.settings(arxiv_interval=0.0)))
    failed = command("fetch", "weekly")
    assert failed.exit_code == 1
    assert failed.stdout.startswith("community:weekly: failing")


ERRORS = [
    (("search", "a AND (b"), 2, "character"),
    (("papers", "2503.1"), 2, "no arXiv id"),
    (("papers", "2503.14895"), 1, "is not here"),
    (("keyword", "remove", "nothing"), 1, "no keyword 'nothing'"),
    (("keyword", "add", "!!!", "a"), 2, "no letter or digit"),
    (("fetch", "nobody"), 2, "'nobody' is none of arxiv, hf"),
    (("--config", "missing.toml", "config"), 2, "paperwire init"),
    (("frobnicate",), 2, "there is no command"),
]


@pytest.mark.parametrize(("arguments", "code", "message"), ERRORS)
def test_error_is_one_line_and_an_exit_code(
    command: RunCommand, arguments: tuple[str, ...], code: int, message: str
) -> None:
    result = command(*arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert message in result.stderr.splitlines()[-1]


def test_unavailable_store_gives_exit_code_one(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("papers.redis_backend.connection._MAX_RETRIES", 0)
    with mock.patch.dict(os.environ, {"REDIS_URL": "unix:///nowhere/s"}):
        result = command("status")
    assert result.exit_code == 1
    assert result.stderr.startswith("paperwire: the store at unix:///nowhere/s does not answer")


def test_commands_start_an_embedded_store_if_none_is_configured(command: RunCommand) -> None:
    del os.environ["REDIS_URL"]
    assert command("keyword", "add", "Kept", "kept").exit_code == 0
    os.environ.pop("PAPERWIRE_REDIS_URL")
    assert "Kept (kept): kept" in command("keyword", "list").stdout
    assert Path("data/store/appendonlydir").is_dir()


def test_init_writes_defaults_and_never_overwrites(command: RunCommand) -> None:
    assert "wrote paperwire.toml" in command("init").stdout
    assert load_settings(Path("paperwire.toml"), {}).keywords == Settings().keywords
    Path("paperwire.toml").write_text("port = 9000\n")
    again = command("init")
    assert again.exit_code == 2
    assert "exists already" in again.stderr
    assert json_output(command("config", "--json"))["port"] == 9000


def test_config_masks_secrets(command: RunCommand) -> None:
    os.environ["REDIS_URL"] = "redis://:hidden@localhost"
    shown = command("config").stdout
    assert "hidden" not in shown
    assert 'redis_url = "***"' in shown


TASKS = [
    ("arxiv", ["announcements:cs.AI", "announcements:cs.CL"]),
    ("hf", ["hf:today", "hf:recent"]),
    ("club", ["community:club"]),
    ("enrich", ["enrich"]),
    ("announcements:cs.AI", ["announcements:cs.AI"]),
    ("fill:mllm", ["fill:mllm"]),
]


@pytest.mark.parametrize(("source", "tasks"), TASKS)
def test_source_names_map_to_their_tasks(source: str, tasks: list[str]) -> None:
    communities = {"club": "http://club.example", "club-two": "http://two.example"}
    settings = Settings(categories=("cs.AI", "cs.CL"), communities=communities)
    assert tasks_of_source(settings, source) == tasks


def test_new_row_of_the_source_table_can_be_fetched() -> None:
    row = SourceSpec(
        "Invented", "https://invented.example/", ("hf",), ("hf",), ("huggingface_url",)
    )
    with mock.patch.dict(SOURCES, {"invented": row}):
        assert tasks_of_source(Settings(), "invented") == ["hf:today", "hf:recent"]
        with pytest.raises(BadParameter, match="none of arxiv, hf, invented, "):
            tasks_of_source(Settings(), "unknown")


def test_list_of_keywords_is_imported_with_its_progress(command: RunCommand) -> None:
    lines = [f"Keyword {n}\tfish {n}" for n in range(600)]
    Path("list.txt").write_text("\n".join(lines), "utf-8")
    done = command("keyword", "import", "list.txt")
    assert done.stdout.splitlines()[599] == "line 600: Keyword 599: saved, fish 599"
    assert "600 read: 600 saved" in done.stderr
    again = json_output(command("keyword", "import", "list.txt", "--json"))
    assert {outcome["outcome"] for outcome in again} == {"known"}
    assert command("keyword", "import", "no-such-file").exit_code == 2
    Path("empty").write_bytes(b"")
    assert json_output(command("keyword", "import", "empty", "--json")) == []
