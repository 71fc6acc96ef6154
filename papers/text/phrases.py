"""Phrase search in the raw bytes of many texts, without folding them.

Compiling a regular expression per phrase takes longer than searching a hundred texts. So there is
one expression per number of words, which captures any consecutive words; these are then looked up
among the surface forms of the phrase's words. Only of several hundred texts are those places that
come into question found by an expression of the phrase's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence, Set
from functools import lru_cache, partial
from itertools import takewhile
from typing import Final, NamedTuple

from papers.text.plurals import fold_written_words, surface_forms

_WORD_SEPARATOR: Final = "[^a-z0-9\0]+"
"""What can stand between neighboring words of a plain text."""


class WordForms(NamedTuple):
    """The forms that a folded word may have in a text in lower case."""

    small: frozenset[bytes]
    """The forms of the word where it is written without capitals at the end."""
    any_case: frozenset[bytes]
    """All forms; capitals decide those that end in s: GPs is gp, GPS is gps."""
    folded: str


class PhrasePattern(NamedTuple):
    """Consecutive folded words, with the surface forms that each may have in a text."""

    prefix: bytes
    """The common prefix of the first word's surface forms."""
    words: tuple[WordForms, ...]

    def occurrences(self, text: bytes, written: bytes) -> Iterator[PhraseSpan]:
        """Yield where the phrase occurs in a lower-case text, `written` with capitals.

        Hyphenated words are not read as one: see `may_be_joined_in`.
        """
        strict, loose = _phrase_regexes(len(self.words))
        find = self._finder(text)
        start = find(0)
        while start >= 0:
            certain = strict.match(text, start)
            match = certain or loose.match(text, start)
            if match and self._has_forms(match, written):
                yield PhraseSpan(start, match.end(), certain is not None)
            start = find(start + 1)

    def written_literal(self, text: bytes, written: bytes, at: int) -> bytes:
        """Return the phrase as it is written at a place where `find_plain` has found it."""
        match = _phrase_regexes(len(self.words)).strict.match(text, at)
        assert match, f"the phrase stands at {at}"
        return written[slice(*match.span())]

    @property
    def literal(self) -> bytes:
        """The folded words between blanks, if they may be written so; else nothing."""
        words = [word.folded.encode() for word in self.words]
        is_written = all(of in word.small for word, of in zip(self.words, words, strict=True))
        return b" ".join(words) if is_written else b""

    def find_plain(self, text: bytes, written: bytes, start: int) -> int:
        """Return where the phrase stands next, in a text as for `occurrences` with its URLs; or -1.

        Only certain occurrences count, that no URL can contain and whose words are no `.NET`.
        """
        strict, _ = _phrase_regexes(len(self.words))
        find = self._finder(text)
        at = find(start)
        while at >= 0:
            match = strict.match(text, at)
            if match and self._has_forms(match, written) and not _touches_url(text, match):
                return at
            at = find(at + 1)
        return -1

    def _finder(self, text: bytes) -> Callable[[int], int]:
        """Return a function that finds the next place where the phrase may stand; -1 at the end."""
        if len(text) < _LONG_TEXT:
            return partial(text.find, self.prefix)
        search = _phrase_regex(self.prefix, tuple(word.any_case for word in self.words)).search

        def find(start: int) -> int:
            match = search(text, start)
            return match.start() if match else -1

        return find

    def _has_forms(self, match: re.Match[bytes], written: bytes) -> bool:
        """Return whether the words of a match are forms of the phrase's words."""
        groups = match.groups()
        for word, form in zip(self.words, groups, strict=True):
            if form not in word.small or form[-1] == _S:
                return all(map(_has_form, self.words, groups)) and self._is_written(match, written)
        return True

    def _is_written(self, match: re.Match[bytes], written: bytes) -> bool:
        """Return whether the capitals of a match allow its plurals."""
        return all(
            form in word.small
            if (as_written := written[slice(*match.span(group))])[-2:].islower() or form[-1] != _S
            else fold_written_words([as_written.decode()]) == [word.folded]
            for group, (word, form) in enumerate(zip(self.words, match.groups(), strict=True), 1)
        )

    def may_be_joined_in(self, text: bytes) -> bool:
        """Return False if no word of the phrase is a hyphenated pair of a lower-case text."""
        return any(True for _ in self.joined_occurrences(text, second_parts(text)))

    def joined_occurrences(self, text: bytes, parts: Set[bytes]) -> Iterator[int]:
        """Yield where words of the phrase are hyphenated pairs in a lower-case text.

        `parts` are its `second_parts`: nearly always they rule out every pair. So do the words
        beside a pair, unless they begin or end like those of the phrase.
        """
        for number, word in enumerate(self.words if parts else ()):
            for form in word.any_case:
                for at in range(1, len(form)):
                    if form[at:] in parts:
                        pairs = _hyphenated_occurrences(text, form[:at], form[at:])
                        yield from (
                            pair.start for pair in pairs if self._may_be(text, pair, number)
                        )

    def _may_be(self, text: bytes, pair: slice, number: int) -> bool:
        """Return False if the words beside a pair rule out that it is a word of the phrase.

        The word before it may be a pair as well: of such neighbors the last one is found.
        """
        before, behind = self.words[:number][-1:], self.words[number + 1 :][:1]
        start = max(pair.start - _LONGEST_GAP, text.rfind(b"\0", 0, pair.start) + 1)
        previous = _WORD.findall(text, start, pair.start)[-1:]
        following = _WORD_BEHIND.match(text, pair.stop)
        return all(_ends_like(word, end) for word in before for end in previous) and all(
            following and following[1] in word.any_case for word in behind
        )


