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
from papers.text.plurals import singulars

_PLAIN = {code: " " for code in range(128) if not chr(code).isalnum()}
_LOWERED = _PLAIN | {code: chr(code).lower() for code in range(128) if chr(code).isupper()}
_PLAIN_WORDS = re.compile(r"[a-z0-9]+")
_PARTING = re.compile(r"[^\w\n]|_")
"""What parts words; line breaks part pieces that are folded together."""
_SCRIPT = re.compile(r"[_^]\{?([A-Za-z0-9]{1,2})(?![A-Za-z0-9])\}?")
_POSSESSIVE = re.compile(r"['’](?<!\\['’])s(?![^\W_])")
_CHUNK = re.compile(r"\S+")
_FOLDED: Final = "\\${}^_~'"
_ODD: Final = b"$"
_ODDITIES: Final = bytes(
    _ODD[0] if code >= 128 or chr(code) in _FOLDED else ord(" ") for code in range(256)
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


class Span(NamedTuple):
    """A folded word and where it stands: `text[start:end]`."""

    word: str
    start: int
    end: int


def words(text: str) -> list[str]:
    """The folded words of a text, in order."""
    return singulars(unstemmed(text))


def unstemmed(text: str) -> list[str]:
    """The folded words of a text with plurals kept: for names and for prefixes."""
    folded = unparted(text)
    if folded.isascii():
        return folded.lower().translate(_PLAIN).split()  # several times as fast as an expression
    return folded.translate(_LOWERED).split()


def unparted(text: str) -> str:
    """A text folded so far that its words are its runs of letters and digits, in any case.

    Of what is not ASCII only words are left, in lower case.
    """
    return text if _is_plain(text) else _in_pieces(text)


def plainly(text: str) -> str | None:
    """A text in lower case, if its words are its runs of letters and digits in ASCII; else None.

    What `words` makes of such a text are the singulars of these.
    """
    return text.lower() if _is_plain(text) else None


def flattened(text: str) -> str | None:
    """The same of any text in which words of other letters than ASCII are none; else None."""
    flat = unparted(text)
    return flat.lower() if flat.isascii() else None


def spans(text: str, fold: Callable[[str], list[str]] = words) -> Iterator[Span]:
    """The folded words of a text with their places; `fold` is `words` or `unstemmed`.

    Words that come out of one piece of TeX or of one ligature share its place.
    """
    if _is_plain(text):
        # many times as fast as word by word: they are the same words, in the same order
        for match, word in zip(_PLAIN_WORDS.finditer(text.lower()), fold(text), strict=True):
            yield Span(word, match.start(), match.end())
        return
    for chunk in _CHUNK.finditer(text):
        piece = chunk[0]
        if _is_plain(piece):
            for match in _PLAIN_WORDS.finditer(piece.lower()):
                start = chunk.start() + match.start()
                yield Span(fold(match[0])[0], start, start + len(match[0]))
        else:
            for word in fold(piece):
                yield Span(word, chunk.start(), chunk.end())


def _is_plain(text: str) -> bool:
    """Whether there is nothing in a text but ASCII without TeX and apostrophes."""
    # One look for each character: several times as fast as a set, an expression or `any`.
    tex = "\\" in text or "$" in text or "{" in text or "}" in text
    tex = tex or "^" in text or "_" in text or "~" in text
    return text.isascii() and not (tex or "'" in text)


def _in_pieces(text: str) -> str:
    """A text of which the pieces between blanks that are not plain are folded, all together.

    Nothing that is folded reaches across a blank.
    """
    raw = text.replace("\n", " ").encode(errors="surrogatepass")
    oddities = raw.translate(_ODDITIES)  # many times as fast as to look for any with an expression
    plain, odd, at = list[bytes](), list[bytes](), 0
    while (found := oddities.find(_ODD, at)) >= 0:
        start = raw.rfind(b" ", at, found) + 1 or at
        end = raw.find(b" ", found)
        end = end if end >= 0 else len(raw)
        plain.append(raw[at:start])
        odd.append(raw[start:end])
        at = end
    folded = _folded(b"\n".join(odd).decode(errors="surrogatepass"))
    pieces = folded.encode(errors="surrogatepass").split(b"\n")
    whole = b"".join([*chain.from_iterable(zip(plain, pieces, strict=True)), raw[at:]])
    return whole.decode(errors="surrogatepass")


def _folded(text: str) -> str:
    """A text in lower case without accents, TeX or scripts; of what is not ASCII only words."""
    if "'s" in text or "’s" in text:
        text = _POSSESSIVE.sub("", text)
    if "\\" in text:
        text = commands_to_words(accents_to_unicode(text))
    if "_" in text or "^" in text:
        text = _SCRIPT.sub(r"\1", text)
    text = text.replace("$", "").replace("{", "").replace("}", "")
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold()).casefold()
    marks = {ord(c): None for c in set(decomposed) if unicodedata.category(c) == "Mn"}
    bare = decomposed.translate(marks)
    return _PARTING.sub(" ", unicodedata.normalize("NFKC", bare.translate(_FOLDED_LETTERS)))
