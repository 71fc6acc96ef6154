r"""Names of people: their words, and the ways in which they can be read as given names and surname.

    Geoffrey E. Hinton   → geoffrey e hinton      Hinton, Geoffrey E. → geoffrey e hinton
    Jun-Yan Zhu          → jun-yan zhu            J.-Y. Zhu           → j y zhu
    Robert W. Heath, Jr. → robert w heath         王 伟               → 王伟

A word of a name has one or two parts, `jun-yan`; its *key* is the parts joined, as in `Junyan`.
A surname's key has its particles joined to it: `de Luca`, `De-Luca` and `DeLuca` are `deluca`.
No name says where its surname begins, so a name has several readings, of which one may be meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from papers.text.folding import tokenize_unstemmed
from papers.text.latex import accents_to_unicode

MAX_NAME_WORDS: Final = 16
"""Words of an author's name that are read: the first ones and the last one."""
MAX_SYLLABLE_LENGTH: Final = 6
"""Letters of each of two given names that are also written as one: Jun Yan, Junyan."""

PARTICLES: Final = frozenset(
    "abd abu af al ap av aus bar ben bin da dal dall dalla das de dei del dell della delle den der"
    " des di do dos du el ibn la las le les lo los mac mc san santa st te ten ter van vander vanden"
    " ver vom von zu zum zur".split()
)
"""Words that may begin a surname."""
ELIDED_PARTICLES: Final = frozenset("dlo")
"""What stands before an apostrophe, which many leave out: O'Rourke, D'Aquin."""

_SUFFIXES: Final = frozenset("jr sr ii iii iv".split())
UNUSUAL_WORDS: Final = PARTICLES | _SUFFIXES | {"and"}
"""Words of a name that are not simply a given name or a surname."""
_NO_NAMES: Final = frozenset(("and", "et al", "et", "al", "und"))
_NO_NAME_BEGINNINGS: Final = frozenset(words[:2] for words in _NO_NAMES)
_BREAK: Final = re.compile(r"[\s.,;:/&()\[\]~]+")
_CAPITAL_INITIALS: Final = re.compile(r"(?<![\w.'-])([A-Z]{2,3})(?=\s+\S)")


class NameReading(NamedTuple):
    """Given names, as words, and the key of the surname.

    `is_whole`: it has all words of the name. A surname that others follow, as the first one of
    García Vázquez or García-Vázquez, is only found with a whole given name.
    """

    given: tuple[str, ...]
    surname: str
    is_whole: bool = True


def is_author_name(text: str) -> bool:
    """Return False for what lists of authors have between names: `:`, `and`, `et al.`."""
    if text[:1].isalpha() and text[:2].casefold() not in _NO_NAME_BEGINNINGS:  # as most names
        return True
    words = text.casefold().strip(" .,;:").split()
    return any(map(str.isalnum, text)) and " ".join(words) not in _NO_NAMES


def name_words(text: str) -> tuple[str, ...]:
    """Return the words of a name, given names first, without `Jr.` and the like."""
    letters = text.replace(".", " ")
    if text.isascii() and letters.replace(" ", "").isalpha():  # most names
        words = letters.lower().split()
    else:
        head, _, tail = accents_to_unicode(text).partition(",")
        words = _split_words(head)
        others = [word for word in _split_words(tail) if word not in _SUFFIXES]
        if others:
            is_reversed = not is_unspaced([*words, *others])
            words = [*others, *_surname(words)] if is_reversed else [*words, *others]
    return _trim(words)


def _split_words(text: str) -> list[str]:
    words = list[str]()
    for written in filter(None, _BREAK.split(text)):
        parts = tokenize_unstemmed(written)
        words += ["-".join(parts)] if is_compound(parts) else parts
    return words


def _surname(words: list[str]) -> list[str]:
    """Return the words of a surname as they stand behind given names."""
    is_double = is_compound(words) and words[0] not in PARTICLES
    return ["-".join(words)] if is_double else words


