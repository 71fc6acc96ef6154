"""`paperwire export markdown`, `bibtex` and the like."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from redis import Redis

from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.run.demo_runner import to_toml
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.paperwire.command_line import RunCommand
from tests.service.made import NOW, make_sighting


def test_one_command_fetches_everything_and_writes_the_page(
    command: RunCommand, redis: Redis, upstream: Upstream
) -> None:
    """On an empty store: keywords are saved, every source is fetched, the page is written."""
    id = upstream.announce(Manuscript(title="A Small Reward Model", abstract="Of a | b."))
    settings = upstream.settings(arxiv_interval=0.0, keywords={"Reward Model": '"reward model"'})
    Path("paperwire.toml").write_text(to_toml(settings))
    done = command("export", "markdown", "--fetch", "README.md")
    size = Path("README.md").stat().st_size
    assert (done.exit_code, done.output) == (0, f"wrote README.md, {size:,} bytes\n")
    page = Path("README.md").read_text("utf-8")
    assert f"| **[A Small Reward Model](https://arxiv.org/abs/{id})** |" in page
    assert "## Reward Model" in page
    assert "<p>Of a &#124; b.</p>" in page
    again = command("export", "markdown", "-")
    assert again.stdout == page


def test_failing_source_is_reported_and_the_page_is_written(
    command: RunCommand, redis: Redis, upstream: Upstream
) -> None:
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    Store(redis).ingest([make_sighting(1)], now=NOW)
    upstream.fail(503, "/feeds/")
    Path("paperwire.toml").write_text(to_toml(upstream.settings(arxiv_interval=0.0)))
    done = command("export", "markdown", "--fetch", "README.md")
    assert done.exit_code == 1
    assert "community:weekly: " in done.stderr
    assert "Reward model number 1" in Path("README.md").read_text("utf-8")


def test_keywords_and_rows_can_be_selected(command: RunCommand, redis: Redis) -> None:
    for name, query in (("A", "reward"), ("B", "model")):
        Keywords(redis).add(name, query, now=NOW)
    Store(redis).ingest([make_sighting(number) for number in (1, 2, 3)], now=NOW)
    page = command("export", "markdown", "-k", "b", "-n", "2", "-").stdout
    assert page.count("\n## ") == 1
    assert page.count("\n| **[") == 2
    assert "2 papers at most" in page
    assert command("export", "markdown", "-n", "0", "-").exit_code == 2


def test_references_can_be_selected_by_id_keyword_and_query(
    command: RunCommand, redis: Redis
) -> None:
    Keywords(redis).add("A", "reward", now=NOW)
    Store(redis).ingest([make_sighting(number) for number in (1, 2, 3)], now=NOW)
    selections = {
        ("2611.00002", "arXiv:2611.00001v3", "2611.00002"): ["2", "1"],
        ("-k", "A"): ["3", "2", "1"],
        ("-k", "A", "-n", "1"): ["3"],
        ("--query", "number"): ["3", "2", "1"],
    }
    for arguments, numbers in selections.items():
        ids = [f"lovelace-2611.0000{number}" for number in numbers]
        bib = command("export", "bibtex", "-", *arguments).stdout
        assert [line[6:-1] for line in bib.splitlines() if line[0:1] == "@"] == ids
        assert [
            item["id"] for item in json.loads(command("export", "csl", "-", *arguments).stdout)
        ] == ids
        ris = command("export", "ris", "-", *arguments).stdout
        assert [line[6:] for line in ris.splitlines() if line.startswith("ID")] == ids


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("2611.00001", "-k", "A"), 2),
        (("2611.00009",), 1),
        (("-k", "nobody"), 1),
        (("--query", '"'), 2),
    ],
)
def test_invalid_selection_of_references_is_refused(
    command: RunCommand, arguments: tuple[str, ...], code: int
) -> None:
    done = command("export", "bibtex", "all.bib", *arguments)
    assert (done.exit_code, done.stdout, Path("all.bib").exists()) == (code, "", False)
