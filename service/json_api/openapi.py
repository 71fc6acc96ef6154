"""The OpenAPI description, generated from the tables that the code itself uses.

https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

from typing import Any, Final

from papers.model.arxiv_id import ArxivId
from service.feeds import FORMATS
from service.json_api.operations import (
    HEADERS,
    SECURITY_SCHEMES,
    delete_operation,
    feed_operation,
    get_operation,
    path_parameter,
    write_operation,
)
from service.json_api.schemas import SCHEMAS
from service.urls.count_parameter import COUNT_PARAMETER
from service.urls.cursor_parameters import AFTER_PARAMETER, BEFORE_PARAMETER, SIZE_PARAMETER
from service.urls.paging import PAGE_PARAMETER
from service.urls.params import ALL_PARAMETERS, DIGEST_PARAMETER

_EXAMPLE_ID: Final = str(ArxivId(202503, 14895))
_API: Final = "/api/v1"


def openapi_document(base_url: str) -> dict[str, Any]:
    """Return the description of an installation by its public URL."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Paperwire",
            "version": "1",
            "description": "Research papers by keyword, as JSON and as feeds.",
            "license": {"name": "Metadata: CC0 1.0, by arXiv", "identifier": "CC0-1.0"},
        },
        "servers": [{"url": base_url}],
        "paths": {**_paper_paths(), **_saved_paths(), **_other_paths()},
        "components": {
            "schemas": SCHEMAS,
            "headers": HEADERS,
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _paper_paths() -> dict[str, Any]:
    id = path_parameter("id", f"An arXiv id, as in `{_EXAMPLE_ID}`; an old one has its slash.")
    known = [parameter for parameter in ALL_PARAMETERS if parameter is not DIGEST_PARAMETER]
    changes, listing = (AFTER_PARAMETER, SIZE_PARAMETER), (BEFORE_PARAMETER, SIZE_PARAMETER)
    return {
        f"{_API}/papers": {
            "get": get_operation(
                "Papers that match a keyword, newest first.",
                "Papers",
                [*known, COUNT_PARAMETER],
                codes=(400, 404, 410, 429),
            )
        },
        f"{_API}/papers/{{id}}": {
            "get": get_operation("One paper.", "Paper", path=[id], codes=(400, 404, 410))
        },
        f"{_API}/listing": {
            "get": get_operation(
                "Every paper, newest id first, a page at a time.",
                "Listing",
                listing,
                codes=(400, 429),
                is_cached=False,
            )
        },
        f"{_API}/changes": {
            "get": get_operation(
                "What changed since a cursor, oldest first: one row a paper, its last change.",
                "Changes",
                changes,
                codes=(400, 410, 429),
                is_cached=False,
            )
        },
    }


def _saved_paths() -> dict[str, Any]:
    slug = path_parameter("name", "A saved keyword's slug, as in `reward-model`.")
    name = path_parameter("name", "A community feed's name, as in `hackernews`.")
    return {
        f"{_API}/keywords": {
            "get": get_operation(
                "The saved keywords by name, a page at a time.", "Keywords", [PAGE_PARAMETER]
            ),
            "post": write_operation(
                "Save a keyword, or those of a list.",
                *("keywords", "NewKeyword", "Keyword"),
                takes_lists=True,
            ),
        },
        f"{_API}/keywords/{{name}}": {
            "get": get_operation(
                "One saved keyword.", "Keyword", path=[slug], codes=(400, 404, 410)
            ),
            "put": write_operation(
                "Save a keyword under its name.",
                *("keywords", "KeywordContent", "Keyword"),
                path=[slug],
            ),
            "delete": delete_operation(
                "Remove a keyword; it can be restored for a week.", "keywords", [slug]
            ),
        },
        f"{_API}/sources": {
            "get": get_operation("The states of the sources.", "Sources", is_cached=False),
            "post": write_operation(
                "Save a community feed.", "sources", "NewSource", "CommunityFeed"
            ),
        },
        f"{_API}/sources/{{name}}": {
            "get": get_operation(
                "One community feed.",
                "CommunityFeed",
                path=[name],
                codes=(400, 404),
                is_cached=False,
            ),
            "put": write_operation(
                "Save a community feed under its name.",
                *("sources", "SourceContent", "CommunityFeed"),
                path=[name],
            ),
            "delete": delete_operation(
                "Remove a community feed; its picks stay.", "sources", [name]
            ),
        },
    }


def _other_paths() -> dict[str, Any]:
    slug = path_parameter("name", "A saved keyword's slug, `search`, or a list.")
    id = path_parameter("id", f"An arXiv id, as in `{_EXAMPLE_ID}`.")
    when = path_parameter("when", "The month, as in `2026-05`, or the day, as in `2026-05-20`.")
    suffix = {**path_parameter("suffix", "The format."), "schema": {"enum": list(FORMATS)}}
    archive = "The archive of a month or day that is over; of one that is not, a 302 to the feed."
    health = get_operation("Whether this process works.", "Health", codes=(), is_cached=False)
    return {
        f"{_API}/openapi.json": {"get": get_operation("This description.")},
        "/feeds/{name}.{suffix}": {
            "get": feed_operation("A keyword, `search`, or a list.", [slug, suffix])
        },
        "/feeds/{name}/{when}.{suffix}": {"get": feed_operation(archive, [slug, when, suffix], ())},
        "/papers/{id}.{suffix}": {
            "get": feed_operation(
                "What happened to a paper.", [id, suffix], (), is_beside_page=True
            )
        },
        "/healthz": {"get": health},
    }
