"""Keywords of Hugging Face's daily papers, typed as they stand, find their papers."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest

from papers.errors import BadQuery
from papers.model.paper import Paper
from papers.query.match import FoldedPaper, matches_node
from papers.query.parser import parse_query
from tests.papers.query.recorded_keywords import keywords_of_papers

MIN_SHARE = 0.99
_URL = re.compile(r"https?://\S+")


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
