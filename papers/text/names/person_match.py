"""Person matcher: whether the name that a reader typed is an author's.

    typed            finds                              not
    geoffrey hinton  Geoffrey Hinton, Geoffrey E. Hinton   G. Hinton: another may be meant
    g. hinton        all of these                          E. Hinton
    karin m. holm    Karin M. Holm, Karin Maria Holm       Karin E. Holm, Karin Holm
    vincent poor     H. Vincent Poor
    hinton           every name with this word

What one typed given name finds is a set of keys of the author's name (`NameForms`), so that an
index of the keys answers exactly; several given names have to be matched in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate, chain, combinations, takewhile
from typing import Final, NamedTuple

from papers.text.names.person_names import (
    PARTICLES,
    NameReading,
    is_initial,
    is_unspaced,
    joined_given_names,
    name_key,
    name_readings,
    name_variants,
)

_UNSPACED_SURNAME_LENGTHS: Final = (1, 2)
MAX_UNSPACED_NAME: Final = 4
_PLAIN_NAME: Final = re.compile(r"[A-Za-z .-]{1,80}")
"""Names of which every surname is a run of their letters."""
_PLAIN_NAMES: Final = re.compile(rb"(?:[A-Za-z .-]{1,80}(?:\n|\Z))*")
_NO_LETTERS: Final = b" .-"
_NEVER: Final = 10_000
"""A position behind every name."""


class NameForms(NamedTuple):
    """What an author's name is found by.

    `words`: single words. `given`: a given name or the first initial, and the surname. `initials`:
    those of two given names, and the surname.
    """

    words: frozenset[str]
    given: frozenset[tuple[str, str]]
    initials: frozenset[tuple[str, str, str]]


def name_forms(name: str) -> NameForms:
    """Return the forms by which an author's name is found."""
    variants = name_variants(name)
    readings = [reading for words in variants for reading in name_readings(words)]
    return NameForms(
        frozenset(_single_words(variants, readings)),
        frozenset(form for reading in readings for form in _given_forms(reading)),
        frozenset(form for reading in readings for form in _initial_forms(reading)),
    )


def _single_words(
    variants: Sequence[Sequence[str]], readings: Iterable[NameReading]
) -> Iterator[str]:
    for word in chain.from_iterable(variants[:1]):
        key = name_key(word)
        yield from (key, *word.split("-"))
        if is_unspaced(key) and 1 < len(key) <= MAX_UNSPACED_NAME:
            yield from (key[:length] for length in _UNSPACED_SURNAME_LENGTHS)
    for reading in readings:
        yield reading.surname
        yield from (joined for _, joined in joined_given_names(reading.given))


def _given_forms(reading: NameReading) -> Iterator[tuple[str, str]]:
    given, surname, is_whole = reading
    if given and is_whole and not is_unspaced(given[0]):
        yield given[0][0], surname
    for word in given:
        if not is_initial(word):
            yield name_key(word), surname
    for _, joined in joined_given_names(given):
        yield joined, surname


def _initial_forms(reading: NameReading) -> Iterator[tuple[str, str, str]]:
    parts = [part for word in reading.given for part in word.split("-")]
    for first, then in combinations(parts, 2):
        yield first[0], then[0], reading.surname


@lru_cache(maxsize=1024)
def person_readings(words: tuple[str, ...]) -> tuple[NameReading, ...]:
    """Return the readings of the words that a reader typed."""
    separate = tuple(_with_separate_parts(words))
    typed = [words] if separate == words else [words, separate]
    return tuple(dict.fromkeys(reading for of in typed for reading in _typed_readings(of)))


def _with_separate_parts(words: Sequence[str]) -> Iterator[str]:
    """Yield words with the parts of hyphenated ones by themselves, as others write the name.

    Not those of given names that have a joined form anyway (`joined_given_names`).
    """
    for index, word in enumerate(words):
        parts = word.split("-")
        is_joined = index + 1 < len(words) and any(joined_given_names(parts))
        yield from [word] if is_joined else parts


def _typed_readings(words: Sequence[str]) -> Iterator[NameReading]:
    last = start = len(words) - 1
    while start > 0 and words[start - 1] in PARTICLES:
        start -= 1
    yield _reading_from(words, start)
    if start == 0 and last > 0:
        yield _reading_from(words, 1)  # Le Song has a given name that others have as a particle


def _reading_from(words: Sequence[str], start: int) -> NameReading:
    return NameReading(tuple(words[:start]), "".join(map(name_key, words[start:])))


