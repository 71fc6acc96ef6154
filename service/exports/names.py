"""A name as sources write it, parted as references need it.

Sources give one string a name. What is no person (teams, collaborations, institutes) and what is a
single word stays whole. Nothing here knows languages: a rule stands only where it is nearly always
right, as lower-case particles are; what is rarer is written as it came.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from service.markup.clean import single_line


@dataclass(frozen=True, slots=True)
class AuthorName:
    """A person's name in parts, or `whole` for whoever has none; `particle` is a `van der`."""

    family: str = ""
    given: str = ""
    particle: str = ""
    suffix: str = ""
    literal: str = ""

    @property
    def citation_name(self) -> str:
        """The word that people know the name by."""
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
"""Van, Le, Da and others are also middle names."""
_SUFFIXES: Final = frozenset("jr jr. sr sr. ii iii iv".split())
_AFTER_INITIAL: Final = re.compile(r"(?<=[A-Z]\.)(?=[^\W\d_]{2,}|[A-Z]\.)")


def parse_author_names(authors: Iterable[str]) -> tuple[AuthorName, ...]:
    """The names of a list of authors; what has neither letter nor digit is none."""
    texts = (single_line(text.replace("~", " ")) for text in authors)
    return tuple(parse_author_name(text) for text in texts if any(c.isalnum() for c in text))


def parse_author_name(text: str) -> AuthorName:
    """One name, on one line."""
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
    end = next((n for n in range(start, len(words) - 1) if not _is_particle(words[n])), None)
    end = len(words) - 1 if end is None else end
    return AuthorName(
        family=" ".join(words[end:]),
        given=" ".join(words[:start]),
        particle=" ".join(words[start:end]),
        suffix=suffix,
    )


def _is_person(words: list[str]) -> bool:
    """Whether the words of a name are those of one person."""
    whole = " ".join(words)
    if re.search(r"[\d&:;,/()@]", whole) or whole.casefold().startswith(_COLLECTIVE_PREFIXES):
        return False
    folded = {*whole.casefold().split()}
    return not ("AI" in words or "and" in folded or _COLLECTIVE_WORDS & folded)


def _family_start(words: list[str]) -> int:
    """Where the family name with its particles begins: at the last word, or before."""
    last = len(words) - 1
    if words[0] in _PARTICLES:
        return 0
    start = next((n for n in range(1, last) if _is_particle(words[n])), last)
    while start > 1 and start < last and words[start - 1].casefold() in _PARTICLES:
        start -= 1
    return start


def _is_particle(word: str) -> bool:
    return word in _PARTICLES or word in _CAPITALIZED_PARTICLES
