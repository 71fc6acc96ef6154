"""Corrections of misspelt words: the frequent words of the store that differ by a letter or two.

Only words that hardly any paper has are looked at. Their neighbors at a distance of one (a letter
too many, missing, wrong, or two exchanged: Damerau and Levenshtein) are listed and looked up in the
dictionary, some 700 for a word of twelve letters; those of long words at a distance of two are
among the words that begin, or end, with the same four letters. Both take one round trip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_lowercase
from typing import Final, NamedTuple

from papers.errors import BadQuery
from papers.query.parser import Query, parse_query
from papers.suggestions.sample_words import bucket_names
from papers.suggestions.spellings import other_spellings
from papers.suggestions.term_dictionary import TermDictionary
from papers.suggestions.term_spans import TermSpan
from papers.text.folding import tokenize_keyword

MAX_RARE_PAPERS: Final = 2
"""Papers of the sample that may have a misspelt word."""
MAX_CORRECTED: Final = 4
"""Words of a keyword that are corrected."""
MIN_LENGTH: Final = 5
MAX_LENGTH: Final = 24
_MIN_PAPERS: Final = 3
_MIN_RATIO: Final = 20
"""How many times as frequent as the misspelt word its correction is."""
_TWO_ERRORS: Final = 2
_MIN_FAR_LENGTH: Final = 10
_MIN_FAR_PAPERS: Final = 50
_ENDING: Final = 2
"""Last letters by which words of one stem differ: `photonic` is no misspelt `photonics`."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_FOLDED: Final = re.compile(r"[a-z]+")


class _Neighbor(NamedTuple):
    distance: int
    papers: int
    word: str


def is_correctable(word: str) -> bool:
    """Return whether a folded word may be misspelt: letters only, neither short nor endless."""
    return MIN_LENGTH <= len(word) <= MAX_LENGTH and bool(_FOLDED.fullmatch(word))


def misspellable_words(text: str, spans: Sequence[TermSpan]) -> dict[tuple[int, int], str]:
    """Return the folded words that may be misspelt, by their places in the text."""
    found = dict[tuple[int, int], str]()
    for span in spans:
        at = text.find(span.written, span.start)
        if span.word_count == 1 and not span.is_name and not other_spellings(span.written):
            for match in _WORD.finditer(span.written):
                folded = tokenize_keyword(match[0])
                if len(folded) == 1 and is_correctable(folded[0]):
                    found[at + match.start(), at + match.end()] = folded[0]
    return found


def corrected_query(
    store: TermDictionary,
    text: str,
    words: Mapping[tuple[int, int], str],
    known: Mapping[str, str],
) -> Query | None:
    """Return a keyword with those of some words corrected that hardly any paper has; None if none.

    `known` has fields of the dictionary: the papers of words, and open forms. One round trip.
    """
    papers = {word: int(known.get(word, 0)) for word in words.values()}
    rare = {
        word: n for word, n in papers.items() if n <= MAX_RARE_PAPERS and f"={word}" not in known
    }
    corrections = correct_words(store, rare) if rare else {}
    for (start, end), word in sorted(words.items(), reverse=True):
        if word in corrections:
            text = text[:start] + corrections[word] + text[end:]
    try:
        return parse_query(text) if corrections else None
    except BadQuery:
        return None


def correct_words(dictionary: TermDictionary, rare: Mapping[str, int]) -> dict[str, str]:
    """Return the corrections of those of some words that have one, by their papers in the sample.

    One round trip. Raises StoreUnavailable.
    """
    words = [word for word in rare if is_correctable(word)][:MAX_CORRECTED]
    near = {word: [w for w in dict.fromkeys(edits(word)) if w[:1] == word[:1]] for word in words}
    fields = [field for word in words for field in (*near[word], *_far_fields(word))]
    found = dictionary.get(list(dict.fromkeys(fields)))
    corrected = dict[str, str]()
    for word in words:
        neighbors = [_Neighbor(1, int(found[w]), w) for w in near[word] if w in found]
        neighbors += _far_neighbors(word, found)
        least = max(_MIN_PAPERS, _MIN_RATIO * rare[word])
        kept = [n for n in neighbors if n.papers >= least and _is_other(word, n, rare[word])]
        if kept:
            corrected[word] = min(kept, key=lambda n: (n.distance, -n.papers, n.word)).word
    return corrected


def _is_other(word: str, neighbor: _Neighbor, papers: int) -> bool:
    """Return whether a word that so many papers have is rather another, misspelt."""
    if not papers:
        return neighbor.word != word
    is_same_stem = neighbor.word[: len(word) - _ENDING] == word[:-_ENDING]
    return neighbor.distance == 1 and not is_same_stem


def edits(word: str) -> Iterator[str]:
    """Yield the words at a distance of one."""
    for at in range(len(word) + 1):
        before, rest = word[:at], word[at:]
        if rest:
            yield before + rest[1:]
            for letter in ascii_lowercase:
                yield f"{before}{letter}{rest[1:]}"
        if len(rest) > 1 and rest[0] != rest[1]:
            yield f"{before}{rest[1]}{rest[0]}{rest[2:]}"
        for letter in ascii_lowercase:
            yield f"{before}{letter}{rest}"


def _far_fields(word: str) -> tuple[str, ...]:
    return bucket_names(word) if len(word) >= _MIN_FAR_LENGTH else ()


def _far_neighbors(word: str, found: Mapping[str, str]) -> Iterator[_Neighbor]:
    """Yield the words at a distance of two that begin, or end, with the same letters."""
    letters = set(word)
    for entry in " ".join(found.get(field, "") for field in _far_fields(word)).split():
        other, _, papers = entry.partition(":")
        is_near = abs(len(other) - len(word)) <= _TWO_ERRORS and other[0] == word[0]
        if not is_near or int(papers) < _MIN_FAR_PAPERS:
            continue
        if len(letters.symmetric_difference(other)) > 2 * _TWO_ERRORS:
            continue
        if (distance := edit_distance(word, other)) <= _TWO_ERRORS:
            yield _Neighbor(distance, int(papers), other)


def edit_distance(first: str, second: str) -> int:
    """Return the distance of two words by Damerau and Levenshtein, exchanged neighbors being one.

    https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance#Optimal_string_alignment_distance
    """
    before, row = list[int](), list(range(len(second) + 1))
    for i, letter in enumerate(first, 1):
        last, before, row = before, row, [i]
        for j, other in enumerate(second, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == second[j - 2] and first[i - 2] == other:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
