"""Squeezed texts: letters and digits alone, which rule out nearly every paper without a phrase.

    A "multi-modal" model's H$_2$O, i.e. …   →   amultimodalmodelh2oie…

The words of a phrase follow one another in a folded text, so their letters do in the squeezed one,
in whichever reading of hyphenated words. That holds unless folding changes letters, or removes some
that are written: see `changed_places`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from math import prod
from typing import Final

from papers.text.latex import TYPESETTING_COMMANDS
from papers.text.phrases import PhrasePattern, WordForms, common_prefix

_SEPARATOR: Final = b"\0"
_DELETED: Final = bytes(
    code for code in range(128) if not chr(code).isalnum() and code != _SEPARATOR[0]
)
_LOWER: Final = bytes(range(256)).lower()
_POSSESSIVE: Final = re.compile(rb"'(?<!\\')s(?![A-Za-z0-9])")
_TYPESETTING: Final = re.compile(
    rf"\\(?:{'|'.join(sorted(TYPESETTING_COMMANDS))})(?![A-Za-z])".encode()
)
_CHANGED: Final = tuple(
    map(
        re.compile,
        (b"&", rb"\*", b"#", rb"\\(?:[uvHcdbrk]\{|(?:aa|AA|dh|DH|dj|DJ|ast|star)(?![A-Za-z]))"),
    )
)
"""Signs for which letters may stand, and TeX for other letters than are written.

Each begins with one literal character, for speed."""
_UNWRITTEN: Final = (b"dotnet", b"plusplus")
"""Letters for signs of which others may be left by TeX's markup, and for a full stop."""
_MAX_NEEDLES: Final = 6


def squeeze(texts: bytes) -> bytes:
    r"""Return the letters and digits of texts, in lower case; `\0` between texts stays."""
    if b"'s" in texts:
        texts = _POSSESSIVE.sub(b"", texts)
    if b"\\" in texts:
        texts = _TYPESETTING.sub(b"", texts)
    return texts.translate(_LOWER, _DELETED)


def changed_places(texts: bytes) -> Iterator[int]:
    """Yield places of ASCII texts where folding may leave other letters than are written."""
    return (match.start() for changed in _CHANGED for match in changed.finditer(texts))


def texts_with(squeezed: bytes, needles: Sequence[bytes]) -> set[int]:
    """Return the numbers of the squeezed texts, from 0, that contain any of some needles."""
    found = set[int]()
    for needle in needles:
        number = counted = 0
        at = squeezed.find(needle)
        while at >= 0:
            number += squeezed.count(_SEPARATOR, counted, at)
            found.add(number)
            counted = squeezed.find(_SEPARATOR, at)
            at = squeezed.find(needle, counted) if counted >= 0 else -1
    return found


@lru_cache(maxsize=256)
def needles_of(phrase: PhrasePattern) -> tuple[bytes, ...]:
    """Return letters of which the squeezed text of a paper with the phrase has some.

    Of as many neighboring words as have few forms. Empty if nothing can be ruled out.
    """
    words = phrase.words
    if any(unwritten in word.folded.encode() for word in words for unwritten in _UNWRITTEN):
        return ()
    windows = [words[at:end] for end in range(len(words) + 1) for at in range(end)]
    few = [of for of in windows if prod(len(w.any_case) for w in of[:-1]) <= _MAX_NEEDLES]
    return max(map(_needles_of_words, few), key=lambda needles: min(map(len, needles)))


def _needles_of_words(words: Sequence[WordForms]) -> tuple[bytes, ...]:
    *before, last = words
    end = common_prefix(sorted(form.decode() for form in last.any_case)).encode()
    return tuple(b"".join([*forms, end]) for forms in product(*[w.any_case for w in before]))
