"""Suggestions: terms that papers write for what a keyword says, with the papers that each finds.

    keyword ─▶ its words, phrases and runs ─▶ abbreviations and dictionary (two round trips)
      ─▶ corrections of words that hardly any paper has
      ─▶ abbreviations, spellings, forms, families, authors: three candidates to add
      ─▶ the keyword as phrases
      ─▶ one count each ─▶ those that find something

Nothing changes a keyword unless its reader does so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, Self

from redis import Redis

from papers.errors import BadQuery
from papers.query.ast import And, Field, Node, Text
from papers.query.parser import Query, parse_query
from papers.query.tokens import extendable_text
from papers.suggestions.abbreviation_store import AbbreviationStore
from papers.suggestions.abbreviations import Alternative, term_key
from papers.suggestions.corrections import corrected_query, misspellable_words
from papers.suggestions.related_words import known_alternatives, two_plurals, word_family
from papers.suggestions.spellings import other_form, other_spellings, umlaut_spelling
from papers.suggestions.suggestion_counts import (
    MAX_SUGGESTIONS,
    SuggestionCandidate,
    SuggestionKind,
)
from papers.suggestions.term_dictionary import TermDictionary
from papers.suggestions.term_spans import TermSpan, name_spans, phrase_readings, term_spans
from papers.text.compounds import may_join
from papers.text.stop_words import STOP_WORDS

_NAME: Final = re.compile(r"(?:by )?((?:[^\W\d_][^\W\d_.'’-]*[.,'’ -]{0,2}){1,6})")
"""What may be a person's name: a few words of letters."""
_MAX_NAME_LENGTH: Final = 60
_PAIR: Final = 2
_MAX_SHORT_PLURAL: Final = 3


class SuggestionTerms(NamedTuple):
    """What a store knows of its terms."""

    abbreviations: AbbreviationStore
    dictionary: TermDictionary

    @classmethod
    def of(cls, redis: Redis) -> Self:
        """Return the terms of a store."""
        return cls(AbbreviationStore(redis), TermDictionary(redis))


def find_candidates(terms: SuggestionTerms, query: Query) -> list[SuggestionCandidate]:
    """Return what may be meant by a keyword, likeliest first. Raises StoreUnavailable."""
    text = extendable_text(query.display_text)
    try:
        spans, names = term_spans(text), name_spans(text)
    except BadQuery:
        return []
    keys = {span: term_key(span.written) for span in (*spans, *names)}
    known = terms.abbreviations.get(list(dict.fromkeys(filter(None, keys.values()))))
    words = misspellable_words(text, spans)
    fields = [*words.values(), *(f"={word}" for word in words.values())]
    fields += [field for span in spans for field in _form_fields(keys[span])]
    dictionary = terms.dictionary.get(list(dict.fromkeys(fields)))
    pairs = [keys[span].replace(" ", "") for span in spans if span.word_count == _PAIR]
    dictionary |= terms.dictionary.known_words([pair for pair in pairs if pair not in dictionary])
    alternatives = {
        span: known.get(keys[span]) or known_alternatives(keys[span])
        for span in spans
        if keys[span] not in STOP_WORDS and not _is_short_plural(span.written, keys[span])
    }
    ranked = _ranked_terms(
        [*spans, *names], alternatives, lambda span: _forms(span, keys[span], dictionary)
    )
    found = list[SuggestionCandidate]()
    for kind, span, term in ranked:
        added = _with_term(text, query, span, term) if term_key(term) != keys[span] else None
        if added and added not in [candidate.query for candidate in found]:
            found.append(SuggestionCandidate(kind, term, added))
        if len(found) == MAX_SUGGESTIONS:
            break
    if len(found) < MAX_SUGGESTIONS:
        found += _by_author(text, query.tree)
    if corrected := corrected_query(terms.dictionary, text, words, dictionary):
        term = corrected.display_text
        found.append(SuggestionCandidate("correction", term, corrected, "replaces"))
    return [*found, *_as_phrases(text, spans)]


