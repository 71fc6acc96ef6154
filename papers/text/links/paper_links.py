r"""The authors' own code, data and project pages, read out of an abstract or a comment.

    Code: https://github.com/a/b                 code
    Our project page is https://a.github.io      project
    data at https://doi.org/10.5281/zenodo.1     data
    Code will be at https://github.com/a/b       code, announced: it is not there yet
    We build on https://github.com/x/y           nothing: somebody else's
    Accepted at https://conference.org           nothing

The host says what a link may be (`papers.text.links.link_hosts`). Its clause, the words of its
sentence after the preceding link, says whose it is and whether it is there
(`papers.text.links.link_cues`). A repository belongs to the paper unless the clause says otherwise;
an unknown host only if the clause says so.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from papers.text.links import link_cues as cues
from papers.text.links.link_hosts import HostKind, classify_url
from papers.text.links.urls import TextUrl, find_urls


class LinkKind(enum.Flag):
    """What of a paper is at a link; a page can have the code, an archive the code and the data."""

    CODE = enum.auto()
    DATA = enum.auto()
    PROJECT = enum.auto()


class PaperLink(NamedTuple):
    """A link to what belongs to a paper; `text[start:end]` is how it is written.

    `is_announced`: the text says that the code or the data will be there.
    """

    url: str
    kind: LinkKind
    is_announced: bool
    start: int
    end: int


_NOTHING: Final = LinkKind(0)
_MAX_CLAUSE: Final = 320
"""The characters before a link that are read: hardly a sentence is longer."""
_MAX_URLS: Final = 100
"""The URLs of a text that are read; no recorded text has more than eight."""
_MIN_PART: Final = 30
"""A shorter part after a comma belongs to the part before it: `X, a library (https://…)`."""

_SENTENCE_END: Final = re.compile(
    r"[.!?](?:(?<!e\.g\.)(?<!i\.e\.)(?<!et al\.)(?<!vs\.)[)}]*\s+(?=\W*[A-Z])"
    r"|(?<=[a-z]\.)(?=[A-Z][a-z]+ ))|[|•]\s"
)
_CONNECTOR: Final = re.compile(r"(?:[\W_]|\b(?:and|or|as|well|also|href|url|texttt|text)\b)*")
"""The text between two links of the same role."""
_TEX: Final = re.compile(r"\\[A-Za-z]+|[{}$~\\*]")
_ANCHOR_AFTER: Final = re.compile(r"\}?\s{0,9}\{(?:\\\w{1,20}\s?\{?|\{){0,9}([^{}\\$]{2,60})")
_ANCHOR_BEFORE: Final = re.compile(r"\[([^\[\]/]{2,60})\]\($|\\href\{([^{}/]{2,60})\}\{$")
_NAMES_PLACE: Final = re.compile(r"(?:\b(?:at|on|here|link|via|from|in|under|url)|:)\W*$")


def find_paper_links(text: str) -> list[PaperLink]:
    """Return the links in a text to what belongs to its paper, in order."""
    found = []
    clause = ""
    end = 0
    for url in find_urls(text)[:_MAX_URLS]:
        if not end or not _CONNECTOR.fullmatch(text, end, url.start):
            clause = _clause_before(text, url, end)
        kind, is_announced = _read_link(text, url, clause)
        if kind:
            found.append(PaperLink(url.url, kind, is_announced, url.start, url.end))
        end = url.end
    return found


def _clause_before(text: str, url: TextUrl, previous_end: int) -> str:
    """Return the words before a link, from the sentence's beginning or the preceding link on."""
    start = max(previous_end, url.start - _MAX_CLAUSE)
    for end in _SENTENCE_END.finditer(text, start, url.start):
        start = end.end()
    return _TEX.sub(" ", text[start : url.start])


def _read_link(text: str, url: TextUrl, clause: str) -> tuple[LinkKind, bool]:
    """Return what is at a link, nothing if it is not the authors', and whether it is announced."""
    host = classify_url(url)
    kind, is_announced = _read_clause(clause, _with_anchor(text, url, clause), host)
    is_whole = host is HostKind.OTHER and url.end - url.start == len(text.strip(" ."))
    if is_whole or not kind:
        return LinkKind.PROJECT if is_whole else kind, False
    is_announced = is_announced or bool(cues.ANNOUNCED_AFTER.match(text, url.end))
    if LinkKind.PROJECT in kind and is_announced:
        return LinkKind.PROJECT, False  # the page is there already
    return kind, is_announced


