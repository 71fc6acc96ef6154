"""Where things stand: the one canonical address of a keyword in each of its forms.

URLs that others see are made from the configured public address, never from a Host header.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from service.feeds import FORMATS
from service.urls.params import SearchParams

SEARCH_SLUG: Final = "search"
"""What stands where a saved keyword's slug would, for a custom one."""


@dataclass(frozen=True, slots=True)
class SearchUrls:
    """The addresses of one question: as a page, in every format, in the API.

    `slug` is a saved keyword's, or `SEARCH` for a custom one and for several saved ones.
    """

    base_url: str
    slug: str
    params: SearchParams

    @property
    def is_saved(self) -> bool:
        """Whether this is one saved keyword's."""
        return self.slug != SEARCH_SLUG

    @property
    def keywords(self) -> tuple[str, ...]:
        """The slugs of the saved keywords it asks for."""
        return (self.slug,) if self.is_saved else self.params.keywords

    def path(self, form: str) -> str:
        """Path and query string of a form: `page`, or a format's suffix. Only feeds are digests."""
        if form == "page":
            path = f"/k/{self.slug}" if self.is_saved else "/search"
            return with_query_string(path, replace(self.params, digest_kind="").query_string)
        return with_query_string(f"/feeds/{self.slug}.{form}", self.params.query_string)

    def url(self, form: str) -> str:
        """The absolute URL of a form."""
        return self.base_url + self.path(form)

    def references_path(self, form: str) -> str:
        """Path and query string of its papers as references, in a form's suffix."""
        where = f"k/{self.slug}" if self.is_saved else SEARCH_SLUG
        return with_query_string(f"/export/{where}.{form}", self.params.query_string)

    @property
    def api_path(self) -> str:
        """Path and query string in the API, where a saved keyword is a parameter."""
        asked = replace(self.params, keywords=self.keywords, digest_kind="")
        return with_query_string("/api/v1/papers", asked.query_string)

    def at_cursor(self, cursor: str) -> SearchUrls:
        """The same question going on from a cursor; "" is its beginning."""
        return replace(self, params=self.params.at_cursor(cursor))

    @property
    def by_pick(self) -> SearchUrls:
        """The same question of picked papers, newest pick first, from its beginning."""
        return self._with_options({**self._filter_options, "order": "picked"})

    @property
    def by_announcement(self) -> SearchUrls:
        """The same question in order of announcement, from its beginning."""
        return self._with_options(self._filter_options)

    def digest_urls(self, kind: str) -> SearchUrls:
        """The digest of the same keyword by `day` or `week`; it takes no other parameter."""
        return replace(self, params=replace(self.params, options={}, digest_kind=kind))

    def between_days(self, since: date, until: date) -> SearchUrls:
        """The same question of some days, both included, from their beginning."""
        return self._with_options({**self._filter_options, "since": since, "until": until})

    @property
    def _filter_options(self) -> dict[str, Any]:
        return {f: v for f, v in self.params.options.items() if f not in ("order", "before")}

    def _with_options(self, options: dict[str, Any]) -> SearchUrls:
        return replace(self, params=replace(self.params, options=options, digest_kind=""))

    @property
    def feed_links(self) -> list[tuple[str, str, str]]:
        """Format name, path and media type of its feeds, first page, Atom first."""
        first = self.at_cursor("")
        return [(form.name, first.path(s), form.media_type) for s, form in FORMATS.items()]


def with_query_string(path: str, query: str) -> str:
    """A path with its query string, if it has one."""
    return f"{path}?{query}" if query else path


def path_with_params(path: str, params: SearchParams) -> str:
    """Join a path and the canonical query string of `params`."""
    return with_query_string(path, params.query_string)
