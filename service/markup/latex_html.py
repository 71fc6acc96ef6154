r"""Converts TeX in text: to XHTML for pages and feeds, to plain text for titles.

    formulas                          sup, sub; MathML if not simple; plain text keeps the TeX,
                                      titles have Unicode if it can express the formula
    \textbf{…} {\em …} \texttt{…}     strong, em, code; plain text keeps the words
    \url{…} \href{…}{…}               the URL; the words, then the URL in parentheses
    \% \'e \alpha \times ``…''        % é α × “…”

Any other command, an unmatched brace and an unsupported formula stay as written. The result
depends on the text alone, so it is the same in every process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Final, NamedTuple

from papers.text.latex import accents_to_unicode
from service.markup.mathml import FORMULA, tex_to_mathml
from service.markup.simple_formula import simple_formula_html, simple_formula_text

MAX_MATH_CHARACTERS: Final = 4_000
"""Characters of TeX that are converted in one text; formulas after them stay TeX."""


class MarkedRange(NamedTuple):
    """Characters of a text that are marked, and why: a tooltip."""

    start: int
    end: int
    title: str = ""


TextRanges = Sequence[MarkedRange]
"""(start, end) character ranges of a text, sorted by start."""

_STYLE_ELEMENTS: Final = {
    **dict.fromkeys("textbf bf".split(), "strong"),
    **dict.fromkeys("emph textit textsl em it sl".split(), "em"),
    **dict.fromkeys("texttt tt".split(), "code"),
    **dict.fromkeys("textsc textsf textrm textmd textup textnormal sc sf rm".split(), ""),
    **dict.fromkeys("underline mbox text".split(), ""),
    **{"textsuperscript": "sup", "textsubscript": "sub"},
}
"""Style command to XHTML element; "" for styles that are dropped."""

_SYMBOLS: Final = {
    **dict(zip("alpha beta gamma delta epsilon zeta eta theta".split(), "αβγδεζηθ", strict=True)),
    **dict(zip("iota kappa lambda mu nu xi pi rho".split(), "ικλμνξπρ", strict=True)),
    **dict(zip("sigma tau upsilon phi chi psi omega".split(), "στυφχψω", strict=True)),
    **dict(zip("Gamma Delta Theta Lambda Xi Pi".split(), "ΓΔΘΛΞΠ", strict=True)),
    **dict(zip("Sigma Upsilon Phi Psi Omega".split(), "ΣΥΦΨΩ", strict=True)),
    **dict(zip("infty times pm cdot deg to in".split(), "∞×±·°→∈", strict=True)),
    **dict(zip("leq le geq ge neq ne approx sim".split(), "≤≤≥≥≠≠≈∼", strict=True)),
    **dict(zip("ldots dots rightarrow leftarrow ell".split(), "……→←ℓ", strict=True)),
    **dict(zip("textregistered texttrademark copyright".split(), "®™©", strict=True)),
    **{name: name for name in "log ln exp sin cos min max".split()},
}
"""Commands that have one meaning in text and in formulas, as Unicode."""

_STYLE_SWITCHES: Final = "em|it|sl|bf|tt|sc|sf|rm"
_STYLE_COMMANDS: Final = "|".join(sorted(_STYLE_ELEMENTS.keys() - set(_STYLE_SWITCHES.split("|"))))
_TOKEN_START: Final = re.compile(r"[$\\{}`']")
_TEX_TOKEN: Final = re.compile(
    rf"""
      {FORMULA.pattern}
    | \\(?P<style>{_STYLE_COMMANDS})\s?\{{
    | \{{\\(?P<switch>{_STYLE_SWITCHES})(?![A-Za-z])[ ]?
    | \\(?:url|href)\s?\{{(?P<url>[^{{}}\s]{{1,600}})\}}(?P<named>\{{)?
    | (?<!\\)(?P<brace>[{{}}])
    | (?P<open>``)(?=[^`]{{1,400}}?'')
    | (?P<close>'')
    """,
    re.VERBOSE,
)
_SYMBOL_NAME: Final = rf"\\(?P<name>{'|'.join(_SYMBOLS)})(?![A-Za-z])"
_BARE_SYMBOL: Final = re.compile(rf"{_SYMBOL_NAME}(?:\{{\}})?")
_SYMBOL: Final = re.compile(rf"(\{{)?{_SYMBOL_NAME}(?(1)\}}|(?:\{{\}})?)")
"""The same, perhaps in braces: that takes thirty times as long to look for."""
_ESCAPED: Final = re.compile(r"(?<!\\)\\([%&_#])")
_ESCAPED_DOLLAR: Final = re.compile(r"(?<!\\)\\\$")


def tex_to_html(text: str, ranges: TextRanges = ()) -> str:
    """Convert a line of text to an XHTML fragment, with `<mark>` around the words in `ranges`."""
    if not ranges and _has_no_tex(text):  # as most are
        return escape(text, quote=False)
    return "".join(_HtmlRenderer(text, ranges, len(text)).fragments())


def tex_excerpt_html(text: str, max_characters: int, ranges: TextRanges = ()) -> str:
    """Convert the beginning of a text, about `max_characters` long; cut no word or formula."""
    if len(text) <= max_characters:
        return tex_to_html(text, ranges)
    end = text.rfind(" ", 0, max_characters) if " " in text[:max_characters] else max_characters
    across = (m for m in FORMULA.finditer(text) if m.start() < end < m.end())
    cut = next((formula.start() for formula in across), end)
    return "".join(_HtmlRenderer(text, ranges, len(text[:cut].rstrip(" .,;:"))).fragments()) + "…"


def tex_to_text(text: str) -> str:
    """Convert a line of text to plain text; formulas stay TeX."""
    if "\\" not in text and "``" not in text:
        return text
    return "".join(_TextRenderer(text, (), len(text)).fragments())


def title_to_text(title: str) -> str:
    """Convert a title to plain text; formulas are Unicode if that can express all of them."""
    if _has_no_tex(title):
        return title
    return "".join(_TitleRenderer(title, (), len(title)).fragments())


class _HtmlRenderer:
    """Converts one text to XHTML, up to the character `end`."""

    def __init__(self, text: str, ranges: TextRanges, end: int) -> None:
        self._text, self._ranges, self._end = text, ranges, end
        self._math_budget = MAX_MATH_CHARACTERS
        self._tokens, self._partner_of = ((), {}) if _has_no_tex(text) else _tokenize_tex(text)

    def fragments(self) -> Iterator[str]:
        """Yield the XHTML in pieces."""
        done, open_elements = 0, dict[int, str]()
        for index, token in enumerate(self._tokens):
            if token.start() >= self._end:
                break
            rendered = self._render_token(index, token, open_elements)
            if rendered is not None:
                yield self._render_words(done, token.start(), _words_to_html_text)
                yield rendered
                done = token.end()
        yield self._render_words(done, self._end, _words_to_html_text)
        yield from reversed(open_elements.values())

    def _render_token(
        self, index: int, token: re.Match[str], open_elements: dict[int, str]
    ) -> str | None:
        """Render a token; None if it stays the text that it is.

        `open_elements` maps the index of a closing token to the text that closes its element.
        """
        kind = token.lastgroup or ""
        if kind in ("open", "close"):
            is_paired = index in self._partner_of
            return ("“" if kind == "open" else "”") if is_paired else None
        if kind == "brace":
            return open_elements.pop(index, None)
        if kind == "url":
            return self._render_url(token["url"])
        if kind in ("style", "switch", "named"):
            if index not in self._partner_of:
                return None
            before, after = self._enclosing_text(token, kind)
            open_elements[self._partner_of[index]] = after
            return before
        return self._render_formula(token, kind)

    def _enclosing_text(self, token: re.Match[str], kind: str) -> tuple[str, str]:
        """Return the markup before and after the argument of a command."""
        if kind == "named":
            return "", f" ({self._render_url(token['url'])})"
        return self._element_tags(_STYLE_ELEMENTS[token[kind]])

    def _element_tags(self, name: str) -> tuple[str, str]:
        return (f"<{name}>", f"</{name}>") if name else ("", "")

    def _render_url(self, url: str) -> str:
        return escape(_ESCAPED.sub(r"\1", url), quote=False)

    def _render_formula(self, token: re.Match[str], kind: str) -> str:
        tex = token[kind].strip()
        self._math_budget -= len(tex)
        html = None
        if self._math_budget >= 0:
            is_block = kind in ("block", "square")
            html = simple_formula_html(tex) or tex_to_mathml(tex, block=is_block)
        return html or self._render_words(token.start(), token.end(), str)

    def _render_words(self, start: int, end: int, read: Callable[[str], str]) -> str:
        """Render a part of the text through `read`, escaped, with the ranges in it marked."""
        parts, done, end = [], start, min(end, self._end)
        for first, last, title in self._ranges:
            first, last = max(first, done), min(last, end)
            if first < last:
                parts.append(escape(read(self._text[done:first]), quote=False))
                marked = escape(read(self._text[first:last]), quote=False)
                parts.append(f"<mark{title_attribute(title)}>{marked}</mark>")
                done = last
        return "".join(parts) + escape(read(self._text[done:end]), quote=False)


def title_attribute(title: str) -> str:
    """Return the attribute of an element with a tooltip; empty without one."""
    return f' title="{escape(title)}"' if title else ""


class _TextRenderer(_HtmlRenderer):
    """Converts one text to plain text."""

    def _element_tags(self, name: str) -> tuple[str, str]:
        return "", ""

    def _render_url(self, url: str) -> str:
        return _ESCAPED.sub(r"\1", url)

    def _render_formula(self, token: re.Match[str], kind: str) -> str:
        return token[0]

    def _render_words(self, start: int, end: int, read: Callable[[str], str]) -> str:
        return _commands_to_unicode(self._text[start:end])


class _TitleRenderer(_TextRenderer):
    """Converts a title to plain text."""

    def _render_formula(self, token: re.Match[str], kind: str) -> str:
        self._math_budget -= len(token[kind])
        text = simple_formula_text(token[kind].strip()) if self._math_budget >= 0 else None
        return token[0] if text is None else text


def _has_no_tex(text: str) -> bool:
    return "$" not in text and "\\" not in text and "``" not in text


@lru_cache(maxsize=256)
def _tokenize_tex(text: str) -> tuple[tuple[re.Match[str], ...], Mapping[int, int]]:
    """Return the tokens of a text, and the index of each token's partner.

    Cached: a page shows a text whole and as an excerpt, and each feed format renders it.
    """
    tokens = tuple(_iter_tokens(text))
    return tokens, _match_delimiters(tokens)


def _iter_tokens(text: str) -> Iterator[re.Match[str]]:
    """Yield what `_TEX_TOKEN.finditer` does, in a third of the time."""
    end = 0
    while start := _TOKEN_START.search(text, end):
        token = _TEX_TOKEN.match(text, start.start())
        end = token.end() if token else start.end()
        if token:
            yield token


def _match_delimiters(tokens: Sequence[re.Match[str]]) -> dict[int, int]:
    """Map the index of each token that has a partner to the partner's; braces only forwards."""
    partners: dict[int, int] = {}
    braces: list[int] = []
    quotes: list[int] = []
    for index, token in enumerate(tokens):
        if token.lastgroup == "open":
            quotes.append(index)
        elif token.lastgroup == "close" and quotes:
            partners[opening := quotes.pop()] = index
            partners[index] = opening
        elif token.lastgroup in ("style", "switch", "named") or token["brace"] == "{":
            braces.append(index)
        elif token["brace"] == "}" and braces:
            partners[braces.pop()] = index
    return partners


def _words_to_html_text(words: str) -> str:
    """Convert words outside formulas for XHTML, where a dollar sign needs no escape."""
    return _ESCAPED_DOLLAR.sub("$", _commands_to_unicode(words)) if "\\" in words else words


def _commands_to_unicode(words: str) -> str:
    """Convert accents, symbols and escapes outside formulas to Unicode."""
    if "\\" not in words:
        return words
    words = accents_to_unicode(words)
    symbol = _SYMBOL if "{\\" in words else _BARE_SYMBOL
    return _ESCAPED.sub(r"\1", symbol.sub(lambda match: _SYMBOLS[match["name"]], words))
