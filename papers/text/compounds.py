"""Compounds: hyphenated words are read as two words and as one.

    open reading      a multi-modal U-Net       a multi modal u net
    closed reading                              a multimodal unet

In a chain `a-b-c` two readings are needed to join every pair: `ab c` and `a bc`. Numbers are not
joined (`12-15`), nor are function words (`state-of-the-art`), as nobody writes these closed.

A reader may also write what a text has closed with a hyphen or a blank, and the other way round:
`spellings` returns the word sequences that a folded word or phrase stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from papers.text.plurals import singularize
from papers.text.stop_words import STOP_WORDS

_NEVER_JOINED: Final = frozenset("of the to and or vs".split())
_NEVER_SECOND: Final = _NEVER_JOINED | frozenset("a an by for with from as at is".split())
MAX_JOINED_LENGTH: Final = 40
MAX_COMPOUND_WORDS: Final = 8
"""Words of a phrase of which a pair may be written closed; a longer one is a sentence."""
MAX_BOUNDARIES: Final = 3
"""Places of a word where a letter meets a digit, each of which may be written open."""

_PAIR: Final = 2
_BOUNDARY: Final = re.compile(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")


def may_join(first: str, second: str) -> bool:
    """Return whether two hyphenated words are also read as one."""
    if first in _NEVER_JOINED or second in _NEVER_SECOND:
        return False
    has_letters = not (first.isdecimal() and second.isdecimal())
    return has_letters and len(first) + len(second) <= MAX_JOINED_LENGTH


def closed_reading_joins(joinable: Sequence[bool]) -> Iterator[list[bool]]:
    """Yield for each closed reading which pairs it joins; none if there is nothing to join.

    `joinable[i]` says whether words i and i + 1 are hyphenated and may be joined. The first reading
    joins from the left of each chain, the second from its second word on.
    """
    for offset in (0, 1):
        joined, run = list[bool](), 0
        for is_joinable in joinable:
            run = run + 1 if is_joinable else 0
            joined.append(run > offset and (run - offset) % 2 == 1)
        if any(joined):
            yield joined


def spellings(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return the word sequences that a folded word or phrase stands for, itself first.

    One pair of neighbors may be closed, or one word open where a letter meets a digit.
    """
    if len(words) > MAX_COMPOUND_WORDS:
        return (words,)
    found = [words]
    for at, (first, second) in enumerate(pairwise(words)):
        for joined in _joined_forms(first, second):
            found.append((*words[:at], joined, *words[at + 2 :]))
    for at, word in enumerate(words):
        for parts in _open_forms(word):
            found.append((*words[:at], *parts, *words[at + 1 :]))
    return tuple(dict.fromkeys(found))


def close_number(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return a phrase of two words as one if a letter meets a digit there: `gpt 4` as `gpt4`."""
    if len(words) != _PAIR:
        return words
    joined = "".join(words)
    if not may_join(*words) or words not in _open_forms(joined):
        return words
    # a number belongs to the word before it: "llama3 model" is two words
    is_number = words[1][0].isdecimal() or len(_BOUNDARY.findall(joined)) == 1
    return (joined,) if is_number else words


def _joined_forms(first: str, second: str) -> tuple[str, ...]:
    """Return what two folded words are joined to: the plural of either form is folded."""
    if not may_join(first, second):
        return ()
    return tuple(dict.fromkeys((singularize(first + second), first + second)))


def _open_forms(word: str) -> tuple[tuple[str, ...], ...]:
    """Return a word opened at one place where a letter meets a digit, and at all of them."""
    boundaries = [match.start() for match in _BOUNDARY.finditer(word)]
    if not 0 < len(boundaries) <= MAX_BOUNDARIES:
        return ()
    pairs = [(word[:at], word[at:]) for at in boundaries]
    forms = dict.fromkeys([*pairs, tuple(_BOUNDARY.split(word))])
    # `A100` is never written "A 100", and "a 100" is no name
    return tuple(parts for parts in forms if STOP_WORDS.isdisjoint(parts))
