"""One address of every kind of page, and what is measured on each."""

from __future__ import annotations

from tests.browser.content import MATHEMATICAL_PAPER, PICKED

PAGES = {
    "home": "/",
    "keyword": "/k/reasoning?n=6",
    "keyword-empty": "/k/nothing-yet",
    "search": "/search?n=6&q=reasoning+-survey",
    "search-filtered": "/search?min_votes=1&n=6&q=reasoning&since=2026-09-01&types=new&view=full",
    "language": "/search",
    "invalid-query": "/search?q=%28reasoning",
    "paper": f"/papers/{PICKED}",
    "paper-mathematics": f"/papers/{MATHEMATICAL_PAPER}",
    "daily": "/daily/2026-11-03",
    "weekly": "/weekly/2026-W45",
    "monthly": "/monthly/2026-10?q=model",
    "trending": "/trending",
    "trending-empty": "/trending?q=zeugma",
    "digest": "/digest",
    "listing": "/categories/cs.CL?n=6",
    "categories": "/categories",
    "authors": "/authors",
    "starred": "/starred",
    "manage": "/manage",
    "manage-feeds": "/manage/feeds",
    "manage-blocks": "/manage/blocks",
    "status": "/status",
    "api": "/api",
    "missing": "/nowhere",
}
HORIZONTAL_OVERFLOW = (
    "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
)
"""How many pixels a page is wider than its viewport."""
