r"""URLs in titles, abstracts and comments, with their positions.

    https://github.com/a/b).          → https://github.com/a/b
    \href{https://a.b/c\_d}{here}     → https://a.b/c_d
    github.com/a/b                    → https://github.com/a/b
    https://github.com/a/ b-c         → https://github.com/a/b-c, cut by a line break
    $\href{https://a.b/~c}{\text{x}}$ → https://a.b/~c

Only http and https. A host without a scheme counts if it begins with `www.`, or has a path, or
belongs to a site of pages (`a.github.io`), and ends in a known top-level domain: `and/or`,
`Node.js` and `e.g./i.e.` are no URLs, nor is `WWW.` in capitals. Time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

MAX_URL_LENGTH: Final = 2_000
"""Longer ones are left out: browsers and servers refuse them."""

_TOP_LEVEL_DOMAINS: Final = (
    "com|org|net|edu|gov|int|mil|io|ai|co|dev|app|science|info|xyz|tech|cloud|site|online|page|"
    "pages|space|me|us|uk|de|fr|it|es|pt|nl|be|ch|at|se|no|fi|dk|pl|cz|hu|ro|gr|ru|ua|tr|il|in|cn|"
    "jp|kr|tw|hk|sg|au|nz|ca|br|mx|ar|cl|ie|eu|gl|ly|is|top|cc|tv|to|sh|fm|one|wiki|network|lab"
)
_PAGE_SITE: Final = r"(?:github|gitlab|codeberg|netlify|vercel|pages)\.(?:io|page|app|dev)"
_TEX_CHARACTER: Final = r"\\[_%\#&~$-]|\$\\sim\$|\{\\(?:textasciitilde|_)\}|\\textasciitilde"
_CHARACTERS: Final = (
    r"(?:[A-Za-z0-9._~:/?\#@!&'*+=%-]|[,;](?!https?:)|\((?!https?:)|\)|\[|\](?!\()|"
    rf"{_TEX_CHARACTER})"
)
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_HOST: Final = rf"{_LABEL}(?:\.{_LABEL})+"
_URL: Final = re.compile(
    rf"""
    (?P<scheme> https?\ ?: [ \n]? // [ \n]? ) (?P<authority> [A-Za-z0-9\[] ) {_CHARACTERS}*
    (?: (?<=\.) [ \n] (?= {_PAGE_SITE} ) {_CHARACTERS}+ )?
    | (?<! [\w@.\-/\\] ) (?:
        www\. {_HOST} (?: [:/] {_CHARACTERS}* )?
        | (?: {_LABEL} \. )+ (?: {_TOP_LEVEL_DOMAINS} ) / (?! \d{{7}}\b ) {_CHARACTERS}+
        | {_LABEL} \. {_PAGE_SITE} (?! [\w-] ) (?: / {_CHARACTERS}* )?
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_DOMAIN_END: Final = re.compile(r"\.(?:[A-Za-z]+/|(?:io|app|page|dev)\b)")
_REPOSITORY_HOST: Final = r"https?://(?:www\.)?(?:github\.com|huggingface\.co|gitlab\.[\w.]+)"
_CUT_AFTER_HOST: Final = re.compile(rf"{_REPOSITORY_HOST}/$", re.IGNORECASE)
_CUT_AFTER_OWNER: Final = re.compile(
    rf"{_REPOSITORY_HOST}/[\w.-]+/$|https?://[\w-]+\.github\.io/$|[\w/]-$", re.IGNORECASE
)
_OWNER_AND_NAME: Final = re.compile(r"[ \n]([\w.-]+/[\w./-]*\w/?)")
_PATH_NAME: Final = re.compile(
    r"[ \n]((?=[\w.]*[A-Za-z0-9.](?:[-_]|(?<=[a-z])[A-Z]|(?<=[A-Za-z])\d)|[A-Z\d]+\b)[\w.-]*\w/?)"
    r"(?![\w:])"
)
_MAX_MARKS: Final = 8
_TRAILING: Final = ".,;:!?'*~-&=\\["
_BRACKETS: Final = {")": "(", "]": "["}
_AUTHORITY: Final = re.compile(r"[^/?#]*")
_ESCAPE: Final = re.compile(_TEX_CHARACTER)


class TextUrl(NamedTuple):
    """A URL in a text; `text[start:end]` is what was written, `url` is it in normal form.

    In normal form it has a scheme, host and scheme in lower case, and neither TeX nor blanks.
    """

    url: str
    start: int
    end: int

    @property
    def host(self) -> str:
        """The host in lower case, without `www.`, user and port."""
        authority = re.split(r"[/?#]", self.url, maxsplit=3)[2].rpartition("@")[2]
        return authority.partition(":")[0].removeprefix("www.")

    @property
    def path(self) -> str:
        """The path without its leading slash, query and fragment: `a/b`, or empty."""
        rest = self.url.split("/", 3)[3:]
        return re.split(r"[?#]", rest[0], maxsplit=1)[0] if rest else ""


def find_urls(text: str) -> list[TextUrl]:
    """Return the URLs of a text in order; a URL that is written twice is returned twice."""
    found = []
    end = 0
    for match in _iter_matches(text):
        if match.start() < end:  # inside one that continued after a line break
            continue
        end = match.start() + len(_without_trailing(match[0]))
        url = _normalize(text[match.start() : end])
        if continued := _continuation_length(url, text, end):
            end += continued
            url = _normalize(text[match.start() : end])
        if len(url) <= MAX_URL_LENGTH and _has_host(url):
            found.append(TextUrl(url, match.start(), end))
    return found


def _iter_matches(text: str) -> Iterator[re.Match[str]]:
    """Yield what `_URL.finditer` does, without searching where no URL can begin.

    What follows the last URL would take 0.1 ms in most texts. Only the first few are found so: to
    look for a mark takes as long as the rest of the text.
    """
    end = 0
    for _ in range(_MAX_MARKS):
        start = _search_start(text, end)
        match = None if start is None else _URL.search(text, start)
        if match is None:
            return
        yield match
        end = match.end()
    yield from _URL.finditer(text, end)


def _search_start(text: str, end: int) -> int | None:
    """Return a position before the first URL from `end` on; None if no mark of a URL follows.

    For most texts this decides, in 2 µs. A URL begins in the word that has the mark, or the one
    before: `https: //`.
    """
    domain = _DOMAIN_END.search(text, end)
    marks = (text.find("//", end), text.find("www.", end), domain.start() if domain else -1)
    first = min((mark for mark in marks if mark >= 0), default=-1)
    if first < 0:
        return None
    return max(end, text.rfind(" ", end, max(end, text.rfind(" ", end, first))))


def _without_trailing(written: str) -> str:
    """Return a URL without the punctuation and the brackets that belong to the sentence."""
    length = len(written)
    depth = {bracket: written.count(bracket) for bracket in "()[]"}
    while length:
        last = written[length - 1]
        if opening := _BRACKETS.get(last):
            if depth[last] <= depth[opening]:
                break
        elif last not in _TRAILING or (last == "-" and length == len(written)):
            break
        depth[last] = depth.get(last, 1) - 1
        length -= 1
    return written[:length]


def _continuation_length(url: str, text: str, end: int) -> int:
    """Return how much text after a cut URL belongs to it, its blank included; 0 if it is whole."""
    pattern = None
    if _CUT_AFTER_HOST.search(url):
        pattern = _OWNER_AND_NAME
    elif _CUT_AFTER_OWNER.search(url):
        pattern = _PATH_NAME
    match = pattern.match(text, end) if pattern else None
    return len(match[0]) if match else 0


def _normalize(written: str) -> str:
    """Return a URL with a scheme, without TeX and blanks, scheme and host in lower case."""
    plain = written
    if "\\" in plain or "$" in plain or "{" in plain:
        plain = _ESCAPE.sub(_unescape, plain)
    scheme, separator, rest = "".join(plain.split()).partition("://")
    if not separator:
        scheme, rest = "https", scheme
    host = _AUTHORITY.match(rest)
    end = host.end() if host else 0
    return f"{scheme.lower()}://{rest[:end].lower()}{rest[end:]}"


def _unescape(match: re.Match[str]) -> str:
    written = match[0]
    if written == r"\-":  # a possible hyphenation
        return ""
    if len(written) == 2:
        return written[1]
    return "_" if "_" in written else "~"


def _has_host(url: str) -> bool:
    """Return whether what follows the scheme is a host with a dot: `http://x` is a placeholder."""
    return bool(re.match(rf"https?://(?:[^/@]*@)?{_HOST}(?::\d+)?(?:[/?#]|$)", url, re.IGNORECASE))
