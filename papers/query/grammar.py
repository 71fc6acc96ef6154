"""The grammar of the keyword language: from tokens to a query tree.

    keyword  := alternative (OR alternative)*
    alternative := item ([AND] item)*                 AND binds tighter than OR
    item     := [-|NOT] ( "(" keyword ")" | [field:] ( "(" keyword ")" | "phrase" | word | word* ) )
    field    := ti abs au comment org all cat primary source id is has, and their long names

Words are folded by `papers.text.folding`; a word that folds to several (`state-of-the-art`) is a
phrase. A keyword that only excludes is refused, as it would match nearly everything. Limits: 64
terms, 8 levels, 16 words a phrase.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from papers.query.ast import Author, Field, Node, Text, all_of, any_of
from papers.query.fields import (
    FIELD_ALIASES,
    LABEL_PARSERS,
    TEXT_FIELDS,
    field_prefixes,
    is_spaced_field,
    refuse_field,
)
from papers.query.tokens import SPLIT_HINT, Token, refuse
from papers.text.compounds import close_number, may_join_prefix
from papers.text.folding import tokenize_keyword, tokenize_unstemmed
from papers.text.link_names import normalize_link
from papers.text.names.person_names import name_words
from papers.text.signs import is_starred_letter

MAX_TERMS: Final = 64
MAX_DEPTH: Final = 8
MAX_PHRASE_WORDS: Final = 16
MIN_PREFIX_LENGTH: Final = 3
_MAX_INITIALS: Final = 2
_PAIR: Final = 2

_LeafParser = Callable[[Token], Node]


def is_prefix(token: Token) -> bool:
    """Return whether the `*` at the end of a word stands for any ending: not in `A*`."""
    written = token.written
    return token.kind != "phrase" and written.endswith("*") and not is_starred_letter(written)


def _spaced_name(written: str) -> str:
    """Return a name with blanks for the underscores of arXiv's API: `Levine_S` is Levine, S."""
    *surname, given = written.split("_")
    if not surname:
        return written
    is_initial = len(given) <= _MAX_INITIALS
    return f"{' '.join(surname)}{', ' if is_initial else ' '}{given}"


def _may_be_one_word(words: Sequence[str]) -> bool:
    return len(words) == _PAIR and may_join_prefix(*words)


@dataclass(frozen=True, slots=True)
class _Excluded:
    """An item after NOT: not a node by itself, as it only restricts its neighbors."""

    node: Node
    position: int


