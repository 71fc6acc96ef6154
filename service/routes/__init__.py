"""Routes that are not pages, one module for each group of URLs: feeds, API, exports, metrics.

May import: papers.config, papers.errors, papers.maintenance, papers.model, papers.query,
papers.records, papers.redis_backend, papers.search, papers.state, papers.store,
papers.suggestions, papers.telemetry, service.cache, service.context, service.exports,
service.feed_result, service.feeds, service.http, service.json_api, service.markup,
service.routes.api_v1, service.search_suggestions, service.search_title, service.source_status,
service.urls, service.workload.
Start with: feeds.py; a new module is a row of `BLUEPRINTS`.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from service.routes import (
    api,
    api_v1,
    archives,
    discovery,
    exports,
    feeds,
    health,
    metrics,
    paper_feeds,
    references,
    site_files,
)

BLUEPRINTS: Final[tuple[Blueprint, ...]] = (
    feeds.feeds,
    archives.archives,
    api.api,
    *api_v1.API_BLUEPRINTS,
    exports.exports,
    references.references,
    paper_feeds.paper_feeds,
    discovery.discovery,
    health.health,
    metrics.metrics,
    site_files.site_files,
)
