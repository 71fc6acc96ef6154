from __future__ import annotations

import json

import pytest
from redis import Redis

from papers.redis_backend import keys
from papers.state.task_states import QuarantinedRecord, TaskStates
from tests.paperwire.command_line import RunCommand
from tests.service.made import NOW

pytestmark = pytest.mark.row("records set aside are listed, damaged ones too")

HOSTILE_TEXT = "\x1b[31mred \u202e\ud800 \x00 ]]> <script>"


def test_records_are_listed_newest_first_with_reasons(command: RunCommand, redis: Redis) -> None:
    assert command("quarantine").stdout == "the quarantine is empty\n"
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


def test_clearing_deletes_and_counts_records(command: RunCommand, redis: Redis) -> None:
    TaskStates(redis).quarantine(QuarantinedRecord("hf:today", NOW, "a", "b"))
    assert command("quarantine", "--clear").stdout == "deleted 1 record\n"
    assert json.loads(command("quarantine", "--clear", "--json").stdout) == {"cleared": 0}
    assert TaskStates(redis).list_quarantined(9) == []


def test_control_characters_are_not_printed(command: RunCommand, redis: Redis) -> None:
    TaskStates(redis).quarantine(QuarantinedRecord("hf:today", NOW, HOSTILE_TEXT, HOSTILE_TEXT))
    output = command("quarantine").stdout
    assert output.replace("\n", "").isprintable()
    assert "]]> <script>" in output
    assert json.loads(command("quarantine", "--json").stdout)[0]["excerpt"].endswith("<script>")


DAMAGED = (b"no JSON", b"[]", b'{"task":"hf"}', b"\xff\x00")


def test_damaged_entries_are_listed_as_damaged(command: RunCommand, redis: Redis) -> None:
    states = TaskStates(redis)
    redis.lpush(keys.QUARANTINE, *DAMAGED)
    states.quarantine_new([QuarantinedRecord("hf:today", NOW, "a reason", "{id: x}")] * 2)
    listed = json.loads(command("quarantine", "--json").stdout)
    assert [record["reason"][:8] for record in listed] == ["a reason"] * 2 + ["damaged:"] * 4
    assert command("quarantine").exit_code == 0
    assert json.loads(command("status", "--json").stdout)["set_aside"] == 6
    assert json.loads(command("quarantine", "--clear", "--json").stdout) == {"cleared": 6}
