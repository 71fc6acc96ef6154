r"""One folding for papers and keywords: what counts as the same word.

    Reward-Models   → reward model          Schr\"odinger → schrodinger
    $\alpha$-LLMs   → alpha llm             H$_2$O         → h2o

Unicode compatibility form, case, accents, TeX, hyphens and plurals do not matter; everything that
is no letter or digit parts words. `words` folds a whole text, `spans` says where in the text each
word stands; both give the same words in the same order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
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
"""What parts words; line breaks part pieces that are folded together."""
_SUB_OR_SUPERSCRIPT = re.compile(r"[_^]\{?([A-Za-z0-9]{1,2})(?![A-Za-z0-9])\}?")
_POSSESSIVE = re.compile(r"['’](?<!\\['’])s(?![^\W_])")
_CHUNK = re.compile(r"\S+")
_MARKUP_CHARACTERS: Final = "\\${}^_~'"
_MARKED: Final = b"$"
_MARK_TABLE: Final = bytes(
    _MARKED[0] if code >= 128 or chr(code) in _MARKUP_CHARACTERS else ord(" ")
    for code in range(256)
)
"""Which bytes of a text in UTF-8 have to be folded."""

_GREEK: Final = {
    ord(letter): name
    for letter, name in zip(
        "αβγδεζηθικλμνξοπρσςτυφχψω",
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho"
        " sigma sigma tau upsilon phi chi psi omega".split(),
        strict=True,
    )
}
_UNDECOMPOSED: Final = {
    ord(letter): plain
    for letter, plain in zip("øłđðþæœıŋ", "o l d d th ae oe i ng".split(), strict=True)
}
_FOLDED_LETTERS: Final = _GREEK | _UNDECOMPOSED


class TokenSpan(NamedTuple):
    """A folded word and where it stands: `text[start:end]`."""

    word: str
    start: int
    end: int


def tokenize(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return singularize_all(tokenize_unstemmed(text))


def tokenize_unstemmed(text: str) -> list[str]:
    """The folded words of a text with plurals kept: for names and for prefixes."""
    folded = fold_text(text)
    if folded.isascii():
        return (
            folded.lower().translate(_SEPARATORS_TO_BLANKS).split()
        )  # several times as fast as an expression
    return folded.translate(_TO_LOWER_AND_BLANKS).split()


def fold_text(text: str) -> str:
    """A text folded so far that its words are its runs of letters and digits, in any case.

    Of what is not ASCII only words are left, in lower case.
    """
    return text if _is_plain(text) else _fold_marked_chunks(text)


def lowercase_if_plain(text: str) -> str | None:
    """A text in lower case, if its words are its runs of letters and digits in ASCII; else None.

    What `words` makes of such a text are the singulars of these.
    """
    return text.lower() if _is_plain(text) else None


def fold_to_ascii(text: str) -> str | None:
    """The same of any text in which words of other letters than ASCII are none; else None."""
    flat = fold_text(text)
    return flat.lower() if flat.isascii() else None


def token_spans(text: str, fold: Callable[[str], list[str]] = tokenize) -> Iterator[TokenSpan]:
    """The folded words of a text with their places; `fold` is `words` or `unstemmed`.

    Words that come out of one piece of TeX or of one ligature share its place.
    """
    if _is_plain(text):
        # many times as fast as word by word: they are the same words, in the same order
        for match, word in zip(_PLAIN_WORDS.finditer(text.lower()), fold(text), strict=True):
            yield TokenSpan(word, match.start(), match.end())
        return
    for chunk in _CHUNK.finditer(text):
        piece = chunk[0]
        if _is_plain(piece):
            for match in _PLAIN_WORDS.finditer(piece.lower()):
                start = chunk.start() + match.start()
                yield TokenSpan(fold(match[0])[0], start, start + len(match[0]))
        else:
            for word in fold(piece):
                yield TokenSpan(word, chunk.start(), chunk.end())


def _is_plain(text: str) -> bool:
    """Whether there is nothing in a text but ASCII without TeX and apostrophes."""
    # One look for each character: several times as fast as a set, an expression or `any`.
    tex = "\\" in text or "$" in text or "{" in text or "}" in text
    tex = tex or "^" in text or "_" in text or "~" in text
    return text.isascii() and not (tex or "'" in text)


def _fold_marked_chunks(text: str) -> str:
    """A text of which the pieces between blanks that are not plain are folded, all together.

    Nothing that is folded reaches across a blank.
    """
    raw = text.replace("\n", " ").encode(errors="surrogatepass")
    oddities = raw.translate(
        _MARK_TABLE
    )  # many times as fast as to look for any with an expression
    plain, odd, at = list[bytes](), list[bytes](), 0
    while (found := oddities.find(_MARKED, at)) >= 0:
        start = raw.rfind(b" ", at, found) + 1 or at
        end = raw.find(b" ", found)
        end = end if end >= 0 else len(raw)
        plain.append(raw[at:start])
        odd.append(raw[start:end])
        at = end
    folded = _fold_chunk(b"\n".join(odd).decode(errors="surrogatepass"))
    pieces = folded.encode(errors="surrogatepass").split(b"\n")
    whole = b"".join([*chain.from_iterable(zip(plain, pieces, strict=True)), raw[at:]])
    return whole.decode(errors="surrogatepass")


def _fold_chunk(text: str) -> str:
    """A text in lower case without accents, TeX or scripts; of what is not ASCII only words."""
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
