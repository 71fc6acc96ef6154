"""The documents of the repository, and the words between backticks in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.promises.source_tree import DOCS, ROOT

PAGES: Final = [
    *sorted(ROOT.glob("*.md")),
    ROOT / "benchmarks" / "README.md",
    *sorted(DOCS.rglob("*.md")),
]
"""Every document."""


def page_id(page: Path) -> str:
    """Return the path of a document in the repository, which names its test."""
    return str(page.relative_to(ROOT))


def code_spans(text: str) -> Iterator[str]:
    """The words of a Markdown text between backticks, outside of fenced blocks and links' texts."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    prose = re.sub(r"\[[^\]\n]*\]\(", "(", prose)
    yield from (word for span in re.findall(r"`([^`\n]+)`", prose) for word in span.split())
