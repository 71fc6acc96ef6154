r"""Renders BibTeX: an `@misc` entry with arXiv's eprint fields, as arXiv and ADS write it.

https://info.arxiv.org/help/hypertex/bibstyles/. TeX stays TeX, other letters stay Unicode. A
paper's text must neither end its field nor break the LaTeX that quotes it: braces are balanced, and
`% & # _ ^` are escaped outside formulas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from papers.model.paper import Paper
from service.exports.names import AuthorName
from service.exports.reference import build_reference

CONTENT_TYPE: Final = "application/x-bibtex; charset=utf-8"

_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_TEX_TOKEN: Final = re.compile(r"\\[A-Za-z]+|\\.|\$\$|[^\\${}%#&_^]+|.", re.DOTALL)
_ESCAPES: Final = {"%": r"\%", "#": r"\#", "\\": r"\textbackslash{}"}
_ESCAPES_OUTSIDE_MATH: Final = {"&": r"\&", "_": r"\_", "^": r"\^{}"}
_LONE_BRACES: Final = {
    r"\{": (r"\textbraceleft{}", r"\lbrace{}"),
    r"\}": (r"\textbraceright{}", r"\rbrace{}"),
}
"""An unpaired `\\{` or `\\}`, outside and inside a formula: BibTeX counts escaped braces too."""


def render_bibtex(papers: Sequence[Paper]) -> bytes:
    """Render papers as a BibTeX file; equal papers give equal bytes."""
    return "\n".join(map(_render_entry, papers)).encode()


def escape_bibtex(text: str) -> str:
    """Escape a text for a field in braces."""
    tokens = _TEX_TOKEN.findall(text)
    if tokens.count("$") % 2 or tokens.count("$$") % 2:
        tokens = [token.replace("$", r"\$") if token[0] == "$" else token for token in tokens]
    paired = _paired_positions(tokens, "{", "}")
    tokens = [t for position, t in enumerate(tokens) if position in paired or t not in ("{", "}")]
    return "".join(_escape_tokens(tokens, _paired_positions(tokens, r"\{", r"\}")))


def _escape_tokens(tokens: Sequence[str], paired: frozenset[int]) -> Iterator[str]:
    """Escape each token; `paired` are the positions of escaped braces that have a partner."""
    in_math = False
    for position, token in enumerate(tokens):
        if token in ("$", "$$", r"\(", r"\)"):
            in_math = token == r"\(" or (token != r"\)" and not in_math)
        if token in (r"\{", r"\}") and position not in paired:
            yield _LONE_BRACES[token][in_math]
        elif token == r"\\" and tokens[position + 1 : position + 2] in ([], ["{"], ["}"]):
            yield r"\\ "  # or some parsers read `\\{` as an escaped brace
        else:
            yield _ESCAPES.get(token) or (
                token if in_math else _ESCAPES_OUTSIDE_MATH.get(token, token)
            )


def _paired_positions(tokens: Sequence[str], opening: str, closing: str) -> frozenset[int]:
    """Return the positions of braces that have a partner."""
    paired, unclosed = set(), []
    for position, token in enumerate(tokens):
        if token == opening:
            unclosed.append(position)
        elif token == closing and unclosed:
            paired |= {unclosed.pop(), position}
    return frozenset(paired)


def bibtex_author(name: AuthorName) -> str:
    """Format a name in BibTeX's parts; the name of a group is in braces."""
    if name.literal:
        return f"{{{escape_bibtex(name.literal)}}}"
    family = " ".join(part for part in (name.particle, name.family) if part)
    parts = (escape_bibtex(part).strip() for part in (family, name.suffix, name.given))
    return ", ".join(part for part in parts if part)


def _render_entry(paper: Paper) -> str:
    reference = build_reference(paper)
    fields = {
        # Braced twice: most styles would change the case of its letters.
        "title": f"{{{escape_bibtex(reference.title)}}}",
        "author": " and ".join(map(bibtex_author, reference.authors)),
        "year": str(reference.published.year),
        "eprint": str(paper.id),
        "archivePrefix": "arXiv",
        "primaryClass": paper.primary,
        "doi": escape_bibtex(reference.doi),
        "url": paper.id.url,
        "abstract": escape_bibtex(reference.abstract),
        "note": escape_bibtex(". ".join(reference.notes)),
        "keywords": ", ".join(paper.categories),
    }
    lines = [f"  {name:13} = {{{value}}}," for name, value in fields.items() if value]
    lines.insert(3, f"  {'month':13} = {_MONTHS[reference.published.month - 1]},")
    return "\n".join([f"@misc{{{reference.citation_key},", *lines, "}", ""])
