"""A stream cut into records, each with the place where it stands, in memory bounded by one record.

Lines are cut at line ends; documents of OAI-PMH around their `record` elements, which need not be
well-formed for that: a document may be cut short, or stand in the middle of others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

LONGEST: Final = 16_000_000
"""Bytes a record may have; a paper of 3,000 authors has 100,000."""

_BLOCK: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"
_OAI: Final = b'xmlns="http://www.openarchives.org/OAI/2.0/"'
_TAG: Final = re.compile(
    rb"""<(?:[\w.-]+:)?(?:(?P<root>OAI-PMH)\b(?P<said>[^>]*)>|(?P<record>record)\s*>"""
    rb"""|(?P<error>error)\s+code\s*=\s*["'](?P<code>\w+)["'])"""
)
_ENDS: Final = re.compile(rb"</(?:[\w.-]+:)?record\s*>|(?P<another><(?:[\w.-]+:)?record\s*>)")
_SPACES: Final = re.compile(rb"""\bxmlns(?::[\w.-]+)?\s*=\s*(?:"[^"<]*"|'[^'<]*')""")


class Piece(NamedTuple):
    """A record: the line it begins in, the byte after it, and its bytes.

    `reason` tells why there is no whole record; then `text` is its beginning. An element of XML
    stands in a root that declares what its document declared.
    """

    line: int
    end: int
    text: bytes
    reason: str = ""


def cut(stream: IO[bytes], first: bytes) -> Iterator[Piece]:
    """The records of a stream; `first` is how it begins, seen without being taken."""
    begins = first.removeprefix(_BOM).lstrip()
    return elements(stream) if begins.startswith(b"<") else lines(stream)


def lines(stream: IO[bytes]) -> Iterator[Piece]:
    """The lines that are not empty."""
    number, end = 0, 0
    while line := stream.readline(LONGEST):
        number, size = number + 1, len(line)
        reason = ""
        while not line.endswith(b"\n") and (rest := stream.readline(LONGEST)):
            size, reason = size + len(rest), f"the line is longer than {LONGEST:,} bytes"
            line = line[:1000] + rest[-1:]
        end += size
        if text := line.removeprefix(_BOM).strip():
            yield Piece(number, end, text, reason)


class _Window:
    """The part of a stream that is being looked at; `at` is where in it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.bytes = stream.read(_BLOCK)
        self.at = self.passed = 0
        self.line = 1

    def go_to(self, at: int) -> None:
        """Move on, counting lines."""
        self.line += self.bytes.count(b"\n", self.at, at)
        self.at = at

    def more(self) -> bool:
        """Drop what is behind and read on; False at the end."""
        block = self._stream.read(_BLOCK)
        self.passed += self.at
        self.bytes, self.at = self.bytes[self.at :] + block, 0
        return bool(block)


def elements(stream: IO[bytes]) -> Iterator[Piece]:
    """The `record` elements, and errors that stand in their place."""
    window, root = _Window(stream), _root(b"")
    while found := _next(window):
        window.go_to(found.start())
        if found["root"]:
            root = _root(found["said"])
            window.go_to(found.end())
        elif found["record"]:
            yield _record(window, root)
        else:
            window.go_to(found.end())
            if (code := found["code"].decode()) != "noRecordsMatch":
                end = window.passed + window.at
                yield Piece(window.line, end, found[0], f"OAI-PMH said {code} here")


def _next(window: _Window) -> re.Match[bytes] | None:
    """The next tag that matters, from where the window is."""
    while not (found := _TAG.search(window.bytes, window.at)):
        begun = window.bytes.rfind(b"<", max(window.at, len(window.bytes) - 4096))
        window.go_to(begun if begun >= 0 else len(window.bytes))
        if not window.more():
            return None
    return found


def _record(window: _Window, root: bytes) -> Piece:
    """The record that begins where the window is; it is left behind."""
    line, looked = window.line, 1
    while not (end := _ENDS.search(window.bytes, window.at + looked)):
        looked = max(1, len(window.bytes) - window.at - 64)
        too_long = looked > LONGEST
        if too_long or not window.more():
            reason = f"the record is longer than {LONGEST:,} bytes" if too_long else _UNENDED
            return _given_up(window, line, len(window.bytes), reason)
    if end["another"]:
        return _given_up(window, line, end.start(), _UNENDED)
    text = root + window.bytes[window.at : end.end()] + b"</records>"
    window.go_to(end.end())
    return Piece(line, window.passed + window.at, text)


_UNENDED: Final = "the record does not end: the document was cut"


def _given_up(window: _Window, line: int, until: int, reason: str) -> Piece:
    begins = window.bytes[window.at : window.at + 1000]
    window.go_to(until)
    return Piece(line, window.passed + window.at, begins, reason)


def _root(said: bytes) -> bytes:
    """The start tag of a root with the name spaces that a document's own declares."""
    return b"<records " + b" ".join(_SPACES.findall(said) or [_OAI]) + b">"