def _as_phrases(text: str, spans: Sequence[TermSpan]) -> Iterator[SuggestionCandidate]:
    for query in phrase_readings(text, spans):
        yield SuggestionCandidate("phrase", query.display_text, query, "narrows")


def _is_short_plural(written: str, key: str) -> bool:
    """Return whether a short word in small letters is a plural: `ads` means advertisements."""
    return len(written) <= _MAX_SHORT_PLURAL and written.islower() and written != key


def _form_fields(key: str) -> tuple[str, ...]:
    """Return the fields of the dictionary that may have another form of a word or a pair."""
    if " " not in key:
        return (f"={key}", f"~{key}")
    return (key.replace(" ", ""),) if key.count(" ") == 1 else ()


def _ranked_terms(
    spans: Sequence[TermSpan],
    alternatives: Mapping[TermSpan, Sequence[Alternative]],
    forms: Callable[[TermSpan], Iterator[tuple[SuggestionKind, str]]],
) -> Iterator[tuple[SuggestionKind, TermSpan, str]]:
    """Yield other terms for spans: the first abbreviation of each, forms, other abbreviations.

    A run that has an abbreviation hides the runs and words within it.
    """
    shown = list[TermSpan]()
    for span in spans:
        if alternatives.get(span) and not any(longer.contains(span) for longer in shown):
            shown.append(span)
    for span in shown:
        yield "abbreviation", span, alternatives[span][0].written
    found = [(kind, span, term) for span in spans for kind, term in forms(span)]
    yield from sorted(found, key=lambda each: _FORM_KINDS.index(each[0]))
    for span in shown if len(spans) == 1 else ():  # beside other words, the usual meaning is likely
        for other in alternatives[span][1:]:
            yield "abbreviation", span, other.written


_FORM_KINDS: Final[tuple[SuggestionKind, ...]] = ("spelling", "form", "family")


def _forms(
    span: TermSpan, key: str, dictionary: Mapping[str, str]
) -> Iterator[tuple[SuggestionKind, str]]:
    """Yield a word or pair in other spellings and forms."""
    if span.is_name:
        if term := umlaut_spelling(span.written):
            yield "spelling", term
        return
    if span.word_count == 1:
        for term in (other_spellings(span.written), dictionary.get(f"~{key}", "")):
            if term:
                yield "spelling", term
        *words, last = key.split() or [""]
        yield from (("family", " ".join([*words, other])) for other in word_family(last))
        if term := two_plurals(span.written):
            yield "family", term
    if term := other_form(span.written) or dictionary.get(f"={key}", ""):
        yield "form", term
    elif span.word_count == _PAIR and key.count(" ") == 1 and may_join(*key.split()):
        joined = key.replace(" ", "")
        if joined in dictionary:
            yield "form", joined


def _by_author(text: str, tree: Node) -> Iterator[SuggestionCandidate]:
    """Yield a keyword that is a name with the papers of its author added, in each spelling."""
    parts = (*tree.required, *tree.excluded) if isinstance(tree, And) else (tree,)
    is_plain = all(isinstance(part, Text) and part.field is Field.ANY for part in parts)
    named = _NAME.fullmatch(text) if is_plain and len(text) <= _MAX_NAME_LENGTH else None
    if named is None or " -" in text:
        return
    name = named[1].strip()
    for written in (name, umlaut_spelling(name)):
        with suppress(BadQuery):
            if written:
                query = parse_query(f'{text} OR au:"{written}"')
                yield SuggestionCandidate("author", written, query)


def _with_term(text: str, query: Query, span: TermSpan, term: str) -> Query | None:
    """Return a keyword with a term added; None if it has it already, or has no room for it."""
    try:
        added = parse_query(span.with_alternative(text, term))
    except BadQuery:
        return None
    return None if added == query else added
