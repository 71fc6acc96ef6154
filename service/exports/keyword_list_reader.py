"""Reads lists of keywords, one entry after another: OPML, JSON, or lines of text.

    <opml …>                       each feed of a Paperwire (`service.exports.opml_reader`)
    [{"name": …, "query": …}, …]   objects or queries; also one object after another, and what
                                   /api/v1/keywords serves
    name TAB query                 a keyword a line; or the query alone, which is the name, too

Lines and JSON are read as they come, so that their length takes no memory. What cannot be read in
an entry is that entry's problem; BadParameter is raised if nothing more can be read.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader, RawIOBase
from typing import IO, Any, Final, cast

from papers.errors import BadInput, BadParameter
from papers.query.parser import parse_query
from papers.state.import_blocks import ImportEntry
from papers.state.slugs import MAX_NAME_LENGTH
from service.exports.opml_reader import keyword_from_outline, read_outlines
from service.markup.clean import single_line

MAX_ENTRY_BYTES: Final = 1_000_000
"""Bytes of one line or JSON value."""
_CHUNK_BYTES: Final = 65_536
_UTF8_BOM: Final = b"\xef\xbb\xbf"


def read_keyword_list(file: IO[bytes]) -> Iterator[ImportEntry]:
    """Yield the entries of a list, whose format its first character says. Raises BadParameter."""
    buffered = BufferedReader(cast(RawIOBase, file), _CHUNK_BYTES)
    try:
        start = buffered.peek(_CHUNK_BYTES)
        is_utf16 = start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        first = b"<" if is_utf16 else start.removeprefix(_UTF8_BOM).lstrip()[:1]
        yield from _READERS.get(first, _read_lines)(buffered)
    finally:
        with suppress(ValueError):  # closed already
            buffered.detach()  # or it would close the file


def _read_opml(file: IO[bytes]) -> Iterator[ImportEntry]:
    for outline in read_outlines(file):
        name = outline.name or outline.url
        try:
            found = keyword_from_outline(outline)
        except BadInput as error:
            yield ImportEntry(outline.line, name, problem=str(error))
            continue
        if found is None:
            yield ImportEntry(outline.line, name)
        else:
            yield ImportEntry(outline.line, found.name, found.query, is_guessed=found.is_guessed)


def _read_lines(file: IO[bytes]) -> Iterator[ImportEntry]:
    number = 0
    while line := file.readline(MAX_ENTRY_BYTES + 1):
        number += 1
        if len(line) > MAX_ENTRY_BYTES:
            raise BadParameter(
                "file",
                f"line {number} is longer than any keyword; a line is a name, a tab and a query",
            )
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            raise BadParameter("file", f"line {number} is no UTF-8: {error.reason}") from error
        if text and not text.startswith("#"):
            name, tab, query = text.partition("\t")
            yield _make_entry(number, name if tab else "", query if tab else text)


def _read_json(file: IO[bytes]) -> Iterator[ImportEntry]:
    number = 0
    for value in _json_values(file):
        listed = value.get("keywords") if isinstance(value, dict) else None
        for item in listed if isinstance(listed, list) else [value]:
            number += 1
            yield _entry_from_json(number, item)


_READERS: Final = {b"<": _read_opml, b"[": _read_json, b"{": _read_json}
"""First character to reader; lines begin with any other."""


def _entry_from_json(number: int, item: Any) -> ImportEntry:
    fields = {"query": item} if isinstance(item, str) else item
    if not isinstance(fields, dict):
        fields = {}
    name, query = fields.get("name", ""), fields.get("query")
    if not isinstance(query, str) or not isinstance(name, str):
        problem = "query: must be a text, in an object with name and query, or alone"
        return ImportEntry(number, single_line(json.dumps(item))[:MAX_NAME_LENGTH], problem=problem)
    return _make_entry(number, name, query)


def _make_entry(number: int, name: str, text: str) -> ImportEntry:
    shown = single_line(name or text)[:MAX_NAME_LENGTH]
    try:
        query = parse_query(text.strip())
    except BadInput as error:
        return ImportEntry(number, shown, problem=str(error))
    return ImportEntry(number, name.strip() or query.display_text[:MAX_NAME_LENGTH].strip(), query)


def _json_values(file: IO[bytes]) -> Iterator[Any]:
    """Yield the values of an array, or values one after another. Raises BadParameter."""
    texts = _Utf8Texts(file)
    is_array = texts.skip("[")
    while texts.skip_blanks():
        if is_array and texts.skip("]"):
            is_array = False
            continue
        yield texts.read_value()
        if is_array and not texts.skip(",") and not texts.starts_with("]"):
            raise BadParameter("file", "is no JSON: , or ] is missing in the list")
    if is_array:
        raise BadParameter("file", "is no JSON: the list has no end")


class _Utf8Texts:
    """A text that is decoded only as far as it is needed."""

    _BLANKS: Final = " \t\r\n"

    def __init__(self, file: IO[bytes]) -> None:
        self._chunks = iter(lambda: file.read(_CHUNK_BYTES), b"")
        self._decode = json.JSONDecoder().raw_decode
        self._undecoded, self._text = b"", ""
        self._is_first = True

    def skip_blanks(self) -> bool:
        """Skip blanks; return False at the end."""
        self._text = self._text.lstrip(self._BLANKS)
        while not self._text and self._read_more():
            self._text = self._text.lstrip(self._BLANKS)
        return bool(self._text)

    def starts_with(self, sign: str) -> bool:
        """Return whether the next character that is not a blank is this one."""
        return self.skip_blanks() and self._text.startswith(sign)

    def skip(self, sign: str) -> bool:
        """Skip a character, if it is next."""
        found = self.starts_with(sign)
        self._text = self._text[len(sign) :] if found else self._text
        return found

    def read_value(self) -> Any:
        """Read one JSON value."""
        while True:
            try:
                value, end = self._decode(self._text)
            except (ValueError, RecursionError) as error:
                if len(self._text) > MAX_ENTRY_BYTES or not self._read_more():
                    raise BadParameter("file", f"is no JSON: {error}") from error
                continue
            if end == len(self._text) and self._text[-1] not in '}]"' and self._read_more():
                continue  # a number may go on
            self._text = self._text[end:]
            return value

    def _read_more(self) -> bool:
        chunk = next(self._chunks, b"")
        if not chunk:
            if self._undecoded:
                raise BadParameter("file", "ends within a character of UTF-8")
            return False
        if self._is_first:
            chunk, self._is_first = chunk.removeprefix(_UTF8_BOM), False
        pending = self._undecoded + chunk
        try:
            self._text, self._undecoded = self._text + pending.decode(), b""
        except UnicodeDecodeError as error:
            if error.end < len(pending) or len(pending) - error.start > 3:
                raise BadParameter("file", f"is no UTF-8: {error.reason}") from error
            self._text += pending[: error.start].decode()
            self._undecoded = pending[error.start :]
        return True
