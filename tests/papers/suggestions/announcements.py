"""Announcements of made-up papers by month and number."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting

NOW = datetime(2026, 11, 20, tzinfo=UTC)


def sighting(number: int, month: int = 202611, **values: Any) -> Sighting:
    """Return the announcement of paper `number` of a month."""
    fields = {
        "title": f"Paper {number}",
        "abstract": "Text.",
        "categories": ("cs.CL",),
        "announced_at": NOW,
    }
    id = ArxivId(month, number)
    return Sighting(id, "arxiv", Channel.ANNOUNCEMENT, NOW, **{**fields, **values})
