"""What an entry says: the one place that turns a paper's words into its content.

The content holds what arXiv says (abstract, comment, journal reference), which moves only with a
new version: a journal reference named later waits for one, and what communities add stands in
links. Only a feed of picks begins with the pick.
Mathematics is MathML in the fragment, and stays TeX in the plain text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import Final

from papers.model.frozen_fields import journal_ref_at_announcement
from papers.model.paper import Paper, Pick
from service.markup.clean import single_line, source_name, split_paragraphs, valid_http_url
from service.markup.latex_html import tex_to_html

_EMPTY_ELEMENT: Final = re.compile(r"<([^/<>][^<>]*(?<!/))></\w+>")


@dataclass(frozen=True, slots=True)
class Content:
    """The same content twice: an XHTML fragment of `<p>` elements, and plain text."""

    xhtml: str
    text: str

    @property
    def xml(self) -> str:
        """The fragment as XML is commonly spelled: empty elements in one tag, `'` in values."""
        emptied = _EMPTY_ELEMENT.sub(r"<\1/>", self.xhtml) if "></" in self.xhtml else self.xhtml
        return emptied.replace("&#x27;", "'")

    @property
    def html(self) -> str:
        """The fragment as text in XML."""
        return escape(self.xhtml, quote=False)


def build_content(paper: Paper, lead_pick: Pick | None = None) -> Content:
    """The content of a paper's entry; it begins with the pick `lead` where one is given."""
    shown, plain = _render_pick(lead_pick) if lead_pick else ([], [])
    body = split_paragraphs(paper.abstract)
    journal_ref = journal_ref_at_announcement(paper)
    notes = [
        ("Comments", single_line(paper.comment)),
        ("Journal reference", single_line(journal_ref)),
    ]
    shown += [f"<p>{tex_to_html(text)}</p>" for text in body]
    plain += body
    for name, said in notes:
        if said:
            shown.append(f"<p><strong>{name}:</strong> {tex_to_html(said)}</p>")
            plain.append(f"{name}: {said}")
    return Content("".join(shown), "\n\n".join(plain))


def _render_pick(pick: Pick) -> tuple[list[str], list[str]]:
    """Who picked the paper and when; never how many liked it, which changes by the hour."""
    name, day = source_name(pick.community), f"{pick.picked_at:%Y-%m-%d}"
    shown, url = escape(name, quote=False), valid_http_url(pick.url)
    if url:
        shown = f'<a href="{escape(url)}">{shown}</a>'
    return [f"<p><strong>Picked</strong> by {shown} on {day}.</p>"], [f"Picked by {name} on {day}."]
