"""The packed record: a paper as a msgpack array, compressed by Zstandard with a shared dictionary.

The first byte is the format, which names the dictionary: a new dictionary can be introduced while
records packed with the old one remain. Times are whole seconds since 1970, UTC. Packing is
deterministic: equal papers give equal bytes. `docs/design.md` says how the dictionary was trained.
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
from papers.model.epoch import from_epoch, to_epoch
from papers.model.paper import AnnounceType, Paper, Pick, Rank, Revision

UNPACK_ERRORS: Final = (
    *(ValueError, TypeError, LookupError, ArithmeticError, zstandard.ZstdError),
    msgpack.UnpackException,
)
"""The exceptions that unpacking can raise for bytes that are not a record."""

_FORMAT: Final = b"\x01"
_LEVEL: Final = 3
_DICTIONARY: Final = zstandard.ZstdCompressionDict(
    files("papers.model").joinpath("paper.zdict").read_bytes()
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
"""The length of a row without `referred_at`, `listed_at` and `coded_at`, as older versions wrote
it; newer ones append them as they have values."""
_ARRAY_HEADER_BYTES: Final = 3
_STR_8: Final = 0xD9
"""msgpack: an array of 16 elements or more begins with three bytes; lengths of strings."""


class LazyPaper:
    """A packed paper that decodes each field on first use.

    Verifying a phrase needs `text_bytes` only (title and abstract, in UTF-8), or `author_bytes`.
    """

    def __init__(self, doc_id: int, packed: bytes) -> None:
        """Decompress the record, without decoding it. Raises ValueError if the format is unknown.

        `doc_id` is `ArxivId.doc_id`.
        """
        self._doc_id = doc_id
        if packed[:1] != _FORMAT:
            reason = f"packed in format {packed[0]}, this version knows {_FORMAT[0]}"
            raise ValueError(f"{self.id}: {reason}")
        self._serialized = row = _ZSTD.decompressor.decompress(packed[1:])
        title, title_end = _string_bounds(row, _ARRAY_HEADER_BYTES)
        abstract, self._abstract_end = _string_bounds(row, title_end)
        self.text_bytes = (row[title:title_end], row[abstract : self._abstract_end])

    @property
    def id(self) -> ArxivId:
        """The paper's id."""
        return ArxivId.from_doc_id(self._doc_id)

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
    if paper.referred_at or paper.listed_at or paper.coded_at:
        row += [to_epoch(paper.referred_at), _pack_listed_at(paper.listed_at)]
    if paper.coded_at:
        row.append(to_epoch(paper.coded_at))
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
        *(_unpack_first_known_times(row) if len(row) > _LEGACY_FIELD_COUNT else ()),
    )


def _pack_listed_at(listed_at: tuple[int, ...]) -> int | tuple[int, ...]:
    """Return one number if all categories have the same time, as in most records."""
    return listed_at[0] if len({*listed_at}) == 1 else listed_at


def _unpack_first_known_times(
    row: list[Any],
) -> tuple[datetime | None, tuple[int, ...], datetime | None]:
    """Return `referred_at`, `listed_at` and `coded_at`."""
    listed = row[22] if len(row) > _LEGACY_FIELD_COUNT + 1 else ()
    times = (listed,) * len(row[4]) if isinstance(listed, int) else tuple(listed)
    coded_at = row[23] if len(row) > _LEGACY_FIELD_COUNT + 2 else None
    return from_epoch(row[21]), times, from_epoch(coded_at)


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
