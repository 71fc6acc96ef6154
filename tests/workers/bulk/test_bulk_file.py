from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard

from papers.errors import BadParameter, SourceGarbled
from workers.bulk.bulk_file import find_bulk_file

LINES = b"".join(b'{"line": %d}\n' % n for n in range(50_000))
ZSTD = zstandard.ZstdCompressor()

FORMS = {
    "plain": LINES,
    "gzip": gzip.compress(LINES),
    "two gzips": gzip.compress(LINES[:600]) + gzip.compress(LINES[600:]),
    "zstd": ZSTD.compress(LINES),
    "two zstds": ZSTD.compress(LINES[:600]) + ZSTD.compress(LINES[600:]),
    "nothing": b"",
}


@pytest.mark.parametrize("form", FORMS)
def test_file_format_is_detected_by_content(form: str, tmp_path: Path) -> None:
    path = tmp_path / "papers"
    path.write_bytes(FORMS[form])
    with find_bulk_file(str(path)).open_reader() as reading:
        pieces = list(reading.records())
        assert reading.bytes_read == path.stat().st_size
    assert [piece.text for piece in pieces] == (LINES if FORMS[form] else b"").splitlines()


@pytest.mark.parametrize("form", ["gzip", "zstd", "two zstds"])
def test_truncated_compressed_file_is_reported(form: str, tmp_path: Path) -> None:
    path = tmp_path / "papers"
    path.write_bytes(FORMS[form][:-20])
    with (
        find_bulk_file(str(path)).open_reader() as reading,
        pytest.raises(SourceGarbled, match="cut short"),
    ):
        list(reading.records())


def test_damaged_compressed_file_is_reported(tmp_path: Path) -> None:
    for form in ("gzip", "zstd"):
        path = tmp_path / form
        body = FORMS[form]
        path.write_bytes(body[:1_000] + bytes(500) + body[1_500:])
        with (
            find_bulk_file(str(path)).open_reader() as reading,
            pytest.raises(SourceGarbled, match="damaged"),
        ):
            list(reading.records())


def test_identity_does_not_depend_on_file_name(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "abcd"]
    big = LINES * 5
    middle = len(big) // 2
    for path, body in zip(paths, (big, big, big + b"{}", b"{}" + big[2:]), strict=True):
        path.write_bytes(body)
    a, b, longer, other = (find_bulk_file(str(path)).identity for path in paths)
    assert a == b
    assert len({a, longer, other}) == 3
    assert find_bulk_file(str(paths[0])).size == 2 * middle


@pytest.mark.parametrize("name", ["nowhere", "."])
def test_missing_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="FILE"):
        find_bulk_file(str(tmp_path / name))
