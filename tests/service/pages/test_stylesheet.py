"""That the page can be read: WCAG's contrast of every pair of colours it uses, light and dark."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = (Path(__file__).resolve().parents[3] / "service/static/paperwire.css").read_text("utf-8")
PAIRS = [
    *((ink, ground) for ink in ("ink", "soft", "accent") for ground in ("paper", "raised")),
    ("paper", "accent"),
    ("ink", "notice"),
    ("ink", "mark"),
]


def schemes() -> list[dict[str, str]]:
    """The named colours of each scheme: light, then dark, then printed."""
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    named = [re.findall(r"--(\w+): #((?:[0-9a-f]{3}){1,2});", block) for block in blocks]
    return [{name: _long(digits) for name, digits in colours} for colours in named]


def _long(digits: str) -> str:
    return f"#{digits if len(digits) == 6 else ''.join(2 * digit for digit in digits)}"


def luminance(colour: str) -> float:
    """https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colours", schemes(), ids=["light", "dark", "printed"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_contrast_is_enough_for_text(colours: dict[str, str], ink: str, ground: str) -> None:
    light, dark = sorted((luminance(colours[ink]), luminance(colours[ground])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_nothing_comes_from_elsewhere() -> None:
    assert "@import" not in STYLE
    assert "url(" not in STYLE
