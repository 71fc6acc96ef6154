"""Small images of each format, with a given size in their headers."""

from __future__ import annotations

from collections.abc import Callable
from struct import pack
from typing import Final


def png(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + pack(">I4sII", 13, b"IHDR", width, height) + bytes(9)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + pack("<HH", width, height) + bytes(9)


def jpeg(width: int, height: int) -> bytes:
    frame = pack(">BBHBHH", 0xFF, 0xC2, 17, 8, height, width)
    return b"\xff\xd8" + pack(">BBH", 0xFF, 0xE0, 16) + bytes(14) + frame + bytes(12)


def webp(width: int, height: int) -> bytes:
    size = pack("<HBHB", width - 1, 0, height - 1, 0)
    return b"RIFF" + bytes(4) + b"WEBPVP8X" + bytes(8) + size


def webp_lossy(width: int, height: int) -> bytes:
    return b"RIFF" + bytes(4) + b"WEBPVP8 " + bytes(10) + pack("<HH", width, height)


def webp_lossless(width: int, height: int) -> bytes:
    bits = width - 1 | height - 1 << 14
    return b"RIFF" + bytes(4) + b"WEBPVP8L" + bytes(4) + b"\x2f" + pack("<I", bits)


IMAGES: Final[tuple[tuple[str, Callable[[int, int], bytes]], ...]] = (
    ("png", png),
    ("gif", gif),
    ("jpeg", jpeg),
    ("webp", webp),
    ("webp", webp_lossy),
    ("webp", webp_lossless),
)
