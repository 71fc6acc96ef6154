r"""URLs in texts: their words are no words of the text, and `link:` finds what they lead to.

    Code: https://www.github.com/A/b.git.     →  github.com/a/b
    \url{http://x.github.io/my\_page/}        →  x.github.io/my_page

A URL has a scheme, or begins with `www.`, or is a host with a path, or a host of three labels or
more. A host of two labels by itself (`Booking.com`) is a name: it is found by `link:`, and its
words are words of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import AnyStr, Final

_TOP_LEVEL: Final = (
    "com|org|net|io|ai|edu|gov|mil|int|dev|app|info|xyz|tech|site|page|pages|science|cloud|one|ml|gg"
    "|co|ly|gl|tv|cc|me|eu|uk|de|fr|ch|jp|cn|ca|au|nl|se|ru|kr|br|tw|sg|hk|il|nz|cz|dk|fi|pl|pt"
)
"""Top-level domains of hosts that are written without a scheme."""
_CHARACTER: Final = r"(?:[!#-;=?-\[\]_a-z~]|\\[_%#&~])"
_LABELS: Final = r"(?:[a-z0-9][a-z0-9-]*\.)"
_HOST_BEGIN: Final = r"(?<![a-z0-9@./_\\-])"
_HOST_END: Final = r"(?![a-z0-9-]|\.[a-z0-9])"
_URL: Final = (
    rf"(?:https?|ftp)://{_CHARACTER}{{0,253}}\.[a-z][a-z0-9]{_CHARACTER}*"
    rf"|{_HOST_BEGIN}www\.{_LABELS}+[a-z]{{2,}}(?::\d+)?(?:/{_CHARACTER}*)?"
    rf"|{_HOST_BEGIN}{_LABELS}+(?:{_TOP_LEVEL})(?::\d+)?/{_CHARACTER}*"
    rf"|{_HOST_BEGIN}{_LABELS}{{2,}}(?:{_TOP_LEVEL}){_HOST_END}"
)
_BARE_HOST: Final = rf"{_HOST_BEGIN}{_LABELS}(?:{_TOP_LEVEL}){_HOST_END}"
_FLAGS: Final = re.IGNORECASE | re.ASCII
_URL_TEXT: Final = re.compile(_URL, _FLAGS)
_URL_BYTES: Final = re.compile(_URL.encode(), _FLAGS)
_LINK: Final = re.compile(f"{_URL}|{_BARE_HOST}", _FLAGS)
_DOT_HINT: Final = rf"\.(?=[a-zA-Z0-9])(?:(?<=[wW]{{3}}\.)|(?:{_TOP_LEVEL})(?![A-Za-z0-9]))"
_SCHEME_HINT: Final = ":(?=//)"
"""Marks of which nearly every URL has one. They begin with one literal character, for speed."""
_HINTS_TEXT: Final = (re.compile(_SCHEME_HINT), re.compile(_DOT_HINT))
_HINTS_BYTES: Final = (re.compile(_SCHEME_HINT.encode()), re.compile(_DOT_HINT.encode()))
MAX_LINK_LENGTH: Final = 200
"""Longer names of links are not found."""
_TRAILING: Final = ".,;:!?'*)]"
_SCHEME: Final = re.compile(r"(?:[a-z]+://)?(?:www\.)*", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9][a-z0-9-]*(?:\.[a-z0-9][a-z0-9-]*)+")
_ESCAPED: Final = re.compile(r"\\([_%#&~])")


def blank_urls(text: str) -> str:
    """Return a text of the same length with blanks in place of its URLs."""
    parts, at = list[str](), 0
    for start, end in _find_chunks(text, _HINTS_TEXT, " ", "\n"):
        parts += [text[at:start], _URL_TEXT.sub(_to_blanks, text[start:end])]
        at = end
    return "".join([*parts, text[at:]]) if at else text


def blank_url_bytes(text: bytes) -> bytes:
    """Return an encoded text of the same length with blanks in place of its URLs."""
    parts, at = list[bytes](), 0
    for start, end in _find_chunks(text, _HINTS_BYTES, b" ", b"\n"):
        parts += [text[at:start], _URL_BYTES.sub(_to_blank_bytes, text[start:end])]
        at = end
    return b"".join([*parts, text[at:]]) if at else text


def _find_chunks(
    text: AnyStr, hints: Iterable[re.Pattern[AnyStr]], blank: AnyStr, newline: AnyStr
) -> list[tuple[int, int]]:
    """Return the start and end of the chunks between blanks that may have URLs, in order."""
    found = sorted(match.start() for hint in hints for match in hint.finditer(text))
    chunks, end = list[tuple[int, int]](), 0
    for at in found:
        if at >= end:
            start = max(text.rfind(blank, end, at) + 1, end)
            start = max(text.rfind(newline, start, at) + 1, start)
            end = text.find(blank, at)
            end = len(text) if end < 0 else end
            first_line = text.find(newline, at, end)
            end = end if first_line < 0 else first_line
            chunks.append((start, end))
    return chunks


def _to_blanks(match: re.Match[str]) -> str:
    url = match[0].rstrip(_TRAILING)
    return " " * len(url) + match[0][len(url) :]


def _to_blank_bytes(match: re.Match[bytes]) -> bytes:
    url = match[0].rstrip(_TRAILING.encode())
    return b" " * len(url) + match[0][len(url) :]


def find_links(texts: Iterable[str]) -> Iterator[str]:
    """Yield the links of texts in normal form: host and path, in lower case."""
    for text in texts:
        for start, end in _find_chunks(text, _HINTS_TEXT, " ", "\n"):
            for match in _LINK.finditer(text[start:end]):
                if link := normalize_link(match[0].rstrip(_TRAILING)):
                    yield link


def normalize_link(url: str) -> str:
    """Return the host and path of a URL in lower case, without `www.`, query, and final slash.

    Empty if it has no host.
    """
    bare = _SCHEME.sub("", _ESCAPED.sub(r"\1", url.strip()), count=1).casefold()
    host, _, path = re.split("[?#]", bare, maxsplit=1)[0].partition("/")
    host = host.rpartition("@")[2].partition(":")[0].rstrip(".")
    if not _HOST.fullmatch(host):
        return ""
    parts = [part for part in path.removesuffix("/").removesuffix(".git").split("/") if part]
    return "/".join([host, *parts])


def link_prefixes(link: str, max_parts: int | None = None) -> Iterator[str]:
    """Yield the values of `link:` that find a link in normal form.

    Its host, that of the domains above, and the host with the first parts of the path, `max_parts`
    at most.
    """
    host, *parts = link.split("/")
    labels = host.split(".")
    names = [".".join(labels[at:]) for at in range(len(labels) - 1)]
    names += ["/".join([host, *parts[: n + 1]]) for n in range(len(parts[:max_parts]))]
    yield from (name for name in names if len(name) <= MAX_LINK_LENGTH)
