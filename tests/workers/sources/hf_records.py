"""Records of daily papers in Hugging Face's format."""

from __future__ import annotations

import json
from typing import Any


def record(id: str = "2611.01234", **paper: Any) -> dict[str, Any]:
    """A record in Hugging Face's format, with some of the paper changed; None removes a key."""
    complete = {
        "id": id,
        "authors": [{"name": "Ann Bo", "hidden": False}, {"name": "Cy Dee", "hidden": True}],
        "publishedAt": "2026-11-18T00:00:00.000Z",
        "submittedOnDailyAt": "2026-11-19T00:00:00.000Z",
        "title": "On  Reward\nModels",
        "submittedOnDailyBy": {"user": "annb", "name": "other"},
        "summary": "We study\nreward models.",
        "upvotes": 44,
        "discussionId": "6a0d2af365eb30f20d962cb2",
        "projectPage": "https://example.org/rm",
        "githubRepo": "https://github.com/a/b",
        "organization": {"name": "Ox", "fullname": "University of Oxford"},
        **paper,
    }
    return {
        "paper": {name: value for name, value in complete.items() if value is not None},
        "publishedAt": "2026-11-17T20:00:00.000Z",
        "title": "another",
        "thumbnail": "https://cdn.example.org/2611.01234.png",
        "numComments": 0,
        "submittedBy": {"name": "somebody"},
    }


def body(*records: Any) -> bytes:
    return json.dumps(records).encode()
