"""Letters of mathematics in Unicode: raised, lowered, and in the mathematical alphabets."""

from __future__ import annotations

import unicodedata
from typing import Final

ALPHABETS: Final = {
    r"\mathbb": ("DOUBLE-STRUCK",),
    r"\mathcal": ("SCRIPT",),
    r"\mathscr": ("SCRIPT",),
    r"\mathfrak": ("FRAKTUR", "BLACK-LETTER"),
}
"""Command to the names that Unicode has for its alphabet."""

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


def _letter_in_alphabet(letter: str, names: tuple[str, ...]) -> str | None:
    if not (letter.isascii() and letter.isalpha()):
        return None
    kind = f"{'CAPITAL' if letter.isupper() else 'SMALL'} {letter.upper()}"
    for name in (
        f"{prefix}{alphabet} {kind}" for alphabet in names for prefix in ("MATHEMATICAL ", "")
    ):
        try:
            return unicodedata.lookup(name)
        except KeyError:
            continue
    return None
