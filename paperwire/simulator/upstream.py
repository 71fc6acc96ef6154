"""The simulated upstreams: one world behind one HTTP server.

| path | simulates |
| --- | --- |
| `/rss/atom/CATEGORIES` | rss.arxiv.org/atom: the day's announcement |
| `/api/query` | export.arxiv.org/api/query |
| `/oai` | oaipmh.arxiv.org/oai |
| `/hf/api/daily_papers`, `/hf/api/papers/ID` | huggingface.co |
| `/feeds/NAME.xml` | a community's feed |
| paths given to `serve_document` | any document |
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from paperwire.simulator.server import oai_list
from paperwire.simulator.server.endpoints import RequestRouter
from paperwire.simulator.server.http_server import ScriptedServer
from paperwire.simulator.server.messages import SimulatorReply
from paperwire.simulator.server.request_log import RecordedRequest
from paperwire.simulator.world.world import WEDNESDAY, World

ARXIV_PATHS = ("/rss", "/api", "/oai")
"""Paths that share arXiv's rate limit of one connection and three seconds."""


class Upstream(World):
    """A simulated world with its HTTP server; a context manager.

        with Upstream() as upstream:
            paper = upstream.announce(Manuscript(title="A Small Thing"))
            upstream.fail(503, "/api", times=2)
            settings = Settings(**upstream.settings(arxiv_interval=0.0))

    `rests`: arXiv's feeds are empty on days without an announcement. `api_lag`: delay from an
    announcement until the API returns it. `communities`: feeds that exist without any picks.
    `oai_page`: records per OAI-PMH page.
    """

    def __init__(
        self,
        now: datetime = WEDNESDAY,
        *,
        rests: bool = True,
        api_lag: timedelta = timedelta(0),
        communities: Iterable[str] = (),
        oai_page: int = oai_list.OAI_PAGE_SIZE,
        port: int = 0,
    ) -> None:
        super().__init__(now, empty_on_rest_days=rests)
        self._router = RequestRouter(self, api_lag, communities)
        self._router.oai_page_size = oai_page
        self._server = ScriptedServer(self._router, lambda: self.now, port=port)

    def __enter__(self) -> Self:
        self._server.listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        """The base address, without a trailing slash."""
        return self._server.url

    @property
    def log(self) -> list[RecordedRequest]:
        """All requests so far, in order of arrival."""
        return self._server.log

    def requests_to(self, *prefixes: str) -> list[RecordedRequest]:
        """Return requests to paths that begin with one of `prefixes`, such as `*ARXIV_PATHS`."""
        return self._server.requests_to(*prefixes)

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """Return fields of `Settings` that point Paperwire's sources to this world."""
        feeds = {name: f"{self.url}/feeds/{name}.xml" for name in self._router.communities()}
        return {
            "arxiv_feed_url": f"{self.url}/rss/atom",
            "arxiv_api_url": f"{self.url}/api/query",
            "arxiv_oai_url": f"{self.url}/oai",
            "huggingface_url": f"{self.url}/hf",
            "communities": feeds,
            "allowed_networks": ("127.0.0.0/8",),
            **overrides,
        }

    def fail(
        self, what: str | int, prefix: str = "/", *, times: int | None = None, **options: Any
    ) -> None:
        """Inject a fault: see `ScriptedServer.fail`, and `faults` for the names."""
        self._server.fail(what, prefix, times=times, **options)

    def heal(self) -> None:
        """Remove all faults."""
        self._server.heal()

    def serve_document(
        self, path: str, body: bytes, content_type: str = "text/xml", status: int = 200
    ) -> None:
        """Serve a document at a path, in place of anything else there."""
        self._router.documents[path] = SimulatorReply(body, status, content_type)
