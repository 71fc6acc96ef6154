"""The plain Redis behind Sentinels: its primary is found, and found again after a failover.

    redis+sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/SERVICE/DATABASE

Hosts are those of the Sentinels. `rediss+sentinel://` speaks TLS with all. User and password are
those of the servers; the Sentinels' own follow as `?sentinel_username=…&sentinel_password=…`.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from redis import Redis
from redis.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)

from papers.errors import BadSettings

SCHEMES: Final = ("redis+sentinel", "rediss+sentinel")
DEFAULT_PORT: Final = 26_379
REPLY_TIMEOUT: Final = 5.0
"""Seconds to wait for more of a reply: the Sentinels replace a primary that hangs."""
_SENTINEL_OPTIONS: Final = {"sentinel_username": "username", "sentinel_password": "password"}


class SentinelUrl(NamedTuple):
    """What a URL says: the Sentinels, the name of the service, and options of connections."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    server_options: dict[str, Any]
    sentinel_options: dict[str, Any]
    is_tls: bool


def is_sentinel_url(url: str) -> bool:
    """Return whether a URL names Sentinels."""
    return url.partition("://")[0] in SCHEMES


def parse_sentinel_url(url: str) -> SentinelUrl:
    """Parse a URL. Raises BadSettings."""
    try:
        parts = urlsplit(url)
        user_info, _, names = parts.netloc.rpartition("@")
        hosts = tuple(_parse_sentinel(name) for name in names.split(","))
        service, _, database = parts.path.strip("/").partition("/")
        if not service or not (database or "0").isdecimal():
            raise ValueError(service)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        if options.keys() - _SENTINEL_OPTIONS:
            raise ValueError(options)
    except ValueError:
        # Not chained: the parser's message may quote a part of the password.
        raise BadSettings(
            "redis_url: cannot be read; give redis+sentinel://HOST:PORT,HOST:PORT/SERVICE/0, with "
            "/ @ : # , in the password as %2F %40 %3A %23 %2C"
        ) from None
    tls = {"ssl": True} if parts.scheme == "rediss+sentinel" else {}
    user, _, password = user_info.partition(":")
    given = {"username": unquote(user), "password": unquote(password)}
    return SentinelUrl(
        hosts,
        service,
        {name: value for name, value in given.items() if value} | {"db": int(database or 0)},
        {_SENTINEL_OPTIONS[name]: value for name, value in options.items()} | tls,
        bool(tls),
    )


def _parse_sentinel(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError("no host")
    return parts.hostname, parts.port or DEFAULT_PORT


class FollowingConnection(SentinelManagedConnection):
    """A connection that asks the Sentinels whenever it connects.

    redis-py's connects again to the address of before if it broke while it was in use.
    """

    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        """Send a command, after connecting if need be (redis-py's interface)."""
        if not self._sock:
            self.connect()  # type: ignore[no-untyped-call]
        super().send_packed_command(command, check_health)  # type: ignore[no-untyped-call]


class FollowingTlsConnection(FollowingConnection, SentinelManagedSSLConnection):
    """The same by TLS."""


class SentinelRedis(Redis):
    """A client that closes its connections to the Sentinels too."""

    def close(self) -> None:
        """Close all connections."""
        super().close()
        pool = self.connection_pool
        if self.auto_close_connection_pool and isinstance(pool, SentinelConnectionPool):
            for sentinel in pool.sentinel_manager.sentinels:
                sentinel.close()


def connect_by_sentinel(url: str, **options: Any) -> Redis:
    """Return a client whose connections lead to the primary of the moment. Raises BadSettings."""
    parsed = parse_sentinel_url(url)
    options["socket_timeout"] = min(options["socket_timeout"], REPLY_TIMEOUT)
    timeouts = {name: value for name, value in options.items() if name.startswith("socket_")}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        parsed.hosts, sentinel_kwargs=timeouts | parsed.sentinel_options
    )
    client: Redis = sentinel.master_for(  # type: ignore[no-untyped-call]
        parsed.service,
        SentinelRedis,
        connection_class=FollowingTlsConnection if parsed.is_tls else FollowingConnection,
        **options,
        **parsed.server_options,
    )
    return client


def sentinel_address(redis: Redis) -> str:
    """Return the service and the Sentinels of a client that finds its server by them; else ""."""
    pool = redis.connection_pool
    if not isinstance(pool, SentinelConnectionPool):
        return ""
    sentinels = pool.sentinel_manager.sentinels
    hosts = [sentinel.connection_pool.connection_kwargs for sentinel in sentinels]
    names = ",".join(f"{host['host']}:{host['port']}" for host in hosts)
    return f"redis+sentinel://{names}/{pool.service_name}"
