"""Where things stand: the one canonical address of a keyword in each of its forms.

URLs that others see are made from the configured public address, never from a Host header.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from service.feeds import FORMATS
from service.urls.params import Asked

SEARCH: Final = "search"
"""What stands where a saved keyword's slug would, for a custom one."""


@dataclass(frozen=True, slots=True)
class Address:
    """The addresses of one question: as a page, in every format, in the API.

    `slug` is a saved keyword's, or `SEARCH` for a custom one and for several saved ones.
    """

    base_url: str
    slug: str
    asked: Asked

    @property
    def saved(self) -> bool:
        """Whether this is one saved keyword's."""
        return self.slug != SEARCH

    @property
    def keywords(self) -> tuple[str, ...]:
        """The slugs of the saved keywords it asks for."""
        return (self.slug,) if self.saved else self.asked.keywords

    def path(self, form: str) -> str:
        """Path and query string of a form: `page`, or a format's suffix. Only feeds are digests."""
        if form == "page":
            path = f"/k/{self.slug}" if self.saved else "/search"
            return joined(path, replace(self.asked, digest="").spelled)
        return joined(f"/feeds/{self.slug}.{form}", self.asked.spelled)

    def url(self, form: str) -> str:
        """The absolute URL of a form."""
        return self.base_url + self.path(form)

    def references(self, form: str) -> str:
        """Path and query string of its papers as references, in a form's suffix."""
        where = f"k/{self.slug}" if self.saved else SEARCH
        return joined(f"/export/{where}.{form}", self.asked.spelled)

    @property
    def api_path(self) -> str:
        """Path and query string in the API, where a saved keyword is a parameter."""
        asked = replace(self.asked, keywords=self.keywords, digest="")
        return joined("/api/v1/papers", asked.spelled)

    def after(self, cursor: str) -> Address:
        """The same question going on from a cursor; "" is its beginning."""
        return replace(self, asked=self.asked.after(cursor))

    @property
    def picks(self) -> Address:
        """The same question of picked papers, newest pick first, from its beginning."""
        return self._with({**self._unordered, "order": "picked"})

    @property
    def announced(self) -> Address:
        """The same question in order of announcement, from its beginning."""
        return self._with(self._unordered)

    def digest(self, kind: str) -> Address:
        """The digest of the same keyword by `day` or `week`; it takes no other parameter."""
        return replace(self, asked=replace(self.asked, options={}, digest=kind))

    def within(self, since: date, until: date) -> Address:
        """The same question of some days, both included, from their beginning."""
        return self._with({**self._unordered, "since": since, "until": until})

    @property
    def _unordered(self) -> dict[str, Any]:
        return {f: v for f, v in self.asked.options.items() if f not in ("order", "before")}

    def _with(self, options: dict[str, Any]) -> Address:
        return replace(self, asked=replace(self.asked, options=options, digest=""))

    @property
    def feeds(self) -> list[tuple[str, str, str]]:
        """Format name, path and media type of its feeds, first page, Atom first."""
        first = self.after("")
        return [(form.name, first.path(s), form.media_type) for s, form in FORMATS.items()]


def joined(path: str, query: str) -> str:
    """A path with its query string, if it has one."""
    return f"{path}?{query}" if query else path
