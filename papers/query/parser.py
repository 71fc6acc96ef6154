"""The parser of the keyword language: from the text that users type to a query tree.

    keyword  := alternative (OR alternative)*
    alternative := item ([AND] item)*                 AND binds tighter than OR
    item     := [-|NOT] ( "(" keyword ")" | [field:] ( "(" keyword ")" | "phrase" | word | word* ) )
    field    := ti abs au cat comment org source id

Operators are upper-case; lower-case `or` is a word. Words are folded by `papers.text.folding`; a
word that folds to several (`state-of-the-art`) is a phrase. A keyword that only excludes is
refused, as it would match nearly everything. Limits: 500 characters, 64 terms, 8 levels, 16 words
a phrase; they apply to the canonical text too.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NoReturn

from papers.config.sources import SLUG_PATTERN
from papers.errors import BadId, BadQuery
from papers.model.arxiv_id import OLD_SCHEME_ARCHIVES as OLD_ARCHIVES
from papers.model.arxiv_id import ArxivId
from papers.model.categories import ARCHIVES, CATEGORIES, canonical_category
from papers.query.ast import Field, IdFilter, Label, LabelKind, Node, Text, all_of, any_of
from papers.text.folding import tokenize, tokenize_unstemmed

MAX_QUERY_LENGTH: Final = 500
MAX_TERMS: Final = 64
MAX_DEPTH: Final = 8
MAX_PHRASE_WORDS: Final = 16
MIN_PREFIX_LENGTH: Final = 3

FIELD_PREFIXES: Final = ("ti", "abs", "au", "cat", "comment", "org", "source", "id")

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) | (?P<minus>-(?=[^\s)]))
      | (?<![A-Za-z]:)(?P<field>[A-Za-z]+):(?=[^\s)])
      | "(?P<phrase>(?:\\"|[^"])*)" | (?P<unclosed>")
      | (?P<word>(?:\\"|[^\s()"])+)
    )""",
    re.VERBOSE,
)
_OPERATORS: Final = {"OR", "AND", "NOT"}
_QUOTES: Final = str.maketrans("“”„«»＂", '""""""')


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed keyword."""

    tree: Node

    @property
    def canonical(self) -> str:
        """The canonical text of this keyword; parsing it gives an equal query."""
        return str(self.tree)


@lru_cache(maxsize=512)
def parse_query(text: str) -> Query:
    """Parse a keyword; cached, as saved keywords are parsed again for every paper of a page.

    Raises BadQuery, which says what is wrong, where, and how to correct it.
    """
    normal = unicodedata.normalize("NFC", text).translate(_QUOTES).strip()
    if len(normal) > MAX_QUERY_LENGTH:
        hint = f"keep it to {MAX_QUERY_LENGTH} characters"
        position = MAX_QUERY_LENGTH
        raise BadQuery("the keyword is too long", text=normal[:80], position=position, hint=hint)
    parser = _Parser(normal)
    query = Query(parser.parse_keyword())
    if (length := len(query.canonical)) > MAX_QUERY_LENGTH:
        reason = f"the keyword is too long: in its canonical form it has {length} characters"
        hint = f"keep that to {MAX_QUERY_LENGTH}; a field before brackets is repeated for each word"
        parser.refuse(reason, 0, hint)
    return query


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class _Excluded:
    """An item after NOT: not a node by itself, as it only restricts its neighbors."""

    node: Node
    position: int


class _Parser:
    """Recursive descent over the tokens of one keyword."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._refuse_control_characters()
        self.tokens = self._split_tokens()
        self.index = 0
        self.depth = 0
        self.term_count = 0

    def parse_keyword(self) -> Node:
        """Return the tree of the whole keyword."""
        if not self.tokens:
            self.refuse("there is no keyword", 0, 'type words, for example "reward model"')
        node = self._parse_or(Field.ANY)
        if (token := self._peek()) is not None:
            self.refuse("there is a ) without its (", token.position, "remove it or open it before")
        return node

    def refuse(self, reason: str, position: int, hint: str) -> NoReturn:
        """Raise BadQuery for this text: the reason, the position and how to correct it."""
        raise BadQuery(reason, text=self.text, position=position, hint=hint)

    def _refuse_control_characters(self) -> None:
        for position, character in enumerate(self.text):
            if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n":
                self.refuse("there is a control character", position, "remove it")

    def _split_tokens(self) -> list[_Token]:
        tokens: list[_Token] = []
        for match in _TOKEN.finditer(self.text):
            kind = match.lastgroup or ""
            text, position = match[kind], match.start(kind) - (kind == "phrase")
            if kind == "unclosed":
                self.refuse('a " is not closed', position, 'add the closing "')
            if kind == "word" and text in _OPERATORS:
                kind = text
            if kind == "word" and text.endswith(":") and text[:-1] in FIELD_PREFIXES:
                hint = "put a word right after it, without a space"
                self.refuse(f"{text} has nothing to search for", position, hint)
            tokens.append(_Token(kind, text, position))
        return tokens

    def _peek(self) -> _Token | None:
        return self.tokens[self.index] if self.index < len(self.tokens) else None

    def _accept(self, *kinds: str) -> _Token | None:
        token = self._peek()
        if token is None or token.kind not in kinds:
            return None
        self.index += 1
        return token

    def _parse_or(self, field: Field) -> Node:
        nodes = [self._parse_and(field)]
        while self._accept("OR"):
            nodes.append(self._parse_and(field))
        return any_of(nodes)

    def _parse_and(self, field: Field) -> Node:
        start = self._peek()
        required: list[Node] = []
        excluded: list[_Excluded] = []
        while (token := self._peek()) and token.kind not in ("OR", "close"):
            if self._accept("AND") and (not (required or excluded) or self._at_operand_end()):
                self.refuse(
                    "AND has no word on one side", token.position, "put a word on both sides of it"
                )
            item = self._parse_item(field)
            if isinstance(item, _Excluded):
                excluded.append(item)
            else:
                required.append(item)
        if not required and not excluded:
            position = start.position if start else len(self.text)
            self.refuse("something is missing here", position, "add a word, or remove OR or ()")
        if not required:
            reason = "this only excludes: it would match everything else"
            self.refuse(reason, excluded[0].position, "add a word that papers must have")
        return all_of(required, [item.node for item in excluded])

    def _at_operand_end(self) -> bool:
        token = self._peek()
        return token is None or token.kind in ("OR", "AND", "close")

    def _parse_item(self, field: Field) -> Node | _Excluded:
        if token := self._accept("minus", "NOT"):
            if self._at_operand_end():
                self.refuse("NOT excludes nothing", token.position, "put a word after it")
            item = self._parse_item(field)
            return item.node if isinstance(item, _Excluded) else _Excluded(item, token.position)
        if token := self._accept("open"):
            return self._parse_group(token, field)
        if token := self._accept("field"):
            return self._parse_fielded(token)
        token = self._accept("word", "phrase")
        assert token is not None  # every other kind is accepted above or ends an operand
        return self._parse_text(token, field)

    def _parse_group(self, opening: _Token, field: Field) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse("brackets are nested too deep", opening.position, f"use {MAX_DEPTH} levels")
        node = self._parse_or(field)
        if not self._accept("close"):
            self.refuse("a ( is not closed", opening.position, "add the closing )")
        self.depth -= 1
        return node

    def _parse_fielded(self, field: _Token) -> Node:
        name = field.text.lower()
        if name not in FIELD_PREFIXES:
            near = difflib.get_close_matches(name, FIELD_PREFIXES, 1)
            guess = f"did you mean {near[0]}:? " if near else ""
            fields = ", ".join(FIELD_PREFIXES)
            hint = f'{guess}fields are {fields}; put "…" around words with a colon'
            self.refuse(f"there is no field {field.text}:", field.position, hint)
        if name in _LABEL_PARSERS:
            token = self._accept("word", "phrase")
            if token is None:
                self.refuse(f"{name}: needs one value", field.position, f"write {name}:VALUE")
            self._count_term(token)
            return _LABEL_PARSERS[name](self, token)
        if token := self._accept("open"):
            return self._parse_group(token, Field(name))
        token = self._accept("word", "phrase", "OR", "AND", "NOT")
        if token is None:
            self.refuse(f"{name}: has nothing to search for", field.position, "put a word after it")
        return self._parse_text(token, Field(name))

    def _parse_text(self, token: _Token, field: Field) -> Node:
        self._count_term(token)
        if token.kind == "word" and token.text.endswith("*"):
            return self._parse_prefix(token, field)
        fold = tokenize_unstemmed if field is Field.AUTHOR else tokenize
        folded = tuple(fold(token.text))
        if not folded:
            reason = f"{token.text!r} has no letter or digit"
            self.refuse(reason, token.position, "remove it or add a word")
        if len(folded) > MAX_PHRASE_WORDS:
            hint = f"use {MAX_PHRASE_WORDS} words at most"
            self.refuse("the phrase is too long", token.position, hint)
        return Text(field, folded)

    def _parse_prefix(self, token: _Token, field: Field) -> Node:
        stem = tuple(tokenize_unstemmed(token.text.rstrip("*")))
        if field not in (Field.ANY, Field.TITLE, Field.ABSTRACT):
            self.refuse(
                "* works in title and abstract only", token.position, "write the whole word"
            )
        if len(stem) != 1 or len(stem[0]) < MIN_PREFIX_LENGTH:
            hint = f"put * after one word of {MIN_PREFIX_LENGTH} letters or more, like hallucinat*"
            self.refuse("this * would match too much", token.position, hint)
        return Text(field, stem, is_prefix=True)

    def _count_term(self, token: _Token) -> None:
        self.term_count += 1
        if self.term_count > MAX_TERMS:
            self.refuse(
                "the keyword has too many terms", token.position, f"use {MAX_TERMS} at most"
            )

    def parse_category(self, token: _Token) -> Node:
        """Parse the value of `cat:cs.CL`, `cat:cs.*` or `cat:cs`; aliases become canonical."""
        name = token.text.strip()
        if (category := canonical_category(name)) in CATEGORIES:
            return Label(LabelKind.CATEGORY, category)
        archive = name.rstrip("*").rstrip(".").lower()
        if archive in ARCHIVES or archive in OLD_ARCHIVES:
            return Label(LabelKind.ARCHIVE, archive)
        near = difflib.get_close_matches(name, CATEGORIES, 1, cutoff=0.5)
        hint = f"did you mean cat:{near[0]}?" if near else "write one like cat:cs.CL or cat:cs.*"
        self.refuse(f"there is no category {name!r}", token.position, hint)

    def parse_source(self, token: _Token) -> Node:
        """Parse the value of `source:`: `arxiv`, `hf`, or the name of a community feed."""
        name = token.text.casefold()
        if not SLUG_PATTERN.fullmatch(name):
            hint = "names consist of a-z, 0-9 and hyphens, like source:hf"
            self.refuse(f"there is no source {token.text!r}", token.position, hint)
        return Label(LabelKind.SOURCE, name)

    def parse_id(self, token: _Token) -> Node:
        """Parse the value of `id:2503.14895`, in any form of an id."""
        try:
            return IdFilter(ArxivId.parse(token.text))
        except BadId as error:
            self.refuse(str(error), token.position, "write one like id:2503.14895")


_LABEL_PARSERS: Final[dict[str, Callable[[_Parser, _Token], Node]]] = {
    "cat": _Parser.parse_category,
    "source": _Parser.parse_source,
    "id": _Parser.parse_id,
}
