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
from papers.model.arxiv_id import ARCHIVES as OLD_ARCHIVES
from papers.model.arxiv_id import ArxivId
from papers.model.categories import ARCHIVES, CATEGORIES, canonical
from papers.query.ast import Field, Kind, Label, Named, Node, Text, all_of, any_of
from papers.text.folding import unstemmed, words

MAX_LENGTH: Final = 500
MAX_TERMS: Final = 64
MAX_DEPTH: Final = 8
MAX_PHRASE: Final = 16
MIN_PREFIX: Final = 3

FIELDS: Final = ("ti", "abs", "au", "cat", "comment", "org", "source", "id")

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
def parse(text: str) -> Query:
    """Read a keyword. The saved ones are read again for every paper of a page: they are kept.

    Raises BadQuery, which says what is wrong, where, and how to mend it.
    """
    normal = unicodedata.normalize("NFC", text).translate(_QUOTES).strip()
    if len(normal) > MAX_LENGTH:
        _refuse(
            "the keyword is too long",
            normal[:80],
            MAX_LENGTH,
            f"keep it to {MAX_LENGTH} characters",
        )
    for position, character in enumerate(normal):
        if unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n":
            _refuse("there is a control character", normal, position, "remove it")
    query = Query(_Parser(normal).whole())
    if (length := len(query.canonical)) > MAX_LENGTH:
        reason = f"the keyword is too long: spelled out it has {length} characters"
        _refuse(reason, normal, 0, f"keep that to {MAX_LENGTH}; mind fields before brackets")
    return query


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class _Barred:
    """An item behind NOT: no node of its own, it only takes away from its neighbours."""

    node: Node
    position: int


