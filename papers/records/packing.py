"""The packed record: a paper as a msgpack array, compressed by Zstandard with a shared dictionary.

The first byte is the format, which names the dictionary: a new dictionary can be introduced while
records packed with the old one remain. Times are whole seconds since 1970, UTC. Packing is
deterministic: equal papers give equal bytes. How the dictionary was trained: `design.md`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

import msgpack
import zstandard

from papers.model.arxiv_id import ArxivId
from papers.model.dates import from_epoch, to_epoch
from papers.model.paper import AnnounceType, Paper, Pick, Rank, Revision, implied_versions

UNPACK_ERRORS: Final = (
    *(ValueError, TypeError, LookupError, ArithmeticError, zstandard.ZstdError),
    msgpack.UnpackException,
)
"""The exceptions that unpacking can raise for bytes that are not a record."""

_FORMAT: Final = b"\x01"
_LEVEL: Final = 3
_DICTIONARY: Final = zstandard.ZstdCompressionDict(
    files("papers.records").joinpath("paper.zdict").read_bytes()
)
_DICTIONARY.precompute_compress(level=_LEVEL)


class _ZstdContexts(threading.local):
    """One compressor and decompressor per thread: shared ones crash the process."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(
            level=_LEVEL, dict_data=_DICTIONARY, write_dict_id=False
        )
        self.decompressor = zstandard.ZstdDecompressor(dict_data=_DICTIONARY)


_ZSTD: Final = _ZstdContexts()


def pack(paper: Paper) -> bytes:
    """Return the packed record of a paper, some 700 bytes."""
    return _FORMAT + _ZSTD.compressor.compress(serialize(paper))


def pack_all(papers: Iterable[Paper]) -> list[bytes]:
    """Return the packed records of many papers; compression releases the interpreter lock."""
    rows: list[Any] = [serialize(paper) for paper in papers]
    if not rows:
        return []
    packed = _ZSTD.compressor.multi_compress_to_buffer(rows)
    return [_FORMAT + packed[number].tobytes() for number in range(len(packed))]


def unpack(id: ArxivId, packed: bytes) -> Paper:
    """Return the paper that was packed under an id.

    Raises ValueError if the format is unknown, and any of `UNPACK_ERRORS` if bytes are damaged.
    """
    return LazyPaper(id.doc_id, packed).paper


_LEGACY_FIELD_COUNT: Final = 21
"""The number of fields in rows of the first versions. Later fields are left out at the end of a row
while they have their defaults."""
_ARRAY_HEADER_BYTES: Final = 3
_STR_8: Final = 0xD9
"""msgpack: the bytes before an array of 16 elements or more; the first byte of a longer string."""


class LazyPaper:
    """A packed paper that decodes each field on first use; equal ones are of equal records.

    Verifying a phrase needs `text_bytes` only (title and abstract, in UTF-8), or `author_bytes`.
    """

    def __init__(self, doc_id: int, packed: bytes) -> None:
        """Decompress the record, without decoding it. Raises ValueError if the format is unknown.

        `doc_id` is `ArxivId.doc_id`.
        """
        self.doc_id, self.record_hash = doc_id, hash(packed)
        self._decompress(packed)

    def _decompress(self, packed: bytes) -> None:
        if packed[:1] != _FORMAT:
            reason = f"packed in format {packed[0]}, this version knows {_FORMAT[0]}"
            raise ValueError(f"{self.id}: {reason}")
        self._serialized = row = _ZSTD.decompressor.decompress(packed[1:])
        title, title_end = _string_bounds(row, _ARRAY_HEADER_BYTES)
        abstract, self._abstract_end = _string_bounds(row, title_end)
        self.text_bytes = (row[title:title_end], row[abstract : self._abstract_end])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LazyPaper):
            return NotImplemented
        others = (other.doc_id, other.record_hash, other._serialized)
        return (self.doc_id, self.record_hash, self._serialized) == others

    def __hash__(self) -> int:
        return hash((self.doc_id, self.record_hash))

    @property
    def id(self) -> ArxivId:
        """The paper's id."""
        return ArxivId.from_doc_id(self.doc_id)

    @cached_property
    def title(self) -> str:
        """The title."""
        return self.text_bytes[0].decode()

    @cached_property
    def abstract(self) -> str:
        """The abstract."""
        return self.text_bytes[1].decode()

    @property
    def author_bytes(self) -> list[bytes]:
        """The authors' names, in UTF-8."""
        rest = self._serialized[self._abstract_end :]
        unpacker = msgpack.Unpacker(raw=True, max_buffer_size=len(rest))
        unpacker.feed(rest)
        names: list[bytes] = unpacker.unpack()
        return names

    @property
    def authors(self) -> Sequence[str]:
        """The authors' names."""
        return [name.decode() for name in self.author_bytes]

    @cached_property
    def paper(self) -> Paper:
        """The whole paper."""
        return _paper_from_fields(self.id, msgpack.unpackb(self._serialized))


