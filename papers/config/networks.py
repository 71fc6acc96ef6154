"""Networks and addresses of settings: CIDR texts, and whether an address is in one of them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from papers.config.settings import Settings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_cidrs(texts: Iterable[str]) -> tuple[Network, ...]:
    """Parse networks such as `10.0.0.0/8`, or single addresses. Raises ValueError."""
    return tuple(ipaddress.ip_network(text.strip()) for text in texts)


def parse_address(text: str) -> Address | None:
    """Parse an address, also one with a port or mapped to IPv6; None for anything else."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def address_in(text: str, networks: Iterable[Network]) -> bool:
    """Return True if a text is an address of one of the networks."""
    address = parse_address(text)
    return address is not None and any(address in network for network in networks)


def serves_only_this_machine(settings: Settings) -> bool:
    """Return True if nobody on another machine is served, as far as the settings say."""
    public = urlsplit(settings.base_url).hostname or ""
    return is_loopback(public) and not settings.listens_everywhere


@lru_cache(maxsize=1024)
def is_loopback(host: str) -> bool:
    """Return True for a loopback address or name. Cached: parsing one takes 8 µs of a 304's 160."""
    name = host.casefold().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = parse_address(name)
    return address is not None and address.is_loopback
