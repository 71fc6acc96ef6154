"""A digest's message: a keyword's papers of a day or week as plain text and as HTML.

It contains only what does not change: titles, names, beginnings of abstracts, links. The same
papers give the same message, and the same period the same Message-ID:
https://www.rfc-editor.org/rfc/rfc5322
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from typing import Final
from urllib.parse import quote, urlsplit

from papers.config.settings import Settings
from papers.counted import format_counted
from papers.model.paper import Paper
from papers.model.periods import Period
from papers.state.keyword_record import Keyword
from papers.text.latex import accents_to_unicode
from papers.text.names.person_names import is_author_name
from workers.sources.foreign_xml import clean_line

MAX_LISTED_PAPERS: Final = 100
MAX_LISTED_AUTHORS: Final = 6
MAX_ABSTRACT_LENGTH: Final = 400
_FREQUENCY_NAMES: Final = {"day": "daily", "week": "weekly"}
_NORMAL_STYLE: Final = 'style="margin:.25em 0"'
_SMALL_STYLE: Final = 'style="margin:.25em 0;font-size:.85em"'


@dataclass(frozen=True, slots=True)
class _DigestContent:
    """The content of both forms of a message."""

    heading: str
    page_url: str
    papers: Sequence[Paper]
    remainder: str
    base_url: str

    @property
    def unsubscribe_url(self) -> str:
        return f"{self.base_url}/manage#mail"


def digest_message(
    keyword: Keyword, period: Period, papers: Sequence[Paper], settings: Settings
) -> EmailMessage:
    """Return the message on a keyword's papers, newest first; only the first ones are listed."""
    base_url, name, slug = settings.base_url, clean_line(keyword.name), quote(keyword.slug)
    host = urlsplit(base_url).hostname or "localhost"
    count = format_counted(len(papers), "paper")
    unlisted = len(papers) - MAX_LISTED_PAPERS
    content = _DigestContent(
        heading=f"{name}: {count}, {period.display_name}",
        page_url=f"{base_url}/k/{slug}?since={period.first_day}&until={period.last_day}",
        papers=papers[:MAX_LISTED_PAPERS],
        remainder=f"and {unlisted:,} more" if unlisted > 0 else "",
        base_url=base_url,
    )
    message = EmailMessage(policy=SMTP)
    message["Subject"] = content.heading
    message["From"] = settings.mail_from or f"Paperwire <paperwire@{host}>"
    message["To"] = settings.mail_to
    message["Date"] = period.end
    message["Message-ID"] = f"<{slug}.{period.name}.paperwire@{host}>"
    message["List-ID"] = f"<{slug}.{_FREQUENCY_NAMES[period.kind]}.{host}>"
    message["List-Unsubscribe"] = f"<{content.unsubscribe_url}>"
    message["List-Archive"] = f"<{base_url}/k/{slug}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_plain_text(content))
    message.add_alternative(_html(content), subtype="html")
    return message


def _plain_text(content: _DigestContent) -> str:
    parts = [f"{content.heading}\n{content.page_url}"]
    for paper in content.papers:
        here = f"{content.base_url}/papers/{paper.id}"
        lines = (_title(paper), _authors(paper), _abstract_excerpt(paper), here, paper.id.url)
        parts.append("\n".join(filter(None, lines)))
    ending = f"-- \nPaperwire. To unsubscribe: {content.unsubscribe_url}"
    return "\n\n".join(filter(None, (*parts, content.remainder, ending))) + "\n"


def _html(content: _DigestContent) -> str:
    items = "".join(_html_item(paper, content.base_url) for paper in content.papers)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(content.heading)}</title></head>
<body style="max-width:44em;margin:0 auto;padding:1em;font:16px/1.5 Georgia,serif">
<h1 style="font-size:1.4em"><a href="{escape(content.page_url)}">{escape(content.heading)}</a></h1>
{items}{f"<p>{content.remainder}</p>" if content.remainder else ""}
<p {_SMALL_STYLE}>Paperwire. <a href="{escape(content.unsubscribe_url)}">Unsubscribe</a>.</p>
</body></html>
"""


def _html_item(paper: Paper, base_url: str) -> str:
    parts = ((_authors(paper), _SMALL_STYLE), (_abstract_excerpt(paper), _NORMAL_STYLE))
    paragraphs = "".join(f"<p {style}>{escape(text)}</p>\n" for text, style in parts if text)
    return f"""<h2 style="font-size:1.1em;margin:1.5em 0 0">
<a href="{escape(base_url)}/papers/{paper.id}">{escape(_title(paper))}</a></h2>
{paragraphs}<p {_SMALL_STYLE}><a href="{paper.id.url}">arXiv:{paper.id}</a></p>
"""


def _title(paper: Paper) -> str:
    title = accents_to_unicode(clean_line(paper.title)) or f"arXiv:{paper.id}"
    return f"[Withdrawn] {title}" if paper.withdrawn else title


def _authors(paper: Paper) -> str:
    names = [name for name in map(clean_line, paper.authors) if is_author_name(name)]
    is_short = len(names) <= MAX_LISTED_AUTHORS + 1  # never "and 1 more"
    shown = (
        names
        if is_short
        else [*names[:MAX_LISTED_AUTHORS], f"and {len(names) - MAX_LISTED_AUTHORS} more"]
    )
    return ", ".join(shown)


def _abstract_excerpt(paper: Paper) -> str:
    """Return the beginning of an abstract, formulas as TeX, cut between words."""
    text = accents_to_unicode(clean_line(paper.abstract))
    if len(text) <= MAX_ABSTRACT_LENGTH:
        return text
    return text[: text.rfind(" ", 0, MAX_ABSTRACT_LENGTH)] + " …"
