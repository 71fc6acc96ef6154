"""Tokens of a keyword: its normal form, its pieces, and which words of it are operators.

`or` in small letters is an operator where a reader means one: between two operands of a keyword
that has other syntax, or that is short. In a longer keyword without any, such as the pasted title
of a paper, it is a word. `and` between two operands is always an operator, as it changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NoReturn

from papers.errors import BadQuery

MAX_QUERY_LENGTH: Final = 500
SPLIT_HINT: Final = (
    "split it into two saved keywords joined by k: ?k=ONE&k=TWO gives the papers of both"
)
"""What to do about a keyword that has too much of anything."""

MAX_WORDS_WITH_SMALL_OR: Final = 6
"""Words, `or` included, of a keyword without other syntax in which `or` is an operator."""

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) | (?P<minus>-(?!-*(?:[\s)]|$)))
      | (?<![A-Za-z]:)(?P<field>[A-Za-z]+):(?=[^\s)])
      | "(?P<phrase>(?:\\"|[^"])*)" | (?P<unclosed>")
      | (?P<word>(?:\\"|[^\s()"])+)
    )""",
    re.VERBOSE,
)
_OPERATORS: Final = ("OR", "AND", "NOT")
_SMALL_OPERATORS: Final = {"or": "OR", "and": "AND"}
_QUOTES: Final = str.maketrans("“”„«»＂", '""""""')
_BLANKS: Final = re.compile(r"\s+")
_INVISIBLE: Final = re.compile("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""Soft hyphens, zero-width blanks and marks of direction, which are pasted unseen."""
_DASH_BEFORE_WORD: Final = re.compile(
    r"(?<=[^\s(] )(?<!OR )(?<!or )(?<!AND )(?<!and )(?<!NOT )"
    r"[\u2010-\u2013\u2212\ufe63\uff0d](?=[^\s)])"
)
"""A dash that editors put in place of the `-` that excludes a word."""
_OPERAND_ENDS: Final = ("word", "value", "phrase", "close")
_OPERAND_STARTS: Final = ("word", "phrase", "open", "field", "minus", "NOT")
_SYNTAX: Final = ("phrase", "field", "open", "close", "minus", *_OPERATORS)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a keyword: `written` without quotes, at `text[start:end]` with them.

    `kind` is a group of the pattern, an operator, or `value` for a word right after a field.
    """

    kind: str
    written: str
    start: int
    end: int

    @property
    def small_operator(self) -> str:
        """The operator that a word in small letters may be; "" if none."""
        return _SMALL_OPERATORS.get(self.written, "") if self.kind == "word" else ""


def refuse(text: str, reason: str, position: int, hint: str) -> NoReturn:
    """Raise BadQuery for a normalized text: the reason, the position and how to correct it."""
    raise BadQuery(reason, text=text, position=position, hint=hint)


def normalize_query(text: str) -> str:
    """Return a keyword in NFC, with straight quotes, `-` and single blanks. Raises BadQuery."""
    visible = _INVISIBLE.sub("", text)
    normal = unicodedata.normalize("NFC", visible).translate(_QUOTES).strip()
    for position, character in enumerate(normal[: MAX_QUERY_LENGTH * 2]):
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n":
            refuse(normal[:80], "there is a control character", position, "remove it")
    normal = _DASH_BEFORE_WORD.sub("-", _BLANKS.sub(" ", normal))
    if len(normal) > MAX_QUERY_LENGTH:
        reason = f"the keyword has {len(normal):,} characters; at most {MAX_QUERY_LENGTH} are read"
        refuse(normal[:80], reason, MAX_QUERY_LENGTH, SPLIT_HINT)
    return normal


def split_tokens(text: str) -> list[Token]:
    """Return the tokens of a normalized keyword; a token's kind is its operator if it is one."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        start = match.start(kind) - (kind == "phrase")
        if kind == "unclosed":
            if not _may_begin_phrase(text, start):
                refuse(text, 'a " is not closed', start, 'add the closing "')
            return [*tokens, Token("phrase", text[start + 1 :], start, len(text))]
        if kind == "word" and tokens and tokens[-1].kind == "field":
            kind, written = "value", match["word"]
        else:
            written = match[kind]
            kind = written if kind == "word" and written in _OPERATORS else kind
        tokens.append(Token(kind, written, start, match.end()))
    return tokens


def _may_begin_phrase(text: str, at: int) -> bool:
    """Return whether a quote that is not closed can only begin a phrase, up to the end."""
    return (at == 0 or text[at - 1] in " (:-") and text[at + 1 :].strip(' "\\') != ""


def is_unclosed(text: str, token: Token) -> bool:
    """Return whether a token is a phrase without its closing quote."""
    return token.kind == "phrase" and token.end - token.start == len(token.written) + 1


def extendable_text(text: str) -> str:
    """Return a display text that means the same with more added to it.

    Its last quote is closed, and a small `or` in quotes, as it is a word there.
    """
    tokens = split_tokens(text)
    words = [(token, '"or"') for token in tokens if token.small_operator == "OR"]
    closing = '"' if tokens and is_unclosed(text, tokens[-1]) else ""
    return substitute(text, words) + closing


def without_lone_signs(tokens: Sequence[Token]) -> tuple[list[Token], list[Token]]:
    """Return the tokens that are more than signs, and those that are signs: `&`, `|`, `-`.

    A sign stays, to be refused, if it is excluded or if there is nothing else.
    """
    words, signs = list[Token](), list[Token]()
    for token, last in zip(tokens, [None, *tokens], strict=False):
        is_sign = token.kind == "word" and not any(map(str.isalnum, token.written))
        is_excluded = last is not None and last.kind in ("minus", "NOT")
        (signs if is_sign and not is_excluded else words).append(token)
    return (words, signs) if words else (signs, [])


def small_operators(tokens: Sequence[Token]) -> list[int]:
    """Return the indices of the words `or` and `and` that stand between two operands."""
    found = list[int]()
    for index, token in enumerate(tokens[1:-1], 1):
        before, after = tokens[index - 1], tokens[index + 1]
        has_left = before.kind in _OPERAND_ENDS and index - 1 not in found[-1:]
        has_right = after.kind in _OPERAND_STARTS and not after.small_operator
        if token.small_operator and has_left and has_right:
            found.append(index)
    return found


def reads_small_or(tokens: Sequence[Token]) -> bool:
    """Return whether `or` in small letters is an operator: if syntax or brevity suggests it.

    Of several `or` only one counts as a word: `cats or dogs or mice or hens` is a list.
    """
    if any(token.kind in _SYNTAX for token in tokens):
        return True
    repeated = sum(token.written == "or" for token in tokens) - 1
    return len(tokens) - max(repeated, 0) <= MAX_WORDS_WITH_SMALL_OR


def with_operators(tokens: Sequence[Token], indices: Iterable[int]) -> list[Token]:
    """Return the tokens with words in small letters turned into the operators they are."""
    changed = {
        index: replace(tokens[index], kind=tokens[index].small_operator) for index in indices
    }
    return [changed.get(index, token) for index, token in enumerate(tokens)]


def substitute(text: str, replacements: Iterable[tuple[Token, str]]) -> str:
    """Return a text with some of its tokens replaced; the replacements are in order."""
    parts, at = list[str](), 0
    for token, written in replacements:
        parts += [text[at : token.start], written]
        at = token.end
    return "".join([*parts, text[at:]])
