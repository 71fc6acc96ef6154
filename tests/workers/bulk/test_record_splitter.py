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
from tests.workers.sources.test_oai import answer, document, record
from workers.bulk import file_formats, record_splitter
from workers.bulk.record_splitter import SplitRecord, split_records


def cut_up(text: bytes, block: int = 1 << 20, longest: int = 16_000_000) -> list[SplitRecord]:
    """The pieces of a text that is read a block at a time."""
    with mock.patch.multiple(record_splitter, _BLOCK=block, MAX_RECORD_BYTES=longest):
        return list(split_records(io.BytesIO(text), text[:1024]))


def known(found: list[SplitRecord]) -> list[str]:
    """The ids that pieces of XML are of; a reason where there is no whole one."""
    return [piece.reason or str(_sighting(piece).id) for piece in found]


def _sighting(piece: SplitRecord) -> Sighting:
    said = file_formats.parse_bulk_record(piece.text)
    assert isinstance(said, Sighting)
    return said


@given(st.lists(st.sampled_from([b"{}", b"{1}\r", b"", b" ", b'{"a": "\xc3\xa9"}'])), st.booleans())
def test_lines_are_where_they_stand(texts: list[bytes], ended: bool) -> None:
    text = b"\n".join(texts) + b"\n" * ended
    found = cut_up(text)
    assert [piece.text for piece in found] == [line.strip() for line in texts if line.strip()]
    for piece in found:
        assert texts[piece.line - 1].strip() == piece.text
        assert text[: piece.end_offset].count(b"\n") in (piece.line, piece.line - 1)
        assert text[: piece.end_offset].rstrip().endswith(piece.text)


def test_a_byte_order_mark_is_no_part_of_a_line() -> None:
    assert [piece.text for piece in cut_up(b"\xef\xbb\xbf{}\n{}")] == [b"{}", b"{}"]


def test_a_line_without_end_is_given_up_alone() -> None:
    text = b'{"a": 1}\n' + b"x" * 5_000 + b"\n{}\n"
    first, second, third = cut_up(text, longest=1_000)
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
def test_documents_are_cut_wherever_blocks_end(
    text: bytes, expected: list[str], block: int
) -> None:
    found = cut_up(text, block)
    assert known(found) == expected
    for piece in found:
        assert text[: piece.end_offset].count(b"\n") + 1 >= piece.line


def test_prefixes_of_a_document_are_those_of_its_records() -> None:
    space = "http://www.openarchives.org/OAI/2.0/"
    inner = ONE.replace("<record", "<o:record").replace("</record", "</o:record")
    for name in ("header", "identifier", "datestamp", "metadata"):
        inner = inner.replace(f"<{name}", f"<o:{name}").replace(f"</{name}", f"</o:{name}")
    text = f"<o:OAI-PMH xmlns:o='{space}'><o:ListRecords>{inner}</o:ListRecords></o:OAI-PMH>"
    assert known(cut_up(text.encode())) == ["2611.00001"]


def test_lines_are_counted_and_places_told() -> None:
    text = answer(f"\n{ONE}\n", f"\n\n{TWO}")
    first, second = cut_up(text, 10)
    assert (first.line, second.line) == (2, 7)
    assert text[: second.end_offset].endswith(TWO.encode())


def test_an_endless_record_is_given_up_alone() -> None:
    huge = record(more=f"<comments>{'x' * 9_000}</comments>")
    found = cut_up(answer(ONE, huge, TWO), block=500, longest=5_000)
    assert known(found) == ["2611.00001", "the record is longer than 5,000 bytes", "2611.00002"]


@given(st.lists(st.sampled_from([ONE, TWO, "<record>", "</record>", "<OAI-PMH>", "a", "<"])))
def test_whatever_comes_the_end_is_reached(parts: list[str]) -> None:
    text = "".join(parts).encode()
    ends = [piece.end_offset for piece in cut_up(b"<" + text, block=50)]
    assert ends == sorted(ends)
    assert all(end <= len(text) + 1 for end in ends)


Damage = Callable[[bytes], bytes]


def damages() -> Iterator[Damage]:
    chance = random.Random(1)
    for _ in range(200):
        at, to = sorted((chance.randrange(200, 2_000), chance.randrange(200, 2_000)))
        yield lambda text, at=at, to=to: text[:at] + text[to:]  # type: ignore[misc]


def test_damage_harms_the_records_it_hits_alone() -> None:
    records = [record(id=f"2611.{n:05}") for n in range(1, 9)]
    text = answer(*records)
    for damage in damages():
        found = cut_up(damage(text))
        good = set()
        for piece in found:
            try:
                good.add(str(_sighting(piece).id) if not piece.reason else "")
            except SourceGarbled:
                continue
        missing = {f"2611.{n:05}" for n in range(1, 9)} - good
        gone = len(text) - len(damage(text))
        assert len(missing) <= 2 + gone // len(records[0])
