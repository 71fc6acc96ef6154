r"""BibTeX: an `@misc` with arXiv's eprint fields for each paper, as arXiv and ADS write it.

https://info.arxiv.org/help/hypertex/bibstyles/. TeX stays TeX and other letters stay Unicode.
What a paper's text may not do is end its field or the line of whoever sets it: braces are paired,
and `% & # _ ^` are escaped where they stand outside formulas.
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
"""A lone brace that is shown, outside and inside a formula: BibTeX counts those too."""


def render(papers: Sequence[Paper]) -> bytes:
    """A BibTeX file; the same papers give the same bytes."""
    return "\n".join(map(_render_entry, papers)).encode()


def escape_bibtex(text: str) -> str:
    """A text as a field may hold it."""
    tokens = _TEX_TOKEN.findall(text)
    if tokens.count("$") % 2 or tokens.count("$$") % 2:
        tokens = [token.replace("$", r"\$") if token[0] == "$" else token for token in tokens]
    kept = _paired_positions(tokens, "{", "}")
    tokens = [token for at, token in enumerate(tokens) if at in kept or token not in ("{", "}")]
    return "".join(_escape_tokens(tokens, _paired_positions(tokens, r"\{", r"\}")))


def _escape_tokens(tokens: Sequence[str], escaped: frozenset[int]) -> Iterator[str]:
    inside = False
    for at, token in enumerate(tokens):
        if token in ("$", "$$", r"\(", r"\)"):
            inside = token == r"\(" or (token != r"\)" and not inside)
        if token in (r"\{", r"\}") and at not in escaped:
            yield _LONE_BRACES[token][inside]
        elif token == r"\\" and tokens[at + 1 : at + 2] in ([], ["{"], ["}"]):
            yield r"\\ "  # or some parsers take the brace behind it for an escaped one
        else:
            yield _ESCAPES.get(token) or (
                token if inside else _ESCAPES_OUTSIDE_MATH.get(token, token)
            )


def _paired_positions(tokens: Sequence[str], opening: str, closing: str) -> frozenset[int]:
    """The places of braces that have a partner."""
    paired, open_at = set(), []
    for at, token in enumerate(tokens):
        if token == opening:
            open_at.append(at)
        elif token == closing and open_at:
            paired |= {open_at.pop(), at}
    return frozenset(paired)


def bibtex_author(name: AuthorName) -> str:
    """A name as BibTeX parts it; who is no person is held together by braces."""
    if name.literal:
        return f"{{{escape_bibtex(name.literal)}}}"
    family = " ".join(part for part in (name.particle, name.family) if part)
    parts = (escape_bibtex(part).strip() for part in (family, name.suffix, name.given))
    return ", ".join(part for part in parts if part)


def _render_entry(paper: Paper) -> str:
    made = build_reference(paper)
    fields = {
        # Twice in braces, or most styles would write it in lower case.
        "title": f"{{{escape_bibtex(made.title)}}}",
        "author": " and ".join(map(bibtex_author, made.authors)),
        "year": str(made.published.year),
        "eprint": str(paper.id),
        "archivePrefix": "arXiv",
        "primaryClass": paper.primary,
        "doi": escape_bibtex(made.doi),
        "url": paper.id.url,
        "abstract": escape_bibtex(made.abstract),
        "note": escape_bibtex(". ".join(made.notes)),
        "keywords": ", ".join(paper.categories),
    }
    lines = [f"  {name:13} = {{{value}}}," for name, value in fields.items() if value]
    lines.insert(3, f"  {'month':13} = {_MONTHS[made.published.month - 1]},")
    return "\n".join([f"@misc{{{made.citation_key},", *lines, "}", ""])
