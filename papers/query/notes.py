"""Notes on a parsed keyword: what may be meant differently, and the query for that.

They are data: pages, the live preview, the JSON API and the command line show them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from papers.query.fields import FIELD_ALIASES, LABEL_PARSERS
from papers.query.grammar import is_prefix
from papers.query.tokens import Token, substitute
from papers.text.names.person_names import PARTICLES, is_initial, is_unspaced, name_words
from papers.text.signs import dropped_signs

_NAME_FIELDS: Final = {"au": "author", "org": "organization"}
"""Fields of names, which are quoted if they have several words, and what each is called."""
_MAX_NAME_WORDS: Final = 3
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


@dataclass(frozen=True, slots=True)
class Note:
    """What a keyword was read as, and the keyword that means the other reading; "" if none.

    `kind` is `operator` for a small `or` read as OR, `word` for a word that looks like an operator,
    `name` for a word after a name, `sign` for a sign that is not part of a word, `initial` for a
    whole given name: the other reading also finds authors who sign with an initial.
    """

    kind: str
    text: str
    alternative_query: str = ""


def build_notes(
    text: str,
    tokens: Sequence[Token],
    operators: Collection[int],
    validate: Callable[[str], str],
) -> tuple[Note, ...]:
    """Return the notes on a keyword; `operators` are the indices of small words read as operators.

    `validate` returns the display text of a keyword, "" if it is refused.
    """
    notes = [
        *_operator_note(text, [tokens[n] for n in operators if tokens[n].written == "or"]),
        *_word_notes(text, [token for n, token in enumerate(tokens) if n not in operators]),
        *_name_note(text, tokens, operators),
        *_initial_note(text, tokens),
        *_sign_notes(tokens),
    ]
    return tuple(Note(kind, words, validate(other)) for kind, words, other in notes)


def _sign_notes(tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield a note for each word or phrase with a sign that was ignored."""
    field = ""
    for token in tokens:
        is_text = token.kind in ("word", "phrase", "value") and field not in LABEL_PARSERS
        field = token.written.lower() if token.kind == "field" else ""
        if is_text:
            written = token.written.rstrip("*") if is_prefix(token) else token.written
            if signs := dropped_signs(written):
                yield "sign", f"left out {signs} of “{written}”: no word has it", ""


def _operator_note(text: str, tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    if tokens:
        other = substitute(text, [(token, '"or"') for token in tokens])
        yield "operator", "read “or” as the operator OR; in quotes it is the word", other


def _word_notes(text: str, tokens: Sequence[Token]) -> Iterator[tuple[str, str, str]]:
    """Yield a note for each word that looks like an operator, or like one that is misspelt."""
    seen: dict[str, list[Token]] = {}
    for token in tokens:
        upper = token.written.upper()
        meant = upper if upper in _MEANING else _MISSPELT.get(upper, "")
        if meant and token.kind == "word":
            seen.setdefault(meant, []).append(token)
    for operator, found in seen.items():
        other = substitute(text, [(token, operator) for token in found])
        guess = "" if found[0].written.upper() == operator else f"did you mean {operator}? "
        words = f"{guess}read “{found[0].written}” as a word; {_MEANING[operator]}"
        yield "word", words, other


_MEANING: Final = {
    "OR": "OR in capitals finds either side",
    "AND": "words need no AND between them, they are all required",
    "NOT": "NOT in capitals, or a - right before a word, excludes it",
}


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
