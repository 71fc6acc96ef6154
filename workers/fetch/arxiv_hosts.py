"""Which hosts are arXiv's: every request to one waits for arXiv's rate limiter, whoever sends it.

These are arxiv.org with its subdomains, and the hosts of the settings that say where arXiv is (a
mirror, or a simulator). The host is read as the HTTP client reads it: `ARXIV.ORG.` is arXiv too.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from requests import Request
from requests.exceptions import RequestException
from urllib3.exceptions import HTTPError
from urllib3.util import parse_url

from papers.config.settings import Settings
from papers.config.sources import SOURCES

ARXIV_DOMAIN: Final = "arxiv.org"

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class _HostPort(NamedTuple):
    host: str
    port: int


class ArxivHosts:
    """The hosts of arXiv, under these settings."""

    def __init__(self, settings: Settings) -> None:
        names = [name for spec in SOURCES.values() if spec.is_arxiv for name in spec.url_settings]
        self._configured = frozenset(_host_port(getattr(settings, name)) for name in names) - {None}

    def has(self, url: str) -> bool:
        """Return whether a request to this URL is one to arXiv."""
        found = _host_port(url)
        if found is None:  # not a URL: it cannot be requested
            return False
        is_in_domain = found.host == ARXIV_DOMAIN or found.host.endswith(f".{ARXIV_DOMAIN}")
        return is_in_domain or found in self._configured


def _host_port(url: str) -> _HostPort | None:
    """Return where the HTTP client would connect to; None if it could not."""
    try:
        parsed = parse_url(Request("GET", url).prepare().url or "")
    except (RequestException, HTTPError, ValueError):
        return None
    if not parsed.host or parsed.scheme not in _DEFAULT_PORTS:
        return None
    return _HostPort(parsed.host.lower().rstrip("."), parsed.port or _DEFAULT_PORTS[parsed.scheme])
