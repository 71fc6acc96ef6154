from __future__ import annotations

import pytest

from service.markup.paper_text import author_line, marked_title, plain_title
from tests.service.made import make_paper


def test_titles() -> None:
    accented = make_paper(1, title=r"Schr\"odinger's $\alpha$ and $\frac{a}{b}$")
    assert plain_title(accented) == marked_title(accented) == r"Schrödinger's α and $\frac{a}{b}$"
    untitled = make_paper(2, title="", withdrawn=True)
    assert plain_title(untitled) == "2611.00002"
    assert marked_title(untitled) == "[Withdrawn] 2611.00002"


@pytest.mark.parametrize(
    ("count", "line"),
    [
        (0, ""),
        (1, "A"),
        (3, "A, B, C"),
        (4, "A and 3 more"),
    ],
)
def test_author_line_never_hides_a_single_author(count: int, line: str) -> None:
    limit = 2 if count == 3 else 1
    assert author_line("ABCD"[:count], limit) == line
