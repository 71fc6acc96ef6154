r"""Converts formulas (`$…$`, `$$…$$`, `\(…\)`, `\[…\]`) to MathML with the TeX as `alttext`.

An annotation in its place would be text: clients that know no MathML would show a formula twice.

A complete formula of known commands becomes MathML Core; any other is rejected. The result depends
on the TeX alone, not on a timeout, and the work is bounded by its length.
https://www.w3.org/TR/mathml-core/
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from typing import Final
from xml.etree.ElementTree import Element

from latex2mathml.converter import convert_to_element

from service.markup.clean import clean_xml_text

MAX_FORMULA_CHARACTERS: Final = 600
"""Characters of TeX; longer formulas do not fit in a line of text."""
_MAX_DEPTH: Final = 40
_CACHED_FORMULAS: Final = 8_192
"""Building the content of recorded papers takes 33 µs each with this cache, 108 µs without."""

_FORMULA_BODY: Final = rf"(?:[^$\\]|\\[^()\[\]]){{1,{MAX_FORMULA_CHARACTERS}}}?"
FORMULA: Final = re.compile(
    rf"""(?<!\\)(?:
      \$\$(?P<block>{_FORMULA_BODY})\$\$
    | \$(?P<line>
        (?=[^\s\d]){_FORMULA_BODY}(?<!\s)            # $x$, and $\sim$77
      | (?=\d)(?![^$\\]*\s[A-Za-z]{{2,}})             # $5$, but not $5-$10, nor $5 to US$
        {_FORMULA_BODY}(?<!\s)(?=\$(?!\d))
      | \s(?=[^$]*[\\^_=])(?![^$]*\s[a-z]{{3,}}\s){_FORMULA_BODY}   # $ \alpha $, but not $ and $
      )\$
    | \\\((?P<round>{_FORMULA_BODY})\\\)
    | \\\[(?P<square>{_FORMULA_BODY})\\\]
    )""",
    re.VERBOSE,
)
_DEFINITION_COMMAND: Final = re.compile(
    r"\\(?:(?:re|provide)?new\w+|renew\w+|[egx]?def|let|verb)(?![A-Za-z])"
)
_CHARACTER_REFERENCE: Final = re.compile("&#x([0-9A-Fa-f]{1,6});")
_UNCONVERTED_TEX: Final = re.compile(r"[\\$]|^[&{}]$")
_ESCAPED_CHARACTER: Final = re.compile(r"\\.")

_MATHML_XMLNS: Final = 'xmlns="http://www.w3.org/1998/Math/MathML"'
_MATH_ELEMENT: Final = re.compile(rf'<math {_MATHML_XMLNS} alttext="([^"]*)"[^<>]*>.*?</math>')
_ALLOWED_ELEMENTS: Final = frozenset(
    "mrow mi mn mo mtext mspace msub msup msubsup mfrac msqrt mroot mover munder munderover"
    " mtable mtr mtd mstyle mpadded mphantom".split()
)
_TOKEN_ELEMENTS: Final = frozenset("mi mn mo mtext".split())
_CHILD_COUNTS: Final = {
    **dict.fromkeys("mfrac mroot msub msup munder mover".split(), 2),
    **dict.fromkeys("msubsup munderover".split(), 3),
}
"""Elements that require an exact number of children."""
_ALLOWED_ATTRIBUTES: Final = {
    "displaystyle": re.compile("true|false"),
    "fence": re.compile("true|false"),
    "linethickness": re.compile("0|0(?:px|em|ex)"),
    "mathvariant": re.compile("[a-z-]{1,24}"),
    "scriptlevel": re.compile("[0-3]"),
    "stretchy": re.compile("true|false"),
    "width": re.compile(r"-?[0-2]?(?:\.\d{1,4})?em"),
}
"""Attributes that validators accept, with values that cannot break the layout or load anything."""


class _UnsupportedFormula(Exception):
    """TeX that cannot be converted."""


@lru_cache(maxsize=_CACHED_FORMULAS)
def tex_to_mathml(tex: str, *, block: bool = False) -> str:
    """Convert a formula to a `math` element; "" if it is broken, unknown or too long."""
    if (
        len(tex) > MAX_FORMULA_CHARACTERS
        or not _has_balanced_braces(tex)
        or _DEFINITION_COMMAND.search(tex)
    ):
        return ""
    try:
        tree = convert_to_element(tex, display="block" if block else "inline")
        body = "".join(_serialize_element(child, 0) for child in tree)
    # On broken TeX the converter raises whatever its tables and iterators raise.
    except Exception:
        return ""
    display = ' display="block"' if block else ""
    return f'<math {_MATHML_XMLNS} alttext="{escape(tex)}"{display}>{body}</math>'


def mathml_to_tex(html: str) -> str:
    """Return an HTML fragment with each `math` element replaced by its TeX: `$x$`."""
    return _MATH_ELEMENT.sub(lambda match: f"${_unquote(match[1])}$", html)


def _unquote(attribute: str) -> str:
    """Return an attribute's value escaped as text is."""
    return attribute.replace("&quot;", '"').replace("&#x27;", "'")


def _serialize_element(node: Element, depth: int) -> str:
    """Serialize an element of the converter, allowed content only. Raises _UnsupportedFormula."""
    expected = _CHILD_COUNTS.get(node.tag, len(node))
    if node.tag not in _ALLOWED_ELEMENTS or len(node) != expected or depth > _MAX_DEPTH:
        raise _UnsupportedFormula(node.tag)
    if node.tag in _TOKEN_ELEMENTS:
        inside = _token_text(node.text or "")
    elif node.text:
        raise _UnsupportedFormula(node.text)
    else:
        inside = "".join(_serialize_element(child, depth + 1) for child in node)
    if node.tag == "mrow" and len(node) == 1:
        return inside
    attributes = "".join(
        f' {name}="{value}"'
        for name, value in sorted(node.attrib.items())
        if name in _ALLOWED_ATTRIBUTES and _ALLOWED_ATTRIBUTES[name].fullmatch(value)
    )
    return f"<{node.tag}{attributes}" + (f">{inside}</{node.tag}>" if inside else "/>")


def _token_text(converted: str) -> str:
    """Return the text of a token, escaped; TeX in it is a command unknown to the converter."""
    text = _CHARACTER_REFERENCE.sub(lambda match: chr(int(match[1], 16)), converted)
    if _UNCONVERTED_TEX.search(converted) or clean_xml_text(text) != text.strip():
        raise _UnsupportedFormula(text)
    return escape(text, quote=False)


def _has_balanced_braces(tex: str) -> bool:
    """True if braces pair up, are not nested too deep, and no comment hides the rest."""
    bare, depth = _ESCAPED_CHARACTER.sub("", tex), 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        if not 0 <= depth <= _MAX_DEPTH:
            return False
    return depth == 0 and "%" not in bare
