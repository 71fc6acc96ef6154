"""Feeds out: the Flask app, its feeds, its API and its pages."""

from __future__ import annotations

from typing import Final

from flask import Flask

from papers.config.settings import Settings
from service import pages
from service.context import open_desk
from service.http import error_pages, static_files
from service.http.flood_guard import put_door
from service.http.security import secure
from service.pages.parts.reader_links import subscriptions
from service.routes import api, archives, discovery, exports, feeds, health, metrics, references

_BLUEPRINTS: Final = (
    feeds.feeds,
    archives.archives,
    pages.pages,
    api.api,
    exports.exports,
    references.references,
    discovery.discovery,
    health.health,
    metrics.metrics,
)


def create_app(settings: Settings) -> Flask:
    """The web app. It connects to the store at the first request, and lives without one.

    Raises BadSettings where `redis_url` is no URL of a store.
    """
    app = Flask(__name__)
    app.url_map.merge_slashes = False  # werkzeug would redirect to whatever Host was sent
    put_door(app)
    secure(app, settings)
    error_pages.register(app)
    pages.register_filters(app.jinja_env.filters)
    static_files.register(app)
    app.jinja_env.globals.update(saved_feeds=discovery.saved_feeds, subscriptions=subscriptions)
    open_desk(app, settings)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app
