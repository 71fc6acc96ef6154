from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from papers.thumbnails.image_headers import read_image_header
from papers.thumbnails.thumbnail_folder import MAX_IMAGE_BYTES, image_fault
from tests.papers.thumbnails.images import IMAGES, png


@pytest.mark.parametrize(("name", "image"), IMAGES)
def test_format_and_size_are_read(name: str, image: Callable[[int, int], bytes]) -> None:
    header = read_image_header(image(1200, 630))
    assert header == (name, 1200, 630)
    assert header.media_type == f"image/{name}"
    assert image_fault(image(1200, 630)) == ""
    assert "pixels are too many" in image_fault(image(16_000, 16_000))


@pytest.mark.parametrize(("name", "image"), IMAGES)
def test_image_that_is_cut_off_is_none(name: str, image: Callable[[int, int], bytes]) -> None:
    whole = image(1200, 630)
    cut = [read_image_header(whole[:length]) for length in range(len(whole))]
    assert all(header in (None, (name, 1200, 630)) for header in cut)
    assert cut[:10] == [None] * 10


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<?xml version='1.0'?><svg/>",
        b"<!doctype html>",
        b"BM" + bytes(60),
        b"%PDF-1.7",
        b"RIFF" + bytes(4) + b"WAVEfmt " + bytes(40),
        png(0, 10),
    ],
)
def test_anything_else_is_no_image(content: bytes) -> None:
    assert read_image_header(content) is None
    assert "no PNG" in image_fault(content)


@given(st.sampled_from([b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"GIF89a", b"RIFF"]), st.binary())
def test_any_bytes_are_read_or_refused(signature: bytes, rest: bytes) -> None:
    header = read_image_header(signature + rest)
    assert header is None or (header.width > 0 and header.height > 0)


def test_large_file_is_refused() -> None:
    assert "bytes" in image_fault(png(100, 100) + bytes(MAX_IMAGE_BYTES))
