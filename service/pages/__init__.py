"""Pages: a page is a module, a template and a row of `PAGES`. Start with: keyword.py.

May import: papers.command_name, papers.config, papers.counted, papers.errors, papers.maintenance,
papers.model, papers.query, papers.redis_backend, papers.redis_backend.listings, papers.search,
papers.state, papers.state.voting, papers.suggestions, papers.telemetry, papers.thumbnails,
service.cache, service.context, service.exports, service.feed_result, service.feeds, service.http,
service.markup, service.pages.controls, service.pages.parts, service.search_title,
service.source_status, service.urls, service.workload.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Final

from jinja2 import Environment, StrictUndefined

from papers.command_name import command_line
from service.pages.parts.page_response import pages
from service.pages.parts.template_filters import register_filters

__all__ = ["PAGES", "NavLink", "PageModule", "configure_templates", "pages"]


@dataclass(frozen=True, slots=True)
class NavLink:
    """A link of a navigation: `masthead`, `footer` or `manage` (the tabs of the manage pages)."""

    section: str
    label: str
    endpoint: str
    values: Mapping[str, str] = field(default_factory=dict)
    """Values of the endpoint's URL parameters."""


@dataclass(frozen=True, slots=True)
class PageModule:
    """A module of this package or of one in it, and the links to its pages on every page."""

    module: str
    links: tuple[NavLink, ...] = ()


PAGES: Final = (
    PageModule("home", (NavLink("footer", "Keywords", "pages.home"),)),
    PageModule("feed_list", (NavLink("footer", "Feeds", "pages.feed_list"),)),
    PageModule(
        "picks",
        (
            NavLink("masthead", "Picked", "pages.newest_picks", {"rhythm": "daily"}),
            NavLink("masthead", "Trending", "pages.trending"),
        ),
    ),
    PageModule("digest", (NavLink("masthead", "Digest", "pages.digest"),)),
    PageModule("keyword", (NavLink("footer", "How to write a keyword", "pages.search"),)),
    PageModule("status", (NavLink("footer", "Status", "pages.status"),)),
    PageModule(
        "manage.keyword_forms",
        (
            NavLink("footer", "Manage", "pages.manage"),
            NavLink("manage", "Keywords", "pages.manage"),
        ),
    ),
    PageModule("manage.feed_forms", (NavLink("manage", "Community feeds", "pages.manage_feeds"),)),
    PageModule("manage.token_access"),
    PageModule("manage.block_forms", (NavLink("manage", "Block list", "pages.manage_blocks"),)),
    PageModule("listings"),
    PageModule("indexes", (NavLink("footer", "Categories", "pages.categories"),)),
    PageModule("paper", (NavLink("footer", "Starred", "pages.starred"),)),
    PageModule("preview"),
    PageModule("thumbnails"),
)
"""Every page module; links of one section are shown in this order."""

for _page in PAGES:
    import_module(f"{__name__}.{_page.module}")  # registers its routes on the blueprint


def configure_templates(env: Environment) -> None:
    """Set up filters and navigation; an undefined variable is an error, not an empty text."""
    env.undefined = StrictUndefined
    register_filters(env.filters)
    env.globals["nav_links"] = _nav_links
    env.globals["command_line"] = command_line


def _nav_links(section: str) -> list[NavLink]:
    return [link for page in PAGES for link in page.links if link.section == section]
