"""The interface of the render cache: requests, renderers and served bodies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from papers.query.ast import Node
from service.cache.cached_body import CachedBody, etag_of
from service.cache.lookup import CacheKey
from service.cache.version_stamp import StoreVersion


@dataclass(frozen=True, slots=True)
class PreparedBody:
    """A body before it is rendered, and a digest of all that it is rendered from.

    Where the digest is that of the response before, nothing is rendered. It is empty for a body
    that may depend on more than the papers it shows.
    """

    render: Callable[[], bytes]
    content_digest: bytes = b""

    @classmethod
    def of_bytes(cls, body: bytes) -> PreparedBody:
        """Return a body that has been rendered."""
        return cls(lambda: body, etag_of(body).encode())


Renderer = Callable[[StoreVersion], bytes | PreparedBody]
"""Renders a body, with the keywords and task states of the version that it is given."""
ShownQuery = Callable[[StoreVersion], Node]
"""Returns a query that matches every paper the response may show."""


class SentValidators(Protocol):
    """The validators that the client of a request sent."""

    def match(self, body: CachedBody) -> bool:
        """Return True if a 304 is due, for which this body is not needed."""
        ...

    def prove(self, body: CachedBody) -> bool:
        """Return True if the client was sent this body, of which only validators may be left."""
        ...

    def allow_previous(self, body: CachedBody) -> bool:
        """Return True if this body, which may have changed, may be sent while it is rendered."""
        ...


class _NoClient:
    """No client: a caller within the process, which compares nothing between two calls."""

    def match(self, _: CachedBody) -> bool:
        return False

    def prove(self, _: CachedBody) -> bool:
        return False

    def allow_previous(self, _: CachedBody) -> bool:
        return True


NO_CLIENT: Final = _NoClient()


@dataclass(frozen=True, slots=True)
class ServedBody:
    """A response to send; only validators may be left of it if the client has it.

    `is_not_modified` if a 304 is due; `is_stale` if it is the last good one, with the store
    unavailable; `is_previous` if it is the one before, while another process renders; `is_rendered`
    if no tier had it.
    """

    cached_body: CachedBody
    is_not_modified: bool = False
    is_stale: bool = False
    is_previous: bool = False
    is_rendered: bool = field(default=False, compare=False)

    @property
    def outcome(self) -> str:
        """What answered, as it is counted (`papers.telemetry.metric_table.CACHE_OUTCOMES`)."""
        if self.is_stale:
            return "stale"
        return "previous" if self.is_previous else "render" if self.is_rendered else "hit"


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """The arguments of one `RenderCache.get`, with the digest of its cache key."""

    cache_key: CacheKey
    digest: str
    render: Renderer
    shown_query: ShownQuery | None
    now: datetime
    consume_quota: Callable[[], None]
    charge: Callable[[float, bool], None]
    validators: SentValidators

    @property
    def is_custom(self) -> bool:
        """Whether clients can make up any number of such requests."""
        return self.cache_key.is_custom
