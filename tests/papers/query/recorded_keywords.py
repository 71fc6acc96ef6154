"""The keywords of recorded daily papers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper


def keywords_of_papers(folder: Path) -> Iterator[tuple[str, Paper]]:
    """Yield each keyword of a daily paper once a paper."""
    seen = set[tuple[str, str]]()
    for path in sorted((folder / "hf_daily").glob("*.json")):
        for row in json.loads(path.read_text("utf-8")):
            described: dict[str, Any] = row.get("paper", row)
            title = described.get("title") or ""
            abstract = described.get("summary") or ""
            paper = Paper(ArxivId.parse(described["id"]), title=title, abstract=abstract)
            for keyword in described.get("ai_keywords") or ():
                if (keyword, described["id"]) not in seen:
                    seen.add((keyword, described["id"]))
                    yield keyword, paper
