from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.errors import SourceGarbled
from papers.model.paper import Sighting
from tests.workers.sources.oai_documents import answer, document, record
from workers.bulk import file_formats, record_splitter
from workers.bulk.record_splitter import SplitRecord, split_records


def split_text(
    text: bytes, block: int = 1 << 20, max_record_bytes: int = 16_000_000
) -> list[SplitRecord]:
    """Split a text that is read block by block."""
    with mock.patch.multiple(record_splitter, _BLOCK=block, MAX_RECORD_BYTES=max_record_bytes):
        return list(split_records(io.BytesIO(text), text[:1024]))


def ids_or_reasons(records: list[SplitRecord]) -> list[str]:
    """Return the id of each XML record, or why it is incomplete."""
    return [piece.reason or str(_sighting(piece).id) for piece in records]


def _sighting(piece: SplitRecord) -> Sighting:
    sighting = file_formats.parse_bulk_record(piece.text)
    assert isinstance(sighting, Sighting)
    return sighting


@given(st.lists(st.sampled_from([b"{}", b"{1}\r", b"", b" ", b'{"a": "\xc3\xa9"}'])), st.booleans())
def test_lines_have_their_number_and_offset(texts: list[bytes], ended: bool) -> None:
    text = b"\n".join(texts) + b"\n" * ended
    records = split_text(text)
    assert [piece.text for piece in records] == [line.strip() for line in texts if line.strip()]
    for piece in records:
        assert texts[piece.line - 1].strip() == piece.text
        assert text[: piece.end_offset].count(b"\n") in (piece.line, piece.line - 1)
        assert text[: piece.end_offset].rstrip().endswith(piece.text)


def test_byte_order_mark_is_dropped() -> None:
    assert [piece.text for piece in split_text(b"\xef\xbb\xbf{}\n{}")] == [b"{}", b"{}"]


def test_overlong_line_is_rejected_alone() -> None:
    text = b'{"a": 1}\n' + b"x" * 5_000 + b"\n{}\n"
    first, second, third = split_text(text, max_record_bytes=1_000)
    assert (first.text, third.text) == (b'{"a": 1}', b"{}")
    assert "longer than 1,000" in second.reason
    assert len(second.text) <= 1_001
    assert (second.end_offset, third.line) == (5_010, 3)


ONE = record(id="2611.00001")
TWO = record(id="2611.00002")
THREE = record(id="2611.00003")
UNENDED = "the record does not end: the document was cut"

DOCUMENTS: tuple[tuple[bytes, list[str]], ...] = (
    (answer(ONE, TWO), ["2611.00001", "2611.00002"]),
    (answer(ONE) + answer(TWO), ["2611.00001", "2611.00002"]),
    (answer(ONE) + b"\n\n" + answer(TWO), ["2611.00001", "2611.00002"]),
    (answer(ONE, TWO)[:-150], ["2611.00001", UNENDED]),
    (answer(ONE, TWO)[:-150] + answer(THREE), ["2611.00001", UNENDED, "2611.00003"]),
    (ONE.encode() + TWO.encode(), ["2611.00001", "2611.00002"]),
    (answer(), []),
    (b"<html>no records</html>", []),
    (document("<error code='noRecordsMatch'/>") + answer(ONE), ["2611.00001"]),
    (document("<error code='badVerb'>no</error>"), ["OAI-PMH said badVerb here"]),
)


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 20])
@pytest.mark.parametrize(("text", "expected"), DOCUMENTS)
def test_elements_are_split_at_any_block_boundary(
    text: bytes, expected: list[str], block: int
) -> None:
    records = split_text(text, block)
    assert ids_or_reasons(records) == expected
    for piece in records:
        assert text[: piece.end_offset].count(b"\n") + 1 >= piece.line


def test_records_keep_the_namespaces_of_their_document() -> None:
    space = "http://www.openarchives.org/OAI/2.0/"
    inner = ONE.replace("<record", "<o:record").replace("</record", "</o:record")
    for name in ("header", "identifier", "datestamp", "metadata"):
        inner = inner.replace(f"<{name}", f"<o:{name}").replace(f"</{name}", f"</o:{name}")
    text = f"<o:OAI-PMH xmlns:o='{space}'><o:ListRecords>{inner}</o:ListRecords></o:OAI-PMH>"
    assert ids_or_reasons(split_text(text.encode())) == ["2611.00001"]


def test_elements_have_their_line_and_offset() -> None:
    text = answer(f"\n{ONE}\n", f"\n\n{TWO}")
    first, second = split_text(text, 10)
    assert (first.line, second.line) == (2, 7)
    assert text[: second.end_offset].endswith(TWO.encode())


def test_overlong_element_is_rejected_alone() -> None:
    huge = record(more=f"<comments>{'x' * 9_000}</comments>")
    records = split_text(answer(ONE, huge, TWO), block=500, max_record_bytes=5_000)
    assert ids_or_reasons(records) == [
        "2611.00001",
        "the record is longer than 5,000 bytes",
        "2611.00002",
    ]


@given(st.lists(st.sampled_from([ONE, TWO, "<record>", "</record>", "<OAI-PMH>", "a", "<"])))
def test_any_input_is_read_to_its_end(parts: list[str]) -> None:
    text = "".join(parts).encode()
    ends = [piece.end_offset for piece in split_text(b"<" + text, block=50)]
    assert ends == sorted(ends)
    assert all(end <= len(text) + 1 for end in ends)


Damage = Callable[[bytes], bytes]


def damages() -> Iterator[Damage]:
    chance = random.Random(1)
    for _ in range(200):
        at, to = sorted((chance.randrange(200, 2_000), chance.randrange(200, 2_000)))
        yield lambda text, at=at, to=to: text[:at] + text[to:]  # type: ignore[misc]


def test_damage_affects_only_the_damaged_records() -> None:
    records = [record(id=f"2611.{n:05}") for n in range(1, 9)]
    text = answer(*records)
    for damage in damages():
        good = set()
        for piece in split_text(damage(text)):
            try:
                good.add(str(_sighting(piece).id) if not piece.reason else "")
            except SourceGarbled:
                continue
        missing = {f"2611.{n:05}" for n in range(1, 9)} - good
        gone = len(text) - len(damage(text))
        assert len(missing) <= 2 + gone // len(records[0])
