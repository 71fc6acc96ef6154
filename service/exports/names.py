"""Parses author names into family name, given name, particle and suffix.

Sources give one string per name. Names of teams, collaborations and institutes and names of one
word stay whole. No rule depends on a language: only rules that are nearly always right are here,
such as lower-case particles; other names keep their order of words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from service.markup.clean import single_line


@dataclass(frozen=True, slots=True)
class AuthorName:
    """A person's name in parts, or a `literal` name; a `particle` is such as `van der`."""

    family: str = ""
    given: str = ""
    particle: str = ""
    suffix: str = ""
    literal: str = ""

    @property
    def citation_name(self) -> str:
        """The name in a citation: the family name, else the whole name."""
        return self.family or self.literal


_COLLECTIVE_WORDS: Final = frozenset(
    "academy alliance center centre collaboration college committee community company consortium"
    " contributors corporation department foundation group hospital initiative institute lab"
    " institution laboratories laboratory labs network organization project society team"
    " university".split()
)
_COLLECTIVE_PREFIXES: Final = ("the ", "for the ", "on behalf of ")
_PARTICLES: Final = frozenset(
    "al bin da dal de del della den der di do dos du e el la las le los y ten ter van vom von zu"
    " zum zur".split()
)
_CAPITALIZED_PARTICLES: Final = frozenset("De Del Della Di Dos Von".split())
"""Capitalized particles; Van, Le, Da and others are left out, as they are also middle names."""
_ANY_PARTICLE: Final = _PARTICLES | _CAPITALIZED_PARTICLES
_SUFFIXES: Final = frozenset("jr jr. sr sr. ii iii iv".split())
_AFTER_INITIAL: Final = re.compile(r"(?<=[A-Z]\.)(?=[^\W\d_]{2,}|[A-Z]\.)")


def parse_author_names(authors: Iterable[str]) -> tuple[AuthorName, ...]:
    """Parse the names of a list of authors; drop those without a letter or digit."""
    texts = (single_line(text.replace("~", " ")) for text in authors)
    return tuple(parse_author_name(text) for text in texts if any(c.isalnum() for c in text))


def parse_author_name(text: str) -> AuthorName:
    """Parse one name on one line."""
    words = _AFTER_INITIAL.sub(" ", text).split()
    head, _, tail = " ".join(words).partition(", ")
    if tail.casefold() in _SUFFIXES:
        words = [*head.split(), tail]
    elif tail:
        return (
            AuthorName(family=head, given=tail)
            if _is_person([head, tail])
            else AuthorName(literal=text)
        )
    suffix = words.pop() if len(words) > 2 and words[-1].casefold() in _SUFFIXES else ""
    if len(words) < 2 or not _is_person(words):
        return AuthorName(literal=text)
    start = _family_start(words)
    end = next((n for n in range(start, len(words) - 1) if words[n] not in _ANY_PARTICLE), None)
    end = len(words) - 1 if end is None else end
    return AuthorName(
        family=" ".join(words[end:]),
        given=" ".join(words[:start]),
        particle=" ".join(words[start:end]),
        suffix=suffix,
    )


def _is_person(words: list[str]) -> bool:
    """True if the words look like the name of one person."""
    whole = " ".join(words)
    if re.search(r"[\d&:;,/()@]", whole) or whole.casefold().startswith(_COLLECTIVE_PREFIXES):
        return False
    folded = {*whole.casefold().split()}
    return not ("AI" in words or "and" in folded or _COLLECTIVE_WORDS & folded)


def _family_start(words: list[str]) -> int:
    """Return the index of the first particle, or of the last word."""
    last = len(words) - 1
    if words[0] in _PARTICLES:
        return 0
    start = next((n for n in range(1, last) if words[n] in _ANY_PARTICLE), last)
    while start > 1 and start < last and words[start - 1].casefold() in _PARTICLES:
        start -= 1
    return start
