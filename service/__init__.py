"""Feeds out: the Flask app, its feeds, its API and its pages.

May import: papers, service.cache, service.edge, service.feeds, service.http, service.markup,
service.pages, service.pages.parts, service.redirects, service.routes, service.urls.
Start with: create_app; context.py (what a view works with).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from flask import Flask, Request
from flask.sessions import NullSession, SessionInterface
from werkzeug.routing import MapAdapter

from papers.config.settings import Settings
from papers.errors import StoreError
from service import pages
from service.context import context_of, open_context
from service.edge.request_address import install_request_address, require_free_prefix
from service.edge.request_bodies import install_request_bodies
from service.edge.request_telemetry import install_request_telemetry
from service.edge.response_bodies import install_response_bodies
from service.feeds import FORMATS
from service.http import error_pages, static_files
from service.http.client_quota import ClientQuota
from service.http.flood_guard import install_flood_guard
from service.http.responses import has_last_validators
from service.http.security import install_security_headers
from service.pages.parts.reader_links import reader_links
from service.redirects.forgiving_paths import register_forgiving_paths
from service.redirects.former_keywords import register_former_keywords
from service.redirects.next_steps import next_steps
from service.routes import BLUEPRINTS
from service.routes.discovery import saved_feeds
from service.urls.feed_suffix import FeedSuffixConverter

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class _NoSessions(SessionInterface):
    """The session interface of an app without sessions: one empty session, which is never saved."""

    _NULL_SESSION: Final = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:
        """Return the empty session, which refuses to be written to."""
        return self._NULL_SESSION


class MinimalFlask(Flask):
    """Flask without what Paperwire has no use for and each request would pay for, some 15 µs.

    These are coroutines, sessions, subdomains, WebSockets and hosts: the middleware has decided the
    request's address before (service/edge/request_address.py).
    """

    session_interface = _NoSessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function as it is."""
        return func

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Return the adapter that matches the request's path to a route and builds URLs."""
        if request is None:
            return super().create_url_adapter(None)
        return MapAdapter(
            self.url_map,
            server_name=request.environ.get("HTTP_HOST", ""),
            script_name=request.root_path,
            subdomain="",
            url_scheme=request.scheme,
            path_info=request.path,
            default_method=request.method,
            query_args=request.query_string.decode(errors="replace"),
        )


def create_app(settings: Settings) -> Flask:
    """Return the web app. It connects to the store at the first request, and works without one.

    Raises BadSettings if `redis_url` is not the URL of a store.
    """
    app = MinimalFlask(__name__)
    app.url_map.merge_slashes = False  # werkzeug would redirect to whatever Host was sent
    _install_middleware(app, settings)
    install_response_bodies(app)
    error_pages.register_error_handlers(app)
    pages.configure_templates(app.jinja_env)
    app.url_map.converters["feed_suffix"] = FeedSuffixConverter
    static_files.register_static_urls(app)
    app.jinja_env.globals.update(
        saved_feeds=saved_feeds, subscriptions=reader_links, next_steps=next_steps
    )
    register_former_keywords(app)
    register_forgiving_paths(app)
    open_context(app, settings)
    for blueprint in (*BLUEPRINTS, pages.pages):
        app.register_blueprint(blueprint)
    require_free_prefix(app, settings)
    return app


def warm_up(app: Flask) -> None:
    """Compile templates, prepare the matching of keywords, render the newest papers' entries.

    The first page or feed would have to wait for these. The last takes a minute or two.
    """
    compile_templates(app)
    ctx = context_of(app)
    with suppress(StoreError):  # then they wait
        ctx.percolators.prepare(ctx.directory.read())
        FORMATS["atom"].render_ahead(ctx.store.iter_newest(), ctx.entry_caches)


def compile_templates(app: Flask) -> None:
    """Compile the templates of every page, which takes a tenth of a second."""
    for name in app.jinja_env.list_templates():
        app.jinja_env.get_template(name)


def _install_middleware(app: Flask, settings: Settings) -> None:
    """Install the middleware before Flask, innermost first.

    security headers ─▶ request address ─▶ telemetry ─▶ request bodies ─▶ flood guard ─▶ the app
    """

    def quota_of(environ: WSGIEnvironment) -> ClientQuota:
        return context_of(app).quota_of(environ)

    def has_validators(environ: WSGIEnvironment) -> bool:
        ctx = context_of(app)
        return has_last_validators(ctx.render_cache, environ, now=ctx.now())

    install_flood_guard(app, quota_of, has_validators)
    install_request_bodies(app, lambda: context_of(app).rate_limiter.bodies)
    install_request_telemetry(
        app, lambda: context_of(app).recorder, log_requests=settings.log_requests
    )
    install_request_address(app, settings)
    install_security_headers(app, settings)
