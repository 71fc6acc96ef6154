"""Notes on a parsed keyword: what may be meant differently, and the query for that.

They are data: pages, the live preview, the JSON API and the command line show them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final
from urllib.parse import unquote

from papers.errors import BadId
from papers.model.arxiv_id import ArxivId
from papers.model.categories import CATEGORIES, canonical_category
from papers.query.fields import FIELD_ALIASES, LABEL_PARSERS, field_prefixes
from papers.query.grammar import is_prefix
from papers.query.operator_notes import OPERATORS, operator_notes, reading_notes
from papers.query.tokens import Token, substitute
from papers.text.names.person_names import PARTICLES, is_initial, is_unspaced, name_words
from papers.text.signs import dropped_signs

_NAME_FIELDS: Final = {"au": "author", "org": "organization"}
"""Fields of names, which are quoted if they have several words, and what each is called."""
_MAX_NAME_WORDS: Final = 3
_NEGATED: Final = re.compile(r"[!~][^\W\d_]")
_SINGLE_QUOTED: Final = re.compile(r"(?<!\S)(?:``|['‘‚`])([^'‘’`\"]+ [^'‘’`\"]+)(?:''|['’‘])(?!\S)")
_DOI: Final = re.compile(r"10\.\d{4,9}/\S")
_ENCODED: Final = re.compile(r"%(?:2[0-9A-F]|3[A-F]|[C-F][0-9A-F]%[0-9A-F]{2})", re.IGNORECASE)

_SIGN_OPERATORS: Final = {
    **dict.fromkeys(("|", "||", "/"), "OR"),
    **dict.fromkeys(("!", "~", "-"), "NOT"),
}
"""Signs that are operators in other languages, and ours; `&` and `+` change nothing."""


@dataclass(frozen=True, slots=True)
class Note:
    """What a keyword was read as, and the keyword that means the other reading; "" if none.

    `kind` is `operator` for a small `or` read as OR, `word` for a word that looks like an operator,
    `case` for capitals that make no difference, `field` for one with a blank after its colon,
    `name` for a word after a name, `sign` for a sign that is no part of a word, `quote` for quotes
    that are none, `category` and `paper` for their names without a field, `initial` for a whole
    given name: those who sign with an initial are among the papers of the other reading.
    """

    kind: str
    text: str
    alternative_query: str = ""


def build_notes(
    text: str,
    tokens: Sequence[Token],
    operators: Collection[int],
    signs: Sequence[Token],
    validate: Callable[[str], str],
) -> tuple[Note, ...]:
    """Return the notes on a keyword; `operators` are the indices of small words read as operators.

    `signs` are the lone signs that were left out of its tokens.
    `validate` returns the display text of a keyword, "" if it is refused.
    """
    notes = [
        *operator_notes(text, tokens, operators),
        *reading_notes(text, tokens),
        *_name_note(text, tokens, operators),
        *_initial_note(text, tokens),
        *_lone_sign_note(text, signs),
        *_sign_notes(tokens),
        *_negation_note(text, tokens),
        *_quote_note(text),
        *_encoding_note(text),
        *_category_note(text, tokens),
        *_paper_note(text, tokens),
        *_doi_note(tokens),
        *_inner_field_note(text, tokens),
    ]
    found = [Note(kind, words, validate(other)) for kind, words, other in notes]
    has_words = not all(token.written.upper() in OPERATORS for token in tokens)
    return tuple(note for note in found if note.alternative_query or has_words)


def _sign_notes(tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield a note for each word or phrase with a sign that was ignored."""
    field = ""
    for token in tokens:
        is_text = token.kind in ("word", "phrase", "value") and field not in LABEL_PARSERS
        field = token.written.lower() if token.kind == "field" else ""
        if is_text:
            written = token.written.rstrip("*") if is_prefix(token) else token.written
            if signs := dropped_signs(_ENCODED.sub("", written)):
                yield "sign", f"left out {signs} of “{written}”: no word has it", ""


