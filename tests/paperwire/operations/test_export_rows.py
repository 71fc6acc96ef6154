from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import zstandard
from click.testing import CliRunner, Result
from redis import Redis

from papers.model.json_rows import paper_from_row
from papers.store import Store
from paperwire.cli import main
from paperwire.operations import export_rows
from tests.papers import fingerprint
from tests.service.made import NOW, make_pick, make_revision, make_sighting

Command = Callable[..., Result]


@pytest.fixture
def command(
    store_url: str, redis: Redis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Command]:
    """Run a command on a store of six papers, one of them only picked, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    said = [make_sighting(number) for number in range(1, 6)]
    Store(redis).ingest(
        [*said, make_revision(2, 2, title="Not a model"), make_pick(3), make_pick(6)], now=NOW
    )
    with mock.patch.dict(os.environ, {"REDIS_URL": store_url}):
        yield lambda *words: CliRunner().invoke(main, words)


def rows(text: bytes | str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines()]


def test_all_papers_are_written_oldest_first(command: Command, redis: Redis) -> None:
    done = command("export", "papers", "all.jsonl")
    assert (done.exit_code, done.stdout) == (0, "wrote 6 papers to all.jsonl\n")
    written = rows(Path("all.jsonl").read_bytes())
    assert [paper_from_row(row) for row in written] == fingerprint.all_papers(redis)[::-1]


@pytest.mark.parametrize("page", [1, 2, 1_000])
def test_a_keyword_chooses_newest_first(
    command: Command, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_rows, "EXPORT_PAGE_SIZE", page)
    done = command("export", "papers", "--query", '"reward model"', "-")
    assert [row["id"] for row in rows(done.stdout)] == [f"2611.0000{n}" for n in (5, 4, 3, 1)]
    assert done.stderr == "wrote 4 papers to standard output\n"


def test_names_say_how_it_is_compressed(command: Command) -> None:
    for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst"):
        said = json.loads(command("export", "papers", name, "--json").stdout)
        assert said == {"papers": 6, "wrote": name}
    plain = Path("a.jsonl").read_bytes()
    assert gzip.decompress(Path("a.jsonl.gz").read_bytes()) == plain
    packed = Path("a.jsonl.zst").read_bytes()
    assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == plain


REFUSED = (
    (("nowhere/all.jsonl",), 2, "FILE: nowhere/all.jsonl: No such file or directory"),
    (("all.jsonl", "--query", "a AND ("), 2, "character"),
)


@pytest.mark.parametrize(("words", "code", "said"), REFUSED)
def test_a_file_is_whole_or_not_there(
    command: Command, words: tuple[str, ...], code: int, said: str
) -> None:
    done = command("export", "papers", *words)
    assert done.exit_code == code
    assert said in done.stderr
    assert list(Path().iterdir()) == []
