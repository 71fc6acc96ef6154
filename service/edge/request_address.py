"""Request address: WSGI middleware that decides the host, scheme, prefix and client of a request.

    Host                     must be a host of the settings, else 400 before anything else
    scheme, host, prefix     those of `public_url`, whatever the request says
    client                   the peer; behind a proxy of `trusted_proxies` the address that it names
    headers of proxies       removed: nothing behind this middleware can depend on them

A response is cached for all clients, so it must be a function of its URL alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote, urlsplit

from flask import Flask, Response
from werkzeug.sansio.utils import host_is_trusted

from papers.config.networks import Network, address_in, parse_address, parse_cidrs
from papers.config.settings import Settings
from papers.errors import BadSettings
from service.http.client_quota import FORWARDED_FLAG
from service.http.error_pages import plain_error_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_LOOPBACK_HOSTS: Final = ("localhost", "127.0.0.1", "[::1]")
_MAX_SHOWN_HOST: Final = 80
_DOT_OF_ROOT: Final = re.compile(r"(?<=[a-z0-9])\.(?=(?::[0-9]*)?$)")
_FORWARDING_PREFIXES: Final = ("HTTP_X_FORWARDED", "HTTP_X_ORIGINAL", "HTTP_X_REWRITE")
_FORWARDING_HEADERS: Final = frozenset(
    f"HTTP_{name}"
    for name in (
        *("FORWARDED", "VIA", "X_REAL_IP", "TRUE_CLIENT_IP", "CF_CONNECTING_IP", "X_CLIENT_IP"),
        *("X_HOST", "X_SCHEME", "X_URL_SCHEME", "X_SCRIPT_NAME", "FRONT_END_HTTPS"),
        *("X_HTTP_METHOD_OVERRIDE", "X_CLUSTER_CLIENT_IP", "FASTLY_CLIENT_IP", "X_PROXYUSER_IP"),
    )
)


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """The parts of the public address, as WSGI names them."""

    scheme: str
    host: str
    prefix: str

    @classmethod
    def of(cls, base_url: str) -> PublicAddress:
        """Split an absolute URL."""
        parts = urlsplit(base_url)
        return cls(parts.scheme, parts.netloc.rpartition("@")[2], _wsgi_path(parts.path))


_HTTP_1_0: Final = ("HTTP/1.0", "HTTP/1")
"""HTTP/1.0 in the standard's words, and in those of the web server."""


def _wsgi_path(path: str) -> str:
    """Return the path of a URL, without a slash at the end, as WSGI decodes it."""
    return unquote(quote(path.rstrip("/"), safe="/%"), "latin-1")


def install_request_address(app: Flask, settings: Settings) -> None:
    """Wrap the app. Install it last, so that it is outermost."""
    inner, public = app.wsgi_app, PublicAddress.of(settings.base_url)
    hosts, proxies = tuple(trusted_hosts(settings)), parse_cidrs(settings.trusted_proxies)

    def request_address(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if refusal := _refusal(_requested_host(environ, public.host), path, hosts):
            return refusal(environ, start_response)
        set_client(environ, proxies)
        environ["wsgi.url_scheme"], environ["HTTP_HOST"] = public.scheme, public.host
        environ["SCRIPT_NAME"] = public.prefix
        if public.prefix and f"{path}/".startswith(f"{public.prefix}/"):  # a proxy kept it
            environ["PATH_INFO"] = path.removeprefix(public.prefix) or "/"
        return inner(environ, start_response)

    app.wsgi_app = request_address  # type: ignore[method-assign]  # Flask documents this assignment


def require_free_prefix(app: Flask, settings: Settings) -> None:
    """Raise BadSettings if a route begins like the path of `public_url`: a URL could mean either.

    Proxies in front either keep that path or strip it.
    """
    first = PublicAddress.of(settings.base_url).prefix.partition("/")[2].partition("/")[0]
    if first and first in {
        rule.rule.split("/")[1].partition(".")[0] for rule in app.url_map.iter_rules()
    }:
        raise BadSettings(f"public_url: /{first} is a path of Paperwire's own; choose another")


def trusted_hosts(settings: Settings) -> list[str]:
    """Return the public host, the address listened on, loopback names, and configured hosts."""
    public = urlsplit(settings.base_url).hostname or ""
    hosts = [public, *settings.trusted_hosts, settings.host, *_LOOPBACK_HOSTS]
    return list(dict.fromkeys(f"[{h}]" if ":" in h and h[0] != "[" else h for h in hosts if h))


def set_client(environ: WSGIEnvironment, proxies: tuple[Network, ...]) -> None:
    """Set REMOTE_ADDR to the client's address, and remove every header that a proxy may set."""
    forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
    names = [
        name
        for name in environ
        if name.startswith("HTTP_")
        and (name in _FORWARDING_HEADERS or name.startswith(_FORWARDING_PREFIXES))
    ]
    environ[FORWARDED_FLAG] = bool(names)
    for name in names:
        del environ[name]
    if proxies and forwarded:
        environ["REMOTE_ADDR"] = client_address(environ.get("REMOTE_ADDR", ""), forwarded, proxies)


def client_address(peer: str, forwarded: str, proxies: tuple[Network, ...]) -> str:
    """Return the address nearest to us that is not a trusted proxy, from X-Forwarded-For.

    Each proxy appends the address that it was connected to from, so only the end of the list can be
    believed: up to the first entry that is not the address of one of our proxies.
    """
    client = peer
    for text in reversed(forwarded.split(",")):
        if not address_in(client, proxies):
            break
        address = parse_address(text)
        if address is None:
            break
        client = str(address)
    return client


def _requested_host(environ: WSGIEnvironment, public_host: str) -> str:
    """Return the Host header; the public host for a client of HTTP/1.0, which need not send one."""
    is_old = environ.get("SERVER_PROTOCOL") in _HTTP_1_0
    return environ.get("HTTP_HOST") or (public_host if is_old else "")


@lru_cache(maxsize=1024)
def _is_served_host(host: str, hosts: tuple[str, ...]) -> bool:
    """Return whether a Host header is one of these, in any case and with a dot at its end."""
    return host_is_trusted(_DOT_OF_ROOT.sub("", host.lower()), hosts)


def _refusal(host: str, path: str, hosts: tuple[str, ...]) -> Response | None:
    """Return the response to a request for another host, or for no path; None to go on."""
    if not _is_served_host(host, hosts):
        shown = ascii(host[:_MAX_SHOWN_HOST])
        detail = (
            f"this server does not serve the host {shown}. If it should, set public_url to the "
            "address that readers use, or add the host to trusted_hosts."
        )
    elif not path.startswith("/"):
        detail = "the request names no path."
    else:
        return None
    return plain_error_response(path, 400, detail)
