"""The simulated upstreams: one world, one site.

| path | stands for |
| --- | --- |
| `/rss/atom/CATEGORIES` | rss.arxiv.org/atom: the day's announcement |
| `/api/query` | export.arxiv.org/api/query |
| `/oai` | oaipmh.arxiv.org/oai |
| `/hf/api/daily_papers`, `/hf/api/papers/ID` | huggingface.co |
| `/feeds/NAME.xml` | a community's feed |
| what was `put` | any document |
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
"""What arXiv's rule of one connection and three seconds covers together."""


class Upstream(World):
    """A world that answers over HTTP; a context manager.

        with Upstream() as upstream:
            paper = upstream.announce(Manuscript(title="A Small Thing"))
            upstream.fail(503, "/api", times=2)
            settings = Settings(**upstream.settings(arxiv_interval=0.0))

    `api_lag` is how long after an announcement the API knows of it, `communities` the feeds that
    exist although nobody picked anything yet, `oai_page` how many records OAI-PMH puts on a page.
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
        """The base address, without a slash at the end."""
        return self._server.url

    @property
    def log(self) -> list[RecordedRequest]:
        """Every request so far, as they came."""
        return self._server.log

    def requests_to(self, *prefixes: str) -> list[RecordedRequest]:
        """Requests to paths that begin with one of `prefixes`, such as `*ARXIV`."""
        return self._server.requests_to(*prefixes)

    def settings(self, **overrides: Any) -> dict[str, Any]:
        """Fields of `Settings` that turn Paperwire's sources to this world."""
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
        """Misbehave: see `Site.fail` for how, `faults` for the names."""
        self._server.fail(what, prefix, times=times, **options)

    def heal(self) -> None:
        """Behave again."""
        self._server.heal()

    def serve_document(
        self, path: str, body: bytes, content_type: str = "text/xml", status: int = 200
    ) -> None:
        """Serve a document of any kind at a path, before all else there."""
        self._router.documents[path] = SimulatorReply(body, status, content_type)
