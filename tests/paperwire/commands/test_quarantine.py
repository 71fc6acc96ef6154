from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from papers.redis_backend import keys
from papers.state.task_states import QuarantinedRecord, TaskStates
from paperwire.cli import main
from tests.service.made import NOW

pytestmark = pytest.mark.row("records set aside are listed, damaged ones too")

Command = Callable[..., Result]

EVIL = "\x1b[31mred \u202e\ud800 \x00 ]]> <script>"


@pytest.fixture
def command(
    store_url: str, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    monkeypatch.chdir(tmp_path)
    with mock.patch.dict(os.environ, {"REDIS_URL": store_url}):
        yield lambda *words: CliRunner().invoke(main, words)


def test_records_are_listed_newest_first_with_their_reasons(command: Command, redis: Redis) -> None:
    assert command("quarantine").stdout == "nothing was set aside\n"
    for number in range(3):
        TaskStates(redis).quarantine(
            QuarantinedRecord("hf:today", NOW, f"reason {number}", "{id: x}")
        )
    listed = json.loads(command("quarantine", "-n", "2", "--json").stdout)
    assert [record["reason"] for record in listed] == ["reason 2", "reason 1"]
    assert listed[0] == {
        **{"task": "hf:today", "at": NOW.isoformat(), "reason": "reason 2", "excerpt": "{id: x}"},
    }
    text = command("quarantine").stdout.splitlines()
    assert text[0] == "2026-11-21 12:00  hf:today: reason 2"
    assert text[1] == "    {id: x}"


def test_cleared_records_are_counted_and_gone(command: Command, redis: Redis) -> None:
    TaskStates(redis).quarantine(QuarantinedRecord("hf:today", NOW, "a", "b"))
    assert command("quarantine", "--clear").stdout == "forgot 1 records\n"
    assert json.loads(command("quarantine", "--clear", "--json").stdout) == {"cleared": 0}
    assert TaskStates(redis).list_quarantined(9) == []


def test_a_record_cannot_write_on_the_terminal(command: Command, redis: Redis) -> None:
    TaskStates(redis).quarantine(QuarantinedRecord("hf:today", NOW, EVIL, EVIL))
    told = command("quarantine").stdout
    assert told.replace("\n", "").isprintable()
    assert "]]> <script>" in told
    assert json.loads(command("quarantine", "--json").stdout)[0]["excerpt"].endswith("<script>")


DAMAGED = (b"no JSON", b"[]", b'{"task":"hf"}', b"\xff\x00")


def test_damaged_entries_are_listed_as_such_and_stop_nothing(
    command: Command, redis: Redis
) -> None:
    states = TaskStates(redis)
    redis.lpush(keys.QUARANTINE, *DAMAGED)
    states.quarantine_new([QuarantinedRecord("hf:today", NOW, "a reason", "{id: x}")] * 2)
    listed = json.loads(command("quarantine", "--json").stdout)
    assert [record["reason"][:8] for record in listed] == ["a reason"] * 2 + ["damaged:"] * 4
    assert command("quarantine").exit_code == 0
    assert json.loads(command("status", "--json").stdout)["set_aside"] == 6
    assert json.loads(command("quarantine", "--clear", "--json").stdout) == {"cleared": 6}
