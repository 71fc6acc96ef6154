"""The title of a search: what its feed and its page are called."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from papers.query.parser import Query
from papers.state.keywords import Keyword
from service.markup.clean import single_line

_MAX_NAMES: Final = 4


def search_title(keywords: Sequence[Keyword], query: Query | None) -> str:
    """Return the title of a search: the names of its keywords, shortened, or its query."""
    names = [single_line(keyword.name) for keyword in keywords]
    excess = len(names) - _MAX_NAMES
    shown = names if excess <= 1 else [*names[:_MAX_NAMES], f"{excess} more"]
    return ", ".join(shown) or (single_line(query.display_text) if query else "")
