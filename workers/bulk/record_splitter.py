"""Splits a stream into records, each with its line and offset, in memory bounded by one record.

Lines are split at line ends, OAI-PMH documents around their `record` elements. Documents need not
be well-formed for that: one may be truncated, or stand in the middle of others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Final, NamedTuple

MAX_RECORD_BYTES: Final = 16_000_000
"""Bytes per record; a paper of 3,000 authors has 100,000."""

_BLOCK: Final = 1 << 20
_BOM: Final = b"\xef\xbb\xbf"
_OAI: Final = b'xmlns="http://www.openarchives.org/OAI/2.0/"'
_TAG: Final = re.compile(
    rb"""<(?:[\w.-]+:)?(?:(?P<root>OAI-PMH)\b(?P<attributes>[^>]*)>|(?P<record>record)\s*>"""
    rb"""|(?P<error>error)\s+code\s*=\s*["'](?P<code>\w+)["'])"""
)
_RECORD_ENDS: Final = re.compile(
    rb"</(?:[\w.-]+:)?record\s*>|(?P<another><(?:[\w.-]+:)?record\s*>)"
)
_NAMESPACES: Final = re.compile(rb"""\bxmlns(?::[\w.-]+)?\s*=\s*(?:"[^"<]*"|'[^'<]*')""")


class SplitRecord(NamedTuple):
    """A record: the line it begins on, the offset of the byte after it, and its bytes.

    `reason` says why the record is incomplete; `text` is then its beginning. An XML element is
    wrapped in a root that declares the namespaces of its document.
    """

    line: int
    end_offset: int
    text: bytes
    reason: str = ""


def split_records(stream: IO[bytes], first: bytes) -> Iterator[SplitRecord]:
    """Yield the records of a stream; `first` is its beginning, peeked at but not consumed."""
    beginning = first.removeprefix(_BOM).lstrip()
    return split_elements(stream) if beginning.startswith(b"<") else split_lines(stream)


def split_lines(stream: IO[bytes]) -> Iterator[SplitRecord]:
    """Yield the lines that are not empty."""
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
    """The buffered part of a stream; `position` is the current offset in the buffer."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.buffer = stream.read(_BLOCK)
        self.position = self.dropped_bytes = 0
        self.line = 1

    def advance_to(self, position: int) -> None:
        """Move to an offset in the buffer, counting lines."""
        self.line += self.buffer.count(b"\n", self.position, position)
        self.position = position

    def read_more(self) -> bool:
        """Drop the buffer before the position and read a block; False at the end."""
        block = self._stream.read(_BLOCK)
        self.dropped_bytes += self.position
        self.buffer, self.position = self.buffer[self.position :] + block, 0
        return bool(block)


def split_elements(stream: IO[bytes]) -> Iterator[SplitRecord]:
    """Yield the `record` elements, and OAI-PMH errors found in place of records."""
    window, root = _StreamWindow(stream), _root_tag(b"")
    while match := _next_tag(window):
        window.advance_to(match.start())
        if match["root"]:
            root = _root_tag(match["attributes"])
            window.advance_to(match.end())
        elif match["record"]:
            yield _take_record(window, root)
        else:
            window.advance_to(match.end())
            if (code := match["code"].decode()) != "noRecordsMatch":
                end = window.dropped_bytes + window.position
                yield SplitRecord(window.line, end, match[0], f"OAI-PMH said {code} here")


def _next_tag(window: _StreamWindow) -> re.Match[bytes] | None:
    """Return the next relevant tag from the window's position."""
    while not (match := _TAG.search(window.buffer, window.position)):
        tag_start = window.buffer.rfind(b"<", max(window.position, len(window.buffer) - 4096))
        window.advance_to(tag_start if tag_start >= 0 else len(window.buffer))
        if not window.read_more():
            return None
    return match


def _take_record(window: _StreamWindow, root: bytes) -> SplitRecord:
    """Return the record that begins at the window's position, and move past it."""
    line, searched = window.line, 1
    while not (end := _RECORD_ENDS.search(window.buffer, window.position + searched)):
        searched = max(1, len(window.buffer) - window.position - 64)
        too_long = searched > MAX_RECORD_BYTES
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


def _broken_record(window: _StreamWindow, line: int, end: int, reason: str) -> SplitRecord:
    beginning = window.buffer[window.position : window.position + 1000]
    window.advance_to(end)
    return SplitRecord(line, window.dropped_bytes + window.position, beginning, reason)


def _root_tag(attributes: bytes) -> bytes:
    """Return a root's start tag with the namespaces that a document declares."""
    return b"<records " + b" ".join(_NAMESPACES.findall(attributes) or [_OAI]) + b">"
