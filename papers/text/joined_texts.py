"""Joined texts: a word or phrase is searched in the texts of many papers at once.

Three steps, each for the papers that the one before leaves open: where the phrase stands so plainly
that nothing about the text matters; all of the text, without its URLs; the folded text, which the
caller makes of `fold_ascii`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence, Set
from functools import cached_property
from itertools import accumulate, chain
from typing import Final

from papers.text.folding import fold_text, lower_capitals
from papers.text.link_names import blank_url_bytes
from papers.text.phrases import PhrasePattern, second_parts

_DOTNET: Final = re.compile(rb"\.(?=(?:NET|Net|net)(?![A-Za-z0-9]))")
_FOLDABLE_MARKS: Final = bytes(
    ord("$") if code >= 128 or chr(code) in "\\${}^_~+#*&" else ord(" ") for code in range(256)
)
"""Maps bytes that folding may remove, or treat unlike other punctuation, to `$`; others to a
blank."""

_FOLD_SEPARATOR: Final = b"\1"
"""The separator of texts that are folded together and then split again."""
_TEXT_SEPARATOR: Final = b" \0 "
"""The separator of joined texts: no phrase reaches across it."""


class JoinedTexts:
    """Texts of papers, equally many of each, joined to one text in lower case.

    A paper is plain if its texts have nothing to fold but case and plurals; `unplain` are some that
    are not. Such a paper may have a phrase that is not found and, unless texts are `folded`, may
    lack one that is.
    """

    def __init__(
        self, papers: Mapping[int, Sequence[bytes]], unplain: Set[int], *, folded: bool = False
    ) -> None:
        self._papers, self._doc_ids, self._folded = papers, list(papers), folded
        texts = list(chain.from_iterable(papers.values()))
        self._texts_per_paper = len(texts) // len(papers) if papers else 1
        self._starts = list(
            accumulate([len(text) + len(_TEXT_SEPARATOR) for text in texts], initial=1)
        )
        self._written = b" " + _TEXT_SEPARATOR.join([*map(_lower_capitals, texts), b""])
        self._known_unplain = unplain

    @cached_property
    def _lower(self) -> bytes:
        return self._written.lower()

    @cached_property
    def _without_urls(self) -> tuple[bytes, bytes]:
        """The texts without URLs, and with `.NET` as a word: in lower case, and with capitals."""
        if self._folded:
            return self._lower, self._written
        written = _mark_dotnet(blank_url_bytes(self._written))
        return written.lower(), written

    def papers_with_phrase(
        self, phrase: PhrasePattern, fields: Sequence[int]
    ) -> tuple[set[int], set[int]]:
        """Return the papers that have a phrase, and others that may have it.

        `fields` are the numbers of the texts of a paper that are searched.
        """
        plainly = set() if self._folded else self._papers_with_plain(phrase, fields)
        if len(plainly) == len(self._papers):
            return plainly, set()
        others = self
        if 2 * len(plainly) > len(self._papers):
            left = {doc_id: of for doc_id, of in self._papers.items() if doc_id not in plainly}
            others = JoinedTexts(left, self._known_unplain)
        exact, unclear = others._search(phrase, fields)
        return plainly | exact, unclear

    def _papers_with_plain(self, phrase: PhrasePattern, fields: Sequence[int]) -> set[int]:
        """Return the papers in which a phrase stands so that neither folding nor a URL matters.

        Nearly every paper that has the phrase has it so. The rest of its texts is not searched.
        """
        found, at = set[int](), 0
        while (at := phrase.find_plain(self._lower, self._written, at)) >= 0:
            paper, field = self._paper_and_field(at)
            if field in fields:
                found.add(self._doc_ids[paper])
                at = self._starts[(paper + 1) * self._texts_per_paper]
            else:
                at += 1
        return found

    def _search(self, phrase: PhrasePattern, fields: Sequence[int]) -> tuple[set[int], set[int]]:
        """Search the whole texts of every paper."""
        exact, found = set[int](), set[int]()
        for start, _, plainly in phrase.occurrences(*self._without_urls):
            paper, field = self._paper_and_field(start)
            if field in fields:
                (exact if plainly or self._folded else found).add(self._doc_ids[paper])
        others = self._papers.keys() - exact
        joined = self._papers_with_joined(phrase, fields) if others else ()
        unclear = {
            doc_id
            for doc_id in others
            if doc_id in found or doc_id in joined or doc_id in self._unplain
        }
        return exact, unclear

    def _papers_with_joined(self, phrase: PhrasePattern, fields: Sequence[int]) -> set[int]:
        """Return the papers that have a word of a phrase as a hyphenated pair; hardly any has."""
        joined = phrase.joined_occurrences(self._without_urls[0], self._second_parts)
        places = map(self._paper_and_field, joined)
        return {self._doc_ids[paper] for paper, field in places if field in fields}

    @cached_property
    def _second_parts(self) -> Set[bytes]:
        return second_parts(self._without_urls[0])

    def _paper_and_field(self, at: int) -> tuple[int, int]:
        """Return the numbers of the paper, and of its text, at a position of the joined texts."""
        return divmod(bisect_right(self._starts, at) - 1, self._texts_per_paper)

    @cached_property
    def _unplain(self) -> Set[int]:
        """The papers whose texts folding may change in more than case and plurals."""
        if self._folded:
            return self._known_unplain
        text = self._without_urls[1]
        marks = text.translate(_FOLDABLE_MARKS)  # many times as fast as an expression
        return self._known_unplain | self._papers_with(b"$", marks) | self._papers_with(b"'s", text)

    def _papers_with(self, sign: bytes, text: bytes) -> set[int]:
        """Return the papers in whose texts a sign stands; `text` is as long as they are joined."""
        found, at = set[int](), 0
        while (at := text.find(sign, at)) >= 0:
            paper, _ = self._paper_and_field(at)
            found.add(self._doc_ids[paper])
            at = self._starts[(paper + 1) * self._texts_per_paper]
        return found


def with_separators(papers: Mapping[int, Sequence[bytes]]) -> set[int]:
    """Return the papers whose texts contain a separator of joined texts; hardly any does."""
    if not _has_separator(b"".join(chain.from_iterable(papers.values()))):
        return set()
    return {doc_id for doc_id, texts in papers.items() if any(map(_has_separator, texts))}


def _has_separator(text: bytes) -> bool:
    return b"\0" in text or _FOLD_SEPARATOR in text


def fold_ascii(papers: Mapping[int, Sequence[bytes]]) -> dict[int, Sequence[bytes]]:
    """Fold all texts together; return those of papers whose folded texts are ASCII."""
    texts = b" %b " % _FOLD_SEPARATOR.join(
        [b" %b " % _lower_capitals(text) for of in papers.values() for text in of]
    )
    folded = iter(fold_text(texts.decode()).split(_FOLD_SEPARATOR.decode()))
    by_paper = {doc_id: [next(folded) for _ in of] for doc_id, of in papers.items()}
    return {
        doc_id: [text.encode() for text in of]
        for doc_id, of in by_paper.items()
        if all(map(str.isascii, of))
    }


def _lower_capitals(text: bytes) -> bytes:
    return lower_capitals(text.decode()).encode() if text.isupper() else text


def _mark_dotnet(text: bytes) -> bytes:
    """Replace the full stop of `.NET`: it is part of a word, not between words."""
    return _DOTNET.sub(b"_", text)
