"""The digest of a keyword as a message: the papers of a day or week as plain text and as HTML.

It says what does not move: titles, names, the beginnings of abstracts, where to read on. Same
papers, same message, and the same Message-ID for the same period: https://www.rfc-editor.org/rfc/rfc5322
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from html import escape
from typing import Final
from urllib.parse import urlsplit

from papers.config.settings import Settings
from papers.model.paper import Paper
from papers.model.periods import Period
from papers.state.keywords import Keyword
from papers.text.latex import accents_to_unicode
from workers.sources.foreign_xml import clean

MOST_PAPERS: Final = 100
MOST_AUTHORS: Final = 6
ABSTRACT_CHARACTERS: Final = 400
_RHYTHM: Final = {"day": "daily", "week": "weekly"}
_NORMAL: Final = 'style="margin:.25em 0"'
_SMALL: Final = 'style="margin:.25em 0;font-size:.85em"'


@dataclass(frozen=True, slots=True)
class _Letter:
    """What both forms of a message say."""

    heading: str
    page: str
    papers: Sequence[Paper]
    more: str
    site: str

    @property
    def ending(self) -> str:
        return f"{self.site}/manage#mail"


def message_of(
    keyword: Keyword, period: Period, papers: Sequence[Paper], settings: Settings
) -> EmailMessage:
    """The message about a keyword's papers, newest first; of many the first are told of."""
    site, name = settings.base_url, clean(keyword.name)
    host = urlsplit(site).hostname or "localhost"
    count = f"{len(papers):,} paper{'' if len(papers) == 1 else 's'}"
    left = len(papers) - MOST_PAPERS
    letter = _Letter(
        heading=f"{name}: {count}, {period.words}",
        page=f"{site}/k/{keyword.slug}?since={period.first}&until={period.last}",
        papers=papers[:MOST_PAPERS],
        more=f"and {left:,} more" if left > 0 else "",
        site=site,
    )
    message = EmailMessage(policy=SMTP)
    message["Subject"] = letter.heading
    message["From"] = settings.mail_from or f"Paperwire <paperwire@{host}>"
    message["To"] = settings.mail_to
    message["Date"] = period.end
    message["Message-ID"] = f"<{keyword.slug}.{period.name}.paperwire@{host}>"
    message["List-ID"] = f"<{keyword.slug}.{_RHYTHM[period.kind]}.{host}>"
    message["List-Unsubscribe"] = f"<{letter.ending}>"
    message["List-Archive"] = f"<{site}/k/{keyword.slug}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_text(letter))
    message.add_alternative(_html(letter), subtype="html")
    return message


def _text(letter: _Letter) -> str:
    parts = [f"{letter.heading}\n{letter.page}"]
    for paper in letter.papers:
        here = f"{letter.site}/papers/{paper.id}"
        lines = (_title(paper), _authors(paper), _beginning(paper), here, paper.id.url)
        parts.append("\n".join(filter(None, lines)))
    ending = f"-- \nPaperwire. To end these: {letter.ending}"
    return "\n\n".join(filter(None, (*parts, letter.more, ending))) + "\n"


def _html(letter: _Letter) -> str:
    items = "".join(_item(paper, letter.site) for paper in letter.papers)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(letter.heading)}</title></head>
<body style="max-width:44em;margin:0 auto;padding:1em;font:16px/1.5 Georgia,serif">
<h1 style="font-size:1.4em"><a href="{escape(letter.page)}">{escape(letter.heading)}</a></h1>
{items}{f"<p>{letter.more}</p>" if letter.more else ""}
<p {_SMALL}>Paperwire. <a href="{escape(letter.ending)}">To end these</a>.</p>
</body></html>
"""


def _item(paper: Paper, site: str) -> str:
    told = ((_authors(paper), _SMALL), (_beginning(paper), _NORMAL))
    said = "".join(f"<p {style}>{escape(text)}</p>\n" for text, style in told if text)
    return f"""<h2 style="font-size:1.1em;margin:1.5em 0 0">
<a href="{escape(site)}/papers/{paper.id}">{escape(_title(paper))}</a></h2>
{said}<p {_SMALL}><a href="{paper.id.url}">arXiv:{paper.id}</a></p>
"""


def _title(paper: Paper) -> str:
    title = accents_to_unicode(clean(paper.title)) or f"arXiv:{paper.id}"
    return f"[Withdrawn] {title}" if paper.withdrawn else title


def _authors(paper: Paper) -> str:
    names = [clean(name) for name in paper.authors]
    few = len(names) <= MOST_AUTHORS + 1  # never "and 1 more"
    told = names if few else [*names[:MOST_AUTHORS], f"and {len(names) - MOST_AUTHORS} more"]
    return ", ".join(told)


def _beginning(paper: Paper) -> str:
    """The beginning of an abstract, its formulas as TeX; no word is cut."""
    text = accents_to_unicode(clean(paper.abstract))
    if len(text) <= ABSTRACT_CHARACTERS:
        return text
    return text[: text.rfind(" ", 0, ABSTRACT_CHARACTERS)] + " …"
