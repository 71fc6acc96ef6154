from __future__ import annotations

import pytest

from papers.counted import format_counted


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 papers"), (1, "1 paper"), (2, "2 papers"), (1000, "1,000 papers")]
)
def test_noun_agrees_with_its_count(count: int, text: str) -> None:
    assert format_counted(count, "paper") == text


def test_irregular_plural_is_given() -> None:
    assert format_counted(1, "entry", "entries") == "1 entry"
    assert format_counted(2, "entry", "entries") == "2 entries"
