"""Words in a row, as texts may write them: where they stand in the bytes of many texts at once.

Whether they stand there is told by expressions for so many words, whichever they are, and by what
words these turn out to be: an expression for each phrase takes longer to compile than to look
through a hundred texts with.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Final, NamedTuple

from papers.text.plurals import surface_forms

_WORD_SEPARATOR: Final = "[^a-z0-9\0]+"
"""Between words in a row of a plain text."""


class PhrasePattern(NamedTuple):
    """Folded words in a row, as they may be written."""

    prefix: bytes
    """What each spelling of the first begins with."""
    spellings: tuple[frozenset[bytes], ...]
    """Of each word."""

    def occurs_in(self, text: str) -> bool:
        """Whether it is spelled in a plain text, in lower case."""
        return any(True for _ in self.occurrences(text.encode()))

    def occurrences(self, text: bytes) -> Iterator[PhraseSpan]:
        """Where it is spelled in a text in lower case."""
        plainly, spelled = _phrase_regexes(len(self.spellings))
        start = text.find(self.prefix)
        while start >= 0:
            sure = plainly.match(text, start)
            met = sure or spelled.match(text, start)
            if met and all(map(frozenset.__contains__, self.spellings, met.groups())):
                yield PhraseSpan(start, met.end(), sure is not None)
            start = text.find(self.prefix, start + 1)


class PhraseSpan(NamedTuple):
    """Where a row stands: from and up to which byte.

    `plainly`: so that folding the text around cannot change it.
    """

    start: int
    end: int
    is_certain: bool


@lru_cache(maxsize=1024)
def phrase_pattern(words: tuple[str, ...], *, with_plurals: bool = True) -> PhrasePattern:
    """How folded words in a row may be written: in the plural too, unless they are of names."""
    written = [surface_forms(word) if with_plurals else [word] for word in words]
    spellings = [frozenset(map(str.encode, spelled)) for spelled in written]
    return PhrasePattern(_common_prefix(written[0]).encode(), tuple(spellings))


class _PhraseRegexes(NamedTuple):
    """So many words in a row, whichever they are."""

    strict: re.Pattern[bytes]
    """In any text, so that folding cannot change it."""
    loose: re.Pattern[bytes]
    """In a plain text."""


@lru_cache(maxsize=64)
def _phrase_regexes(count: int) -> _PhraseRegexes:
    words = ["([a-z0-9]+)"] * count
    tex = r"(?<!\\.)(?<!\\..)(?<!\\...)"
    row = r"[\s(),.;:!?/\"-]+".join(words)
    plainly = rf"(?<=[\s(/\"-]){tex}{row}(?=[\s,.;:!?)/\"-])"
    spelled = rf"(?<![a-z0-9]){_WORD_SEPARATOR.join(words)}"
    return _PhraseRegexes(re.compile(plainly.encode(), re.DOTALL), re.compile(spelled.encode()))


def _common_prefix(words: Sequence[str]) -> str:
    """What sorted words all begin with."""
    letters = zip(words[0], words[-1], strict=False) if words else ()
    return "".join(one for one, _ in takewhile(lambda pair: pair[0] == pair[1], letters))
