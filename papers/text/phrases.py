"""Phrase search in the raw bytes of many texts, without folding them.

Compiling a regular expression per phrase takes longer than searching a hundred texts. So there is
one expression per number of words, which captures any consecutive words; these are then looked up
among the surface forms of the phrase's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Final, NamedTuple

from papers.text.plurals import surface_forms

_WORD_SEPARATOR: Final = "[^a-z0-9\0]+"
"""What can stand between neighboring words of a plain text."""


class PhrasePattern(NamedTuple):
    """Consecutive folded words, with the surface forms that each may have in a text."""

    prefix: bytes
    """The common prefix of the first word's surface forms."""
    spellings: tuple[frozenset[bytes], ...]
    """The surface forms of each word."""

    def occurs_in(self, text: str) -> bool:
        """Return whether the phrase occurs in a plain lower-case text."""
        return any(True for _ in self.occurrences(text.encode()))

    def occurrences(self, text: bytes) -> Iterator[PhraseSpan]:
        """Yield where the phrase occurs in a lower-case text."""
        strict, loose = _phrase_regexes(len(self.spellings))
        start = text.find(self.prefix)
        while start >= 0:
            certain = strict.match(text, start)
            match = certain or loose.match(text, start)
            if match and all(map(frozenset.__contains__, self.spellings, match.groups())):
                yield PhraseSpan(start, match.end(), certain is not None)
            start = text.find(self.prefix, start + 1)


class PhraseSpan(NamedTuple):
    """An occurrence of a phrase: the bytes from `start` up to `end`.

    `is_certain` if folding the text around it cannot change that; otherwise the occurrence counts
    in plain texts only.
    """

    start: int
    end: int
    is_certain: bool


@lru_cache(maxsize=1024)
def phrase_pattern(words: tuple[str, ...], *, with_plurals: bool = True) -> PhrasePattern:
    """Return the pattern of consecutive folded words; names are searched without plurals."""
    forms = [surface_forms(word) if with_plurals else [word] for word in words]
    spellings = [frozenset(map(str.encode, of_word)) for of_word in forms]
    return PhrasePattern(_common_prefix(forms[0]).encode(), tuple(spellings))


class _PhraseRegexes(NamedTuple):
    """Two expressions that capture a given number of consecutive words."""

    strict: re.Pattern[bytes]
    """Matches only where folding cannot change the words, in any text."""
    loose: re.Pattern[bytes]
    """Matches in plain texts."""


@lru_cache(maxsize=64)
def _phrase_regexes(count: int) -> _PhraseRegexes:
    words = ["([a-z0-9]+)"] * count
    no_tex_before = r"(?<!\\.)(?<!\\..)(?<!\\...)"
    separated = r"[\s(),.;:!?/\"-]+".join(words)
    strict = rf"(?<=[\s(/\"-]){no_tex_before}{separated}(?=[\s,.;:!?)/\"-])"
    loose = rf"(?<![a-z0-9]){_WORD_SEPARATOR.join(words)}"
    return _PhraseRegexes(re.compile(strict.encode(), re.DOTALL), re.compile(loose.encode()))


def _common_prefix(sorted_words: Sequence[str]) -> str:
    """Return the prefix that all words share: that of the first and the last in sorted order."""
    letters = zip(sorted_words[0], sorted_words[-1], strict=False) if sorted_words else ()
    return "".join(first for first, _ in takewhile(lambda pair: pair[0] == pair[1], letters))
