r"""Text folding for papers and keywords: what counts as the same word.

    Reward-Models   → reward model          Schr\"odinger → schrodinger
    $\alpha$-LLMs   → alpha llm             H$_2$O         → h2o

Unicode compatibility form, case, accents, TeX, hyphens and plurals do not matter; everything that
is not a letter or digit separates words. `tokenize` returns the folded words of a text,
`token_spans` also their positions; both give the same words in the same order.

A text is *plain* if it is ASCII without TeX and apostrophes: its words are its runs of letters and
digits. Most texts are, and take a fast path.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from papers.text.latex import accents_to_unicode, commands_to_words
from papers.text.plurals import singularize_all

_SEPARATORS_TO_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum()}
_TO_LOWER_AND_BLANKS = _SEPARATORS_TO_BLANKS | {
    code: chr(code).lower() for code in range(128) if chr(code).isupper()
}
_PLAIN_WORDS = re.compile(r"[a-z0-9]+")
_SEPARATOR = re.compile(r"[^\w\n]|_")
"""A character between words; line breaks separate chunks that are folded together."""
_SUB_OR_SUPERSCRIPT = re.compile(r"[_^]\{?([A-Za-z0-9]{1,2})(?![A-Za-z0-9])\}?")
_POSSESSIVE = re.compile(r"['’](?<!\\['’])s(?![^\W_])")
_CHUNK = re.compile(r"\S+")
_MARKUP_CHARACTERS: Final = "\\${}^_~'"
_MARKED: Final = b"$"
_MARK_TABLE: Final = bytes(
    _MARKED[0] if code >= 128 or chr(code) in _MARKUP_CHARACTERS else ord(" ")
    for code in range(256)
)
"""Maps the bytes of UTF-8 that need folding to `$`, all others to a blank."""

GREEK_LETTERS: Final = {
    ord(letter): name
    for letter, name in zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho"
        " sigma sigma tau upsilon phi chi psi omega".split(),
        strict=True,
    )
}
UNDECOMPOSED_LETTERS: Final = {
    ord(letter): plain
    for letter, plain in zip("øłđðþæœıŋ", "o l d d th ae oe i ng".split(), strict=True)
}
_FOLDED_LETTERS: Final = GREEK_LETTERS | UNDECOMPOSED_LETTERS


class TokenSpan(NamedTuple):
    """A folded word and its position: `text[start:end]`."""

    word: str
    start: int
    end: int


def tokenize(text: str) -> list[str]:
    """Return the folded words of a text, in order."""
    return singularize_all(tokenize_unstemmed(text))


def tokenize_unstemmed(text: str) -> list[str]:
    """Return the folded words with plurals unchanged: for names and for prefixes."""
    folded = fold_text(text)
    if folded.isascii():
        # several times as fast as a regular expression
        return folded.lower().translate(_SEPARATORS_TO_BLANKS).split()
    return folded.translate(_TO_LOWER_AND_BLANKS).split()


def fold_text(text: str) -> str:
    """Return a text whose runs of letters and digits, in any case, are the words of this one.

    Beyond ASCII only words remain, in lower case.
    """
    return text if _is_plain(text) else _fold_marked_chunks(text)


def lowercase_if_plain(text: str) -> str | None:
    """Return a plain text in lower case; None if it is not plain.

    `tokenize` returns the singulars of its runs of letters and digits.
    """
    return text.lower() if _is_plain(text) else None


def fold_to_ascii(text: str) -> str | None:
    """Return a folded text in lower case; None if it has words beyond ASCII."""
    folded = fold_text(text)
    return folded.lower() if folded.isascii() else None


def token_spans(text: str, fold: Callable[[str], Sequence[str]] = tokenize) -> Iterator[TokenSpan]:
    """Yield the folded words with their positions; `fold` is one of the two tokenizers.

    Words of one chunk with TeX or a ligature share the chunk's position.
    """
    if _is_plain(text):
        # many times as fast as word by word; the words and their order are the same
        for match, word in zip(_PLAIN_WORDS.finditer(text.lower()), fold(text), strict=True):
            yield TokenSpan(word, match.start(), match.end())
        return
    for chunk in _CHUNK.finditer(text):
        written = chunk[0]
        if _is_plain(written):
            for match in _PLAIN_WORDS.finditer(written.lower()):
                start = chunk.start() + match.start()
                yield TokenSpan(fold(match[0])[0], start, start + len(match[0]))
        else:
            for word in fold(written):
                yield TokenSpan(word, chunk.start(), chunk.end())


def _is_plain(text: str) -> bool:
    # One search per character: several times as fast as a set, a regular expression or `any`.
    tex = "\\" in text or "$" in text or "{" in text or "}" in text
    tex = tex or "^" in text or "_" in text or "~" in text
    return text.isascii() and not (tex or "'" in text)


def _fold_marked_chunks(text: str) -> str:
    """Return a text with its chunks folded that are not plain, all in one call.

    No folding rule reaches across a blank, so chunks can be cut and joined at blanks.
    """
    raw = text.replace("\n", " ").encode(errors="surrogatepass")
    marks = raw.translate(_MARK_TABLE)  # many times as fast as searching with an expression
    plain, marked, at = list[bytes](), list[bytes](), 0
    while (found := marks.find(_MARKED, at)) >= 0:
        start = raw.rfind(b" ", at, found) + 1 or at
        end = raw.find(b" ", found)
        end = end if end >= 0 else len(raw)
        plain.append(raw[at:start])
        marked.append(raw[start:end])
        at = end
    folded = _fold_chunk(b"\n".join(marked).decode(errors="surrogatepass"))
    chunks = folded.encode(errors="surrogatepass").split(b"\n")
    whole = b"".join([*chain.from_iterable(zip(plain, chunks, strict=True)), raw[at:]])
    return whole.decode(errors="surrogatepass")


def _fold_chunk(text: str) -> str:
    """Return a text in lower case without accents, TeX or subscripts; beyond ASCII only words."""
    if "'s" in text or "’s" in text:
        text = _POSSESSIVE.sub("", text)
    if "\\" in text:
        text = commands_to_words(accents_to_unicode(text))
    if "_" in text or "^" in text:
        text = _SUB_OR_SUPERSCRIPT.sub(r"\1", text)
    text = text.replace("$", "").replace("{", "").replace("}", "")
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold()).casefold()
    marks = {ord(c): None for c in set(decomposed) if unicodedata.category(c) == "Mn"}
    bare = decomposed.translate(marks)
    return _SEPARATOR.sub(" ", unicodedata.normalize("NFKC", bare.translate(_FOLDED_LETTERS)))
