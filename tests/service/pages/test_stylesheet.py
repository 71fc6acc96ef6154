"""WCAG contrast of every pair of colors that pages use, light, dark and printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = (Path(__file__).resolve().parents[3] / "service/static/paperwire.css").read_text("utf-8")
COLOR_COMBINATIONS = [
    *((text, ground) for text in ("ink", "soft", "accent") for ground in ("paper", "raised")),
    ("on-accent", "accent"),
    ("ink", "notice"),
    ("ink", "tint"),
    ("soft", "tint"),
    ("paper", "ink"),
    ("ink", "mark"),
]


def schemes() -> list[dict[str, str]]:
    """Return the named colors of each scheme: light, dark, printed."""
    blocks = [b for b in re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL) if "--paper" in b]
    named = [re.findall(r"--([\w-]+): #((?:[0-9a-f]{3}){1,2});", block) for block in blocks]
    return [{name: _long(digits) for name, digits in colors} for colors in named]


def _long(digits: str) -> str:
    return f"#{digits if len(digits) == 6 else ''.join(2 * digit for digit in digits)}"


def luminance(color: str) -> float:
    """Return the relative luminance: https://www.w3.org/TR/WCAG22/#dfn-relative-luminance"""
    channels = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colors", schemes(), ids=["light", "dark", "printed"])
@pytest.mark.parametrize(("text", "background"), COLOR_COMBINATIONS)
def test_contrast_is_sufficient_for_text(
    colors: dict[str, str], text: str, background: str
) -> None:
    light, dark = sorted((luminance(colors[text]), luminance(colors[background])), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_stylesheet_loads_nothing() -> None:
    assert "@import" not in STYLE
    assert "url(" not in STYLE
