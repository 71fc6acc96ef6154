"""arXiv's search_query: parsed once into a predicate on results.

    expression  = term [operator expression]       right-associative, all of equal precedence
    operator    = AND | OR | ANDNOT                 upper case only; juxtaposed terms: OR
    term        = [field ":"] (word | "phrase" | "(" expression ")")
    field       = ti au abs co jr cat id all submittedDate lastUpdatedDate; none: all
    range       = [YYYYMMDDHHMM TO YYYYMMDDHHMM]    after a date field, GMT, both ends included

A word may end in `*`; `au:del_maestro` is the phrase "del maestro". Words are compared without
case, accents and a plural s: simpler than arXiv's stemming.
Source: https://info.arxiv.org/help/api/user-manual.html#query_details
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from typing import Final

from papers.model.categories import ALIASES, canonical_category
from paperwire.simulator.formats.api_feed import ApiResult

Predicate = Callable[[ApiResult], bool]

TEXT_FIELDS: Final = ("ti", "abs", "au", "co", "jr")
DATE_FIELDS: Final = ("submittedDate", "lastUpdatedDate")
FIELDS: Final = (*TEXT_FIELDS, "cat", "id", "all", *DATE_FIELDS)

_TOKEN = re.compile(
    r'\s*(?:(?P<field>[A-Za-z]+):|(?P<phrase>"[^"]*")|(?P<range>\[[^\]]*\])'
    r"|(?P<bracket>[()])|(?P<word>[^\s()\"]+))"
)
_RANGE = re.compile(r"\[\s*(\d{8,14})\s+TO\s+(\d{8,14})\s*\]")
_WORDS = re.compile(r"[^\W_]+")
_OPERATORS: Final = ("AND", "OR", "ANDNOT")


class MalformedQuery(ValueError):
    """A search_query that arXiv answers with HTTP 400."""


def parse(text: str) -> Predicate:
    """Parse a query into a predicate on results. Raises MalformedQuery."""
    parser = _Parser(_tokenize(text))
    predicate = parser.expression("all")
    if parser.kind:
        raise MalformedQuery(f"incorrect search query: {parser.value} is not expected")
    return predicate


class _Parser:
    """Recursive-descent parser over (kind, value) tokens; methods return predicates."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens

    @property
    def kind(self) -> str:
        return self._tokens[0][0] if self._tokens else ""

    @property
    def value(self) -> str:
        return self._tokens[0][1] if self._tokens else "end"

    def expression(self, field: str) -> Predicate:
        left = self.term(field)
        if not self.kind or self.value == ")":
            return left
        operator = self._take() if self.kind == "word" and self.value in _OPERATORS else "OR"
        return _combine(left, operator, self.expression(field))

    def term(self, field: str) -> Predicate:
        kind, value = self.kind, self._take()
        if kind == "field":
            if value not in FIELDS:
                raise MalformedQuery(f"incorrect field {value} in search query")
            return self.term(value)
        if value == "(":
            inner = self.expression(field)
            if self._take() != ")":
                raise MalformedQuery("incorrect search query: a bracket is not closed")
            return inner
        if kind == "bracket" or (kind == "word" and value in _OPERATORS):
            raise MalformedQuery(f"incorrect search query: {value} is not expected")
        return _leaf(field, kind, value)

    def _take(self) -> str:
        if not self._tokens:
            raise MalformedQuery("incorrect search query: it ends too early")
        return self._tokens.pop(0)[1]


def _tokenize(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    position, text = 0, text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise MalformedQuery(f"incorrect search query at {text[position:].strip()}")
        kind = str(match.lastgroup)
        tokens.append((kind, match[kind]))
        position = match.end()
    return tokens


def _combine(left: Predicate, operator: str, right: Predicate) -> Predicate:
    if operator == "AND":
        return lambda result: left(result) and right(result)
    if operator == "ANDNOT":
        return lambda result: left(result) and not right(result)
    return lambda result: left(result) or right(result)


def _leaf(field: str, kind: str, value: str) -> Predicate:
    if (kind == "range") != (field in DATE_FIELDS):
        raise MalformedQuery(f"incorrect value {value} for field {field}")
    if kind == "range":
        return _date_range(field, value)
    if field == "cat":
        return lambda result: _in_category(value.strip('"'), result)
    if field == "id":
        return lambda result: str(result.id) == value.strip('"')
    is_prefix = value.endswith("*")
    phrase = fold_words(value.replace("_", " ")).rstrip()
    needle = phrase if is_prefix else f"{phrase} "
    return lambda result: (
        bool(phrase) and any(needle in text for text in _field_texts(field, result))
    )


def _date_range(field: str, value: str) -> Predicate:
    match = _RANGE.fullmatch(value)
    if match is None:
        raise MalformedQuery(f"incorrect date range {value}")
    first, last = (_parse_time(digits) for digits in match.groups())
    if field == "submittedDate":
        return lambda result: first <= result.published <= last
    return lambda result: first <= result.updated <= last


def _parse_time(digits: str) -> datetime:
    try:
        return datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedQuery(f"incorrect date {digits}") from error


def _in_category(wanted: str, result: ApiResult) -> bool:
    """Return whether a result has a category by any of its names: arXiv lists both of an alias."""
    listed = {canonical_category(category) for category in result.text.categories}
    names = listed | {alias for alias, name in ALIASES.items() if name in listed}
    names |= set(result.text.categories)
    if wanted.endswith("*"):
        return any(category.startswith(wanted[:-1]) for category in names)
    return wanted in names


def _field_texts(field: str, result: ApiResult) -> list[str]:
    """Return the folded texts of a field; a phrase must match within one of them."""
    text = result.text
    fields = {
        "ti": [text.title],
        "abs": [text.abstract],
        "au": list(text.authors),
        "co": [text.comment],
        "jr": [text.journal_ref],
    }
    if field == "all":
        return [fold_words(part) for part in (*chain(*fields.values()), *text.categories)]
    return [fold_words(part) for part in fields[field]]


@lru_cache(maxsize=65_536)
def fold_words(text: str) -> str:
    """Fold words to one spelling, with a space before and after each."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words = (_singular(word) for word in _WORDS.findall(plain))
    return "".join(f" {word}" for word in words) + " "


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] not in "su" else word
