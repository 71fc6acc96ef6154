"""Connections to Redis: with retries for workers, with a circuit breaker for the web.

By default redis-py waits seconds for a server that is down and a minute for one that hangs. A
worker should rather wait than fail; a web request should fail at once and serve a stale response.
"""

from __future__ import annotations

import os
import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import hiredis
from hiredis import PushNotification
from redis import Redis
from redis._parsers.hiredis import NOT_ENOUGH_DATA
from redis.backoff import EqualJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from papers.errors import BadSettings, StoreError, StoreUnavailable
from papers.redis_backend.circuit_breaker import CircuitBreakerRetry
from papers.redis_backend.sentinel import (
    connect_by_sentinel,
    is_sentinel_url,
    sentinel_address,
)
from papers.redis_backend.store_errors import explain_error, explain_node_error

T = TypeVar("T")
RedisCommand = tuple[bytes | str, ...]
"""A command's name, a single word, and its arguments."""

WEB_TIMEOUT: Final = 0.5
"""Seconds a web request waits to connect, and for each reply."""

WORKER_TIMEOUT: Final = 30.0
"""Seconds a worker waits for a reply."""

_MAX_RETRIES: Final = 7
_BACKOFF: Final = EqualJitterBackoff(cap=5.0, base=0.1)
"""0.1 to 5 seconds between retries: about a quarter of a minute in total."""


def connect(url: str, *, retry: bool) -> Redis:
    """Return a client with replies as bytes; it connects when first used.

    With `retry` each command is retried for about a quarter of a minute. Without, it is tried once,
    for half a second, and after repeated failures commands fail at once for a second. Raises
    BadSettings for a URL that is not a Redis URL.
    """
    timeout = WORKER_TIMEOUT if retry else WEB_TIMEOUT
    if not _has_valid_database(url):
        raise BadSettings(
            "redis_url: what follows the host is no number of a database; end it in /0, and write "
            "/ @ : # in the password as %2F %40 %3A %23"
        )
    options: dict[str, Any] = {
        "retry": Retry(_BACKOFF, _MAX_RETRIES) if retry else CircuitBreakerRetry(),
        "socket_timeout": timeout,
        "socket_connect_timeout": min(timeout, 5.0),
        "command_packer": _HiredisPacker(),
    }
    if is_sentinel_url(url):
        return connect_by_sentinel(url, **options)
    try:
        return Redis.from_url(url, **options)
    except ValueError:
        # Not chained: the parser's message may quote a part of the password.
        raise BadSettings(
            "redis_url: cannot be read; give a redis://, rediss:// or unix:// URL, "
            "with / @ : # in the password as %2F %40 %3A %23"
        ) from None


def _has_valid_database(url: str) -> bool:
    """Return whether the URL has a database number or none; redis-py takes all else for 0."""
    if not url.startswith(("redis://", "rediss://")):
        return True
    try:
        number = urlsplit(url).path.strip("/")
    except ValueError:
        return True  # reported by the parser of the whole URL
    return not number or number.isdecimal()


class _HiredisPacker:
    """Packs commands by hiredis alone; redis-py first checks every argument, which costs more."""

    def pack(self, name: bytes | str, *args: Any) -> list[bytes]:
        """Pack a command; its name may have several words (redis-py's interface)."""
        return [hiredis.pack_command((*name.split(), *args))]


def disable_retries(redis: Redis) -> None:
    """Have a client try each command only once from now on, as at shutdown."""
    redis.set_retry(Retry(NoBackoff(), 0))


@contextmanager
def translate_store_errors(redis: Redis | None = None) -> Iterator[None]:
    """Translate redis-py's errors to ours, naming the address of the client, cause and remedy.

    Raises StoreUnavailable if Redis does not answer or refuses everything, StoreError if it refuses
    writes alone. Other errors pass through.
    """
    try:
        yield
    except RedisError as error:
        node = getattr(error, "store_address", "")
        refusal = explain_node_error(error) if node else explain_error(error, redis)
        if refusal is None:
            raise
        where = f" at {node or (redis and redacted_url(redis))}" if node or redis else ""
        kind = StoreError if refusal.serves_reads else StoreUnavailable
        raise kind(
            f"the store{where} {refusal.summary}; {refusal.remedy}",
            cause=refusal.cause,
            summary=refusal.summary,
            remedy=refusal.remedy,
        ) from error


class RoutingClient(Redis):
    """A client of several servers: each command goes to the server that holds its key."""

    def send_batch(self, commands: Sequence[RedisCommand]) -> list[Any]:
        """Return the replies to reading commands, in one round trip to each server."""
        raise NotImplementedError

    def plain_client(self) -> Redis:
        """Return a client of the server that holds all keys without another home."""
        raise NotImplementedError

    def layout_epoch(self) -> int:
        """Return a number that increases whenever another server takes over some keys."""
        raise NotImplementedError

    def node_clients(self) -> Mapping[str, Redis]:
        """Return a client of each other server that takes writes, by its URL."""
        raise NotImplementedError


