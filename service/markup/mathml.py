r"""Converts formulas (`$…$`, `$$…$$`, `\(…\)`, `\[…\]`) to MathML with the TeX as `alttext`.

An annotation in its place would be text: clients that know no MathML would show a formula twice.
What such clients show is the text of the elements alone, in which `\frac{a}{b}` would be `ab`. So
the signs of linear notation, as in `a/b`, `√(a+b)` and `x^2`, stand where MathML shows structure:
as phantoms without a size, which browsers and screen readers leave out.

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
from service.markup.math_letters import in_variant

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
_TAG: Final = re.compile("<[^<>]*>")
_MARKS: Final = frozenset("′″‴⁗'")
"""Superscripts that are read without a sign: f′."""
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
        if styled := in_variant(inside, node.get("mathvariant", "")):
            return f"<{node.tag}>{styled}</{node.tag}>"
    elif node.text:
        raise _UnsupportedFormula(node.text)
    else:
        parts = [_serialize_element(child, depth + 1) for child in node]
        inside = "".join(_add_linear_signs(node, parts))
    if node.tag == "mrow" and len(node) == 1:
        return inside
    attributes = "".join(
        f' {name}="{value}"'
        for name, value in sorted(node.attrib.items())
        if name in _ALLOWED_ATTRIBUTES and _ALLOWED_ATTRIBUTES[name].fullmatch(value)
    )
    return f"<{node.tag}{attributes}" + (f">{inside}</{node.tag}>" if inside else "/>")


def _add_linear_signs(node: Element, parts: list[str]) -> list[str]:
    """Return the serialized children of an element with the phantoms that its structure needs."""
    match node.tag:
        case "mfrac":
            is_binomial = node.get("linethickness", "").startswith("0")
            sign = " choose " if is_binomial else "/"
            return [_group(node[0], parts[0]), _group(node[1], parts[1], sign)]
        case "msqrt":
            return [_phantom("√("), *parts, _phantom(")")]
        case "mroot":
            index = f"<mrow>{_phantom('^(1/')}{parts[1]}{_phantom(')')}</mrow>"
            return [_group(node[0], parts[0]), index]
        case "munder" if node[1].tag == "mo":  # an accent
            return parts
        case "msub" | "munder":
            return [parts[0], _group(node[1], parts[1], "_")]
        case "msup":
            return [parts[0], _superscript(node[1], parts[1])]
        case "msubsup" | "munderover":
            return [parts[0], _group(node[1], parts[1], "_"), _superscript(node[2], parts[2])]
        case "mtd":
            return [*parts, _phantom(" ")]
        case "mtr" if parts:
            return [*parts[:-1], parts[-1].removesuffix("</mtd>") + _phantom("; ") + "</mtd>"]
    return parts


def _superscript(node: Element, part: str) -> str:
    return part if _TAG.sub("", part) in _MARKS else _group(node, part, "^")


def _group(node: Element, part: str, sign: str = "") -> str:
    """Return a part behind a sign, in parentheses unless it is one token, as one element."""
    while node.tag == "mrow" and len(node) == 1:
        node = node[0]
    is_token = node.tag in _TOKEN_ELEMENTS or not len(node)
    if is_token and not sign:
        return part
    before, after = (sign, "") if is_token else (f"{sign}(", _phantom(")"))
    return f"<mrow>{_phantom(before)}{part}{after}</mrow>"


def _phantom(sign: str) -> str:
    """Return a text that takes no room and is not shown."""
    shown = f"<mphantom><mtext>{sign}</mtext></mphantom>"
    return f'<mpadded width="0" height="0" depth="0">{shown}</mpadded>'


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
