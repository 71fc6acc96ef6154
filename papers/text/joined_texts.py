"""Joined texts: a word or phrase is searched in the texts of many papers at once.

Each step is for the papers that the ones before leave open: the phrase as it is mostly written;
where it stands so plainly that nothing about the text matters; whether its letters are side by
side; all of the text, without URLs; the folded text, which the caller makes of `fold_ascii`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cached_property
from itertools import accumulate, chain, islice
from typing import Final

from papers.text.folding import fold_text, lower_capitals
from papers.text.link_names import blank_url_bytes
from papers.text.phrases import PhrasePattern, literal_places, second_parts
from papers.text.squeezed_texts import changed_places, needles_of, squeeze, texts_with
from papers.text.text_readings import folded_readings, token_readings

_DOTNET: Final = re.compile(rb"\.(?=(?:NET|Net|net)(?![A-Za-z0-9]))")
_FOLDABLE_MARKS: Final = bytes(
    ord("$") if code >= 128 or chr(code) in "\\${}^_~+#*&" else ord(" ") for code in range(256)
)
"""Maps bytes that folding may remove, or treat unlike other punctuation, to `$`."""
_FOLD_SEPARATOR: Final = b"\1"
"""The separator of texts that are folded together and then split again."""
_FEW_PAPERS: Final = 16
"""So few texts are not searched for a phrase as it is mostly written: that takes as long."""
_MAX_LITERALS: Final = 4
_SAMPLE_SIZE: Final = 6
"""How many ways to write a phrase are learnt, each from so many papers."""
_SMALL_WORD: Final = " x"
"""Beside it no text is all in capitals."""
_WINDOW_SIZE: Final = 100
"""Bytes before and after a hyphenated pair in which the words of a phrase are looked for."""
_MOST: Final = 0.85
"""Texts are joined anew for this part of them, or fewer: the others need not be searched."""
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
        if self._folded:
            return self._search_possible(phrase, fields)
        found, others = set[int](), self
        if len(self._papers) > _FEW_PAPERS:
            found = self._papers_with_literals(phrase, fields)
        if len(self._papers) // 2 < len(found) < len(self._papers):
            others = self._without(found)  # else another phrase may use what is squeezed
            found |= others._papers_with_plain(phrase, fields)
            others = others._without(found)
        if len(found) == len(self._papers):
            return found, set()
        exact, unclear = others._search_possible(phrase, fields, found)
        return found | exact, unclear - found

    def _search_possible(
        self, phrase: PhrasePattern, fields: Sequence[int], known: Set[int] = frozenset()
    ) -> tuple[set[int], set[int]]:
        """Search the texts of the papers whose letters allow the phrase, except known ones."""
        possible, changed = self._possible_papers(phrase, fields)
        left = self._only(possible - known)
        plainly = set() if self._folded else left._papers_with_plain(phrase, fields)
        exact, unclear = left._without(plainly)._search(phrase, fields)
        exact |= plainly
        return exact, (unclear & possible | changed) - exact

    def _without(self, doc_ids: Set[int]) -> JoinedTexts:
        """Return the texts of the other papers; all of them unless these are fewer."""
        return self._only(self._papers.keys() - doc_ids) if doc_ids else self

    def _only(self, doc_ids: Set[int]) -> JoinedTexts:
        """Return the texts of some papers; all of them unless these are fewer."""
        if len(doc_ids) > _MOST * len(self._papers):
            return self
        some = {doc_id: of for doc_id, of in self._papers.items() if doc_id in doc_ids}
        return JoinedTexts(some, self._known_unplain & doc_ids, folded=self._folded)

    def _possible_papers(
        self, phrase: PhrasePattern, fields: Sequence[int]
    ) -> tuple[Set[int], Set[int]]:
        """Return the papers whose letters do not rule a phrase out, and those of changed letters.

        The latter may have it in any case; they are in the former if their letters say so, too.
        """
        needles = needles_of(phrase)
        if not needles or (self._known_unplain and not self._folded):
            return self._papers.keys(), set()
        texts = [divmod(n, self._texts_per_paper) for n in texts_with(self._squeezed, needles)]
        return {self._doc_ids[paper] for paper, field in texts if field in fields}, self._changed

    @cached_property
    def _squeezed(self) -> bytes:
        return squeeze(self._written if self._folded else blank_url_bytes(self._written))

    @cached_property
    def _changed(self) -> Set[int]:
        """The papers whose letters may be others when they are folded."""
        if self._folded:
            return self._known_unplain
        places = map(self._paper_and_field, changed_places(self._written))
        changed = {self._doc_ids[paper] for paper, _ in places}
        if not self._written.isascii():
            papers = self._papers.items()
            changed.update([id for id, texts in papers if not all(map(bytes.isascii, texts))])
        return changed

    def _papers_with_literals(self, phrase: PhrasePattern, fields: Sequence[int]) -> set[int]:
        """Return papers that have a phrase as it is mostly written, by searches for bytes.

        First as its folded words; then as some paper has it that does not have those.
        """
        found, rest = set[int](), self
        literal = phrase.literal
        for _ in range(_MAX_LITERALS):
            found |= rest._papers_with_literal(literal, fields) if literal else set()
            if len(self._papers) - len(found) <= _FEW_PAPERS:
                break
            rest = self._without(found)
            if not (literal := rest._written_literal(phrase, found)):
                break
        return found

    def _written_literal(self, phrase: PhrasePattern, known: Set[int]) -> bytes:
        """Return how most of the first papers that are not known have a phrase; or nothing."""
        some = islice((doc_id for doc_id in self._doc_ids if doc_id not in known), _SAMPLE_SIZE)
        sample = JoinedTexts({id: self._papers[id] for id in some}, self._known_unplain)
        places = sample._plain_places(phrase)
        written = [phrase.written_literal(sample._lower, sample._written, at) for at in places]
        return max(written, key=written.count, default=b"")

    def _papers_with_literal(self, literal: bytes, fields: Sequence[int]) -> set[int]:
        """Return the papers that have a `written_literal` between blanks."""
        places = map(self._paper_and_field, literal_places(self._written, literal))
        return {self._doc_ids[paper] for paper, field in places if field in fields}

    def _papers_with_plain(self, phrase: PhrasePattern, fields: Sequence[int]) -> set[int]:
        """Return the papers in which a phrase stands so that neither folding nor a URL matters.

        The rest of its texts is not searched.
        """
        places = map(self._paper_and_field, self._plain_places(phrase, fields))
        return {self._doc_ids[paper] for paper, field in places if field in fields}

    def _plain_places(self, phrase: PhrasePattern, fields: Sequence[int] = ()) -> Iterator[int]:
        """Yield where a phrase stands plainly, once in the fields of a paper, or in any field."""
        at = 0
        while (at := phrase.find_plain(self._lower, self._written, at)) >= 0:
            yield at
            paper, field = self._paper_and_field(at)
            is_in_field = not fields or field in fields
            at = self._starts[(paper + 1) * self._texts_per_paper] if is_in_field else at + 1

    def _search(self, phrase: PhrasePattern, fields: Sequence[int]) -> tuple[set[int], set[int]]:
        """Search the whole texts of every paper."""
        exact, found = set[int](), set[int]()
        for start, _, plainly in phrase.occurrences(*self._without_urls):
            paper, field = self._paper_and_field(start)
            if field in fields:
                (exact if plainly or self._folded else found).add(self._doc_ids[paper])
        others = self._papers.keys() - exact
        joined = self._places_of_joined(phrase, fields) if others else []
        for doc_id, at in joined:
            if doc_id not in exact:
                (exact if self._has_closed(phrase, at) else found).add(doc_id)
        others = self._papers.keys() - exact
        return exact, {id for id in others if id in found or id in self._unplain}

    def _places_of_joined(
        self, phrase: PhrasePattern, fields: Sequence[int]
    ) -> list[tuple[int, int]]:
        """Return papers and places where a word of a phrase is a hyphenated pair; hardly any is."""
        places = list[tuple[int, int]]()
        for at in phrase.joined_occurrences(self._without_urls[0], self._second_parts):
            paper, field = self._paper_and_field(at)
            if field in fields:
                places.append((self._doc_ids[paper], at))
        return places

    def _has_closed(self, phrase: PhrasePattern, at: int) -> bool:
        """Return whether a text has a phrase around a hyphenated pair, by a closed reading.

        Only some words around it are read. What is found there is in the whole text: no rule of
        folding reaches across a blank, but for that of texts in capitals, which are lowered here.
        """
        text = self._written
        start = text.rfind(b" ", 0, max(at - _WINDOW_SIZE, text.rfind(b"\0", 0, at) + 2)) + 1
        end = text.find(b" ", min(at + _WINDOW_SIZE, text.find(b"\0", at) - 1))
        window = text[start:end].decode()
        closed = (
            folded_readings(window).closed
            if self._folded
            else [reading[:-1] for reading in token_readings(f"{window}{_SMALL_WORD}").closed]
        )
        words = f" {' '.join([word.folded for word in phrase.words])} "
        return any(words in f" {' '.join(reading)} " for reading in closed)

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
