r"""Signs that are part of a word: `C++`, `C#`, `#P`, `A*`, `$C^*$`, `Q&A`, `.NET`.

    C++ → cplusplus     C#, C\# → csharp     A*, $A^\ast$ → astar     Q&A → qanda     .NET → dotnet
    PointNet++ → pointnet plusplus           \#P-hard → sharpp hard

A word of one letter and its sign are one word, as C++ is another word than C. A longer word stays
what it is, and the sign is a word after it, so that `PointNet` finds PointNet++. Any other sign
separates words; `dropped_signs` returns those of a keyword, for a note.
"""

from __future__ import annotations

import re
from typing import Final

DOTNET_MARK: Final = "\x02"
"""Stands for the full stop of `.NET` in a text to be folded: a full stop marks nothing."""
MARKUP_CHARACTERS: Final = f"+#*&{DOTNET_MARK}"
"""The characters of which a chunk has one if it may contain a word with a sign."""

_DOTNET: Final = re.compile(
    r"\.(?:(?=NET(?![A-Za-z0-9]))|(?<![A-Za-z0-9]\.)(?=(?:net|Net)(?![A-Za-z0-9])))"
)
"""It begins with a literal character, for speed."""
_TEX_STAR: Final = re.compile(r"\\(?:ast|star)(?![A-Za-z])")
_RULES: Final = (
    ("+", re.compile(r"(?<![A-Za-z0-9])([A-Za-z])\+\+(?!\+)"), r"\1plusplus "),
    ("+", re.compile(r"(?<=[A-Za-z0-9]{2})\+\+(?!\+)"), " plusplus "),
    ("#", re.compile(r"(?<![A-Za-z0-9])([A-Za-z])\\?#(?![A-Za-z#])"), r"\1sharp "),
    ("#", re.compile(r"(?<![A-Za-z0-9#])\\?# ?([A-Z])(?![A-Za-z0-9])"), r" sharp\1"),
    ("*", re.compile(r"(?<![^\W_])(?<!\\)([A-Za-z])\^?\*(?![A-Za-z0-9*])"), r"\1star"),
    (
        "&",
        re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{1,2})\\?&([A-Za-z]{1,2})(?![A-Za-z0-9])"),
        r"\1and\2",
    ),
    (
        DOTNET_MARK,
        re.compile(rf"{DOTNET_MARK}net(?![A-Za-z0-9])", re.IGNORECASE),
        " dotnet",
    ),
)
"""Rules: a sign, the pattern to replace in words with it, and the letters for it."""
_UNFOLDED: Final = (
    (re.compile("([a-z])plusplus"), r"\1++"),
    (re.compile("plusplus"), "++"),
    (re.compile("([a-z])sharp"), r"\1#"),
    (re.compile("sharp([a-z])"), r"#\1"),
    (re.compile("([a-z])star"), r"\1*"),
    (re.compile("([a-z]{1,2})and([a-z]{1,2})"), r"\1&\2"),
    (re.compile("dotnet"), ".NET"),
)
_STARRED_LETTER: Final = re.compile(r"(?:.*[\W_])?[A-Za-z]\^?\*")
_DROPPED: Final = re.compile(r"[+#*&%=<>@^]")


def is_starred_letter(written: str) -> bool:
    """Return whether a word of a keyword is one letter and a star: `A*`, not `hallucinat*`."""
    return _STARRED_LETTER.fullmatch(written) is not None


def mark_dotnet(text: str) -> str:
    """Return a text of the same length in which `.NET` is marked as a word with a sign."""
    if ".N" in text or ".net" in text:
        return _DOTNET.sub(DOTNET_MARK, text)
    return text


def stars_to_signs(text: str) -> str:
    r"""Return a text with TeX's `\ast` and `\star` as `*`."""
    return _TEX_STAR.sub("*", text) if "\\ast" in text or "\\star" in text else text


def signs_to_letters(text: str) -> str:
    """Return a text without TeX whose words with signs are written in letters and digits."""
    for sign, pattern, letters in _RULES:
        if sign in text:
            text = pattern.sub(letters, text)
    return text


def written_signs(word: str) -> list[str]:
    """Return the words with signs that a folded word may be of: `C++` of cplusplus."""
    return [pattern.sub(written, word) for pattern, written in _UNFOLDED if pattern.fullmatch(word)]


def dropped_signs(written: str) -> str:
    """Return the signs of a word or phrase of a keyword that are not part of its words."""
    left = signs_to_letters(mark_dotnet(stars_to_signs(written)))
    return "".join(dict.fromkeys(_DROPPED.findall(left)))
