"""`paperwire load`: reports, quarantined records, progress, and round trips of exports."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner, Result
from redis import Redis

from papers.config.settings import Settings
from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.cli import main
from paperwire.operations import bulk_load
from service import create_app
from tests.papers.fingerprint import fingerprint
from tests.paperwire.command_line import RunCommand
from tests.service.made import NOW, make_pick, make_revision, make_sighting
from tests.workers.bulk.loading import row
from workers.bulk.bulk_file import BulkFile
from workers.bulk.loader import LoadPosition, LoadProgress


@pytest.fixture
def command(
    store_url: str, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunCommand]:
    """Run a command on the empty test store, in a folder of its own and in a single process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.cpu_count", lambda: 1)

    def run(*arguments: str, stdin: str | None = None) -> Result:
        processes = ("--processes", "1") if arguments[0] == "load" else ()
        return CliRunner().invoke(main, [*arguments, *processes], input=stdin)

    with mock.patch.dict(os.environ, {"REDIS_URL": store_url}):
        yield run


def test_load_reports_counts(command: RunCommand, redis: Redis) -> None:
    Path("papers.json").write_text(f"{row('2611.00001')}\n{row('2611.00002')}\n")
    done = command("load", "papers.json")
    assert done.exit_code == 0, done.output
    assert done.stdout == "papers.json: 2 records: 2 new, 0 changed\n"
    assert Store(redis).count_papers() == 2
    again = command("load", "papers.json")
    assert again.exit_code == 0
    assert "papers.json: already loaded; use --again" in again.stderr
    assert command("load", "papers.json", "--again").stdout == (
        "papers.json: 2 records: 0 new, 0 changed\n"
    )


def test_bad_lines_are_quarantined_and_reported(command: RunCommand) -> None:
    lines = [row("2611.00001"), *["bad"] * 12]
    Path("papers.json").write_text("\n".join(lines))
    done = command("load", "papers.json")
    assert done.exit_code == 1
    head, *reasons = done.stdout.splitlines()
    assert head == "papers.json: 13 records: 1 new, 0 changed, 12 quarantined"
    assert reasons[0].startswith("  line 2: the line is not JSON")
    assert reasons[10:] == ["  and 2 more; `paperwire quarantine` lists them"]
    (document,) = json.loads(command("load", "papers.json", "--json").stdout)
    assert (document["set_aside"], len(document["bad"])) == (12, 12)
    assert document["bad"][3]["excerpt"] == "bad"


def test_several_files_and_standard_input_are_loaded(command: RunCommand) -> None:
    Path("a.json").write_text(row("2611.00001"))
    done = command("load", "a.json", "-", "--json", stdin=row("2611.00002"))
    a, b = json.loads(done.stdout)
    assert (a["file"], a["new"]) == ("a.json", 1)
    assert (b["file"], b["new"]) == ("standard input", 1)


ERRORS = (
    ("nowhere.json", "FILE: nowhere.json: No such file or directory"),
    ("wrong.json", "none of its first 2 records can be read"),
)


@pytest.mark.parametrize(("name", "message"), ERRORS)
def test_unusable_file_is_refused(command: RunCommand, name: str, message: str) -> None:
    Path("wrong.json").write_text("some\ntext\n")
    done = command("load", name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_papers_older_than_keep_months_are_counted(command: RunCommand) -> None:
    Path("papers.json").write_text(f"{row('9901.00001')}\n{row('hep-th/9901001')}\n")
    with mock.patch.dict(os.environ, {"PAPERWIRE_KEEP_MONTHS": "24"}):
        done = command("load", "papers.json")
    assert done.exit_code == 1
    assert "0 new, 0 changed, 1 older than keep_months, 1 quarantined" in done.stdout


def test_ctrl_c_explains_how_to_resume(
    command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bulk_load, "follow_load", interrupted)
    Path("papers.json").write_text(row("2611.00001"))
    done = command("load", "papers.json")
    assert done.exit_code == 1
    assert done.stderr == "interrupted; run the same command to resume\n"


FEEDS = (
    "/feeds/reward-model.atom",
    "/feeds/search.rss?n=3&q=ti%3Amodel",
    "/feeds/search.json?q=reason&when=picked",
    "/api/v1/papers?q=au%3Alovelace",
)


def test_exported_and_loaded_papers_give_the_same_feeds(
    command: RunCommand, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    sightings = [make_sighting(number) for number in range(1, 8)]
    updates = [
        make_revision(2, 3, title="A reward model, revised"),
        make_pick(3),
        make_pick(9),
        make_pick(3, "ours"),
    ]
    Store(redis).ingest([*sightings, *updates, sightings[4]._replace(withdrawn=True)], now=NOW)
    settings = Settings(
        redis_url=store_url, data_dir=str(tmp_path), public_url="https://wire.example"
    )

    def feeds() -> list[bytes]:
        client = create_app(settings).test_client()
        answers = [client.get(path, follow_redirects=True) for path in FEEDS]
        assert [answer.status_code for answer in answers] == [200] * len(FEEDS)
        return [answer.data for answer in answers]

    assert command("export", "papers", "all.jsonl.gz").exit_code == 0
    before, bodies = fingerprint(redis), feeds()
    redis.flushall()
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    assert command("load", "all.jsonl.gz").exit_code == 0
    assert fingerprint(redis) == before
    assert feeds() == bodies
    assert b"A reward model, revised" in bodies[0]
    assert all(b"2611.0000" in body for body in bodies[1:])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def progress(records: int, offset: int) -> LoadProgress:
    position = LoadPosition("p.json", NOW, NOW, offset=offset, records=records)
    return LoadProgress(BulkFile("p.json", "x", 1_000), position, offset)


def printed_progress(monkeypatch: pytest.MonkeyPatch, screen: io.StringIO) -> str:
    """Return the output of a load of 1,000 bytes and 100 records that takes ten seconds."""
    clock = iter(range(0, 1_000, 5))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(sys, "stderr", screen)
    updates = iter([progress(0, 0), progress(50, 500), progress(100, 1_000)])
    assert bulk_load.follow_load(updates).records == 100
    return screen.getvalue()


def test_progress_lines_show_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    assert printed_progress(monkeypatch, io.StringIO()).splitlines() == [
        "p.json: 50 records, 10 a second, 50% read, about 0:00:05 left",
        "p.json: 100 records, 10 a second, 100% read, about 0:00:00 left",
    ]


def test_terminal_shows_a_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    output = printed_progress(monkeypatch, Terminal())
    assert re.search(r"p\.json +\[#+-+\] +50% +50 records, 10 a second", output)
    assert "100%" in output
