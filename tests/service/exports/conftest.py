"""Papers whose texts break things."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from tests.service.made import make_paper


@pytest.fixture(scope="session")
def nasty(recorded: Path) -> list[Paper]:
    """Real records that break things."""
    lines = (recorded / "quality" / "nasty_papers.jsonl").read_text("utf-8").splitlines()
    return [_paper(json.loads(text)) for text in lines]


def _paper(record: dict[str, Any]) -> Paper:
    said = {name: record[name] for name in ("title", "abstract", "comment") if record.get(name)}
    lists = {name: tuple(record.get(name) or ()) for name in ("authors", "categories")}
    return make_paper(1, id=ArxivId.parse(record["id"]), **said, **lists)
