"""Abbreviations defined in texts: `reinforcement learning (RL)`, `RL (reinforcement learning)`.

By the algorithm of A. Schwartz and M. Hearst, "A simple algorithm for identifying abbreviation
definitions in biomedical text" (PSB 2003): from right to left, each letter of the short form is
found in the text before it, the first one at the beginning of a word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from papers.query.operator_notes import PRONOUNS
from papers.text.folding import tokenize
from papers.text.stop_words import STOP_WORDS

MAX_TEXT_LENGTH: Final = 20_000
"""Characters of a text that are read."""
MAX_COUNTED_PAIRS: Final = 200_000
"""Pairs that are counted at a time: about 60 MB."""
MAX_TERMS: Final = 20_000
MAX_ALTERNATIVES: Final = 4
MIN_PAPERS: Final = 2
"""Papers that must define a pair: one alone may be a pun, or mistaken."""
_MIN_SHARE: Final = 0.15
"""Share of a term's most frequent alternative that the others must have."""
_MIN_MEANING_SHARE: Final = 0.3
"""Share of the papers that define a short form in which it has that meaning."""
_MIN_DEFINED_SHARE: Final = 0.1
"""Share of the papers that have a short form, or a word that is folded alike, that define it."""
NO_COUNTS: Final[Mapping[str, int]] = {}
_MAX_LONG_WORDS: Final = 8
_MAX_LONG_LENGTH: Final = 100
_PARENTHESIS: Final = re.compile(r"\(([^()]{2,80})\)")
_SHORT: Final = re.compile(r"(?=[^A-Z]{0,9}[A-Z])(?=[^\W_])[A-Za-z0-9][A-Za-z0-9+/-]{1,9}")
_INSIDE_END: Final = re.compile(r"[;,:]| e\.g\.| i\.e\.")
_CLAUSE_END: Final = re.compile(r"[.;:!?,](?=\s)|[()\[\]{}\"“”$\\]")
_WORD: Final = re.compile(r"\S+")


class AbbreviationDefinition(NamedTuple):
    """A short form and its long form, as written."""

    short: str
    long: str


class Alternative(NamedTuple):
    """Another term for a term, as most papers write it, and how many papers define the pair."""

    written: str
    papers: int


def find_pairs(text: str) -> set[AbbreviationDefinition]:
    """Return the abbreviations that a text defines."""
    if "(" not in text:
        return set()
    text = text[:MAX_TEXT_LENGTH]
    return {pair for match in _PARENTHESIS.finditer(text) for pair in _pairs_at(text, match)}


def _pairs_at(text: str, match: re.Match[str]) -> Iterator[AbbreviationDefinition]:
    inside = _INSIDE_END.split(match[1])[0].strip()
    before = text[max(match.start() - _MAX_LONG_LENGTH, 0) : match.start()].rstrip()
    if short := _short_form(inside):
        if long := long_form(short, _CLAUSE_END.split(before)[-1]):
            yield AbbreviationDefinition(short, long)
        return
    short = _short_form(before.split()[-1]) if before else ""
    if short and long_form(short, inside) == inside:
        yield AbbreviationDefinition(short, inside)


def _short_form(written: str) -> str:
    """Return a short form without its plural `s`; "" if the text is not one."""
    if len(written) > 2 and written.endswith("s") and not written[-2].islower():
        written = written[:-1]
    return written if _SHORT.fullmatch(written) else ""


def long_form(short: str, before: str) -> str:
    """Return the end of a text that a short form stands for; "" if there is none."""
    letters = [letter for letter in short.lower() if letter.isalnum()]
    words = list(_WORD.finditer(before))[-min(len(letters) + 5, len(letters) * 2) :]
    if not words:
        return ""
    before = before[words[0].start() :].rstrip()
    lower, at = before.lower(), len(before)
    if len(lower) != len(before):  # a letter whose lower case is two
        return ""
    for index, letter in enumerate(reversed(letters), 1):
        at = lower.rfind(letter, 0, at)
        while index == len(letters) and at > 0 and lower[at - 1].isalnum():
            at = lower.rfind(letter, 0, at)
        if at < 0:
            return ""
    found = before[at:]
    return found if _is_long_form(short, found) else ""


def _is_long_form(short: str, found: str) -> bool:
    words = found.split()
    is_longer = len(short) + 1 < len(found) and len(words) <= _MAX_LONG_WORDS
    return is_longer and short.lower() not in [word.lower() for word in words]


class DefinitionCounter:
    """Counts in how many papers each pair is defined, in bounded memory."""

    def __init__(self) -> None:
        self.counts: Counter[AbbreviationDefinition] = Counter()

    def add(self, texts: Iterable[str]) -> None:
        """Count the pairs of the texts of one paper.

        Above the limit, pairs of few papers are dropped: those of a single one, then of two.
        """
        self.counts.update({pair for text in texts for pair in find_pairs(text)})
        least = 1
        while len(self.counts) > MAX_COUNTED_PAIRS:
            self.counts = Counter({p: n for p, n in self.counts.items() if n > least})
            least += 1


def term_key(written: str) -> str:
    """Return the folded words of a term: equal for spellings that find the same papers."""
    return " ".join(tokenize(written))


def alternatives_of_terms(
    counts: Mapping[AbbreviationDefinition, int], word_papers: Mapping[str, int] = NO_COUNTS
) -> dict[str, tuple[Alternative, ...]]:
    """Return the other terms for each term, short or long, by its key; most papers first.

    A short form is another term for its long form only if it often means that: of RS one paper in
    seven is about recommender systems. `word_papers` says how many papers have a word.
    """
    found = defaultdict[str, dict[str, Counter[str]]](lambda: defaultdict(Counter))
    meanings = Counter[str]()
    for (short, long), papers in sorted(counts.items()):
        short_key, long_key = term_key(short), term_key(long)
        if short_key and long_key and short_key != long_key:
            found[short_key][long_key][long] += papers
            found[long_key][short_key][short] += papers
            meanings[short_key] += papers
    for others in found.values():
        for key in [key for key in others if key in meanings]:
            papers = others[key].total()
            is_usual = papers >= _MIN_MEANING_SHARE * meanings[key]
            is_word = key in STOP_WORDS or key in PRONOUNS
            if is_word or not is_usual or papers < _MIN_DEFINED_SHARE * word_papers.get(key, 0):
                del others[key]
    ranked = {term: _rank(others) for term, others in found.items() if others}
    terms = sorted((term for term in ranked if ranked[term]), key=lambda t: (-_top(ranked[t]), t))
    return {term: ranked[term] for term in terms[:MAX_TERMS]}


def _top(alternatives: tuple[Alternative, ...]) -> int:
    return alternatives[0].papers


def _rank(others: Mapping[str, Counter[str]]) -> tuple[Alternative, ...]:
    """Return the alternatives of a term that enough papers define."""
    totals = [Alternative(_usual_form(forms), forms.total()) for forms in others.values()]
    least = max(MIN_PAPERS, _MIN_SHARE * max(papers for _, papers in totals))
    kept = [each for each in totals if each.papers >= least]
    return tuple(sorted(kept, key=lambda each: (-each.papers, each.written))[:MAX_ALTERNATIVES])


def _usual_form(forms: Counter[str]) -> str:
    """Return the form of a term that most papers write, in small letters if some do."""
    usual = max(forms, key=lambda form: (forms[form], form))
    return " ".join((usual.lower() if usual.lower() in forms else usual).split())
