"""The address of a cluster: one URL that may name several nodes, `redis://a:7000,b:7000`."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from papers.errors import BadSettings

DEFAULT_PORT: Final = 6379
_REMEDY: Final = (
    "give redis://HOST:PORT or rediss://HOST:PORT of any node, or of several: HOST:PORT,HOST:PORT; "
    "with / @ : # , in the password as %2F %40 %3A %23 %2C"
)


class StoreUrl(NamedTuple):
    """The URL of the first node, hosts and ports of all, and the URL without secrets."""

    first: str
    nodes: tuple[tuple[str, int], ...]
    shown: str


def parse_store_url(url: str) -> StoreUrl:
    """Return the nodes that a `store_url` names. Raises BadSettings."""
    try:
        parts = urlsplit(url)
        user_info, at, hosts = parts.netloc.rpartition("@")
        nodes = [_parse_host(host) for host in hosts.split(",")]
    except ValueError:
        # Not chained: the parser's message may quote a part of the password.
        raise BadSettings(f"store_url: cannot be read; {_REMEDY}") from None
    if parts.scheme not in ("redis", "rediss"):
        raise BadSettings(f"store_url: must begin with redis:// or rediss://; {_REMEDY}")
    if parts.path not in ("", "/", "/0"):
        raise BadSettings("store_url: a cluster has no databases; end it after the port")
    first = urlunsplit((parts.scheme, f"{user_info}{at}{hosts.split(',')[0]}", "", parts.query, ""))
    return StoreUrl(first, tuple(nodes), f"{parts.scheme}://{hosts}")


def _parse_host(text: str) -> tuple[str, int]:
    """Return host and port. Raises ValueError."""
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("no host")
    return parts.hostname, parts.port or DEFAULT_PORT


def node_url(scheme: str, host: str, port: int) -> str:
    """Return the URL of a node, as errors name it."""
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
