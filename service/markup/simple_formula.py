r"""Converts simple formulas to HTML without MathML, and to Unicode.

A formula is simple if a line of text can express all of it: letters, signs and known commands, with
superscripts and subscripts that have none themselves. `x_i^2` is x<sub>i</sub><sup>2</sup>, and xᵢ²
in Unicode; `\frac{a}{b}` is not simple. Unicode lacks most raised and lowered characters, such as a
subscript comma, so it can express fewer formulas. The result depends on the TeX alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import Final, NamedTuple

from latex2mathml.symbols_parser import convert_symbol

from service.markup.clean import clean_xml_text
from service.markup.math_letters import ALPHABETS, LOWERED, RAISED, in_alphabet

MAX_SIMPLE_CHARACTERS: Final = 200
"""Characters of TeX; longer formulas are set as MathML."""
_MAX_DEPTH: Final = 8
_CACHED_FORMULAS: Final = 8_192

_TOKEN: Final = re.compile(r"\\[A-Za-z]+|\\.|\s+|.", re.DOTALL)
_BLANKS: Final = re.compile(" +")
_PLAIN: Final = re.compile(r"[\w.,;:!?()\[\]+\-*/=<>|]")
_SPACES: Final = {
    **dict.fromkeys(("\\ ", r"\;", r"\:", r"\>", "~", r"\quad", r"\qquad"), " "),
    **{r"\,": "\N{THIN SPACE}", r"\!": ""},
}
_FUNCTIONS: Final = frozenset(
    "arccos arcsin arctan arg cos cosh cot deg det dim exp gcd hom ker lg ln log max min mod"
    " sec sin sinh sup inf lim tan tanh Pr".split()
)
_SYMBOLS: Final = {
    **{r"\ldots": "…", r"\dots": "…", r"\cdots": "⋯", r"\sim": "∼", r"\ast": "*", r"\prime": "′"},
    **{r"\colon": ":", r"\epsilon": "ϵ", r"\phi": "ϕ", "'": "′"},
}
_UNSUITABLE: Final = frozenset(
    r"\sum \prod \coprod \int \oint \iint \iiint \bigcup \bigcap \bigoplus \bigotimes \not \& \\"
    r" \over \sqrt \frac".split()
)
"""Symbols that need room above and below or another symbol, and what aligns or divides."""
_TEXT_STYLES: Final = frozenset(
    r"\text \textrm \textit \textnormal \textsf \texttt \textsc \mbox \hbox".split()
)
_PLAIN_STYLES: Final = _TEXT_STYLES | frozenset(
    r"\mathrm \mathit \mathsf \mathtt \mathnormal \operatorname".split()
)
_BOLD_STYLES: Final = frozenset(r"\mathbf \textbf \boldsymbol \bm \pmb".split())
_ACCENTS: Final = {
    r"\hat": "\N{COMBINING CIRCUMFLEX ACCENT}",
    r"\tilde": "\N{COMBINING TILDE}",
    r"\bar": "\N{COMBINING MACRON}",
    r"\dot": "\N{COMBINING DOT ABOVE}",
    r"\ddot": "\N{COMBINING DIAERESIS}",
}
_FENCES: Final = frozenset(rf"\{name}" for name in "left right big Big bigl bigr Bigl Bigr".split())
_UNRAISED: Final = {"∘": "°", "*": "*", "′": "′", "″": "″", "†": "†", "‡": "‡"}
"""Superscripts that are ordinary characters in text."""
_HALVES: Final = {
    ("1", "2"): "½",
    ("1", "3"): "⅓",
    ("2", "3"): "⅔",
    ("1", "4"): "¼",
    ("3", "4"): "¾",
}


class FormulaRun(NamedTuple):
    """A part of a simple formula: its text, `sup` or `sub` if raised or lowered, if bold."""

    text: str
    level: str = ""
    bold: bool = False


class _NotSimple(Exception):
    """TeX that a line of text cannot express."""


def simple_formula_html(tex: str) -> str | None:
    """Convert a formula to text with `sup`, `sub` and `strong`; None if it is not simple."""
    runs = _formula_runs(tex)
    return None if runs is None else "".join(map(_run_html, runs))


def simple_formula_text(tex: str) -> str | None:
    """Convert a formula to Unicode; None if Unicode cannot express all of it."""
    runs = _formula_runs(tex)
    if runs is None:
        return None
    parts = list[str]()
    for text, level, _ in runs:
        signs = {"sup": RAISED, "sub": LOWERED}.get(level)
        if signs is not None:
            if not all(character in signs for character in text):
                return None
            text = "".join(signs[character] for character in text)
        parts.append(text)
    return "".join(parts)


def _run_html(run: FormulaRun) -> str:
    html = escape(run.text, quote=False)
    html = f"<strong>{html}</strong>" if run.bold else html
    return f"<{run.level}>{html}</{run.level}>" if run.level else html


@lru_cache(maxsize=_CACHED_FORMULAS)
def _formula_runs(tex: str) -> tuple[FormulaRun, ...] | None:
    """Return the parts of a simple formula, neighbours of one kind joined; None for any other."""
    if len(tex) > MAX_SIMPLE_CHARACTERS:
        return None
    try:
        runs = list(_FormulaReader(tex).runs())
    except _NotSimple:
        return None
    joined = [
        FormulaRun(_BLANKS.sub(" ", "".join(run.text for run in group)), *kind)
        for kind, group in groupby(runs, key=lambda run: run[1:])
    ]
    text = "".join(run.text for run in joined)
    if not text.strip() or clean_xml_text(text) != text.strip():
        return None
    return tuple(joined)


class _FormulaReader:
    """Reads the runs of one formula from left to right. Raises _NotSimple."""

    def __init__(self, tex: str) -> None:
        self._tokens = _TOKEN.findall(tex)
        self._position = 0

    def runs(self) -> Iterator[FormulaRun]:
        """Yield the parts of the whole formula."""
        yield from self._sequence(0)
        if self._peek():
            raise _NotSimple

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        self._position += 1
        return token

    def _skip_blanks(self) -> None:
        while self._peek().isspace():
            self._position += 1

    def _sequence(self, depth: int, *, is_text: bool = False) -> Iterator[FormulaRun]:
        """Yield runs up to a closing brace or the end."""
        if depth > _MAX_DEPTH:
            raise _NotSimple
        scripts = set[str]()
        while (token := self._peek()) and token != "}":
            if token in "^_" and not is_text:
                if token in scripts:
                    raise _NotSimple
                scripts.add(token)
                self._position += 1
                yield self._script(token, depth)
                continue
            if token.isspace() and self._ends_command():
                self._position += 1
                continue
            if not token.isspace():
                scripts.clear()
            yield from self._atom(depth, is_text=is_text)

    def _ends_command(self) -> bool:
        r"""Whether the blank here only ends a command: `B\to K`, but not `B \to K`, `\log n`."""
        before, command = ("", "", *self._tokens[: self._position])[-2:]
        is_symbol = command[:1] == "\\" and command[1:].isalpha()
        return is_symbol and command[1:] not in _FUNCTIONS and not before.isspace()

    def _script(self, sign: str, depth: int) -> FormulaRun:
        runs = list(self._argument(depth))
        if not runs or any(run.level for run in runs) or len({run.bold for run in runs}) > 1:
            raise _NotSimple
        text, bold = "".join(run.text for run in runs).replace(" ", ""), runs[0].bold
        if not text:
            raise _NotSimple
        if sign == "^" and text in _UNRAISED:
            return FormulaRun(_UNRAISED[text], bold=bold)
        return FormulaRun(text, "sup" if sign == "^" else "sub", bold)

    def _argument(self, depth: int, *, is_text: bool = False) -> Iterator[FormulaRun]:
        """Yield the runs of a group, or of a single token."""
        self._skip_blanks()
        if self._peek() != "{":
            yield from self._atom(depth + 1)
            return
        self._position += 1
        yield from self._sequence(depth + 1, is_text=is_text)
        if self._next() != "}":
            raise _NotSimple

    def _atom(self, depth: int, *, is_text: bool = False) -> Iterator[FormulaRun]:
        token = self._peek()
        if token == "{":
            yield from self._argument(depth)
            return
        self._position += 1
        if token in _PLAIN_STYLES:
            yield from self._argument(depth, is_text=token in _TEXT_STYLES)
        elif token in _BOLD_STYLES:
            yield from (run._replace(bold=True) for run in self._argument(depth))
        elif token in ALPHABETS:
            yield FormulaRun(_letters(self._word(depth), token))
        elif token in _ACCENTS:
            yield FormulaRun(_accented(self._word(depth), _ACCENTS[token]))
        elif token == r"\sqrt":
            yield FormulaRun(f"√{_only_character(self._word(depth))}")
        elif token in (r"\frac", r"\tfrac"):
            yield FormulaRun(_fraction(self._word(depth), self._word(depth)))
        else:
            yield FormulaRun(_sign(token, self._peek()))

    def _word(self, depth: int) -> str:
        """Return the text of an argument that has neither scripts nor bold type."""
        runs = list(self._argument(depth))
        if any(run.level or run.bold for run in runs):
            raise _NotSimple
        return "".join(run.text for run in runs)


def _sign(token: str, following: str) -> str:
    """Return a token that stands for itself or for one character."""
    if token.isspace():
        return " "
    if _PLAIN.fullmatch(token) and token != "_":
        return token
    if token in _SPACES:
        return _SPACES[token]
    if token in _SYMBOLS:
        return _SYMBOLS[token]
    if token in _FENCES and (_PLAIN.fullmatch(following) or following.startswith("\\")):
        return ""
    if token[1:] in _FUNCTIONS:
        return f"{token[1:]} " if following.startswith("\\") else token[1:]
    return _command_sign(token)


def _command_sign(token: str) -> str:
    code = None if token in _UNSUITABLE or token[:1] != "\\" else convert_symbol(token)
    character = chr(int(code, 16)) if code and len(code) <= 6 else ""
    if not character or unicodedata.category(character)[0] not in "LNPS":
        raise _NotSimple
    return character


def _letters(text: str, command: str) -> str:
    letters = in_alphabet(text, command)
    if letters is None:
        raise _NotSimple
    return letters


def _only_character(text: str) -> str:
    if len(text) != 1:
        raise _NotSimple
    return text


def _accented(text: str, accent: str) -> str:
    if not _only_character(text).isalpha():
        raise _NotSimple
    return unicodedata.normalize("NFC", text + accent)


def _fraction(above: str, below: str) -> str:
    if (above, below) not in _HALVES:
        raise _NotSimple
    return _HALVES[above, below]
