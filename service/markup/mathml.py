r"""Formulas (`$…$`, `$$…$$`, `\(…\)`, `\[…\]`) as MathML that keeps its TeX.

A formula that is whole and known is MathML Core, with its TeX as annotation; any other is none.
What decides is the TeX alone, never a clock, and the work is bounded by its length.
https://www.w3.org/TR/mathml-core/
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import Final
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

from service.markup.clean import clean

MAX_FORMULA: Final = 600
"""Characters of TeX; what is longer is no formula that a line of text can show."""
_MAX_DEPTH: Final = 40
_KEPT: Final = 8_192

_INSIDE: Final = rf"(?:[^$\\]|\\[^()\[\]]){{1,{MAX_FORMULA}}}?"
FORMULA: Final = re.compile(
    rf"""(?<!\\)(?:
      \$\$(?P<block>{_INSIDE})\$\$
    | \$(?P<line>
        (?=[^\s\d]){_INSIDE}(?<!\s)            # $x$, and $\sim$77
      | (?=\d){_INSIDE}(?<!\s)(?=\$(?!\d))     # $5$, but not $5-$10
      | \s(?=[^$]*[\\^_=])(?![^$]*\s[a-z]{{3,}}\s){_INSIDE}   # $ \alpha $, but not $ and $
      )\$
    | \\\((?P<round>{_INSIDE})\\\)
    | \\\[(?P<square>{_INSIDE})\\\]
    )""",
    re.VERBOSE,
)
_DEFINES: Final = re.compile(r"\\(?:(?:re|provide)?new\w+|renew\w+|[egx]?def|let|verb)(?![A-Za-z])")
_REFERENCE: Final = re.compile("&#x([0-9A-Fa-f]{1,6});")
_LEFT_OVER: Final = re.compile(r"[\\$]|^[&{}]$")
_ESCAPED: Final = re.compile(r"\\.")

_MATHML: Final = 'xmlns="http://www.w3.org/1998/Math/MathML"'
_ELEMENTS: Final = frozenset(
    "mrow mi mn mo mtext mspace msub msup msubsup mfrac msqrt mroot mover munder munderover"
    " mtable mtr mtd mstyle mpadded mphantom".split()
)
_TOKENS: Final = frozenset("mi mn mo mtext".split())
_PARTS: Final = {
    **dict.fromkeys("mfrac mroot msub msup munder mover".split(), 2),
    **dict.fromkeys("msubsup munderover".split(), 3),
}
"""How many children these have, no more and no fewer."""
_ATTRIBUTES: Final = {
    "displaystyle": re.compile("true|false"),
    "fence": re.compile("true|false"),
    "linethickness": re.compile("0|0(?:px|em|ex)"),
    "mathvariant": re.compile("[a-z-]{1,24}"),
    "scriptlevel": re.compile("[0-3]"),
    "stretchy": re.compile("true|false"),
    "width": re.compile(r"-?[0-2]?(?:\.\d{1,4})?em"),
}
"""What is kept: validators refuse others, and nothing here can leave its line or its site."""


class _NoFormula(Exception):
    """TeX that cannot be shown as mathematics."""


@lru_cache(maxsize=_KEPT)
def mathml(tex: str, *, block: bool = False) -> str:
    """A formula as a `math` element; "" where it is broken, unknown or too long."""
    if len(tex) > MAX_FORMULA or not _balanced(tex) or _DEFINES.search(tex):
        return ""
    try:
        tree = convert_to_element(tex, display="block" if block else "inline")
        body = "".join(_spelled(child, 0) for child in tree)
    # The converter raises whatever a broken formula makes its tables and iterators raise.
    except Exception:
        return ""
    display = ' display="block"' if block else ""
    kept = f'<annotation encoding="application/x-tex">{escape(tex, quote=False)}</annotation>'
    return f"<math {_MATHML}{display}><semantics>{body}{kept}</semantics></math>"


def _spelled(node: Element, depth: int) -> str:
    """An element of the converter's, as it may stand in a feed. Raises _NoFormula."""
    parts = _PARTS.get(node.tag, len(node))
    if node.tag not in _ELEMENTS or len(node) != parts or depth > _MAX_DEPTH:
        raise _NoFormula(node.tag)
    if node.tag in _TOKENS:
        inside = _text(node.text or "")
    elif node.text:
        raise _NoFormula(node.text)
    else:
        inside = "".join(_spelled(child, depth + 1) for child in node)
    if node.tag == "mrow" and len(node) == 1:
        return inside
    attributes = "".join(
        f' {name}="{value}"'
        for name, value in sorted(node.attrib.items())
        if name in _ATTRIBUTES and _ATTRIBUTES[name].fullmatch(value)
    )
    return f"<{node.tag}{attributes}" + (f">{inside}</{node.tag}>" if inside else "/>")


def _text(spelled: str) -> str:
    """The text of a token, escaped. A command left over is one that the converter knows not."""
    text = _REFERENCE.sub(lambda match: chr(int(match[1], 16)), spelled)
    if _LEFT_OVER.search(spelled) or clean(text) != text.strip():
        raise _NoFormula(text)
    return escape(text, quote=False)


def _balanced(tex: str) -> bool:
    """Whether its braces go in pairs, not too deep, and no comment hides the rest."""
    bare, depth = _ESCAPED.sub("", tex), 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        if not 0 <= depth <= _MAX_DEPTH:
            return False
    return depth == 0 and "%" not in bare
