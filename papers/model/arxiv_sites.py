"""References to arXiv papers in free text: the sites, prefixes and forms that contain an id.

A reference is found wherever it stands: beside the letters and punctuation of any script, inside
another URL, percent-encoded or HTML-escaped. It ends at the first character that cannot be part of
an id. Whether a paper can have that id is decided in `arxiv_id`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Final

_PAGES: Final = (
    "abs|pdf|html|ps|format|src|e-print|tb|list|show-email|a|cits|bibtex|ftp/arxiv/papers/[0-9]{4}"
)
_ARXIV: Final = rf"/+(?:(?:{_PAGES})/+)?(?:arxiv[:.])?"

SITES: Final = {
    host: re.compile(path.replace("/+", "/{1,4}").replace("+", "{1,60}"), re.IGNORECASE)
    for host, path in {
        "arxiv.org": _ARXIV,
        "arxiv-org.translate.goog": _ARXIV,
        "xxx.lanl.gov": _ARXIV,
        "xxx.itp.ac.cn": _ARXIV,
        "web.archive.org": rf"/web/[\w*]+/(?:https?:/+)?(?:www\.)?arxiv\.org{_ARXIV}",
        "ar5iv.org": r"/+(?:abs|html)/+",
        "ar5iv.labs.arxiv.org": r"/+(?:abs|html)/+",
        "doi.org": r"/+10\.48550/arxiv\.",
        "huggingface.co": r"/+(?:api/)?papers/+",
        "hf.co": r"/+(?:api/)?papers/+",
        "hf-mirror.com": r"/+(?:api/)?papers/+",
        "alphaxiv.org": r"/+(?:[a-z]{2}/+)?(?:abs|pdf|overview|resources|audio)/+",
        "papers.cool": r"/+arxiv/+",
        "scirate.com": r"/+arxiv/+",
        "tldr.takara.ai": r"/+p/+",
        "takara.ai": r"/+p/+",
        "semanticscholar.org": r"/+arxiv[:/]",
        "arxiv-vanity.com": r"/+papers/+",
        "emergentmind.com": r"/+papers/+(?:arxiv:)?",
        "inspirehep.net": r"/+(?:api/+)?arxiv/+",
    }.items()
}
"""Hosts whose URLs refer to arXiv papers, and the part of the path before the id."""

_MIRRORS: Final = "www|export|browse|lanl|aps|static|dx|au|br|cn|de|es|fr|il|in|jp|kr|ru|tw|uk|za"
_MIRROR: Final = re.compile(rf"(?:{_MIRRORS})\.")

_NEW_ID: Final = r"[0-9]{4}\.[0-9]{4,5}"
_ARCHIVES: Final = (
    r"(?:[a-z]{1,10}-[a-z]{1,10}|cs|math|nlin|physics)(?:\.[a-z]{2,5}(?:-[a-z]{2,4})?)?"
)
_ANY_ID: Final = rf"(?:{_NEW_ID}|(?:{_ARCHIVES}|test)/[0-9]{{7}})(?![0-9])"
_ID: Final = re.compile(_ANY_ID)

_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7af\uf900-\ufaff"
"""Scripts that put no blank between words: their letters may touch a reference."""

_LETTER: Final = rf"[^\W_{_UNSPACED}]"
_APART: Final = rf"(?<!{_LETTER})(?<![a-z0-9]_)"
"""Not after a character of the same word; `_` is also Markdown's emphasis."""

_INLINE_TAGS: Final = (
    r"(?:</?(?:a|b|i|u|em|strong|span|code|font|tt|small|wbr)\b[^<>]{0,150}>\s{0,9}){0,2}"
)
_OPENING: Final = r"(?:\s{0,9}|\s{0,9}[\[({\"'“‘「]{1,2}\s?)"

_REFERENCE: Final = re.compile(
    r"(?=[/0-9a-z])(?:javascript:[^\s\"'<>]*"
    # an address: its host is looked up, and the rest of it is searched as well
    rf"|(?:https?:/+|(?<!{_LETTER})(?<![/.%\\)-])//)"
    r"(?P<host>(?:[\w.%~!$&*+=:-]{1,100}@)?[\w.%-]{1,255}(?::[0-9]{1,5})?)"
    rf"|{_APART}(?<![.@/\\-])"
    rf"(?P<bare_host>(?:(?:{_MIRRORS})\.)?(?:{'|'.join(map(re.escape, SITES))}))"
    r"(?=\.?(?::[0-9]{1,5})?/)"
    # a prefix
    r"|(?P<prefix>(?<![a-z0-9])(?:"
    r"(?:oai:)?arxiv\.org:|info:arxiv/|10\.48550/arxiv\."
    rf"|{_APART}(?<![./=#?&%\\-])arxiv[/._-]"
    rf"|arxiv(?:\s{{1,3}}(?:pre-?print|e-?print|paper|id|no\.?|number|identifier))?"
    rf"(?:\s{{0,9}}[:#=]|(?=[\s\[({{<])){_OPENING}{_INLINE_TAGS}"
    rf"|eprint\s{{0,9}}=\s{{0,9}}[{{\"]\s{{0,9}})(?={_ANY_ID}))"
    # forms of their own
    rf"|{_APART}(?<![./=#?&\\-])(?P<old>{_ARCHIVES}/[0-9]{{7}})(?![0-9])"
    r"|corr/abs-(?P<dblp>[0-9]{4}-[0-9]{4,5})(?![0-9])"
    r"|(?<![0-9])20[0-9]{2}arxiv(?P<bibcode>[0-9]{8,9})(?=[a-z.]?(?![a-z0-9])))"
)
_DIGITS: Final = re.compile(r"[0-9]{4}(?:[.-]?[0-9]{4}|[0-9]{3})")
"""The digits that every reference has; other texts have them as well."""

