from __future__ import annotations

import json

import pytest

from paperwire.run.console import Console, StartupInfo

WHERE = StartupInfo("http://127.0.0.1:8000", "/data", "embedded", "now (arxiv)", 12)


def test_first_words_come_before_what_the_parts_said(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(as_json=False)
    console.print_line("demo", "at once")
    console.start_buffering()
    console.print_line("worker", "ready")
    console.print_startup(WHERE)
    console.stop_buffering()
    console.stop_buffering()
    console.print_line("worker", "done")
    said = capsys.readouterr().out.split("\n")
    assert said[0] == "     demo | at once"
    assert said[2:7] == [
        "Paperwire is at http://127.0.0.1:8000",
        "  data folder  /data",
        "  store        embedded",
        "  next fetch   now (arxiv)",
        "  to stop      Ctrl-C",
    ]
    assert said[8:10] == ["   worker | ready", "   worker | done"]


def test_json_is_alone_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console(as_json=True)
    console.print_line("worker", "ready")
    console.print_startup(WHERE)
    said = capsys.readouterr()
    assert json.loads(said.out)["address"] == WHERE.address
    assert said.err == "   worker | ready\n"