def _lone_sign_note(text: str, signs: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield a note on the signs that were left out, and the operators that they may stand for."""
    if not signs:
        return
    names = dict.fromkeys(f"“{token.written}”" for token in signs)
    *others, last = names
    listed = f"{', '.join(others)} and {last}" if others else last
    meant = [
        (token, operator) for token in signs if (operator := _SIGN_OPERATORS.get(token.written))
    ]
    operators = " and ".join(dict.fromkeys(operator for _, operator in meant))
    words = f"left out {listed}, which {'are no words' if others else 'is no word'}"
    guess = f"; did you mean {operators}?" if meant else ""
    yield "sign", words + guess, substitute(text, meant) if meant else ""


def _negation_note(text: str, tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield a note on words after a sign that excludes them in other languages: `!survey`."""
    found = [token for token in tokens if token.kind == "word" and _NEGATED.match(token.written)]
    if found:
        others = [(token, f"NOT {token.written[1:]}") for token in found]
        words = f"left out {found[0].written[0]} of “{found[0].written}”; did you mean NOT?"
        yield "sign", words, substitute(text, others)


def _quote_note(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield a note on single quotes and those of TeX around words."""
    if found := _SINGLE_QUOTED.search(text):
        words = f"read {found[0]} as words; a phrase stands in double quotes"
        yield "quote", words, _SINGLE_QUOTED.sub(lambda quoted: f'"{quoted[1]}"', text)


def _encoding_note(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield a note on characters that are encoded as in a URL."""
    if found := _ENCODED.search(text):
        decoded = unquote(text)
        words = f"read {found[0]} as it stands; a URL means “{unquote(found[0])}” by it"
        yield "sign", words, "" if decoded == text else decoded


def _category_note(text: str, tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield a note on names of categories without a field: `cs.CL`."""
    found = [
        (token, category)
        for token in _words_without_field(tokens)
        if not token.written.isalpha()
        and (category := canonical_category(token.written)) in CATEGORIES
    ]
    if found:
        token, category = found[0]
        words_read = f"read “{token.written}” as words; cat:{category} finds the category"
        yield "category", words_read, substitute(text, [(t, f"cat:{name}") for t, name in found])


def _paper_note(text: str, tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield a note on ids of papers among other words; the other reading is just these papers."""
    found = [(token, id) for token in _words_without_field(tokens) if (id := _paper_id(token))]
    if found:
        ids = dict.fromkeys(f"id:{id}" for _, id in found)
        words = f"read “{found[0][0].written}” as words; {next(iter(ids))} finds the paper"
        yield "paper", words, " OR ".join(ids)


def _doi_note(tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield a note on the DOI of a journal's paper: papers are not found by it."""
    for token in tokens:
        if token.kind == "word" and _DOI.match(token.written):
            words = f"read “{token.written}” as words; papers are not found by a journal's DOI"
            yield "paper", words, ""
            return


def _inner_field_note(text: str, tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield a note on a field right after another one: `ti:au:hinton`."""
    for field, value in pairwise(tokens):
        inner, colon, _ = value.written.partition(":")
        name = FIELD_ALIASES.get(inner.lower(), inner.lower())
        is_inner = colon and value.kind == "value" and name in field_prefixes()
        if is_inner and field.written.lower() not in LABEL_PARSERS:
            words = f"read “{inner}:” as a word of {field.written}:, as fields are not nested"
            yield "word", words, text[: field.start] + text[value.start :]
            return


def _words_without_field(tokens: Sequence[Token]) -> Iterator[Token]:
    """Yield the words that are not within the brackets of a field: in `cat:(cs.CL)` there is none.

    Fields are not nested, so brackets need only be counted.
    """
    depth = 0
    for token, before in zip(tokens, [None, *tokens], strict=False):
        if token.kind == "open" and (depth or (before and before.kind == "field")):
            depth += 1
        elif token.kind == "close" and depth:
            depth -= 1
        elif token.kind == "word" and not depth:
            yield token


def _paper_id(token: Token) -> ArxivId | None:
    try:
        return ArxivId.parse(token.written.strip("[](),;"))
    except BadId:
        return None


def _name_note(
    text: str, tokens: Sequence[Token], operators: Collection[int]
) -> Iterator[tuple[str, str, str]]:
    """Yield a note if words follow an unquoted name: `au:geoffrey hinton`."""
    for index, (field, name) in enumerate(pairwise(tokens)):
        short = FIELD_ALIASES.get(field.written.lower(), field.written.lower())
        if field.kind != "field" or short not in _NAME_FIELDS or name.kind != "value":
            continue
        run = list[Token]()
        for at, token in enumerate(tokens[index + 2 :], index + 2):
            if token.kind != "word" or at in operators or token.written.endswith("*"):
                break
            run.append(token)
        if run:
            yield "name", *_describe_name(text, _NAME_FIELDS[short], name, run)
            return


def _describe_name(text: str, called: str, name: Token, run: Sequence[Token]) -> tuple[str, str]:
    """Return the words of a note, and the keyword with the name quoted.

    A run of few words is the rest of the name; in a long run, only the first is likely to be.
    """
    words = " ".join(token.written for token in run)
    noun = "word" if len(run) == 1 else "words"
    last = run[-1] if len(run) < _MAX_NAME_WORDS else run[0]
    quoted = f'"{text[name.start : last.end]}"'
    other = text[: name.start] + quoted + text[last.end :]
    return f"read as {called} {name.written} and the {noun} {words}; put a name in quotes", other


def _initial_note(text: str, tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield a note on whole given names: `au:"geoffrey hinton"` does not find G. Hinton."""
    found = list[tuple[Token, str]]()
    for before, field, name in zip([None, *tokens], tokens, tokens[1:], strict=False):
        is_excluded = before is not None and before.kind in ("minus", "NOT")
        short = FIELD_ALIASES.get(field.written.lower(), field.written.lower())
        if field.kind == "field" and short == "au" and not is_excluded:
            found += [(name, other) for other in _with_initial(name)]
    if found:
        names = " and ".join(f"“{name.written}”" for name, _ in found)
        words = f"read {names} with the whole given name; an initial may be the same person"
        yield "initial", words, substitute(text, found)


def _with_initial(name: Token) -> Iterator[str]:
    """Yield a quoted name with its first given name as an initial, if it has one."""
    words = name_words(name.written) if name.kind == "phrase" else ()
    is_given = len(words) > 1 and words[0] not in PARTICLES
    if is_given and not is_initial(words[0]) and not is_unspaced(words[0]):
        yield f'"{words[0][0]}. {" ".join(words[1:])}"'
