"""How a paper is packed into bytes: a msgpack array, compressed with a shared dictionary.

The first byte names the dictionary, so a later one can be brought in beside records packed with
this one. Times are whole seconds since 1970, UTC. Packing is a function of the paper: equal papers
give equal bytes. `docs/design.md` tells how the dictionary was made.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from importlib.resources import files
from typing import Any, Final

import msgpack
import zstandard

from papers.model.arxiv_id import ArxivId
from papers.model.paper import AnnounceType, Paper, Pick, Rank, Revision

UNREADABLE: Final = (
    *(ValueError, TypeError, LookupError, ArithmeticError, zstandard.ZstdError),
    msgpack.UnpackException,
)
"""What unpacking raises for bytes that are no record."""

_FORMAT: Final = b"\x01"
_LEVEL: Final = 3
_DICTIONARY: Final = zstandard.ZstdCompressionDict(
    files("papers.model").joinpath("paper.zdict").read_bytes()
)
_DICTIONARY.precompute_compress(level=_LEVEL)


class _Zstd(threading.local):
    """A compressor and decompressor for each thread: shared ones crash the process."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(
            level=_LEVEL, dict_data=_DICTIONARY, write_dict_id=False
        )
        self.decompressor = zstandard.ZstdDecompressor(dict_data=_DICTIONARY)


_ZSTD: Final = _Zstd()


def pack(paper: Paper) -> bytes:
    """A paper in some 700 bytes."""
    return _FORMAT + _ZSTD.compressor.compress(serialize(paper))


def pack_all(papers: Iterable[Paper]) -> list[bytes]:
    """The same of many papers; for most of the time other threads have the interpreter."""
    rows: list[Any] = [serialize(paper) for paper in papers]
    if not rows:
        return []
    packed = _ZSTD.compressor.multi_compress_to_buffer(rows)
    return [_FORMAT + packed[number].tobytes() for number in range(len(packed))]


def unpack(id: ArxivId, packed: bytes) -> Paper:
    """The paper that was packed under an id.

    Raises ValueError for bytes of a format this version does not know.
    """
    return Opened(id.place, packed).paper


_SHORTEST: Final = 21
"""Elements of a row from before it told when things were first known."""
_ROW_HEADER: Final = 3
_STR_8: Final = 0xD9
"""msgpack: an array of 16 elements or more begins with three bytes; lengths of strings."""


class Opened:
    """A packed paper of which no more is unpacked than is asked for.

    To see whether a phrase stands in it, its `texts` are enough: title and abstract, in UTF-8;
    or its authors' `names`. Raises ValueError for bytes of a format this version does not know.
    """

    def __init__(self, place: int, packed: bytes) -> None:
        """`place` is that of the paper's id."""
        self._place = place
        if packed[:1] != _FORMAT:
            said = f"packed in format {packed[0]}, this version knows {_FORMAT[0]}"
            raise ValueError(f"{self.id}: {said}")
        self._row = row = _ZSTD.decompressor.decompress(packed[1:])
        title, title_end = _text_at(row, _ROW_HEADER)
        abstract, self._texts_end = _text_at(row, title_end)
        self.texts = (row[title:title_end], row[abstract : self._texts_end])

    @property
    def id(self) -> ArxivId:
        """The paper's id."""
        return ArxivId.at(self._place)

    @cached_property
    def title(self) -> str:
        """The title."""
        return self.texts[0].decode()

    @cached_property
    def abstract(self) -> str:
        """The abstract."""
        return self.texts[1].decode()

    @property
    def names(self) -> list[bytes]:
        """The authors' names, in UTF-8."""
        behind = self._row[self._texts_end :]
        unpacker = msgpack.Unpacker(raw=True, max_buffer_size=len(behind))
        unpacker.feed(behind)
        names: list[bytes] = unpacker.unpack()
        return names

    @property
    def authors(self) -> Sequence[str]:
        """The authors' names."""
        return [name.decode() for name in self.names]

    @cached_property
    def paper(self) -> Paper:
        """All of it."""
        return _from_row(self.id, msgpack.unpackb(self._row))


def _text_at(row: bytes, at: int) -> tuple[int, int]:
    """Where a msgpack string begins and ends: its length is in the first byte or behind.

    https://github.com/msgpack/msgpack/blob/master/spec.md#str-format-family
    """
    start, kind = at + 1, row[at]
    if kind < _STR_8:
        return start, start + (kind & 0x1F)
    start += 1 << (kind - _STR_8)
    return start, start + int.from_bytes(row[at + 1 : start], "big")


def serialize(paper: Paper) -> bytes:
    """A paper as a msgpack array, before compression."""
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
        _seconds(paper.announced_at),
        _seconds(paper.submitted_at),
        paper.revision,
        paper.withdrawn_version,
        [_pick_row(pick) for pick in paper.picks],
        paper.sources,
        [list(rank) for rank in ranks],
        [(name, ranks.index(rank)) for name, rank in paper.ranks],
    ]
    if paper.referred_at or paper.listed_at:
        row += [_seconds(paper.referred_at), _listed_row(paper.listed_at)]
    packed: bytes = msgpack.packb(row)
    return packed


def _from_row(id: ArxivId, row: list[Any]) -> Paper:
    # By position, in the order of Paper's fields: this runs for every paper of every page.
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
        _moment(row[13]),
        _moment(row[14]),
        row[15] and Revision._make(row[15]),
        row[16],
        tuple([_pick(pick) for pick in row[17]]),
        tuple(row[18]),
        tuple([(name, ranks[place]) for name, place in row[20]]),
        *(_first_known(row) if len(row) > _SHORTEST else ()),
    )


def _listed_row(listed_at: tuple[int, ...]) -> int | tuple[int, ...]:
    """One time where all categories have the same, as most have."""
    return listed_at[0] if len({*listed_at}) == 1 else listed_at


def _first_known(row: list[Any]) -> tuple[datetime | None, tuple[int, ...]]:
    """When a journal reference was named, and when each category was listed."""
    listed = row[22] if len(row) > _SHORTEST + 1 else ()
    times = (listed,) * len(row[4]) if isinstance(listed, int) else tuple(listed)
    return _moment(row[21]), times


def _pick_row(pick: Pick) -> list[Any]:
    return [
        pick.community,
        _seconds(pick.picked_at),
        pick.url,
        pick.discussion,
        pick.votes,
        pick.comments,
        _seconds(pick.counted_at),
        pick.submitter,
        pick.thumbnail,
    ]


def _pick(row: list[Any]) -> Pick:
    return Pick(
        community=row[0],
        picked_at=datetime.fromtimestamp(row[1], UTC),
        url=row[2],
        discussion=row[3],
        votes=row[4],
        comments=row[5],
        counted_at=_moment(row[6]),
        submitter=row[7],
        thumbnail=row[8],
    )


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