def joined_runs(given: Sequence[str]) -> list[str]:
    """Return the first given name as it may be written: it alone, and joined to the next one."""
    whole = takewhile(lambda word: not is_initial(word), given[:2])
    return list(accumulate(map(name_key, whole)))


def is_person(readings: Iterable[NameReading], names: Iterable[str]) -> bool:
    """Return whether any of the names may be the person that a reader typed."""
    readings = tuple(readings)
    return any(is_name_of_person(readings, name) for name in names)


def is_name_of_person(readings: Sequence[NameReading], name: str) -> bool:
    """Return whether a name may be the person that a reader typed."""
    if not _has_surname(readings, name):
        return False
    words = {reading.surname for reading in readings if not reading.given}
    if words and not words.isdisjoint(name_forms(name).words):
        return True
    found = [reading for of in name_variants(name) for reading in name_readings(of)]
    return any(
        typed.surname == reading.surname and typed.given and _fits(typed.given, reading)
        for typed in readings
        for reading in found
    )


def _has_surname(readings: Iterable[NameReading], name: str) -> bool:
    """Return False if a plain name cannot have any of the surnames: most names are not parsed."""
    if not _PLAIN_NAME.fullmatch(name):
        return True
    letters = "".join(filter(str.isalnum, name.lower()))
    return any(reading.surname in letters for reading in readings)


def select_possible_names(readings: Iterable[NameReading], names: Sequence[bytes]) -> list[str]:
    """Return those of a paper's names, in UTF-8, that may be a person's by their letters alone."""
    joined = b"\n".join(names)
    if joined.count(b"\n") >= max(len(names), 1) or not _PLAIN_NAMES.fullmatch(joined):
        return [name.decode() for name in names]
    letters = joined.lower().translate(None, _NO_LETTERS)
    surnames = {reading.surname.encode() for reading in readings}
    if not any(surname in letters for surname in surnames):
        return []
    rows = zip(names, letters.split(b"\n"), strict=True)
    return [name.decode() for name, of in rows if any(surname in of for surname in surnames)]


class _GivenNames:
    """An author's given names: their parts, and the keys of whole names that begin at each part."""

    def __init__(self, given: Sequence[str]) -> None:
        self.parts = [part for word in given for part in word.split("-")]
        starts = list(accumulate((word.count("-") + 1 for word in given), initial=0))
        self.keys: list[list[tuple[str, int]]] = [[] for _ in self.parts]
        for word, start in zip(given, starts, strict=False):
            if not is_initial(word):
                self.keys[start].append((name_key(word), word.count("-") + 1))
        for index, joined in joined_given_names(given):
            self.keys[starts[index]].append((joined, 2))


def _fits(typed: Sequence[str], reading: NameReading) -> bool:
    """Return whether typed given names are an author's, of whom others may be left out.

    A whole first name that is typed does not match a bare initial; a typed initial matches the
    first letter of the author's first given name.
    """
    author = _GivenNames(reading.given)
    ends = [_NEVER] * (len(typed) + 1)
    if is_initial(typed[0]):
        if reading.is_whole and author.parts and author.parts[0][0] == typed[0]:
            ends[1] = 1
    else:
        for position in range(len(author.parts)):
            _advance(ends, 0, position, _whole_steps(typed, author, position))
    for index in range(1, len(typed)):
        for position in range(ends[index], len(author.parts)):
            _advance(ends, index, position, _steps(typed[index:], author, position))
    return ends[-1] < _NEVER


def _advance(ends: list[int], index: int, position: int, steps: Iterable[tuple[int, int]]) -> None:
    """Note the earliest part at which each number of typed names can end."""
    for typed, parts in steps:
        ends[index + typed] = min(ends[index + typed], position + parts)


def _steps(typed: Sequence[str], author: _GivenNames, position: int) -> Iterator[tuple[int, int]]:
    """Yield how many typed names fit how many parts of the author's, from a position on."""
    part = author.parts[position]
    if is_initial(typed[0]) or is_initial(part):
        if part[0] == typed[0][0]:
            yield 1, 1
    else:
        yield from _whole_steps(typed, author, position)


def _whole_steps(
    typed: Sequence[str], author: _GivenNames, position: int
) -> Iterator[tuple[int, int]]:
    for key, parts in author.keys[position]:
        for count, joined in enumerate(joined_runs(typed), 1):
            if joined == key:
                yield count, parts
