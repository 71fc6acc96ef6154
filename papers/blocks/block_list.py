"""Block list: what of a paper may be shown.

    a blocked paper, a paper of a blocked author      not at all
    arXiv's own texts name a blocked address          not at all
    a blocked community, or one whose pick of this    without that pick; not at all if nobody
      paper names a blocked address                   else has named it
    a community gives code at a blocked address       without that link

So a community that is blocked for spam does not take the papers of arXiv with it. Nothing stored
changes: a block that is lifted has no effect from the next request on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Final, Literal
from urllib.parse import urlsplit

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Paper, Pick
from papers.text.folding import tokenize_unstemmed
from papers.text.links.urls import find_urls

BlockKind = Literal["paper", "author", "community", "url"]
BLOCK_KINDS: Final[tuple[BlockKind, ...]] = ("paper", "author", "community", "url")


@dataclass(frozen=True, slots=True)
class Block:
    """One entry of the block list: `subject` is an id, a name, a community or an address.

    `reason` is for the operator, and for readers of a blocked paper's URL if `is_public`.
    """

    kind: BlockKind
    subject: str
    reason: str
    at: datetime
    is_public: bool = False


class BlockList:
    """Blocks, ready to be applied to many papers."""

    def __init__(self, blocks: Sequence[Block] = ()) -> None:
        self.blocks = tuple(blocks)
        self._papers = {
            ArxivId.parse(block.subject).doc_id: block for block in self._of_kind("paper")
        }
        self._authors = {author_key(block.subject): block for block in self._of_kind("author")}
        self._communities = {block.subject: block for block in self._of_kind("community")}
        self._addresses = _Addresses(self._of_kind("url"))

    def __bool__(self) -> bool:
        return bool(self.blocks)

    def _of_kind(self, kind: BlockKind) -> list[Block]:
        return [block for block in self.blocks if block.kind == kind]

    @property
    def doc_ids(self) -> Iterable[int]:
        """The doc ids of the papers that are blocked by id."""
        return self._papers.keys()

    @cached_property
    def is_by_id(self) -> bool:
        """Whether papers are blocked by id alone: no record need be read to apply it."""
        return len(self._papers) == len(self.blocks)

    def block_of_id(self, id: ArxivId) -> Block | None:
        """Return the block of a paper by its id."""
        return self._papers.get(id.doc_id)

    def hiding_block(self, paper: Paper) -> Block | None:
        """Return the block for which a paper is not shown at all; None if it is shown."""
        found = self._own_block(paper)
        return found or (self._only_namer(paper) if self.visible_part(paper) is None else None)

    def visible_part(self, paper: Paper) -> Paper | None:
        """Return what may be shown of a paper; the same object if nothing of it is hidden."""
        if self._own_block(paper):
            return None
        if not self._communities and not self._addresses:
            return paper
        picks = tuple([pick for pick in paper.picks if not self._pick_block(pick)])
        dropped = {pick.community for pick in paper.picks} - {pick.community for pick in picks}
        hidden = dropped | self._communities.keys()
        sources = tuple([name for name in paper.sources if name not in hidden])
        code, project = map(self._unblocked, (paper.code, paper.project))
        before = (paper.picks, paper.sources, paper.code, paper.project)
        if (picks, sources, code, project) == before:
            return paper
        if not picks and not paper.is_from_arxiv:
            return None
        return paper._replace(picks=picks, sources=sources, code=code, project=project)

    def _own_block(self, paper: Paper) -> Block | None:
        """Return the block that applies to a paper by arXiv's own statements about it."""
        if block := self._papers.get(paper.id.doc_id):
            return block
        if self._authors:
            for name in paper.authors:
                if block := self._authors.get(author_key(name)):
                    return block
        if self._addresses:
            return self._addresses.named_in(paper.title, paper.abstract, paper.comment)
        return None

    def _pick_block(self, pick: Pick) -> Block | None:
        if block := self._communities.get(pick.community):
            return block
        if not self._addresses:
            return None
        urls = (pick.url, pick.discussion, pick.thumbnail)
        return next((block for url in urls if (block := self._addresses.block_of(url))), None)

    def _only_namer(self, paper: Paper) -> Block | None:
        return next((block for pick in paper.picks if (block := self._pick_block(pick))), None)

    def _unblocked(self, url: str) -> str:
        return "" if self._addresses.block_of(url) else url


class _Addresses:
    """Blocked hosts, with the hosts below them, and blocked paths of hosts."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._by_host: dict[str, list[tuple[str, Block]]] = {}
        for block in blocks:
            host, path = split_address(block.subject)
            self._by_host.setdefault(host, []).append((path, block))

    def __bool__(self) -> bool:
        return bool(self._by_host)

    def block_of(self, url: str) -> Block | None:
        """Return the block of a URL."""
        if not url or not self._by_host:
            return None
        host, path = split_address(url)
        labels = host.split(".")
        for start in range(len(labels) - 1):
            for blocked, block in self._by_host.get(".".join(labels[start:]), ()):
                if not blocked or path == blocked or path.startswith(f"{blocked}/"):
                    return block
        return None

    def named_in(self, *texts: str) -> Block | None:
        """Return the block of the first blocked URL in some texts."""
        for text in texts:
            lowered = text.lower()
            if any(host in lowered for host in self._by_host):
                for found in find_urls(text):
                    if block := self.block_of(found.url):
                        return block
        return None


def split_address(address: str) -> tuple[str, str]:
    """Return the host, without `www.` and port, and the path of a URL or of `host/path`.

    The host is empty if there is none.
    """
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        host = (parts.hostname or "").rstrip(".").removeprefix("www.")
    except ValueError:
        return "", ""
    return host, parts.path.rstrip("/")


@lru_cache(maxsize=16_384)
def author_key(name: str) -> str:
    """Return the key by which authors are compared: the words without case, accents and stops."""
    return " ".join(tokenize_unstemmed(name))


def block_key(kind: BlockKind, subject: str) -> str:
    """Return the key of a block: each subject is blocked at most once."""
    return f"{kind}:{author_key(subject) if kind == 'author' else subject}"


def blocks_by_key(blocks: Iterable[Block]) -> Mapping[str, Block]:
    """Return blocks by their keys."""
    return {block_key(block.kind, block.subject): block for block in blocks}