class GrammarParser:
    """Recursive descent over the tokens of one keyword."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text, self.tokens = text, tokens
        self.index = self.depth = self.term_count = 0

    def parse_keyword(self) -> Node:
        """Return the tree of the whole keyword."""
        if not self.tokens:
            refuse(self.text, "there is no keyword", 0, 'type words, for example "reward model"')
        self._refuse_empty_fields()
        node = self._parse_or(self._text_parser((Field.ANY,)))
        if (token := self._peek()) is not None:
            reason = "there is a ) without its ("
            refuse(self.text, reason, token.start, "remove it or open it before")
        return node

    def _refuse_empty_fields(self) -> None:
        """Refuse a field with nothing after its colon; in a title `author:` may be a word."""
        kinds = ["", *(token.kind for token in self.tokens)]
        for token, before in zip(self.tokens, kinds, strict=False):
            if is_spaced_field(token, before):
                name, hint = token.written, "put a word right after it, without a space"
                refuse(self.text, f"{name} has nothing to search for", token.start, hint)

    def _peek(self) -> Token | None:
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    def _accept(self, *kinds: str) -> Token | None:
        token = self._peek()
        if token is None or token.kind not in kinds:
            return None
        self.index += 1
        return token

    def _parse_or(self, leaf: _LeafParser) -> Node:
        nodes = [self._parse_and(leaf)]
        while self._accept("OR"):
            nodes.append(self._parse_and(leaf))
        return any_of(nodes)

    def _parse_and(self, leaf: _LeafParser) -> Node:
        start = self._peek()
        required: list[Node] = []
        excluded: list[_Excluded] = []
        while (token := self._peek()) and token.kind not in ("OR", "close"):
            if self._accept("AND") and (not (required or excluded) or self._at_operand_end()):
                reason = "AND has no word on one side"
                refuse(self.text, reason, token.start, "put a word on both sides of it")
            item = self._parse_item(leaf)
            if isinstance(item, _Excluded):
                excluded.append(item)
            else:
                required.append(item)
        if not required and not excluded:
            position = start.start if start else len(self.text)
            hint = "add a word, or remove OR or ()"
            refuse(self.text, "something is missing here", position, hint)
        if not required:
            reason = "this only excludes: it would match everything else"
            refuse(self.text, reason, excluded[0].position, "add a word that papers must have")
        return all_of(required, [item.node for item in excluded])

    def _at_operand_end(self) -> bool:
        token = self._peek()
        return token is None or token.kind in ("OR", "AND", "close")

    def _parse_item(self, leaf: _LeafParser) -> Node | _Excluded:
        if token := self._accept("minus", "NOT"):
            if self._at_operand_end():
                refuse(self.text, "NOT excludes nothing", token.start, "put a word after it")
            item = self._parse_item(leaf)
            return item.node if isinstance(item, _Excluded) else _Excluded(item, token.start)
        if token := self._accept("open"):
            return self._parse_group(token, leaf)
        if token := self._accept("field"):
            return self._parse_fielded(token)
        token = self._accept("word", "phrase")
        assert token is not None  # every other kind is accepted above or ends an operand
        return leaf(token)

    def _parse_group(self, opening: Token, leaf: _LeafParser) -> Node:
        self._descend(opening)
        node = self._parse_or(leaf)
        if not self._accept("close"):
            refuse(self.text, "a ( is not closed", opening.start, "add the closing )")
        self.depth -= 1
        return node

    def _descend(self, opening: Token) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            reason = f"brackets stand more than {MAX_DEPTH} deep in one another"
            hint = "remove those that change nothing: (a OR (b OR c)) is (a OR b OR c)"
            refuse(self.text, reason, opening.start, hint)

    def _parse_fielded(self, prefix: Token) -> Node:
        name = prefix.written.lower()
        name = FIELD_ALIASES.get(name, name)
        if name not in field_prefixes():
            refuse_field(prefix, self.text)
        is_text = name in TEXT_FIELDS
        leaf = self._text_parser(TEXT_FIELDS[name]) if is_text else self._label_parser(name)
        if token := self._accept("open"):
            return self._parse_group(token, leaf)
        token = self._accept("value", "phrase")
        if token is None:
            reason = f"{prefix.written}: has nothing to search for"
            refuse(self.text, reason, prefix.start, "put a word after it")
        return leaf(token)

    def _label_parser(self, name: str) -> _LeafParser:
        def parse_label(token: Token) -> Node:
            self._count_terms(token, 1)
            return LABEL_PARSERS[name](token, self.text)

        return parse_label

    def _text_parser(self, fields: Sequence[Field]) -> _LeafParser:
        return partial(self._parse_texts, fields)

    def _parse_texts(self, fields: Sequence[Field], token: Token) -> Node:
        """Parse words that are searched in any of several fields."""
        self._count_terms(token, len(fields))
        if len(fields) > 1:
            self._descend(token)  # as the brackets in the canonical text
            self.depth -= 1
        return any_of([self._parse_text(token, field) for field in fields])

    def _parse_text(self, token: Token, field: Field) -> Node:
        if is_prefix(token):
            return self._parse_prefix(token, field)
        is_name = field is Field.AUTHOR
        written = _spaced_name(token.written) if is_name else token.written
        folded = name_words(written) if is_name else tuple(tokenize_keyword(written))
        if token.kind == "word" and token.written == "ANDNOT":
            refuse(self.text, "there is no operator ANDNOT", token.start, "did you mean NOT?")
        if not folded:
            hint = "remove it or add a word"
            if link := normalize_link(token.written):
                hint = f"link:{link} finds the papers that link there"
                refuse(self.text, "the words of a URL are no words of a text", token.start, hint)
            has_sign = token.written.strip()
            reason = f"{token.written!r} has no letter or digit" if has_sign else "quotes are empty"
            refuse(self.text, reason, token.start, hint)
        if len(folded) > MAX_PHRASE_WORDS:
            reason = f"the phrase has {len(folded)} words; at most {MAX_PHRASE_WORDS}"
            hint = "leave out the end, or make it two phrases: papers must have both"
            refuse(self.text, reason, token.start, hint)
        return Author(folded) if is_name else Text(field, close_number(folded))

    def _parse_prefix(self, token: Token, field: Field) -> Node:
        stem = tuple(tokenize_unstemmed(token.written.rstrip("*")))
        if field not in (Field.ANY, Field.TITLE, Field.ABSTRACT):
            reason = "* works in title and abstract only"
            refuse(self.text, reason, token.start, "write the whole word")
        joined = "".join(stem)  # a hyphenated word is read as one
        if len(joined) < MIN_PREFIX_LENGTH or not (len(stem) == 1 or _may_be_one_word(stem)):
            hint = f"put * after one word of {MIN_PREFIX_LENGTH} letters or more, like hallucinat*"
            refuse(self.text, "this * would match too much", token.start, hint)
        return Text(field, (joined,), is_prefix=True)

    def _count_terms(self, token: Token, count: int) -> None:
        self.term_count += count
        if self.term_count > MAX_TERMS:
            reason = f"the keyword has more than {MAX_TERMS} words and phrases"
            refuse(self.text, reason, token.start, SPLIT_HINT)
