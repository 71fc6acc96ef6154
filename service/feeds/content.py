"""The content of an entry: abstract, comment and journal reference, as XHTML and plain text.

It ends with authors, categories and links, because many readers show the content only. It changes
only with a new version: a journal reference or category that arXiv adds later waits for one, and
what communities add is in links. In a feed of picks the content begins with the pick.
Formulas that are not simple are MathML in the XHTML, and TeX in the HTML of RSS; all stay TeX in
the plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Final

from papers.model.frozen_fields import categories_at_announcement, journal_ref_at_announcement
from papers.model.paper import Paper, Pick
from service.markup.clean import single_line, source_name, split_paragraphs, valid_http_url
from service.markup.latex_html import tex_to_html
from service.markup.mathml import mathml_to_tex
from service.markup.paper_text import author_line, author_names, words_note

MAX_FOOTER_AUTHORS: Final = 200
"""Authors that the footer names; all are among the entry's own."""
_EMPTY_ELEMENT: Final = re.compile(r"<([^/<>][^<>]*(?<!/))></\w+>")
_FOOTER_END: Final = "</a></p>"


@dataclass(frozen=True, slots=True)
class Content:
    """The same content as an XHTML fragment of block elements and as plain text."""

    xhtml: str
    text: str

    @property
    def xml(self) -> str:
        """The fragment as XML serializers write it: `<br/>` for empty elements, `'` unescaped."""
        html = self.xhtml
        if "></" in html.removesuffix(_FOOTER_END):  # only formulas have empty elements
            html = _EMPTY_ELEMENT.sub(r"<\1/>", html)
        return html.replace("&#x27;", "'")

    @property
    def plain_html(self) -> str:
        """The fragment without MathML: formulas that need it are TeX."""
        return mathml_to_tex(self.xhtml) if "<math" in self.xhtml else self.xhtml

    @property
    def escaped_html(self) -> str:
        """The fragment without MathML, escaped as text of an XML element."""
        return escape(self.plain_html, quote=False)


def build_content(
    paper: Paper,
    lead_pick: Pick | None = None,
    *,
    version: int = 0,
    authors: tuple[str, ...] | None = None,
) -> Content:
    """Build the content of a paper's entry, beginning with `lead_pick` if there is one.

    The links at its end lead to `version` if there is one. `authors` are the paper's
    `author_names`, if the caller has them.
    """
    lead = render_pick(lead_pick) if lead_pick else None
    html, plain = ([lead.xhtml], [lead.text]) if lead else ([], [])
    if note := words_note(paper):
        html.append(f"<p><em>{escape(note, quote=False)}</em></p>")
        plain.append(note)
    body = split_paragraphs(paper.abstract)
    journal_ref = journal_ref_at_announcement(paper)
    notes = [
        ("Comments", single_line(paper.comment)),
        ("Journal reference", single_line(journal_ref)),
    ]
    html += [f"<p>{tex_to_html(text)}</p>" for text in body]
    plain += body
    for name, text in notes:
        if text:
            html.append(f"<p><strong>{name}:</strong> {tex_to_html(text)}</p>")
            plain.append(f"{name}: {text}")
    footer = render_footer(paper, version, authors)
    return Content("".join([*html, footer.xhtml]), "\n\n".join([*plain, footer.text]))


def render_footer(
    paper: Paper, version: int = 0, authors: tuple[str, ...] | None = None
) -> Content:
    """Render authors and categories as of the version's announcement, and links to the paper."""
    names = author_line(author_names(paper) if authors is None else authors, MAX_FOOTER_AUTHORS)
    categories = ", ".join(map(single_line, categories_at_announcement(paper)))
    texts = [
        (name, text) for name, text in (("Authors", names), ("Categories", categories)) if text
    ]
    suffix = f"v{version}" if version else ""
    urls = [("PDF", f"{paper.id.pdf_url}{suffix}"), ("arXiv", f"{paper.id.url}{suffix}")]
    html = [f"<strong>{name}:</strong> {escape(text, quote=False)}" for name, text in texts]
    html.append(" · ".join(f'<a href="{url}">{name}</a>' for name, url in urls))
    plain = [f"{name}: {text}" for name, text in (*texts, *urls)]
    return Content(f"<p>{'<br/>'.join(html)}</p>", "\n".join(plain))


def render_pick(pick: Pick) -> Content:
    """Render who picked the paper and when; without votes, which change by the hour."""
    name, day = source_name(pick.community), f"{pick.picked_at:%Y-%m-%d}"
    label, url = escape(name, quote=False), valid_http_url(pick.url)
    if url:
        label = f'<a href="{escape(url)}">{label}</a>'
    html = f"<p><strong>Picked</strong> by {label} on {day}.</p>"
    return Content(html, f"Picked by {name} on {day}.")
