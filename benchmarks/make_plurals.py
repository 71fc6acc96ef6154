"""Make papers/text/plural_table.txt: words that end in s and are no plurals, from a file of papers.

    python -m benchmarks.make_plurals [PAPERS.jsonl.gz]

A word that the stemmer would cut is in the table if one of these holds:

* name: within sentences it is nearly always written with a capital, and either the cut word hardly
  occurs (Bayes, Texas, Kubernetes) or several authors have the name (Adams, Stokes); or it is the
  name of authors, and hardly ever written in small letters (Rogers);
* acronym: it is written in capitals with its S (GPS, GNSS), twice as often as otherwise (GPs), and
  in three papers or more;
* other: it is written in small letters, often, and the cut word never is (perhaps, towards).

The stemmer's irregular plurals and unchanged words are in `papers/text/plurals.py`, as they are
few. Raise VERSION when the table changes: stored postings then need a schema migration.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.corpus import DEFAULT_CORPUS, read_sightings
from papers.text import plurals
from papers.text.folding import fold_text, tokenize_unstemmed

VERSION: Final = 1
_OUTPUT: Final = Path(plurals.__file__).with_name(plurals.PLURAL_TABLE)
_WORD: Final = re.compile(
    r"(?P<begin>(?:^|[.?!:(\[\"]) ?)?(?P<word>[A-Za-z0-9]+)(?P<possessive>'s)?"
)
_MIN_PAPERS: Final = 3
_MAX_SHORT: Final = 3
_MAX_WORDS: Final = 3
"""Papers with the cut word in small letters beyond which it is a word of its own: burn, kit."""
_MIN_NAME_PAPERS: Final = 3
_MIN_OTHER_PAPERS: Final = 25
_CAPITALIZED_SHARE: Final = 0.9
_SINGULAR_SHARE: Final = 0.05
_MIN_AUTHORS: Final = 2
_MIN_NAMESAKES: Final = 4
_DEMONYMS: Final = ("ians", "eans", "ists", "ans", "ers", "ors")
"""Endings of words that have a capital and are plurals: Gaussians, Europeans, Bayesians."""


class WordCounts:
    """In how many papers each word is written in which way."""

    def __init__(self) -> None:
        self.small, self.title, self.capital = Counter[str](), Counter[str](), Counter[str]()
        self.acronym_plurals = Counter[str]()
        self.surnames = Counter[str]()

    def add(self, texts: Iterable[str], authors: Iterable[str]) -> None:
        """Count the words of a paper's texts, within sentences, and its authors' surnames."""
        found = {form for text in texts for form in _written_words(text)}
        for word in found:
            lower = word.lower()
            if plurals.is_acronym(word):
                self.capital[lower] += 1
            elif plurals.is_acronym_plural(word):
                self.acronym_plurals[lower] += 1
            else:
                (self.title if word[0].isupper() else self.small)[lower] += 1
        names = (tokenize_unstemmed(author) for author in authors)
        self.surnames.update({words[-1] for words in names if words})

    def is_name(self, word: str, singular: str) -> bool:
        """Return whether a word is nearly always capitalized, and no plural of another."""
        written, small = self.title[word], self.small[word]
        is_surname = self.surnames[word] >= _MIN_NAMESAKES and not word.endswith(_DEMONYMS)
        if is_surname and small <= 1 and self.small[singular] <= _MAX_WORDS:
            return True
        if written < _MIN_NAME_PAPERS or written < _CAPITALIZED_SHARE * (written + small):
            return False
        others = self.title[singular] + self.small[singular] + self.capital[singular]
        is_rare = others <= _SINGULAR_SHARE * written
        return is_rare or (
            self.surnames[word] >= _MIN_AUTHORS
            and self.small[singular] <= _SINGULAR_SHARE * written
            and not word.endswith(_DEMONYMS)
        )

    def is_acronym(self, word: str) -> bool:
        """Return whether a word is an acronym in S rather than a shorter one's plural."""
        in_capitals = self.capital[word]
        others = self.acronym_plurals[word] + self.small[word] + self.title[word]
        is_word = len(word) > _MAX_SHORT and self.small[word[:-1]] > _MAX_WORDS
        return in_capitals >= max(_MIN_PAPERS, 2 * others) and not is_word

    def is_other(self, word: str, singular: str) -> bool:
        """Return whether a frequent word of small letters has no singular."""
        seen = self.small[word]
        others = self.small[singular] + self.title[singular] + self.capital[singular]
        return (
            seen >= _MIN_OTHER_PAPERS and not others and not word.endswith(("ings", "ers", "ors"))
        )


def _written_words(text: str) -> Iterator[str]:
    """Yield the words of a text as they are written; at the start of sentences only acronyms."""
    for match in _WORD.finditer(fold_text(text)):
        word = match["word"]
        begins = match["begin"] is not None and word[1:].islower()
        if not begins and not match["possessive"]:
            yield word


def table_words(counts: WordCounts) -> Iterator[tuple[str, str]]:
    """Yield the words of the table, each with the reason."""
    forms = (counts.small, counts.title, counts.capital, counts.surnames)
    for word in sorted(set().union(*forms)):
        singular = plurals.strip_plural(word, plurals.UNCHANGED_WORDS)
        if singular == word or not word.endswith("s"):
            continue
        if counts.is_acronym(word):
            yield "acronym", word
        elif word.isalpha() and counts.is_name(word, singular):
            yield "name", word
        elif word.isalpha() and counts.is_other(word, singular):
            yield "other", word


def main() -> None:
    """Read the papers and write the table."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_CORPUS
    counts = WordCounts()
    for paper in read_sightings(path):
        counts.add((paper.title, paper.abstract), paper.authors)
    words: dict[str, list[str]] = {"name": [], "acronym": [], "other": []}
    for reason, word in table_words(counts):
        words[reason].append(word)
    lines = [f"# version {VERSION}, made by: python -m benchmarks.make_plurals"]
    for reason, found in words.items():
        lines += [f"# {reason}", *found]
        print(f"{reason:8} {len(found):6,}")
    _OUTPUT.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
