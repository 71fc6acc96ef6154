"""Compounds: hyphenated words are read as two words and as one.

    open reading      a multi-modal U-Net       a multi modal u net
    closed reading                              a multimodal unet

In a chain `a-b-c` two readings are needed to join every pair: `ab c` and `a bc`. Not joined is
what nobody writes closed, or what is another word then:

    digits          12-15, Qwen2.5-7B           no 1215, no 57b
    letters         I-V, k-d, ViT-S             but for a few: K-V cache, A.I., p-n junction
    function words  state-of-the-art, a symmetric, in finite; but in-situ, in-painting, a-priori
    exceptions      re-cover, co-op, n-1        `never_joined.txt`

A reader may also write what a text has closed with a hyphen or a blank, and the other way round:
`spellings` returns the word sequences that a folded word or phrase stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import resources
from itertools import pairwise
from typing import Final

from papers.text.plurals import singularize
from papers.text.stop_words import STOP_WORDS

_NEVER_JOINED: Final = frozenset("of the to and or vs".split())
_NEVER_FIRST: Final = _NEVER_JOINED | frozenset(
    "an are as at be can for has have if is it its may not our than that these this was we were"
    " when where which while with".split()
)
_NEVER_SECOND: Final = _NEVER_JOINED | frozenset("a an by for with from as at is".split())
_ONLY_SECOND: Final = {
    "a": frozenset("la posteriori priori star".split()),
    "in": frozenset(
        "band batch between betweening box built context degree depth distribution domain filling"
        " filled flight game group hand home house line memory network orbit order paint painted"
        " painting patient person phase place plane process processing sample silico situ target"
        " time vehicle vitro vivo".split()
    ),
}
"""Function words that are also prefixes, and the words that they are one word with."""
_JOINED_LETTERS: Final = frozenset("ai av kv pn rf tv uk uv vl xy xz yz".split())
"""Two letters that are written K-V, A.I. and closed; others are two things, or another word."""
_NEVER_JOINED_TABLE: Final = "never_joined.txt"
MAX_JOINED_LENGTH: Final = 40
MAX_COMPOUND_WORDS: Final = 8
"""Words of a phrase of which a pair may be written closed; a longer one is a sentence."""
MAX_BOUNDARIES: Final = 3
"""Places of a word where a letter meets a digit, each of which may be written open."""

_PAIR: Final = 2
_BOUNDARY: Final = re.compile(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")


def _read_exceptions() -> frozenset[str]:
    """Read the pairs of the table; lines that begin with `#` are comments."""
    table = resources.files(__package__).joinpath(_NEVER_JOINED_TABLE).read_text("utf-8")
    return frozenset(line for line in table.split("\n") if line and not line.startswith("#"))


_EXCEPTIONS: Final = _read_exceptions()
_EXCEPTIONAL_FIRSTS: Final = frozenset(pair.partition("-")[0] for pair in _EXCEPTIONS)


def may_join(first: str, second: str) -> bool:
    """Return whether two hyphenated words in small letters are also read as one.

    A plural `second` is like its singular, so that texts and keywords agree.
    """
    if not may_join_prefix(first, second) or first in _NEVER_FIRST or second == "s":
        return False
    if first[-1].isdecimal() and second[0].isdecimal():
        return False
    is_letter = len(first) == 1 and first.isalpha()
    if is_letter and second.isalpha() and (len(second) == 1 or second in STOP_WORDS):
        return first + second in _JOINED_LETTERS
    if first in _ONLY_SECOND and second.isalpha():
        return singularize(second) in _ONLY_SECOND[first]
    return first not in _EXCEPTIONAL_FIRSTS or f"{first}-{singularize(second)}" not in _EXCEPTIONS


def may_join_prefix(first: str, second: str) -> bool:
    """Return whether two hyphenated words are read as one if the second is only begun: `re-cov*`.

    Which words it begins is not known, so there are no exceptions.
    """
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
    if len(words) > MAX_COMPOUND_WORDS or (len(words) == 1 and words[0].isalpha()):
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
    return tuple(
        parts
        for parts in forms
        if STOP_WORDS.isdisjoint(parts) and (len(parts) > _PAIR or _may_open(*parts))
    )


def _may_open(first: str, second: str) -> bool:
    """Return whether a word may be written apart: not `K3`, as "K = 3" is a formula."""
    is_formula = len(first) == 1 and first.isalpha() and second.isdecimal()
    return not is_formula and may_join(first, second)
