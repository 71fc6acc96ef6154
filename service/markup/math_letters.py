"""Letters of mathematics in Unicode: raised, lowered, and in the mathematical alphabets."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SCRIPT_NAME: Final = re.compile("^(?:LATIN|GREEK) ")
ALPHABETS: Final = {
    r"\mathbb": ("DOUBLE-STRUCK",),
    r"\mathcal": ("SCRIPT",),
    r"\mathscr": ("SCRIPT",),
    r"\mathfrak": ("FRAKTUR", "BLACK-LETTER"),
}
"""Command to the names that Unicode has for its alphabet."""

_VARIANTS: Final = {
    "bold": ("BOLD",),
    "bold-italic": ("BOLD ITALIC",),
    "bold-script": ("BOLD SCRIPT",),
    "double-struck": ALPHABETS[r"\mathbb"],
    "fraktur": ALPHABETS[r"\mathfrak"],
    "script": ALPHABETS[r"\mathcal"],
}
"""MathML's `mathvariant`, which MathML Core has no longer, to the names of the alphabet."""

RAISED: Final = dict(
    zip(
        "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδθφχ",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᶿᵠᵡ",
        strict=True,
    )
)
LOWERED: Final = dict(
    zip(
        "0123456789+-−=()aehijklmnoprstuvxβγρφχ",
        "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ",
        strict=True,
    )
)


def in_alphabet(text: str, command: str) -> str | None:
    """Return letters in the alphabet of a command; None if Unicode lacks one."""
    letters = [_letter_in_alphabet(letter, ALPHABETS[command]) for letter in text]
    return None if None in letters else "".join(filter(None, letters))


def in_variant(text: str, variant: str) -> str | None:
    """Return letters and digits as `mathvariant` would show them; None if Unicode lacks one."""
    letters = [_styled(character, _VARIANTS.get(variant, ())) for character in text]
    return None if None in letters else "".join(filter(None, letters))


def _letter_in_alphabet(letter: str, names: tuple[str, ...]) -> str | None:
    return _styled(letter, names) if letter.isascii() and letter.isalpha() else None


def _styled(character: str, alphabets: tuple[str, ...]) -> str | None:
    """Return a Latin or Greek letter or a digit in the first alphabet that has it."""
    kind = _SCRIPT_NAME.sub("", unicodedata.name(character, ""), count=1).replace("LETTER ", "")
    for name in (
        f"{prefix}{alphabet} {kind}" for alphabet in alphabets for prefix in ("MATHEMATICAL ", "")
    ):
        try:
            return unicodedata.lookup(name)
        except KeyError:
            continue
    return None
