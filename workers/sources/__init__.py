"""The upstreams: one module each, from their format to sightings.

A new one is one module with a `fetch` of the form `workers.sources.result.Fetch`, and one line in
`SOURCES`. arXiv's API is not in it: what it is asked for comes out of the store, so jobs call
`arxiv_api.by_ids` and `arxiv_api.search` themselves; what these return is the same.
"""

from __future__ import annotations

from typing import Final

from workers.sources import arxiv_announcements, community, hf_daily
from workers.sources.result import Fetch

SOURCES: Final[dict[str, Fetch]] = {
    "announcements": arxiv_announcements.fetch,
    "hf": hf_daily.fetch,
    "community": community.fetch,
}
"""What a task's name begins with, up to the colon, and what fetches it."""
