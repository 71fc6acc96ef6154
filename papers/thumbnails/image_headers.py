"""Image headers: format and size of a PNG, JPEG, GIF or WebP image, from its first bytes.

What an image is said to be is not believed, and other formats are none: an SVG is a document that
may have scripts. The size is read because a small file may unpack to a huge picture.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import error as struct_error
from struct import unpack_from
from typing import Final, Literal, NamedTuple

ImageFormat = Literal["png", "jpeg", "gif", "webp"]
_JPEG_SIZE_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


class ImageHeader(NamedTuple):
    """The format of an image, and its width and height in pixels."""

    format: ImageFormat
    width: int
    height: int

    @property
    def media_type(self) -> str:
        """The media type of the format."""
        return f"image/{self.format}"


def read_image_header(data: bytes) -> ImageHeader | None:
    """Return the header of an image; None if it is none of the formats, or cut off."""
    for signature, format, read_size in _FORMATS:
        if data.startswith(signature):
            try:
                width, height = read_size(data)
            except (struct_error, ValueError):
                return None
            return ImageHeader(format, width, height) if width > 0 and height > 0 else None
    return None


def _png_size(data: bytes) -> tuple[int, int]:
    if data[12:16] != b"IHDR":
        raise ValueError("no header chunk")
    width, height = unpack_from(">II", data, 16)
    return width, height


def _gif_size(data: bytes) -> tuple[int, int]:
    width, height = unpack_from("<HH", data, 6)
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Return the size in the first frame header, past the segments before it."""
    at = 2
    while True:
        mark, marker, length = unpack_from(">BBH", data, at)
        if mark != 0xFF or length < 2:
            raise ValueError("no segment")
        if marker in _JPEG_SIZE_MARKERS:
            height, width = unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + length


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[8:16]
    if kind == b"WEBPVP8X":
        low_width, high_width, low_height, high_height = unpack_from("<HBHB", data, 24)
        return 1 + low_width + (high_width << 16), 1 + low_height + (high_height << 16)
    if kind == b"WEBPVP8L":
        (bits,) = unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"WEBPVP8 ":
        width, height = unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError("not WebP")


_FORMATS: Final[tuple[tuple[bytes, ImageFormat, Callable[[bytes], tuple[int, int]]], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "png", _png_size),
    (b"\xff\xd8", "jpeg", _jpeg_size),
    (b"GIF87a", "gif", _gif_size),
    (b"GIF89a", "gif", _gif_size),
    (b"RIFF", "webp", _webp_size),
)
