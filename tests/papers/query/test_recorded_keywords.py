"""Keywords of Hugging Face's daily papers, typed as they stand, find their papers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from papers.errors import BadQuery
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import parse_query

MIN_SHARE = 0.99
_URL = re.compile(r"https?://\S+")


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


def has_keyword(paper: Paper, keyword: str) -> bool:
    """Return whether a text has a keyword in any case, hyphenation or plural."""
    pieces = re.findall(r"[^\W_]+", keyword)
    stems = (re.escape(re.sub("(?<=[a-z]{2})s$", "", piece)) for piece in pieces)
    words = r"[\W_]{0,3}".join(f"{stem}s?" for stem in stems)
    pattern = re.compile(rf"(?<![^\W_]){words}(?![^\W_])", re.IGNORECASE)
    text = _URL.sub(" ", f"{paper.title}\n{paper.abstract}")
    return bool(pieces) and pattern.search(text) is not None


@lru_cache(maxsize=4096)
def folded(paper: Paper) -> FoldedPaper:
    return FoldedPaper(paper)


def is_found(keyword: str, paper: Paper) -> bool:
    try:
        tree = parse_query(keyword).tree
    except BadQuery:
        return False
    return matches_node(tree, folded(paper))


def test_keywords_typed_as_they_stand_find_their_papers(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = dict[str, bool]()
    for keyword, paper in keywords_of_papers(recorded):
        if has_keyword(paper, keyword):
            found[keyword] = found.get(keyword, True) and is_found(keyword, paper)
    misses = [keyword for keyword, is_hit in found.items() if not is_hit]
    with capsys.disabled():
        print(
            f"\n{len(found):,} keywords in texts, {len(found) - len(misses):,} found",
            *misses,
            sep="\n  ",
        )
    assert len(misses) <= (1 - MIN_SHARE) * len(found)
