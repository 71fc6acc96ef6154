r"""The words of a sample of papers, and what other forms of them papers write.

What is stored of them is a dictionary of strings (`papers.suggestions.term_dictionary`):

    field           value
    reinforcement   1532                     papers of the sample that have the folded word
    ^rein  $ment    reinforcement:1532 …     long words that begin or end so, for corrections
    =eyetracking    eye tracking             the open form of what some papers hyphenate
    ~schroedinger   schrodinger              what is written with an umlaut in some papers, and back
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Final

from papers.suggestions.spellings import with_digraphs
from papers.text.compounds import may_join
from papers.text.folding import tokenize
from papers.text.latex import accents_to_unicode
from papers.text.text_readings import token_readings

MAX_WORDS: Final = 60_000
MAX_FORMS: Final = 20_000
MAX_COUNTED_WORDS: Final = 500_000
"""Words that are counted at a time: about 60 MB."""
MIN_WORD_LENGTH: Final = 3
MIN_WORD_PAPERS: Final = 2
BUCKET_LETTERS: Final = 4
MIN_BUCKET_WORD: Final = 8
"""Letters of a word that may have two errors."""
MIN_BUCKET_PAPERS: Final = 5
MAX_BUCKET_WORDS: Final = 400
_MIN_FORM_PAPERS: Final = 2
_PAIR: Final = re.compile(r"(?<![\w-])([A-Za-z]{2,})-([A-Za-z]{2,})(?![\w-])")
_WITH_UMLAUT: Final = re.compile(r"[^\W\d_]*[äöüøå][^\W\d_]*")


class WordCounter:
    """Counts in how many papers each word and form is, in bounded memory."""

    def __init__(self) -> None:
        self.papers = 0
        self.counts, self._pairs = Counter[str](), Counter[tuple[str, str]]()
        self._umlauts = Counter[tuple[str, str]]()

    def add(self, texts: Iterable[str]) -> None:
        """Count the words of the texts of one paper."""
        self.papers += 1
        words, pairs, umlauts = set[str](), set[tuple[str, str]](), set[tuple[str, str]]()
        for text in texts:
            words.update(token_readings(text).words)
            pairs.update((a.lower(), b.lower()) for a, b in _PAIR.findall(text))
            umlauts.update(_umlaut_forms(text))
        for counter, found in (
            (self.counts, words),
            (self._pairs, pairs),
            (self._umlauts, umlauts),
        ):
            counter.update(found)  # type: ignore[arg-type]
            _limit(counter)  # type: ignore[arg-type]

    def fields(self) -> dict[str, str]:
        """Return the dictionary, as described above."""
        counted = [(word, n) for word, n in self.counts.items() if _is_kept(word, n)]
        words = dict(sorted(counted, key=lambda item: (-item[1], item[0]))[:MAX_WORDS])
        return {
            **{word: str(papers) for word, papers in words.items()},
            **dict(_buckets(words)),
            **dict(_open_forms(self._pairs)),
            **dict(_umlaut_fields(self._umlauts)),
        }


def _limit(counter: Counter[object]) -> None:
    least = 1
    while len(counter) > MAX_COUNTED_WORDS:
        for item in [item for item, papers in counter.items() if papers <= least]:
            del counter[item]
        least += 1


def _is_kept(word: str, papers: int) -> bool:
    is_word = len(word) >= MIN_WORD_LENGTH and word.isascii() and not word.isdecimal()
    return is_word and papers >= MIN_WORD_PAPERS


def _buckets(words: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the long words by their first and by their last letters, frequent ones first."""
    found = defaultdict[str, list[str]](list)
    for word, papers in words.items():
        if len(word) >= MIN_BUCKET_WORD and papers >= MIN_BUCKET_PAPERS and word.isalpha():
            for bucket in bucket_names(word):
                if len(found[bucket]) < MAX_BUCKET_WORDS:
                    found[bucket].append(f"{word}:{papers}")
    yield from ((bucket, " ".join(entries)) for bucket, entries in found.items())


def bucket_names(word: str) -> tuple[str, str]:
    """Return the fields that list the words that begin, and end, like this one."""
    return f"^{word[:BUCKET_LETTERS]}", f"${word[-BUCKET_LETTERS:]}"


def _open_forms(pairs: Counter[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the closed form of each pair that papers hyphenate, and its open form."""
    seen = set[str]()
    for (first, second), papers in pairs.most_common(MAX_FORMS):
        folded = tokenize(first + second)
        is_one = len(folded) == 1 and may_join(first, second)
        if papers >= _MIN_FORM_PAPERS and is_one and folded[0] not in seen:
            seen.add(folded[0])
            yield f"={folded[0]}", f"{first} {second}"


def _umlaut_fields(found: Counter[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield each spelling of a word with umlauts, and the other one."""
    for (plain, digraph), _ in reversed(found.most_common(MAX_FORMS)):
        yield f"~{digraph}", plain
        yield f"~{plain}", digraph


def _umlaut_forms(text: str) -> Iterator[tuple[str, str]]:
    """Yield each word with an umlaut as it is folded, and with two letters for the umlaut."""
    if text.isascii() and "\\" not in text:
        return
    for word in _WITH_UMLAUT.findall(accents_to_unicode(text).lower()):
        plain, digraph = tokenize(word), tokenize(with_digraphs(word))
        if len(plain) == len(digraph) == 1:
            yield plain[0], digraph[0]
