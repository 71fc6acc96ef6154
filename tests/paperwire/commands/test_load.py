from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
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
from tests.service.made import NOW, make_pick, make_revision, make_sighting
from tests.workers.bulk.test_loader import row
from workers.bulk.bulk_file import BulkFile
from workers.bulk.loader import LoadPosition, LoadProgress

Command = Callable[..., Result]


@pytest.fixture
def command(
    store_url: str, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """Run a command on the emptied store of the tests, in a folder of its own, in one process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.cpu_count", lambda: 1)

    def run(*words: str, stdin: str | None = None) -> Result:
        apart = ("--processes", "1") if words[0] == "load" else ()
        return CliRunner().invoke(main, [*words, *apart], input=stdin)

    with mock.patch.dict(os.environ, {"REDIS_URL": store_url}):
        yield run


def test_a_load_says_what_it_did(command: Command, redis: Redis) -> None:
    Path("papers.json").write_text(f"{row('2611.00001')}\n{row('2611.00002')}\n")
    done = command("load", "papers.json")
    assert done.exit_code == 0, done.output
    assert done.stdout == "papers.json: 2 records: 2 new, 0 changed\n"
    assert Store(redis).count_papers() == 2
    again = command("load", "papers.json")
    assert again.exit_code == 0
    assert "papers.json: loaded before; --again" in again.stderr
    assert command("load", "papers.json", "--again").stdout == (
        "papers.json: 2 records: 0 new, 0 changed\n"
    )


def test_bad_lines_are_told_and_the_exit_code_says_so(command: Command) -> None:
    lines = [row("2611.00001"), *["bad"] * 12]
    Path("papers.json").write_text("\n".join(lines))
    done = command("load", "papers.json")
    assert done.exit_code == 1
    head, *told = done.stdout.splitlines()
    assert head == "papers.json: 13 records: 1 new, 0 changed, 12 set aside"
    assert told[0].startswith("  line 2: the line is not JSON")
    assert told[10:] == ["  and 2 more; `paperwire quarantine` lists them"]
    (document,) = json.loads(command("load", "papers.json", "--json").stdout)
    assert (document["set_aside"], len(document["bad"])) == (12, 12)
    assert document["bad"][3]["excerpt"] == "bad"


def test_several_files_and_standard_input(command: Command) -> None:
    Path("a.json").write_text(row("2611.00001"))
    done = command("load", "a.json", "-", "--json", stdin=row("2611.00002"))
    a, b = json.loads(done.stdout)
    assert (a["file"], a["new"]) == ("a.json", 1)
    assert (b["file"], b["new"]) == ("standard input", 1)


REFUSED = (
    ("nowhere.json", "FILE: nowhere.json: No such file or directory"),
    ("wrong.json", "none of its first 2 records can be read"),
)


@pytest.mark.parametrize(("name", "said"), REFUSED)
def test_what_cannot_be_loaded_is_refused(command: Command, name: str, said: str) -> None:
    Path("wrong.json").write_text("some\ntext\n")
    done = command("load", name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_months_that_are_not_kept_are_counted(command: Command) -> None:
    Path("papers.json").write_text(f"{row('9901.00001')}\n{row('hep-th/9901001')}\n")
    with mock.patch.dict(os.environ, {"PAPERWIRE_KEEP_MONTHS": "24"}):
        done = command("load", "papers.json")
    assert done.exit_code == 1
    assert "0 new, 0 changed, 1 of months that are not kept, 1 set aside" in done.stdout


def test_ctrl_c_says_how_to_go_on(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bulk_load, "follow_load", interrupted)
    Path("papers.json").write_text(row("2611.00001"))
    done = command("load", "papers.json")
    assert done.exit_code == 1
    assert done.stderr == "stopped; the same command goes on where it was\n"


FEEDS = (
    "/feeds/reward-model.atom",
    "/feeds/search.rss?n=3&q=ti%3Amodel",
    "/feeds/search.json?q=reason&when=picked",
    "/api/v1/papers?q=au%3Alovelace",
)


def test_what_is_exported_and_loaded_gives_equal_papers_and_equal_feeds(
    command: Command, redis: Redis, store_url: str, tmp_path: Path
) -> None:
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    said = [make_sighting(number) for number in range(1, 8)]
    more = [
        make_revision(2, 3, title="A reward model, revised"),
        make_pick(3),
        make_pick(9),
        make_pick(3, "ours"),
    ]
    Store(redis).ingest([*said, *more, said[4]._replace(withdrawn=True)], now=NOW)
    site = Settings(redis_url=store_url, data_dir=str(tmp_path), public_url="https://wire.example")

    def feeds() -> list[bytes]:
        client = create_app(site).test_client()
        answers = [client.get(path, follow_redirects=True) for path in FEEDS]
        assert [answer.status_code for answer in answers] == [200] * len(FEEDS)
        return [answer.data for answer in answers]

    assert command("export", "papers", "all.jsonl.gz").exit_code == 0
    before, shown = fingerprint(redis), feeds()
    redis.flushall()
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    assert command("load", "all.jsonl.gz").exit_code == 0
    assert fingerprint(redis) == before
    assert feeds() == shown
    assert b"A reward model, revised" in shown[0]
    assert all(b"2611.0000" in body for body in shown[1:])


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def at(records: int, passed: int) -> LoadProgress:
    position = LoadPosition("p.json", NOW, NOW, offset=passed, records=records)
    return LoadProgress(BulkFile("p.json", "x", 1_000), position, passed)


def told(monkeypatch: pytest.MonkeyPatch, screen: io.StringIO) -> str:
    """What is said of a load of 1,000 bytes and 100 records that takes ten seconds."""
    clock = iter(range(0, 1_000, 5))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr(sys, "stderr", screen)
    moments = iter([at(0, 0), at(50, 500), at(100, 1_000)])
    assert bulk_load.follow_load(moments).records == 100
    return screen.getvalue()


def test_lines_tell_pace_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, io.StringIO()).splitlines() == [
        "p.json: 50 records, 10 a second, 50% read, about 0:00:05 left",
        "p.json: 100 records, 10 a second, 100% read, about 0:00:00 left",
    ]


def test_a_terminal_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    said = told(monkeypatch, Terminal())
    assert re.search(r"p\.json +\[#+-+\] +50% +50 records, 10 a second", said)
    assert "100%" in said
