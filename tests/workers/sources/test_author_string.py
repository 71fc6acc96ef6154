from __future__ import annotations

import pytest

from workers.sources.arxiv.author_string import split_authors, split_submitted_authors

STRINGS = (
    ("Ada Example", ("Ada Example",)),
    ("A. Bo and C. Do", ("A. Bo", "C. Do")),
    ("A. Bo, C. Do and E. Fo", ("A. Bo", "C. Do", "E. Fo")),
    ("A. Bo, C. Do, and E. Fo", ("A. Bo", "C. Do", "E. Fo")),
    ("A. Bo & C. Do; E. Fo", ("A. Bo", "C. Do", "E. Fo")),
    ("A. Bo (Univ. of Arts and Crafts, Rome), C. Do (MIT)", ("A. Bo", "C. Do")),
    ("Isaac Chappell II and S. James Gates, Jr.", ("Isaac Chappell II", "S. James Gates Jr.")),
    ("CDF Collaboration: T. Aaltonen et al", ("CDF Collaboration", "T. Aaltonen")),
    ("PHENIX Collaboration, A. Adare, et al.", ("PHENIX Collaboration", "A. Adare")),
    ("Alexandre Anderson, Ferdinand Sandro", ("Alexandre Anderson", "Ferdinand Sandro")),
    ("Jean-Claude L\\'eon (LGS)", ("Jean-Claude L\\'eon",)),
    ("", ()),
)


@pytest.mark.parametrize(("text", "expected"), STRINGS)
def test_split_submitted_authors(text: str, expected: tuple[str, ...]) -> None:
    assert split_submitted_authors(text) == expected


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("Ann Bo", ["Ann Bo"]),
        ("Ann Bo, Cy  Dee,E. F", ["Ann Bo", "Cy Dee", "E. F"]),
        ("Ann Bo (MIT), Cy Dee (ETH Zürich, Switzerland)", ["Ann Bo", "Cy Dee"]),
        ("A (U of (X), Y), B ((1) Z, (2) W)", ["A", "B"]),
        ("A (1), B (2) ((1) MIT, Boston, (2) ETH)", ["A", "B"]),
        ("A (MIT, Boston, B", ["A", "Boston", "B"]),
        ("A MIT), B", ["A MIT", "B"]),
        ("A (a@b.org), B", ["A", "B"]),
        ("", []),
        (", ,", []),
        ("()", []),
    ],
)
def test_authors_are_split_outside_parentheses(text: str, parted: list[str]) -> None:
    assert split_authors(text) == tuple(parted)
