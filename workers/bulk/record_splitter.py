"""A stream cut into records, each with the place where it stands, in memory bounded by one record.

Lines are cut at line ends; documents of OAI-PMH around their `record` elements, which need not be
well-formed for that: a document may be cut short, or stand in the middle of others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

MAX_RECORD_BYTES: Final = 16_000_000
"""Bytes a record may have; a paper of 3,000 authors has 100,000."""

_BLOCK: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"
_OAI: Final = b'xmlns="http://www.openarchives.org/OAI/2.0/"'
_TAG: Final = re.compile(
    rb"""<(?:[\w.-]+:)?(?:(?P<root>OAI-PMH)\b(?P<said>[^>]*)>|(?P<record>record)\s*>"""
    rb"""|(?P<error>error)\s+code\s*=\s*["'](?P<code>\w+)["'])"""
)
_RECORD_ENDS: Final = re.compile(
    rb"</(?:[\w.-]+:)?record\s*>|(?P<another><(?:[\w.-]+:)?record\s*>)"
)
_NAMESPACES: Final = re.compile(rb"""\bxmlns(?::[\w.-]+)?\s*=\s*(?:"[^"<]*"|'[^'<]*')""")


class SplitRecord(NamedTuple):
    """A record: the line it begins in, the byte after it, and its bytes.

    `reason` tells why there is no whole record; then `text` is its beginning. An element of XML
    stands in a root that declares what its document declared.
    """

    line: int
    end_offset: int
    text: bytes
    reason: str = ""


def split_records(stream: IO[bytes], first: bytes) -> Iterator[SplitRecord]:
    """The records of a stream; `first` is how it begins, seen without being taken."""
    begins = first.removeprefix(_BOM).lstrip()
    return split_elements(stream) if begins.startswith(b"<") else split_lines(stream)


def split_lines(stream: IO[bytes]) -> Iterator[SplitRecord]:
    """The lines that are not empty."""
    number, end = 0, 0
    while line := stream.readline(MAX_RECORD_BYTES):
        number, size = number + 1, len(line)
        reason = ""
        while not line.endswith(b"\n") and (rest := stream.readline(MAX_RECORD_BYTES)):
            size, reason = size + len(rest), f"the line is longer than {MAX_RECORD_BYTES:,} bytes"
            line = line[:1000] + rest[-1:]
        end += size
        if text := line.removeprefix(_BOM).strip():
            yield SplitRecord(number, end, text, reason)


class _StreamWindow:
    """The part of a stream that is being looked at; `at` is where in it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.buffer = stream.read(_BLOCK)
        self.position = self.dropped_bytes = 0
        self.line = 1

    def advance_to(self, at: int) -> None:
        """Move on, counting lines."""
        self.line += self.buffer.count(b"\n", self.position, at)
        self.position = at

    def read_more(self) -> bool:
        """Drop what is behind and read on; False at the end."""
        block = self._stream.read(_BLOCK)
        self.dropped_bytes += self.position
        self.buffer, self.position = self.buffer[self.position :] + block, 0
        return bool(block)


def split_elements(stream: IO[bytes]) -> Iterator[SplitRecord]:
    """The `record` elements, and errors that stand in their place."""
    window, root = _StreamWindow(stream), _root_tag(b"")
    while found := _next_tag(window):
        window.advance_to(found.start())
        if found["root"]:
            root = _root_tag(found["said"])
            window.advance_to(found.end())
        elif found["record"]:
            yield _take_record(window, root)
        else:
            window.advance_to(found.end())
            if (code := found["code"].decode()) != "noRecordsMatch":
                end = window.dropped_bytes + window.position
                yield SplitRecord(window.line, end, found[0], f"OAI-PMH said {code} here")


def _next_tag(window: _StreamWindow) -> re.Match[bytes] | None:
    """The next tag that matters, from where the window is."""
    while not (found := _TAG.search(window.buffer, window.position)):
        begun = window.buffer.rfind(b"<", max(window.position, len(window.buffer) - 4096))
        window.advance_to(begun if begun >= 0 else len(window.buffer))
        if not window.read_more():
            return None
    return found


def _take_record(window: _StreamWindow, root: bytes) -> SplitRecord:
    """The record that begins where the window is; it is left behind."""
    line, looked = window.line, 1
    while not (end := _RECORD_ENDS.search(window.buffer, window.position + looked)):
        looked = max(1, len(window.buffer) - window.position - 64)
        too_long = looked > MAX_RECORD_BYTES
        if too_long or not window.read_more():
            reason = (
                f"the record is longer than {MAX_RECORD_BYTES:,} bytes"
                if too_long
                else _UNTERMINATED
            )
            return _broken_record(window, line, len(window.buffer), reason)
    if end["another"]:
        return _broken_record(window, line, end.start(), _UNTERMINATED)
    text = root + window.buffer[window.position : end.end()] + b"</records>"
    window.advance_to(end.end())
    return SplitRecord(line, window.dropped_bytes + window.position, text)


_UNTERMINATED: Final = "the record does not end: the document was cut"


def _broken_record(window: _StreamWindow, line: int, until: int, reason: str) -> SplitRecord:
    begins = window.buffer[window.position : window.position + 1000]
    window.advance_to(until)
    return SplitRecord(line, window.dropped_bytes + window.position, begins, reason)


def _root_tag(said: bytes) -> bytes:
    """The start tag of a root with the name spaces that a document's own declares."""
    return b"<records " + b" ".join(_NAMESPACES.findall(said) or [_OAI]) + b">"
