"""Console output: startup summary, buffered lines, next fetch, durations."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from paperwire.run.console import Console, StartupInfo, format_duration, format_next_fetch

INFO = StartupInfo("http://127.0.0.1:8000", "/data", "embedded", "now (arxiv)", 12)
NOW = datetime(2026, 11, 18, 4, 0, tzinfo=UTC)
DUE_TIMES = {"a": NOW + timedelta(minutes=10), "b": NOW + timedelta(hours=3)}

NEXT_FETCHES = [
    ({}, set(), "nothing is planned yet"),
    (DUE_TIMES, {"a", "b"}, "04:10 UTC, in 10 min (a)"),
    (DUE_TIMES, {"a"}, "now (b)"),
    ({"a": NOW - timedelta(minutes=1)}, {"a"}, "now (a)"),
]


@pytest.mark.parametrize(("planned", "attempted", "text"), NEXT_FETCHES)
def test_next_fetch_is_the_first_due_task_or_an_unattempted_one(
    planned: dict[str, datetime], attempted: set[str], text: str
) -> None:
    assert format_next_fetch(planned, attempted, NOW) == text


DURATIONS = [
    (0, "0 s"),
    (59.6, "1 min"),
    (61, "1 min 1 s"),
    (12_000, "3 h 20 min"),
    (90_000, "1 d 1 h"),
]


@pytest.mark.parametrize(("seconds", "text"), DURATIONS)
def test_duration_has_two_units_at_most(seconds: float, text: str) -> None:
    assert format_duration(timedelta(seconds=seconds)) == text


def test_startup_summary_precedes_buffered_lines(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(as_json=False)
    console.print_line("demo", "at once")
    console.start_buffering()
    console.print_line("worker", "ready")
    console.print_startup(INFO)
    console.stop_buffering()
    console.stop_buffering()
    console.print_line("worker", "done")
    lines = capsys.readouterr().out.split("\n")
    assert lines[0] == "     demo | at once"
    assert lines[2:7] == [
        "Paperwire is at http://127.0.0.1:8000",
        "  data folder  /data",
        "  store        embedded",
        "  next fetch   now (arxiv)",
        "  to stop      Ctrl-C",
    ]
    assert lines[8:10] == ["   worker | ready", "   worker | done"]


KEY = "a-key-of-this-machine"


def test_address_has_the_key_of_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    Console(as_json=False).print_startup(replace(INFO, key=KEY))
    lines = capsys.readouterr().out.split("\n")
    assert lines[1] == f"Paperwire is at http://127.0.0.1:8000/#key={KEY}"
    Console(as_json=True).print_startup(replace(INFO, key=KEY))
    info = json.loads(capsys.readouterr().out)
    assert (info["address"], info["key"]) == (INFO.address, KEY)


def test_key_is_not_printed_into_the_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "journal").open("w+") as journal:
        found = os.fstat(journal.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino}")
        with contextlib.redirect_stdout(journal):
            Console(as_json=False).print_startup(replace(INFO, key=KEY))
        text = (tmp_path / "journal").read_text()
    assert (KEY in text, "token show" in text) == (False, True)


def test_json_mode_prints_only_json_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(as_json=True)
    console.print_line("worker", "ready")
    console.print_startup(INFO)
    printed = capsys.readouterr()
    assert json.loads(printed.out)["address"] == INFO.address
    assert printed.err == "   worker | ready\n"
