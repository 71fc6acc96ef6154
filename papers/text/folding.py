r"""Text folding for papers and keywords: what counts as the same word.

    Reward-Models   → reward model          Schr\"odinger → schrodinger
    $\alpha$-LLMs   → alpha llm             H$_2$O         → h2o

Unicode compatibility form, case, accents, TeX, hyphens and plurals do not matter; everything that
is not a letter or digit separates words. Signs that are part of a word are letters (`C++`,
`papers.text.signs`), URLs have no words (`papers.text.link_names`), and only case distinguishes GPS
from GPs (`papers.text.plurals`). `tokenize` returns the folded words of a text, `token_spans` also
their positions; both give the same words in the same order. `papers.text.text_readings` adds the
readings in which hyphenated words are one.

A text is *plain* if it is ASCII without TeX, apostrophes and signs: its words are its runs of
letters and digits. Most texts are, and take a fast path.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final, NamedTuple

from papers.text.latex import accents_to_unicode, commands_to_words
from papers.text.link_names import blank_urls
from papers.text.plurals import fold_written_words
from papers.text.signs import MARKUP_CHARACTERS, mark_dotnet, signs_to_letters, stars_to_signs

FoldWords = Callable[[Iterable[str]], list[str]]
"""Folds written words one by one: `fold_written_words`, or `lower_words`."""

_HYPHEN: Final = "-"
_SMALL_LETTERS: Final = " x"
SEPARATORS_TO_BLANKS: Final = {code: " " for code in range(128) if not chr(code).isalnum()}
_PLAIN_WORDS = re.compile(r"[A-Za-z0-9]+")
_SEPARATOR = re.compile(r"[^\w\n-]|_")
"""A character between words; line breaks separate chunks that are folded together."""
_SUB_OR_SUPERSCRIPT = re.compile(r"[_^]\{?([A-Za-z0-9]{1,2})(?![A-Za-z0-9])\}?")
_POSSESSIVE = re.compile(r"['’](?<!\\['’])s(?![^\W_])")
_CHUNK = re.compile(r"\S+")
_INNER_DOT = re.compile(r"\.(?=[A-Za-z][A-Za-z0-9])")
"""Every URL has one, before its top-level domain, and so has `.NET`; few other texts do."""
_NON_ASCII = re.compile(r"[^\x00-\x7f]+")
_DASHES: Final = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013"), _HYPHEN)
"""Unicode's hyphens, and the en dash, which joins equals: spatio–temporal."""
_SIGNS: Final = {**_DASHES, ord("ℓ"): "ell"}
"""Characters that are replaced before decomposition; ℓ is TeX's \\ell."""
_TEX_MARKUP: Final = "\\${}^_~'"
_MARKED: Final = b"$"
_MARK_TABLE: Final = bytes(
    _MARKED[0] if code >= 128 or chr(code) in _TEX_MARKUP + MARKUP_CHARACTERS else ord(" ")
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
    """A folded word and its position: `text[start:end]`; or a hyphenated pair that is joined."""

    word: str
    start: int
    end: int
    is_joined: bool = False


def tokenize(text: str) -> list[str]:
    """Return the folded words of a text, in order."""
    return fold_written_words(written_words(text))


def tokenize_keyword(text: str) -> list[str]:
    """Return the folded words of a keyword's word or phrase: one word in capitals is an acronym."""
    words = fold_text(f"{text}{_SMALL_LETTERS}").removesuffix(_SMALL_LETTERS)
    written = words.translate(SEPARATORS_TO_BLANKS).split()
    return fold_written_words(written) if len(written) == 1 else tokenize(text)


def tokenize_unstemmed(text: str) -> list[str]:
    """Return the folded words with plurals unchanged: for names and for prefixes."""
    return lower_words(written_words(text))


def lower_words(words: Iterable[str]) -> list[str]:
    """Return words in small letters."""
    return [word.lower() for word in words]


def written_words(text: str) -> list[str]:
    """Return the words of a text without accents, TeX and signs, with their capitals."""
    # several times as fast as a regular expression
    return fold_text(text).translate(SEPARATORS_TO_BLANKS).split()


def fold_text(text: str) -> str:
    """Return a text whose runs of letters and digits are the written words of this one.

    Hyphens between words are left. Beyond ASCII only words remain, in lower case. A text without
    small letters is lower-cased, as its capitals say nothing.
    """
    text = _prepare(text)
    return text if _is_plain(text) else _fold_marked_chunks(text)


def _prepare(text: str) -> str:
    """Return a text of the same length, URLs blanked, `.NET` marked, all capitals lowered."""
    text = mark_dotnet(blank_urls(text)) if _INNER_DOT.search(text) else text
    return lower_capitals(text)


def lower_capitals(text: str) -> str:
    """Return a text in lower case if it is all in capitals: these say nothing then."""
    if not text.isupper():
        return text
    lower = text.lower()
    return lower if len(lower) == len(text) else text


def plain_text(text: str) -> str | None:
    """Return a text of the same length whose runs of letters and digits are the words of this one.

    None if there is none, because the text is not plain.
    """
    prepared = _prepare(text)
    return prepared if _is_plain(prepared) else None


def fold_to_ascii(text: str) -> str | None:
    """Return a folded text in lower case; None if it has words beyond ASCII."""
    folded = fold_text(text)
    return folded.lower() if folded.isascii() else None


def token_spans(text: str, fold: FoldWords = fold_written_words) -> Iterator[TokenSpan]:
    """Yield the folded words with their positions.

    Words of one chunk with TeX, a sign or a ligature share the chunk's position.
    """
    text = _prepare(text)
    if _is_plain(text):
        # many times as fast as word by word; the words and their order are the same
        matches = list(_PLAIN_WORDS.finditer(text))
        for match, word in zip(matches, fold(match[0] for match in matches), strict=True):
            yield TokenSpan(word, match.start(), match.end())
        return
    for chunk in _CHUNK.finditer(text):
        written = chunk[0]
        if _is_plain(written):
            for match in _PLAIN_WORDS.finditer(written):
                start = chunk.start() + match.start()
                yield TokenSpan(fold([match[0]])[0], start, start + len(match[0]))
        else:
            folded = _fold_chunk(written.replace("\n", " ")).translate(SEPARATORS_TO_BLANKS)
            for word in fold(folded.split()):
                yield TokenSpan(word, chunk.start(), chunk.end())


def _is_plain(text: str) -> bool:
    # One search per character: several times as fast as a set, a regular expression or `any`.
    tex = "\\" in text or "$" in text or "{" in text or "}" in text
    tex = tex or "^" in text or "_" in text or "~" in text
    sign = "+" in text or "#" in text or "*" in text or "&" in text or "\x02" in text
    return text.isascii() and not (tex or sign or "'" in text)


def _fold_marked_chunks(text: str) -> str:
    """Return a text in which the chunks that are not plain are folded, all in one call.

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
    """Return a text without accents, TeX, signs or subscripts; beyond ASCII only words."""
    if "'s" in text or "’s" in text:
        text = _POSSESSIVE.sub("", text)
    if "\\" in text:
        text = commands_to_words(accents_to_unicode(stars_to_signs(text)))
    if "_" in text or "^" in text:
        text = _SUB_OR_SUPERSCRIPT.sub(r"\1", text)
    text = text.replace("$", "").replace("{", "").replace("}", "")
    if " -" in text or "- " in text:  # only TeX commands have left blanks
        text = text.replace(" -", "-").replace("- ", "-")
    text = signs_to_letters(text)
    if text.isascii():
        return text
    decomposed = _casefold(unicodedata.normalize("NFKD", text.translate(_SIGNS)))
    marks = {ord(c): None for c in set(decomposed) if unicodedata.category(c) == "Mn"}
    bare = decomposed.translate(marks)
    return _SEPARATOR.sub(" ", unicodedata.normalize("NFKC", bare.translate(_FOLDED_LETTERS)))


def _casefold(text: str) -> str:
    """Return a decomposed text with its letters beyond ASCII in one case, decomposed."""
    folded = _NON_ASCII.sub(lambda letters: letters[0].casefold(), text)
    again = unicodedata.normalize("NFKD", folded)
    return _NON_ASCII.sub(lambda letters: letters[0].casefold(), again)
