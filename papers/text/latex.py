r"""TeX in titles, names and abstracts, converted to Unicode text.

Only what is unambiguous: accents (`\"o`, `\v{s}`), special letters (`\ss`, `\o`), Greek names,
and typesetting commands (`\textbf{…}`). No pattern here matches across white space, so a text can
be converted whole or chunk by chunk with the same result.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_COMBINING: Final = {
    '"': "\u0308",
    "'": "\u0301",
    "`": "\u0300",
    "^": "\u0302",
    "~": "\u0303",
    "=": "\u0304",
    ".": "\u0307",
    "u": "\u0306",
    "v": "\u030c",
    "H": "\u030b",
    "c": "\u0327",
    "d": "\u0323",
    "b": "\u0331",
    "r": "\u030a",
    "k": "\u0328",
}
_SPECIAL_LETTERS: Final = {
    **{"ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ"},
    **{"OE": "Œ", "aa": "å", "AA": "Å", "i": "i", "j": "j", "dh": "ð", "DH": "Ð", "th": "þ"},
    **{"TH": "Þ", "dj": "đ", "DJ": "Đ", "ng": "ŋ", "NG": "Ŋ"},
}
TYPESETTING_COMMANDS: Final = frozenset(
    "textbf textit textsc texttt textrm textsf textsl textup textmd textnormal emph text bf it rm"
    " em tt sc sf sl mathbb mathbf mathcal mathfrak mathit mathrm mathsf mathscr mathtt mathnormal"
    " boldsymbol bm pmb mbox hbox operatorname ensuremath underline overline left right big Big"
    " bigg Bigg bigl bigr limits displaystyle textstyle href url footnote cite ref label par"
    " quad qquad hat bar tilde vec dot ddot widehat widetilde rm mathop".split()
)
"""Commands that only set type: they are dropped, their argument stays."""

_ACCENT = re.compile(
    r"""\\(?:["'`^~=.](?:\{\\?[A-Za-z]\}|\\[A-Za-z](?![A-Za-z])|[A-Za-z])|[uvHcdbrk]\{\\?[A-Za-z]\})""",
)
_SPECIAL_LETTER = re.compile(
    r"\\(" + "|".join(sorted(_SPECIAL_LETTERS, key=len, reverse=True)) + r")(?![A-Za-z])(?:\{\})?"
)
_COMMAND = re.compile(r"\\([A-Za-z]+)\*?")
_BRACED_LETTER = re.compile(r"\{([^\x00-\x7f])\}")


def accents_to_unicode(text: str) -> str:
    r"""Return a text with TeX accents and letters as Unicode: `Schr\"odinger` → `Schrödinger`.

    Other commands and all mathematics stay as they are.
    """
    if "\\" not in text:
        return text
    text = _SPECIAL_LETTER.sub(
        lambda match: _SPECIAL_LETTERS[match[1]], _ACCENT.sub(_compose_accent, text)
    )
    return _BRACED_LETTER.sub(r"\1", text)


def commands_to_words(text: str) -> str:
    r"""Return a text without typesetting commands, and others as words: `\alpha` → `alpha`."""
    return _COMMAND.sub(lambda m: " " if m[1] in TYPESETTING_COMMANDS else f" {m[1]} ", text)


def _compose_accent(match: re.Match[str]) -> str:
    accent, letter = match[0][1], match[0].rstrip("}")[-1]
    return unicodedata.normalize("NFC", letter + _COMBINING[accent])
