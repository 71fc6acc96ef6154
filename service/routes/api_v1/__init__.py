"""The parts of the JSON API that are no cached documents: writing, changes, the reference.

May import: papers.command_name, papers.errors, papers.state, service.cache, service.context,
service.edge, service.exports, service.http, service.json_api, service.pages.parts, service.urls.
Start with: saved_keywords.py; a new module is a row of `API_BLUEPRINTS`.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from service.routes.api_v1 import changes, reference_page, saved_keywords, saved_sources

API_BLUEPRINTS: Final[tuple[Blueprint, ...]] = (
    saved_keywords.saved_keywords,
    saved_sources.saved_sources,
    changes.changes,
    reference_page.reference,
)
