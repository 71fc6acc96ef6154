"""Parsers of authors in one string: as announcements format them, and as submitted.

`arXivRaw` and the metadata snapshot have the announcements' commas and parentheses, and beside them
whatever authors type: `A, B and C`, `A. Bo, Jr.`, `CDF Collaboration: T. Aaltonen et al`.
"""

from __future__ import annotations

import re
from typing import Final

_INNERMOST: Final = re.compile(r"\([^()]*\)")
_NAME_SEPARATORS: Final = re.compile(r",?\s+(?:and|&)\s+|\s*;\s*")
_COLLABORATION: Final = re.compile(r"(Collaborations?)\s*:", re.IGNORECASE)
_ET_AL: Final = re.compile(r",?\s*\bet\.?\s+al\b\.?")
_SUFFIX: Final = re.compile(r"(?:Jr|Sr)\.?|I{2,3}|IV", re.IGNORECASE)


def split_authors(text: str) -> tuple[str, ...]:
    """Split arXiv's string of authors into names, without the affiliations in parentheses.

    `A. Bo (MIT, Boston), C. D (ETH (Zurich))` is A. Bo and C. D.
    """
    previous = ""
    while text != previous:
        previous, text = text, _INNERMOST.sub(" ", text)
    names = (" ".join(name.split("(")[0].replace(")", " ").split()) for name in text.split(","))
    return tuple(name for name in names if name)


def split_submitted_authors(text: str) -> tuple[str, ...]:
    """Split authors as submitted into names, without affiliations and `et al`."""
    text = _COLLABORATION.sub(r"\1,", _ET_AL.sub("", text))
    names: list[str] = []
    for name in split_authors(_NAME_SEPARATORS.sub(", ", text)):
        if names and _SUFFIX.fullmatch(name):
            names[-1] = f"{names[-1]} {name}"
        elif name := re.sub(r"^and\s+", "", name):
            names.append(name)
    return tuple(names)
