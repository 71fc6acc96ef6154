"""Pages to read, one module each; all of them are routes of one blueprint.

address ─▶ what the store finds ─▶ shown (marked words, excerpts) ─▶ a template ─▶ bytes, kept
"""

from __future__ import annotations

from service.pages import (
    digest,
    home,
    keyword,
    listings,
    manage_feeds,
    manage_keywords,
    paper,
    picks,
    preview,
    status,
)
from service.pages.parts.page_response import pages
from service.pages.parts.template_filters import register_filters

__all__ = [
    "digest",
    "home",
    "keyword",
    "listings",
    "manage_feeds",
    "manage_keywords",
    "pages",
    "paper",
    "picks",
    "preview",
    "register_filters",
    "status",
]