_WINDOW: Final = 600
"""A reference begins at most this many characters before its digits."""

_PORT: Final = re.compile(r"\.?(?::[0-9]{1,5})?")

_INVISIBLE: Final = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_PLAIN: Final = str.maketrans(
    {"：": ":", "／": "/", "．": ".", "？": "?", "＝": "=", "＆": "&", "\u2010": "-", "\u2011": "-"}
    | dict.fromkeys(_INVISIBLE)
)
_MAX_ESCAPES: Final = 3
"""Times that a text may have been escaped for HTML."""

_PERCENT_ENCODED: Final = re.compile(r"%(?:25)*+([2-7][0-9a-f])", re.IGNORECASE)
_BACKSLASH: Final = re.compile(r"\\([/.:_-])")
_HUGE_REFERENCE: Final = re.compile(r"&#(?:[0-9]{8,}+|x[0-9a-f]{7,}+);?", re.IGNORECASE)
_HIGH_AND_LOW: Final = re.compile(
    r"&#(5[56][0-9]{3}|x[dD][89abAB][0-9a-fA-F]{2});&#(5[67][0-9]{3}|x[dD][c-fC-F][0-9a-fA-F]{2});"
)


def site_path(host: str) -> re.Pattern[str] | None:
    """Return what precedes an id in the paths of a site; None if the host is no such site."""
    name = host.lower().rsplit("@", 1)[-1].split(":")[0].removesuffix(".")
    return SITES.get(name) or SITES.get(_MIRROR.sub("", name, count=1))


def unescape(text: str) -> str:
    """Return a text with character references replaced, impossible ones by U+FFFD.

    A surrogate pair of two references is its character.
    """
    if "&" not in text:
        return text
    return html.unescape(_HUGE_REFERENCE.sub("\ufffd", _HIGH_AND_LOW.sub(_joined, text)))


def find_references(text: str) -> Iterator[str]:
    """Yield what looks like an id, without its version, for every reference in a text."""
    text = _plain(text).lower()
    for start, stop in _windows(text):
        yield from _references_between(text, start, stop)


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Yield the parts of a text in which a reference may begin: the parts before any digits."""
    start = stop = 0
    for digits in _DIGITS.finditer(text):
        if digits.start() - _WINDOW > stop:
            if stop:
                yield start, stop
            start = digits.start() - _WINDOW
        stop = digits.end() + 1
    if stop:
        yield start, stop


def _references_between(text: str, start: int, stop: int) -> Iterator[str]:
    """Yield the references that begin in a part of a text."""
    for found in _REFERENCE.finditer(text, start, stop):
        end = found.end()
        if host := found["host"] or found["bare_host"]:
            yield from _id_in_path(text, host, end)
        elif found["prefix"]:
            yield from _id_at(text, end)
        elif found["old"]:
            yield found["old"]
        elif found["dblp"]:
            yield found["dblp"].replace("-", ".")
        elif found["bibcode"]:
            yield f"{found['bibcode'][:4]}.{found['bibcode'][4:]}"


def _id_in_path(text: str, host: str, end: int) -> Iterator[str]:
    """Yield the id in the path that begins at `end`, if the host is a site of papers."""
    path = site_path(host)
    port = _PORT.match(text, end)
    if path and port and (before := path.match(text, port.end())):
        yield from _id_at(text, before.end())


def _id_at(text: str, position: int) -> Iterator[str]:
    if found := _ID.match(text, position):
        yield found[0]


def _plain(text: str) -> str:
    """Return a text without the escapes and the typography that a reference may contain."""
    for _ in range(_MAX_ESCAPES):
        text = unescape(text)
    if not text.isascii():
        text = text.translate(_PLAIN)
    if "\\" in text:
        text = _BACKSLASH.sub(r"\1", text)
    if "%" in text:
        text = _PERCENT_ENCODED.sub(lambda found: chr(int(found[1], 16)), text)
    return text


def _joined(found: re.Match[str]) -> str:
    """Return the character of two references to surrogates; U+FFFD if they are none."""
    high, low = (int(part[1:], 16) if part[0] in "xX" else int(part) for part in found.groups())
    if 0xD800 <= high < 0xDC00 <= low < 0xE000:
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    return "\ufffd\ufffd"
