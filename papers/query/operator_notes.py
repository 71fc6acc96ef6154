"""Notes on operators, and on what is read as syntax or as a word although it looks otherwise.

Each is yielded as its kind, its text and the keyword that means the other reading.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby, pairwise
from typing import Final

from papers.query.tokens import Token, is_unclosed, substitute
from papers.text.stop_words import STOP_WORDS

_MISSPELT: Final = {
    "ADN": "AND",
    "ANDD": "AND",
    "ANND": "AND",
    "AAND": "AND",
    "ORR": "OR",
    "OOR": "OR",
    "NTO": "NOT",
    "NOOT": "NOT",
    "NOTT": "NOT",
}

OPERATORS: Final = ("OR", "AND", "NOT")
_MEANING: Final = {
    "OR": "OR in capitals finds either side",
    "AND": "words need no AND between them, they are all required",
    "NOT": "NOT in capitals, or a - right before a word, excludes it",
}
PRONOUNS: Final = frozenset("who us he she we me my our all any one no so if may do am".split())
"""Words in small letters that acronyms are folded to, besides stop words."""
_ACRONYMS: Final = {
    "WHO": '"World Health Organization"',
    "US": '("United States" OR "U.S.")',
    "IT": '"information technology"',
}
"""Acronyms that are other words in small letters, and what is searched for instead."""

_MAX_ACRONYMS: Final = 3
"""Words of a keyword all in capitals that are acronyms; more are a text in capitals."""

_Note = tuple[str, str, str]


def operator_notes(
    text: str, tokens: Sequence[Token], operators: Collection[int]
) -> Iterator[_Note]:
    """Yield notes on words read as operators, and on those that look like one."""
    found = [tokens[n] for n in operators if tokens[n].written == "or"]
    if found:
        if grouped := _grouped(text, tokens):
            words = "read “or” as the operator OR between all words on both sides"
            yield "operator", words, grouped
        other = substitute(text, [(token, '"or"') for token in found])
        yield "operator", "read “or” as the operator OR; in quotes it is the word", other
    yield from _word_notes(text, tokens, operators)


def _word_notes(text: str, tokens: Sequence[Token], operators: Collection[int]) -> Iterator[_Note]:
    """Yield a note for each word that looks like an operator, or like one that is misspelt."""
    seen: dict[str, list[Token]] = {}
    for token in [token for n, token in enumerate(tokens) if n not in operators]:
        upper = token.written.upper()
        meant = upper if upper in _MEANING else _MISSPELT.get(upper, "")
        if meant and token.kind == "word":
            seen.setdefault(meant, []).append(token)
    for operator, found in seen.items():
        other = substitute(text, [(token, operator) for token in found])
        guess = "" if found[0].written.upper() == operator else f"did you mean {operator}? "
        if operator == "OR" and any(map(_is_and, tokens)):
            other = _grouped(text, tokens) or other
        words = f"{guess}read “{found[0].written}” as a word; {_MEANING[operator]}"
        yield "word", words, other


def _is_or(token: Token) -> bool:
    return token.kind == "OR" or token.small_operator == "OR"


def _is_and(token: Token) -> bool:
    return token.kind == "AND" or token.small_operator == "AND"


def _grouped(text: str, tokens: Sequence[Token]) -> str:
    """Return a keyword in which OR is in brackets with the words beside it; "" if that is the same.

    With an `and` it is in brackets with all words up to that.
    """
    if any(token.kind in ("open", "close", "minus", "NOT") for token in tokens):
        return ""
    if any(map(_is_and, tokens)):
        parts = [list(group) for is_and, group in groupby(tokens, _is_and) if not is_and]
        if any(_is_or(part[0]) or _is_or(part[-1]) for part in parts):
            return ""
        spans = [(part[0].start, part[-1].end) for part in parts if any(map(_is_or, part))]
    else:
        spans = _or_chains(tokens)
    if spans in ([], [(tokens[0].start, tokens[-1].end)]):
        return ""
    for start, end in reversed(spans):
        text = f"{text[:start]}({text[start:end]}){text[end:]}"
    return text


def _or_chains(tokens: Sequence[Token]) -> list[tuple[int, int]]:
    """Return the places of single terms with OR between them: of those that stand alone on a side.

    `quantum supremacy or quantum advantage` has none, as both sides are of several terms.
    """
    terms, sides = list[tuple[int, int, int]](), [0]
    start = -1
    for token in tokens:
        if _is_or(token):
            sides.append(0)
        elif token.kind == "field":
            start = token.start
        else:
            terms.append((token.start if start < 0 else start, token.end, len(sides) - 1))
            sides[-1] += 1
            start = -1
    chains = list[tuple[int, int]]()
    for (first, end, side), (_, last, next_side) in pairwise(terms):
        if side != next_side and 1 in (sides[side], sides[next_side]):
            is_continued = bool(chains) and chains[-1][1] == end
            chains.append((chains.pop()[0] if is_continued else first, last))
    return chains


def reading_notes(text: str, tokens: Sequence[Token]) -> Iterator[_Note]:
    """Yield notes on fields with a blank, a quote that is not closed, and acronyms in capitals."""
    for field, value in pairwise(tokens):
        if field.kind == "field" and value.start > field.end:
            words = f"read “{field.written}:” as the field of what is after the blank"
            yield "field", words, substitute(text, [(field, f'"{field.written}"')])
            break
    if tokens and is_unclosed(text, tokens[-1]):
        last = tokens[-1]
        words = f'read “"{last.written}” as the phrase up to the end; its quote is not closed'
        yield "quote", words, text[: last.start] + last.written
    is_shouted = text.isupper() and len(tokens) > _MAX_ACRONYMS
    for token in () if is_shouted else tokens:
        small = token.written.lower()
        is_word = token.kind == "word" and len(token.written) > 1 and token.written.isupper()
        if is_word and (small in STOP_WORDS or small in PRONOUNS):
            words = f"read “{token.written}” as the word “{small}”: capitals make no difference"
            other = _ACRONYMS.get(token.written, "")
            yield "case", words, substitute(text, [(token, other)]) if other else ""