def literal_places(written: bytes, literal: bytes) -> Iterator[int]:
    """Yield where a `written_literal` stands between blanks; `find_plain` would find each place.

    There may be a sign before the second blank. `written` begins with a blank, and ends with two.
    """
    literal = b" %b" % literal
    at = written.find(literal)
    while at >= 0:
        end = at + len(literal)
        end += written[end] in _CLOSING_SIGNS
        if written[end] == _BLANK and b"\\" not in written[max(at - 3, 0) : at]:
            yield at + 1
        at = written.find(literal, end - 1)


def _touches_url(text: bytes, match: re.Match[bytes]) -> bool:
    """Return whether what stands between blanks at a match may be a URL or `.NET`."""
    start, end = match.span()
    end = text.find(b" ", end)
    return _INNER_SIGN.search(text, text.rfind(b" ", 0, start) + 1, max(end, start)) is not None


def second_parts(text: bytes) -> Set[bytes]:
    """Return what stands behind hyphens in a lower-case text."""
    return frozenset(_SECOND_PART.findall(text))


def _ends_like(word: WordForms, end: bytes) -> bool:
    return any(form.endswith(end) for form in word.any_case)


def _hyphenated_occurrences(text: bytes, first: bytes, second: bytes) -> Iterator[slice]:
    """Yield where two parts are joined by a hyphen, or two, and by nothing else."""
    for pair in (first + b"-" + second, first + b"--" + second):
        start = text.find(pair)
        while start >= 0:
            end = start + len(pair)
            if not _is_word_byte(text[start - 1 : start]) and not _is_word_byte(
                text[end : end + 1]
            ):
                yield slice(start, end)
            start = text.find(pair, start + 1)


def _is_word_byte(byte: bytes) -> bool:
    return byte.isalnum()


_INNER_SIGN: Final = re.compile(rb"[.:](?=[a-z0-9/])")
"""Every URL and `.NET` have one, before a top-level domain or after a scheme."""
_WORD_BEHIND: Final = re.compile(rf"{_WORD_SEPARATOR}([a-z0-9]+)".encode())
_WORD: Final = re.compile(rb"[a-z0-9]+")
_LONGEST_GAP: Final = 100
"""So many bytes before a word are searched for the one before it; if there is none, any may be."""
_SECOND_PART: Final = re.compile(rb"-([a-z0-9]+)")
_S, _BLANK = b"s "
_CLOSING_SIGNS: Final = b",.;:!?)"
"""Signs that stand between a phrase and a blank."""
_LONG_TEXT: Final = 400_000
"""Texts from this length on are worth an expression of the phrase's own."""


def _has_form(word: WordForms, form: bytes) -> bool:
    return form in word.any_case


class PhraseSpan(NamedTuple):
    """An occurrence of a phrase: the bytes from `start` up to `end`.

    `is_certain` if folding the text around it cannot change that; otherwise the occurrence counts
    in plain texts only.
    """

    start: int
    end: int
    is_certain: bool


@lru_cache(maxsize=1024)
def phrase_pattern(words: tuple[str, ...], *, with_plurals: bool = True) -> PhrasePattern:
    """Return the pattern of consecutive folded words; names are searched without plurals."""
    if not with_plurals:
        alone = [frozenset([word.encode()]) for word in words]
        forms = tuple(WordForms(of, of, word) for of, word in zip(alone, words, strict=True))
        return PhrasePattern(words[0].encode(), forms)
    forms = tuple(map(_word_forms, words))
    first = sorted(form.decode() for form in forms[0].any_case)
    return PhrasePattern(common_prefix(first).encode(), forms)


def _word_forms(word: str) -> WordForms:
    small = frozenset(map(str.encode, surface_forms(word)))
    acronyms = [word, f"{word}s"] if word.isascii() else [word]
    return WordForms(small, small.union(map(str.encode, acronyms)), word)


class _PhraseRegexes(NamedTuple):
    """Two expressions that capture a given number of consecutive words."""

    strict: re.Pattern[bytes]
    """Matches only where folding cannot change the words, in any text."""
    loose: re.Pattern[bytes]
    """Matches in plain texts."""


@lru_cache(maxsize=64)
def _phrase_regexes(count: int) -> _PhraseRegexes:
    words = ["([a-z0-9]+)"] * count
    no_tex_before = r"(?<!\\.)(?<!\\..)(?<!\\...)"
    separated = r"[\s(),.;:!?/\"-]+".join(words)
    strict = rf"(?<=[\s(/\"-]){no_tex_before}{separated}(?=[\s,.;:!?)/\"-])"
    loose = rf"(?<![a-z0-9]){_WORD_SEPARATOR.join(words)}"
    return _PhraseRegexes(re.compile(strict.encode(), re.DOTALL), re.compile(loose.encode()))


@lru_cache(maxsize=64)
def _phrase_regex(prefix: bytes, words: tuple[Set[bytes], ...]) -> re.Pattern[bytes]:
    """Return an expression that finds a phrase in a text that is long enough to compile it for.

    It begins with literal characters, for speed.
    """
    first = b"|".join([re.escape(form[len(prefix) :]) for form in words[0]])
    others = [b"|".join(map(re.escape, forms)) for forms in words[1:]]
    begin = b"%b(?<![a-z0-9]%b)" % (re.escape(prefix), re.escape(prefix))
    groups = [b"(?:%b)" % forms for forms in (first, *others)]
    return re.compile(begin + _WORD_SEPARATOR.encode().join(groups) + b"(?![a-z0-9])")


def common_prefix(sorted_words: Sequence[str]) -> str:
    """Return the prefix that all words share: that of the first and the last in sorted order."""
    letters = zip(sorted_words[0], sorted_words[-1], strict=False) if sorted_words else ()
    return "".join(first for first, _ in takewhile(lambda pair: pair[0] == pair[1], letters))