class _Parser:
    """Recursive descent over the tokens of one keyword."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens()
        self.at = 0
        self.depth = 0
        self.terms = 0

    def whole(self) -> Node:
        """The tree of the whole keyword."""
        if not self.tokens:
            self.refuse("there is no keyword", 0, 'type words, for example "reward model"')
        node = self._alternatives(Field.ANY)
        if (token := self._peek()) is not None:
            self.refuse("there is a ) without its (", token.position, "remove it or open it before")
        return node

    def refuse(self, reason: str, position: int, mend: str) -> NoReturn:
        """Give up, saying why, where and what to do."""
        _refuse(reason, self.text, position, mend)

    def _tokens(self) -> list[_Token]:
        tokens: list[_Token] = []
        for match in _TOKEN.finditer(self.text):
            kind = match.lastgroup or ""
            text, position = match[kind], match.start(kind) - (kind == "phrase")
            if kind == "unclosed":
                self.refuse('a " is not closed', position, 'add the closing "')
            if kind == "word" and text in _OPERATORS:
                kind = text
            if kind == "word" and text.endswith(":") and text[:-1] in FIELDS:
                mend = "put a word right behind it, without a space"
                self.refuse(f"{text} has nothing to look for", position, mend)
            tokens.append(_Token(kind, text, position))
        return tokens

    def _peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _take(self, *kinds: str) -> _Token | None:
        token = self._peek()
        if token is None or token.kind not in kinds:
            return None
        self.at += 1
        return token

    def _alternatives(self, field: Field) -> Node:
        nodes = [self._alternative(field)]
        while self._take("OR"):
            nodes.append(self._alternative(field))
        return any_of(nodes)

    def _alternative(self, field: Field) -> Node:
        start = self._peek()
        wanted: list[Node] = []
        barred: list[_Barred] = []
        while (token := self._peek()) and token.kind not in ("OR", "close"):
            if self._take("AND") and (not (wanted or barred) or self._at_end()):
                self.refuse("AND stands alone", token.position, "put a word on both sides of it")
            item = self._item(field)
            if isinstance(item, _Barred):
                barred.append(item)
            else:
                wanted.append(item)
        if not wanted and not barred:
            position = start.position if start else len(self.text)
            self.refuse("something is missing here", position, "add a word, or remove OR or ()")
        if not wanted:
            self.refuse(
                "this only excludes: it would be everything else",
                barred[0].position,
                "add a word that papers must have",
            )
        return all_of(wanted, [item.node for item in barred])

    def _at_end(self) -> bool:
        token = self._peek()
        return token is None or token.kind in ("OR", "AND", "close")

    def _item(self, field: Field) -> Node | _Barred:
        if token := self._take("minus", "NOT"):
            if self._at_end():
                self.refuse("NOT excludes nothing", token.position, "put a word behind it")
            item = self._item(field)
            return item.node if isinstance(item, _Barred) else _Barred(item, token.position)
        if token := self._take("open"):
            return self._group(token, field)
        if token := self._take("field"):
            return self._in_field(token)
        token = self._take("word", "phrase")
        assert token is not None  # every other kind was taken above or ends an alternative
        return self._text(token, field)

    def _group(self, opening: _Token, field: Field) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self.refuse("brackets are nested too deep", opening.position, f"use {MAX_DEPTH} levels")
        node = self._alternatives(field)
        if not self._take("close"):
            self.refuse("a ( is not closed", opening.position, "add the closing )")
        self.depth -= 1
        return node

    def _in_field(self, field: _Token) -> Node:
        name = field.text.lower()
        if name not in FIELDS:
            near = difflib.get_close_matches(name, FIELDS, 1)
            hint = f"did you mean {near[0]}:? " if near else ""
            mend = f'{hint}fields are {", ".join(FIELDS)}; put "…" around words with a colon'
            self.refuse(f"there is no field {field.text}:", field.position, mend)
        if name in _LABELS:
            token = self._take("word", "phrase")
            if token is None:
                self.refuse(f"{name}: needs one value", field.position, f"write {name}:VALUE")
            self._count(token)
            return _LABELS[name](self, token)
        if token := self._take("open"):
            return self._group(token, Field(name))
        token = self._take("word", "phrase", "OR", "AND", "NOT")
        if token is None:
            self.refuse(f"{name}: has nothing to look for", field.position, "put a word behind it")
        return self._text(token, Field(name))

    def _text(self, token: _Token, field: Field) -> Node:
        self._count(token)
        if token.kind == "word" and token.text.endswith("*"):
            return self._prefix(token, field)
        fold = unstemmed if field is Field.AUTHOR else words
        folded = tuple(fold(token.text))
        if not folded:
            self.refuse(
                f"{token.text!r} has no letter or digit", token.position, "remove it or add a word"
            )
        if len(folded) > MAX_PHRASE:
            self.refuse("the phrase is too long", token.position, f"use {MAX_PHRASE} words at most")
        return Text(field, folded)

    def _prefix(self, token: _Token, field: Field) -> Node:
        stem = tuple(unstemmed(token.text.rstrip("*")))
        if field not in (Field.ANY, Field.TITLE, Field.ABSTRACT):
            self.refuse(
                "* works in title and abstract only", token.position, "write the whole word"
            )
        if len(stem) != 1 or len(stem[0]) < MIN_PREFIX:
            mend = f"put * behind one word of {MIN_PREFIX} letters or more, like hallucinat*"
            self.refuse("this * would match too much", token.position, mend)
        return Text(field, stem, prefix=True)

    def _count(self, token: _Token) -> None:
        self.terms += 1
        if self.terms > MAX_TERMS:
            self.refuse(
                "the keyword has too many terms", token.position, f"use {MAX_TERMS} at most"
            )

    def category(self, token: _Token) -> Node:
        """`cat:cs.CL`, `cat:cs.*` or `cat:cs`; aliases are one category."""
        name = token.text.strip()
        if (category := canonical(name)) in CATEGORIES:
            return Label(Kind.CATEGORY, category)
        archive = name.rstrip("*").rstrip(".").lower()
        if archive in ARCHIVES or archive in OLD_ARCHIVES:
            return Label(Kind.ARCHIVE, archive)
        near = difflib.get_close_matches(name, CATEGORIES, 1, cutoff=0.5)
        mend = f"did you mean cat:{near[0]}?" if near else "write one like cat:cs.CL or cat:cs.*"
        self.refuse(f"there is no category {name!r}", token.position, mend)

    def source(self, token: _Token) -> Node:
        """`source:arxiv`, `source:hf`, or the name of a community feed."""
        name = token.text.casefold()
        if not _SOURCE_NAME.fullmatch(name):
            mend = "names are of a-z, 0-9 and hyphens, like source:hf"
            self.refuse(f"there is no source {token.text!r}", token.position, mend)
        return Label(Kind.SOURCE, name)

    def id(self, token: _Token) -> Node:
        """`id:2503.14895`, in any form an id may have."""
        try:
            return Named(ArxivId.parse(token.text))
        except BadId as error:
            self.refuse(str(error), token.position, "write one like id:2503.14895")


_LABELS: Final[dict[str, Callable[[_Parser, _Token], Node]]] = {
    "cat": _Parser.category,
    "source": _Parser.source,
    "id": _Parser.id,
}


def _refuse(reason: str, text: str, position: int, mend: str) -> NoReturn:
    raise BadQuery(reason, text=text, position=position, mend=mend)