@lru_cache(maxsize=4096)
def _read_clause(clause: str, words: str, host: HostKind) -> tuple[LinkKind, bool]:
    """Return what a clause says of a link, and whether it announces it; `words` has its anchor.

    Cached: `Code is available at` and `Project page:` precede every third link.
    """
    rule = _RULES.get(host)
    if rule is None or _is_foreign(words, host):
        return _NOTHING, False
    return rule(words), bool(cues.ANNOUNCED.search(clause))


def _with_anchor(text: str, url: TextUrl, clause: str) -> str:
    r"""Return a clause with the words that are linked (`\href{…}{words}`, `[words](…)`).

    Also with what the link is for: `see … for the code`.
    """
    before = _ANCHOR_BEFORE.search(text, max(0, url.start - 70), url.start)
    after = None if before else _ANCHOR_AFTER.match(text, url.end)
    purpose = cues.PURPOSE_AFTER.match(text, url.end)
    anchor = (before[1] or before[2]) if before else after[1] if after else ""
    added = [words for words in (anchor, purpose[1] if purpose else "") if "/" not in words]
    return f"{clause} {' '.join(added)}:" if any(added) else clause


def _is_foreign(clause: str, host: HostKind) -> bool:
    """Return whether a clause says that a link is somebody else's.

    For a repository, only the part after the last comma counts: it is the paper's by default.
    """
    if cues.OTHERS_CODE.search(clause) or cues.FOLLOWING.search(clause):
        return True
    part = 0 if host is HostKind.OTHER else clause.rfind(", ", 0, max(0, len(clause) - _MIN_PART))
    found = [*cues.OTHERS.finditer(clause, max(0, part))]
    if not found or cues.OWN.search(clause, found[-1].end()):
        return False
    is_object = not clause[found[-1].end() :].strip(" ([")  # "built on https://…"
    is_offered = _NAMES_PLACE.search(clause) and cues.OWN.search(clause, 0, found[-1].start())
    return is_object or not is_offered


def _repository(clause: str) -> LinkKind:
    """Return what is in a repository: code in any case, data if they are offered there."""
    return LinkKind.CODE | LinkKind.DATA if cues.DATA_TOO.search(clause) else LinkKind.CODE


def _account(clause: str) -> LinkKind:
    is_offered = cues.OFFER.search(clause) or cues.CODE.search(clause)
    return LinkKind.CODE if is_offered else _NOTHING


def _dataset(clause: str) -> LinkKind:
    has_code = cues.CODE.search(clause) and cues.DATA_TOO.search(clause)
    return LinkKind.CODE | LinkKind.DATA if has_code else LinkKind.DATA


def _archive(clause: str) -> LinkKind:
    """Return what is in an archive: only what is named, as archives have papers and slides too."""
    code = LinkKind.CODE if cues.CODE.search(clause) else _NOTHING
    return code | LinkKind.DATA if cues.DATA.search(clause) else code


def _page(clause: str) -> LinkKind:
    part = _part_without_venue(clause)
    names_venue = cues.VENUE.search(part)
    if names_venue and (not cues.PROJECT.search(part) or cues.VENUE_PAGE.search(part)):
        return _NOTHING
    has_code = not names_venue and cues.CODE.search(part)
    return LinkKind.PROJECT | LinkKind.CODE if has_code else LinkKind.PROJECT


def _other(clause: str) -> LinkKind:
    """Return what is at any other site: it must be called a page, or offer something."""
    part = _part_without_venue(clause)
    if cues.PROJECT.search(part):
        return _page(part)
    if cues.VENUE.search(part) or not cues.OFFER.search(part):
        return _NOTHING
    kind = _archive(part)
    return LinkKind.PROJECT if not kind and cues.SEE_PAGE.search(part) else kind


def _part_without_venue(clause: str) -> str:
    """Return what follows the last comma if a venue is named: `CVPR 2026, Project page:`."""
    part = clause[clause.rfind(", ") + 1 :]
    says_what = any(words.search(part) for words in (cues.CODE, cues.DATA, cues.PROJECT))
    return part if says_what and cues.VENUE.search(clause) else clause


_RULES: Final[Mapping[HostKind, Callable[[str], LinkKind]]] = {
    HostKind.REPOSITORY: _repository,
    HostKind.OWNER: _account,
    HostKind.DATASET: _dataset,
    HostKind.ARCHIVE: _archive,
    HostKind.PAGE: _page,
    HostKind.OTHER: _other,
}
