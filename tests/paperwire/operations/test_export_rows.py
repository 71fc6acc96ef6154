"""`paperwire export papers`: order, selection, compression, atomic files."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard
from redis import Redis

from papers.records.json_rows import paper_from_row
from papers.store import Store
from paperwire.operations import export_rows
from tests.papers import fingerprint
from tests.paperwire.command_line import RunCommand
from tests.service.made import NOW, make_pick, make_revision, make_sighting


@pytest.fixture
def command(command: RunCommand, redis: Redis) -> RunCommand:
    """Run a command on a store with six papers, one of them only picked."""
    sightings = [make_sighting(number) for number in range(1, 6)]
    Store(redis).ingest(
        [*sightings, make_revision(2, 2, title="Not a model"), make_pick(3), make_pick(6)], now=NOW
    )
    return command


def rows(text: bytes | str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_all_papers_are_exported_oldest_first(command: RunCommand, redis: Redis) -> None:
    done = command("export", "papers", "all.jsonl")
    assert (done.exit_code, done.stdout) == (0, "wrote 6 papers to all.jsonl\n")
    written = rows(Path("all.jsonl").read_bytes())
    assert [paper_from_row(row) for row in written] == fingerprint.all_papers(redis)[::-1]


@pytest.mark.parametrize("page", [1, 2, 1_000])
def test_query_selects_papers_newest_first(
    command: RunCommand, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_rows, "EXPORT_PAGE_SIZE", page)
    done = command("export", "papers", "--query", '"reward model"', "-")
    assert [row["id"] for row in rows(done.stdout)] == [f"2611.0000{n}" for n in (5, 4, 3, 1)]
    assert done.stderr == "wrote 4 papers to standard output\n"


def test_file_suffix_selects_compression(command: RunCommand) -> None:
    for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst"):
        report = json.loads(command("export", "papers", name, "--json").stdout)
        assert report == {"papers": 6, "wrote": name}
    plain = Path("a.jsonl").read_bytes()
    assert gzip.decompress(Path("a.jsonl.gz").read_bytes()) == plain
    packed = Path("a.jsonl.zst").read_bytes()
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == plain


ERRORS = (
    (("nowhere/all.jsonl",), 2, "FILE: nowhere/all.jsonl: No such file or directory"),
    (("all.jsonl", "--query", "a AND ("), 2, "character"),
)


@pytest.mark.parametrize(("arguments", "code", "message"), ERRORS)
def test_failed_export_leaves_no_file(
    command: RunCommand, arguments: tuple[str, ...], code: int, message: str
) -> None:
    done = command("export", "papers", *arguments)
    assert done.exit_code == code
    assert message in done.stderr
    assert list(Path().iterdir()) == []