class ThreadLocalClient:
    """One dedicated connection to a Redis for each thread and process.

    Taking a connection from the pool and returning it costs as much as a short reply.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._local = threading.local()

    @property
    def client(self) -> Redis:
        """The client of this thread; a forked process gets a new one. Raises redis-py's errors."""
        local = self._local
        if getattr(local, "process_id", None) != os.getpid():
            client: Redis = self._redis.client()  # type: ignore[no-untyped-call]
            connection: Any = client.connection
            connection.register_connect_callback(self._use_kernel_timeouts)
            self._use_kernel_timeouts(connection)
            local.client, local.process_id = client, os.getpid()
        current: Redis = local.client
        return current

    def _use_kernel_timeouts(self, connection: Any) -> None:
        """Move the time-out of a new connection from Python to the kernel.

        Python polls a socket with a time-out before each read: that takes a fifth of the time of a
        short reply, and as much again for each chunk of a long one.
        """
        sock = connection._get_socket()
        seconds = sock.gettimeout()
        if seconds and not isinstance(sock, ssl.SSLSocket):  # TLS does not report kernel time-outs
            timeval = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, timeval)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
            sock.settimeout(None)


def read_many(redis: Redis, commands: Sequence[RedisCommand]) -> list[Any]:
    """Send many commands at once and return their replies in order.

    Does what a pipeline does at a third of the cost per command: a query over all months sends
    hundreds. Raises redis-py's errors, even if only one reply is an error. A client with retries
    may send them again.
    """
    if RoutingClient in type(redis).__mro__:  # `isinstance` checks the protocols of Redis first
        router: Any = redis
        replies: list[Any] = router.send_batch(commands)
        return replies
    return read_from_one(redis, commands)


def read_from_one(redis: Redis, commands: Sequence[RedisCommand]) -> list[Any]:
    """Do what `read_many` does, on the server that a client connects to."""
    dedicated: Any = redis.connection
    if dedicated:
        if not dedicated.is_connected:  # connect() on an open one would count as a success
            dedicated.connect()
        if _is_stale(dedicated):
            dedicated.disconnect()
        return _send_and_receive(dedicated, commands)
    connection = redis.connection_pool.get_connection()
    try:
        return _send_and_receive(connection, commands)
    finally:
        redis.connection_pool.release(connection)


def _is_stale(connection: Any) -> bool:
    """Return whether an idle connection has anything to read: then the server has closed it."""
    try:
        return bool(connection.can_read())
    except RedisConnectionError:
        return True


def _send_and_receive(connection: Any, commands: Sequence[RedisCommand]) -> list[Any]:
    request = b"".join([hiredis.pack_command(command) for command in commands])  # type: ignore[arg-type]

    def exchange() -> list[Any]:
        connection.send_packed_command([request])
        try:
            return _read_replies(connection, len(commands))
        except RedisConnectionError as error:
            if isinstance(error.__context__, BlockingIOError):  # see ThreadLocalClient
                raise RedisTimeoutError("Timeout reading from socket") from error
            raise

    def on_failure(error: Exception) -> None:
        connection.disconnect()

    try:
        replies: list[Any] = connection.retry.call_with_retry(exchange, on_failure)
    except BaseException:
        connection.disconnect()  # else the next command would read these replies
        raise
    return replies


def _read_replies(connection: Any, count: int) -> list[Any]:
    """Read that many replies; those that arrived together are taken from the parser's buffer.

    redis-py takes ten calls for each. Raises redis-py's errors.
    """
    replies: list[Any] = []
    while len(replies) < count:
        replies.append(connection.read_response())
        take_buffered = connection._parser._reader.gets
        while len(replies) < count and (reply := take_buffered()) is not NOT_ENOUGH_DATA:
            if isinstance(reply, PushNotification):
                connection._parser.handle_push_response(reply)
                continue
            if isinstance(reply, RedisError):
                raise reply
            replies.append(reply)
    return replies


def redacted_url(redis: Redis) -> str:
    """Return the URL a client connects to, without user name and password."""
    if address := sentinel_address(redis):
        return address
    options = redis.connection_pool.connection_kwargs
    if "path" in options:
        return f"unix://{options['path']}"
    scheme = (
        "rediss" if "ssl" in redis.connection_pool.connection_class.__name__.lower() else "redis"
    )
    host, port = options.get("host", "localhost"), options.get("port", 6379)
    return f"{scheme}://{host}:{port}/{options.get('db', 0) or 0}"
