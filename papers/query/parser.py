"""The keyword language: what people type, parsed once into a tree.

    keyword  := alternative (OR alternative)*
    alternative := item ([AND] item)*                 AND binds tighter than OR
    item     := [-|NOT] ( "(" keyword ")" | [field:] ( "(" keyword ")" | "phrase" | word | word* ) )
    field    := ti abs au cat comment org source id

Operators are upper-case; lower-case `or` is a word. Words are folded by `papers.text.folding`; a
word that folds to several (`state-of-the-art`) is a phrase. A keyword that only excludes is
refused: it would be everything. Bounds: 500 characters, 64 terms, 8 levels, 16 words a phrase; the
canonical text keeps to them too.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NoReturn

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
_SOURCE_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_OPERATORS: Final = {"OR", "AND", "NOT"}
_QUOTES: Final = str.maketrans("“”„«»＂", '""""""')


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed keyword."""

    tree: Node

    @property
    def canonical(self) -> str:
        """The one spelling of this keyword; parsing it gives an equal query."""
        return str(self.tree)


@lru_cache(maxsize=512)
def parse_query(text: str) -> Query:
    """Read a keyword. The saved ones are read again for every paper of a page: they are kept.

    Raises BadQuery, which says what is wrong, where, and how to mend it.
    """
    normal = unicodedata.normalize("NFC", text).translate(_QUOTES).strip()
    if len(normal) > MAX_QUERY_LENGTH:
        _fail(
            "the keyword is too long",
            normal[:80],
            MAX_QUERY_LENGTH,
            f"keep it to {MAX_QUERY_LENGTH} characters",
        )
    for position, character in enumerate(normal):
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n":
            _fail("there is a control character", normal, position, "remove it")
    query = Query(_Parser(normal).parse_keyword())
    if (length := len(query.canonical)) > MAX_QUERY_LENGTH:
        reason = f"the keyword is too long: spelled out it has {length} characters"
        _fail(reason, normal, 0, f"keep that to {MAX_QUERY_LENGTH}; mind fields before brackets")
    return query


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class _Excluded:
    """An item behind NOT: no node of its own, it only takes away from its neighbours."""

    node: Node
    position: int