def _trim(words: list[str]) -> tuple[str, ...]:
    """Return the words without suffixes and without the `and` of a list of names."""
    start = next((n for n, word in enumerate(words[:-1]) if word != "and"), len(words) - 1)
    words = words[max(start, 0) :]
    while len(words) > 1 and words[-1].rpartition("-")[2] in _SUFFIXES:
        last = words.pop()
        words += filter(None, [last.rpartition("-")[0]])
    if len(words) > 1 and is_unspaced(words):
        return ("".join(map(name_key, words)),)
    return tuple(words)


def is_compound(parts: Sequence[str]) -> bool:
    """Return whether two parts are one word with a hyphen or an apostrophe, not two initials."""
    if len(parts) != 2 or is_initial(parts[1]) or "-" in "".join(parts):
        return False
    return not is_initial(parts[0]) or parts[0] in ELIDED_PARTICLES


def is_initial(word: str) -> bool:
    """Return whether a word is a single letter that stands for a name."""
    return len(word) == 1 and not is_unspaced(word)


def is_unspaced(words: Sequence[str]) -> bool:
    """Return whether words are of Chinese, Japanese or Korean: surname first, without blanks."""
    letters = "".join(words).replace("-", "")
    return not letters.isascii() and all(
        "\u3041" <= c <= "\u30ff" or "\u3400" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7a3"
        for c in letters
    )


def name_key(word: str) -> str:
    """Return a word as it is compared: with its parts joined."""
    return word.replace("-", "")


def name_variants(text: str) -> list[tuple[str, ...]]:
    """Return the words of an author's name; twice if capitals may be initials: `DO Anderson`."""
    words = _first_and_last(name_words(text))
    if not words:
        return []
    spaced = _CAPITAL_INITIALS.sub(lambda match: " ".join(match[1]), text)
    has_initials = spaced != text and not text.isupper()
    other = _first_and_last(name_words(spaced)) if has_initials else words
    return [words] if other == words else [words, other]


def _first_and_last(words: tuple[str, ...]) -> tuple[str, ...]:
    return (*words[: MAX_NAME_WORDS - 1], *words[MAX_NAME_WORDS - 1 :][-1:])


def name_readings(words: Sequence[str]) -> Iterator[NameReading]:
    """Yield the readings of the words of an author's name."""
    count = len(words)
    for end in range(count, 0, -1):
        is_whole = end == count
        if is_whole or (end > 1 and _is_first_surname(words, end)):
            yield from _readings_with_surname(words[:end], is_whole=is_whole)


def _is_first_surname(words: Sequence[str], end: int) -> bool:
    """Return whether the word before `end` may be a surname that others follow."""
    has_initials = is_initial(words[0]) or any(map(is_initial, words[end - 1 :]))
    return not has_initials and words[end - 1] not in PARTICLES


def _readings_with_surname(words: Sequence[str], *, is_whole: bool) -> Iterator[NameReading]:
    """Yield the readings in which the surname is last, with or without what may belong to it."""
    start = len(words) - 1
    key = name_key(words[-1])
    yield NameReading(tuple(words[:start]), key, is_whole)
    while start > 0 and words[start - 1] in PARTICLES:
        start -= 1
        key = name_key(words[start]) + key
        yield NameReading(tuple(words[:start]), key, is_whole)
    first, _, second = words[-1].partition("-")
    if second:
        yield NameReading((*words[:-1], first), second, is_whole)
        if first in ELIDED_PARTICLES:
            yield NameReading((first,), second, is_whole)  # "o rourke", typed with a blank
        elif first not in PARTICLES:
            yield NameReading(tuple(words[:-1]), first, is_whole=False)


def joined_given_names(given: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the indices and joined keys of neighboring given names that may be one: Jun Yan."""
    for index, pair in enumerate(pairwise(given)):
        if all(map(_is_syllable, pair)):
            yield index, "".join(pair)


def _is_syllable(word: str) -> bool:
    is_short = 1 < len(word) <= MAX_SYLLABLE_LENGTH
    return is_short and "-" not in word and word not in PARTICLES