PaperRecord = Paper | LazyPaper
"""A paper as it is, or packed."""


def unpacked(record: PaperRecord) -> Paper:
    """Return the paper of a record. Raises `UNPACK_ERRORS`."""
    return record.paper if isinstance(record, LazyPaper) else record


def compress(text: bytes) -> bytes:
    """Compress any text about papers with the dictionary of records."""
    # Copied, because zstandard's own result keeps the memory of the longest possible one.
    return bytes(memoryview(_ZSTD.compressor.compress(text)))


def decompress(compressed: bytes) -> bytes:
    """Return the text that was compressed."""
    return _ZSTD.decompressor.decompress(compressed)


def _string_bounds(row: bytes, at: int) -> tuple[int, int]:
    """Return where the content of a msgpack string begins and ends.

    The length is in the first byte, or in the one, two or four bytes after it.

    https://github.com/msgpack/msgpack/blob/master/spec.md#str-format-family
    """
    start, kind = at + 1, row[at]
    if kind < _STR_8:
        return start, start + (kind & 0x1F)
    start += 1 << (kind - _STR_8)
    return start, start + int.from_bytes(row[at + 1 : start], "big")


def serialize(paper: Paper) -> bytes:
    """Return a paper as a msgpack array, before compression."""
    ranks = sorted({rank for _, rank in paper.ranks})
    row: list[Any] = [
        paper.title,
        paper.abstract,
        paper.authors,
        paper.primary,
        paper.categories,
        paper.comment,
        paper.journal_ref,
        paper.doi,
        paper.license,
        paper.code,
        paper.project,
        paper.organization,
        paper.announce_type and int(paper.announce_type),
        to_epoch(paper.announced_at),
        to_epoch(paper.submitted_at),
        paper.revision,
        paper.withdrawn_version,
        [_pack_pick(pick) for pick in paper.picks],
        paper.sources,
        [list(rank) for rank in ranks],
        [(name, ranks.index(rank)) for name, rank in paper.ranks],
    ]
    row += _pack_added_fields(paper)
    packed: bytes = msgpack.packb(row)
    return packed


def _paper_from_fields(id: ArxivId, row: list[Any]) -> Paper:
    # By position, in the order of Paper's fields: a page decodes a hundred papers.
    ranks = [Rank._make(rank) for rank in row[19]]
    return Paper(
        id,
        row[0],
        row[1],
        tuple(row[2]),
        row[3],
        tuple(row[4]),
        row[5],
        row[6],
        row[7],
        row[8],
        row[9],
        row[10],
        row[11],
        row[12] and AnnounceType(row[12]),
        from_epoch(row[13]),
        from_epoch(row[14]),
        row[15] and Revision._make(row[15]),
        row[16],
        tuple([_unpack_pick(pick) for pick in row[17]]),
        tuple(row[18]),
        tuple([(name, ranks[index]) for name, index in row[20]]),
        *_unpack_added_fields(row),
    )


def _pack_listed_at(listed_at: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return one number if all categories have the same time, as in most records."""
    return listed_at[0] if len({*listed_at}) == 1 else listed_at


def _pack_added_fields(paper: Paper) -> list[Any]:
    """Return `referred_at`, `listed_at`, `versions` and `coded_at`, up to the last with a value.

    The newest version is in `revision` as well, and mostly the only one.
    """
    is_implied = paper.versions == implied_versions(paper.revision)
    added = [
        to_epoch(paper.referred_at),
        _pack_listed_at(paper.listed_at) if paper.listed_at else None,
        None if is_implied else paper.versions,
        to_epoch(paper.coded_at),
    ]
    while added and added[-1] is None:
        added.pop()
    return added


def _unpack_added_fields(
    row: list[Any],
) -> tuple[datetime | None, tuple[int, ...], tuple[Revision, ...], datetime | None]:
    """Return `referred_at`, `listed_at`, `versions` and `coded_at`."""
    referred_at, listed, versions, coded_at, *_ = (*row[_LEGACY_FIELD_COUNT:], *(None,) * 4)
    times = [listed] * len(row[4]) if isinstance(listed, int) else listed or ()
    revision = row[15] and Revision._make(row[15])
    known = implied_versions(revision) if versions is None else map(Revision._make, versions)
    return from_epoch(referred_at), tuple(times), tuple(known), from_epoch(coded_at)


def _pack_pick(pick: Pick) -> list[Any]:
    return [
        pick.community,
        to_epoch(pick.picked_at),
        pick.url,
        pick.discussion,
        pick.votes,
        pick.comments,
        to_epoch(pick.counted_at),
        pick.submitter,
        pick.thumbnail,
    ]


def _unpack_pick(row: list[Any]) -> Pick:
    return Pick(
        community=row[0],
        picked_at=from_epoch(row[1]),
        url=row[2],
        discussion=row[3],
        votes=row[4],
        comments=row[5],
        counted_at=from_epoch(row[6]),
        submitter=row[7],
        thumbnail=row[8],
    )