class _Parser:
    """Recursive descent over the tokens of one keyword."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._split_tokens()
        self.index = 0
        self.depth = 0
        self.term_count = 0

    def parse_keyword(self) -> Node:
        """The tree of the whole keyword."""
        if not self.tokens:
            self.fail("there is no keyword", 0, 'type words, for example "reward model"')
        node = self._parse_or(Field.ANY)
        if (token := self._peek()) is not None:
            self.fail("there is a ) without its (", token.position, "remove it or open it before")
        return node

    def fail(self, reason: str, position: int, hint: str) -> NoReturn:
        """Give up, saying why, where and what to do."""
        _fail(reason, self.text, position, hint)

    def _split_tokens(self) -> list[_Token]:
        tokens: list[_Token] = []
        for match in _TOKEN.finditer(self.text):
            kind = match.lastgroup or ""
            text, position = match[kind], match.start(kind) - (kind == "phrase")
            if kind == "unclosed":
                self.fail('a " is not closed', position, 'add the closing "')
            if kind == "word" and text in _OPERATORS:
                kind = text
            if kind == "word" and text.endswith(":") and text[:-1] in FIELD_PREFIXES:
                mend = "put a word right behind it, without a space"
                self.fail(f"{text} has nothing to look for", position, mend)
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
        wanted: list[Node] = []
        barred: list[_Excluded] = []
        while (token := self._peek()) and token.kind not in ("OR", "close"):
            if self._accept("AND") and (not (wanted or barred) or self._at_operand_end()):
                self.fail("AND stands alone", token.position, "put a word on both sides of it")
            item = self._parse_item(field)
            if isinstance(item, _Excluded):
                barred.append(item)
            else:
                wanted.append(item)
        if not wanted and not barred:
            position = start.position if start else len(self.text)
            self.fail("something is missing here", position, "add a word, or remove OR or ()")
        if not wanted:
            self.fail(
                "this only excludes: it would be everything else",
                barred[0].position,
                "add a word that papers must have",
            )
        return all_of(wanted, [item.node for item in barred])

    def _at_operand_end(self) -> bool:
        token = self._peek()
        return token is None or token.kind in ("OR", "AND", "close")

    def _parse_item(self, field: Field) -> Node | _Excluded:
        if token := self._accept("minus", "NOT"):
            if self._at_operand_end():
                self.fail("NOT excludes nothing", token.position, "put a word behind it")
            item = self._parse_item(field)
            return item.node if isinstance(item, _Excluded) else _Excluded(item, token.position)
        if token := self._accept("open"):
            return self._parse_group(token, field)
        if token := self._accept("field"):
            return self._parse_fielded(token)
        token = self._accept("word", "phrase")
        assert token is not None  # every other kind was taken above or ends an alternative
        return self._parse_text(token, field)

    def _parse_group(self, opening: _Token, field: Field) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.fail("brackets are nested too deep", opening.position, f"use {MAX_DEPTH} levels")
        node = self._parse_or(field)
        if not self._accept("close"):
            self.fail("a ( is not closed", opening.position, "add the closing )")
        self.depth -= 1
        return node

    def _parse_fielded(self, field: _Token) -> Node:
        name = field.text.lower()
        if name not in FIELD_PREFIXES:
            near = difflib.get_close_matches(name, FIELD_PREFIXES, 1)
            hint = f"did you mean {near[0]}:? " if near else ""
            mend = (
                f'{hint}fields are {", ".join(FIELD_PREFIXES)}; put "…" around words with a colon'
            )
            self.fail(f"there is no field {field.text}:", field.position, mend)
        if name in _LABEL_PARSERS:
            token = self._accept("word", "phrase")
            if token is None:
                self.fail(f"{name}: needs one value", field.position, f"write {name}:VALUE")
            self._count_term(token)
            return _LABEL_PARSERS[name](self, token)
        if token := self._accept("open"):
            return self._parse_group(token, Field(name))
        token = self._accept("word", "phrase", "OR", "AND", "NOT")
        if token is None:
            self.fail(f"{name}: has nothing to look for", field.position, "put a word behind it")
        return self._parse_text(token, Field(name))

    def _parse_text(self, token: _Token, field: Field) -> Node:
        self._count_term(token)
        if token.kind == "word" and token.text.endswith("*"):
            return self._parse_prefix(token, field)
        fold = tokenize_unstemmed if field is Field.AUTHOR else tokenize
        folded = tuple(fold(token.text))
        if not folded:
            self.fail(
                f"{token.text!r} has no letter or digit", token.position, "remove it or add a word"
            )
        if len(folded) > MAX_PHRASE_WORDS:
            self.fail(
                "the phrase is too long", token.position, f"use {MAX_PHRASE_WORDS} words at most"
            )
        return Text(field, folded)

    def _parse_prefix(self, token: _Token, field: Field) -> Node:
        stem = tuple(tokenize_unstemmed(token.text.rstrip("*")))
        if field not in (Field.ANY, Field.TITLE, Field.ABSTRACT):
            self.fail("* works in title and abstract only", token.position, "write the whole word")
        if len(stem) != 1 or len(stem[0]) < MIN_PREFIX_LENGTH:
            mend = f"put * behind one word of {MIN_PREFIX_LENGTH} letters or more, like hallucinat*"
            self.fail("this * would match too much", token.position, mend)
        return Text(field, stem, is_prefix=True)

    def _count_term(self, token: _Token) -> None:
        self.term_count += 1
        if self.term_count > MAX_TERMS:
            self.fail("the keyword has too many terms", token.position, f"use {MAX_TERMS} at most")

    def parse_category(self, token: _Token) -> Node:
        """`cat:cs.CL`, `cat:cs.*` or `cat:cs`; aliases are one category."""
        name = token.text.strip()
        if (category := canonical_category(name)) in CATEGORIES:
            return Label(LabelKind.CATEGORY, category)
        archive = name.rstrip("*").rstrip(".").lower()
        if archive in ARCHIVES or archive in OLD_ARCHIVES:
            return Label(LabelKind.ARCHIVE, archive)
        near = difflib.get_close_matches(name, CATEGORIES, 1, cutoff=0.5)
        mend = f"did you mean cat:{near[0]}?" if near else "write one like cat:cs.CL or cat:cs.*"
        self.fail(f"there is no category {name!r}", token.position, mend)

    def parse_source(self, token: _Token) -> Node:
        """`source:arxiv`, `source:hf`, or the name of a community feed."""
        name = token.text.casefold()
        if not _SOURCE_NAME.fullmatch(name):
            mend = "names are of a-z, 0-9 and hyphens, like source:hf"
            self.fail(f"there is no source {token.text!r}", token.position, mend)
        return Label(LabelKind.SOURCE, name)

    def parse_id(self, token: _Token) -> Node:
        """`id:2503.14895`, in any form an id may have."""
        try:
            return IdFilter(ArxivId.parse(token.text))
        except BadId as error:
            self.fail(str(error), token.position, "write one like id:2503.14895")


_LABEL_PARSERS: Final[dict[str, Callable[[_Parser, _Token], Node]]] = {
    "cat": _Parser.parse_category,
    "source": _Parser.parse_source,
    "id": _Parser.parse_id,
}


def _fail(reason: str, text: str, position: int, hint: str) -> NoReturn:
    raise BadQuery(reason, text=text, position=position, hint=hint)
