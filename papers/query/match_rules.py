"""Why a term matches at a place of a text: by which rule the text is written otherwise."""

from __future__ import annotations

import enum
import re
from collections.abc import Sequence
from typing import Final

from papers.query.ast import Author, Text
from papers.text.folding import tokenize, tokenize_unstemmed
from papers.text.names.person_names import is_initial, name_words

_DASHES: Final = dict.fromkeys(map(ord, "-\u2010\u2011\u2012\u2013"), " ")
_PLAIN_WORDS: Final = re.compile(r"[a-z0-9]+")


class MatchRule(enum.StrEnum):
    """A rule by which a text matches a term; the likeliest first."""

    WORD = "word"
    PLURAL = "plural"
    HYPHEN = "hyphen"
    FOLDED = "folded"
    JOINED = "joined"
    CLOSED = "closed"
    OPEN = "open"
    PREFIX = "prefix"
    NAME = "name"
    INITIAL = "initial"

    @property
    def description(self) -> str:
        """What is different in the text."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS: Final = {
    MatchRule.WORD: "as written",
    MatchRule.PLURAL: "singular or plural",
    MatchRule.HYPHEN: "written with a hyphen",
    MatchRule.FOLDED: "without accents, signs and TeX",
    MatchRule.JOINED: "hyphenated words read as one",
    MatchRule.CLOSED: "written as one word",
    MatchRule.OPEN: "written apart",
    MatchRule.PREFIX: "a word that begins so",
    MatchRule.NAME: "another form of the name",
    MatchRule.INITIAL: "an initial of the name",
}


def text_rule(leaf: Text, words: Sequence[str], written: str, *, is_joined: bool) -> MatchRule:
    """Return why `written` matches a text that is spelled as `words`.

    `is_joined` says that a hyphenated pair in it is read as one word.
    """
    if leaf.is_prefix:
        return MatchRule.PREFIX
    if is_joined:
        return MatchRule.JOINED
    if len(words) != len(leaf.words):
        return MatchRule.CLOSED if len(words) < len(leaf.words) else MatchRule.OPEN
    lower, typed = written.lower(), list(words)
    undashed = lower.translate(_DASHES)
    if undashed != lower and tokenize(undashed) == typed:
        return MatchRule.HYPHEN
    if _PLAIN_WORDS.findall(lower) == typed:
        return MatchRule.WORD
    return MatchRule.FOLDED if tokenize_unstemmed(written) == typed else MatchRule.PLURAL


def author_rule(leaf: Author, written: str) -> MatchRule:
    """Return why a name, or the part of it that was searched for, matches an author."""
    words = name_words(written)
    if words == leaf.words:
        return MatchRule.WORD
    has_initial = any(map(is_initial, words)) != any(map(is_initial, leaf.words))
    return MatchRule.INITIAL if has_initial else MatchRule.NAME
