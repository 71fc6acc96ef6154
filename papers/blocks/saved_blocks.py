"""The block list in Redis: every change moves the revision, so that every process reads it anew.

A search reads the list with the first request after the revision has moved, in the same round trip
(`papers.search.reader`), and caches it with the rest of that revision. The list is written before
the revision moves. The change log has no record of such a change, so every response is searched for
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from uuid import uuid4

from redis import Redis

from papers.blocks.block_list import (
    BLOCK_KINDS,
    Block,
    BlockKind,
    BlockList,
    author_key,
    block_key,
    split_address,
)
from papers.command_name import command_line
from papers.config.sources import SLUG_PATTERN, SOURCES
from papers.errors import BadParameter
from papers.model.arxiv_id import ArxivId
from papers.redis_backend import keys
from papers.redis_backend.connection import RedisCommand, translate_store_errors
from papers.redis_backend.listings.changed_papers import ChangedPapers
from papers.redis_backend.revision import bump_revision
from papers.state.record_codec import decode_record, encode_record

MAX_BLOCKS: Final = 10_000
"""The most entries: every process holds the list, and reads it after each ingest."""
MAX_SUBJECT_LENGTH: Final = 300
MAX_REASON_LENGTH: Final = 500
READ_BLOCKS: Final[RedisCommand] = ("HVALS", keys.BLOCKS)
"""The command whose reply `decode_blocks` takes."""


class SavedBlocks:
    """The block list of one store. Every method raises StoreUnavailable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def all(self) -> list[Block]:
        """Return every block, the newest first. Raises StoreError if one is damaged."""
        with translate_store_errors(self._redis):
            stored: Any = self._redis.hvals(keys.BLOCKS)
        blocks = decode_blocks(stored).blocks
        return sorted(blocks, key=lambda block: (block.at, block.kind, block.subject), reverse=True)

    def add(
        self, kind: BlockKind, subject: str, reason: str, *, now: datetime, is_public: bool = False
    ) -> Block:
        """Block a subject; one that is blocked gets the new reason and time.

        Raises BadParameter, BadId for an invalid subject.
        """
        block = Block(kind, parse_subject(kind, subject), _parse_reason(reason), now, is_public)
        key = block_key(kind, block.subject)
        with translate_store_errors(self._redis):
            is_known = self._redis.hexists(keys.BLOCKS, key)
            if not is_known and self._redis.hlen(keys.BLOCKS) >= MAX_BLOCKS:
                raise BadParameter("block", f"the list has {MAX_BLOCKS:,} entries; remove some")
            with self._changing(block, now):
                self._redis.hset(keys.BLOCKS, key, encode_record(block))
        return block

    def remove(self, kind: BlockKind, subject: str, *, now: datetime) -> Block:
        """Lift a block. Raises BadParameter if there is none, BadId."""
        key = block_key(kind, parse_subject(kind, subject))
        with translate_store_errors(self._redis):
            stored: Any = self._redis.hget(keys.BLOCKS, key)
            if stored is None:
                raise BadParameter(
                    kind, f"{subject[:80]!r} is not blocked; see `{command_line('block list')}`"
                )
            block = _decode(stored)
            with self._changing(block, now):
                self._redis.hdel(keys.BLOCKS, key)
        return block

    @contextmanager
    def _changing(self, block: Block, now: datetime) -> Iterator[None]:
        """Tell readers, and clients that follow changes, that a block of the list has changed.

        Which papers a block hides is known only of a block by id.
        """
        token, changed = uuid4().hex, ChangedPapers(self._redis)
        ids = [ArxivId.parse(block.subject)] if block.kind == "paper" else []
        changed.note_pending(self._redis, token, ids, now)
        yield
        bump_revision(self._redis)
        changed.move_noted(token, now)


def parse_subject(kind: BlockKind, subject: str) -> str:
    """Return a subject as it is stored. Raises BadParameter, BadId."""
    text = " ".join(subject.split())
    if not text.isprintable() or not 0 < len(text) <= MAX_SUBJECT_LENGTH:
        raise BadParameter(kind, _length_fault(text, MAX_SUBJECT_LENGTH))
    return _PARSERS[kind](text)


def decode_blocks(stored: Sequence[bytes]) -> BlockList:
    """Decode the list from Redis; returns the same object while the list does not change.

    Raises StoreError if an entry is damaged: what must be hidden is then unknown.
    """
    return _decode_all(tuple(stored)) if stored else NO_BLOCKS


NO_BLOCKS: Final = BlockList()


@lru_cache(maxsize=2)
def _decode_all(stored: tuple[bytes, ...]) -> BlockList:
    return BlockList([_decode(value) for value in stored])


def _decode(stored: bytes) -> Block:
    return decode_record(Block, keys.BLOCKS, stored, {"kind": _parse_kind})


def _parse_kind(value: object) -> BlockKind:
    for kind in BLOCK_KINDS:
        if value == kind:
            return kind
    raise ValueError(f"kind {value!r}")


def _length_fault(text: str, most: int) -> str:
    if not text:
        return "is empty; give one"
    if len(text) > most:
        return f"has {len(text):,} characters; at most {most:,}: shorten it"
    return "has a control character; remove it"


def _parse_reason(reason: str) -> str:
    text = " ".join(reason.split())
    if not text.isprintable() or not 0 < len(text) <= MAX_REASON_LENGTH:
        raise BadParameter("reason", _length_fault(text, MAX_REASON_LENGTH))
    return text


def _parse_author(text: str) -> str:
    if not author_key(text):
        raise BadParameter("author", f"{text!r} has no letter")
    return text


def _parse_community(text: str) -> str:
    if not SLUG_PATTERN.fullmatch(text) or (text in SOURCES and SOURCES[text].is_arxiv):
        raise BadParameter("community", f"{text!r} is no name of a community")
    return text


def _parse_address(text: str) -> str:
    host, path = split_address(text)
    if "." not in host or " " in text:
        raise BadParameter("url", f"{text!r} is no web address, such as a.example or a.example/b")
    return host + path


_PARSERS: Final = {
    "paper": lambda text: str(ArxivId.parse(text)),
    "author": _parse_author,
    "community": _parse_community,
    "url": _parse_address,
}
