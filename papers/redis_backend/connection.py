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
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import hiredis
from redis import Redis
from redis.backoff import EqualJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from papers.errors import BadSettings, StoreError, StoreUnavailable
from papers.redis_backend.store_errors import explain_error

T = TypeVar("T")
RedisCommand = tuple[bytes | str, ...]
"""A command's name, a single word, and its arguments."""

WEB_TIMEOUT: Final = 0.5
"""Seconds a web request waits to connect, and for each reply."""

BREAKER_COOLDOWN: Final = 1.0
"""Seconds the circuit breaker stays open."""

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
    try:
        return Redis.from_url(
            url,
            retry=Retry(_BACKOFF, _MAX_RETRIES) if retry else CircuitBreakerRetry(),
            socket_timeout=timeout,
            socket_connect_timeout=min(timeout, 5.0),
            command_packer=_HiredisPacker(),
        )
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


class CircuitBreakerRetry(Retry):
    """A circuit breaker: no retries, and after repeated failures commands fail at once.

    A second later one command is let through as a probe. Without it every request to a store that
    hangs would block a thread for half a second, and a hundred readers would queue up. One slow
    reply is no repetition, whoever waits behind it: the breaker opens when a command fails that
    began after another had failed, with no success in between. All connections of a client share
    one breaker, hence `__deepcopy__`.
    """

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 0)
        self._lock = threading.Lock()
        self._local = threading.local()
        self._failed_at: float | None = None
        """When the first command since the last success failed."""
        self._is_open, self._next_attempt = False, 0.0
        self._last_error: Exception | None = None

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def call_with_retry(self, do: Callable[[], T], *args: Any, **kwargs: Any) -> T:
        """Call `do`, unless the breaker is open (redis-py's interface)."""
        if getattr(self._local, "is_calling", False):  # connecting, inside the call of a command
            return super().call_with_retry(do, *args, **kwargs)
        began = self._admit()
        self._local.is_calling = True
        try:
            result = super().call_with_retry(do, *args, **kwargs)
        except (RedisConnectionError, RedisTimeoutError) as error:
            self._record_failure(began, error)
            raise
        finally:
            self._local.is_calling = False
        self._failed_at, self._is_open = None, False
        return result

    def _admit(self) -> float:
        """Return the time, at which a command may begin. Raises while the breaker is open."""
        now = time.monotonic()
        if self._is_open:
            with self._lock:
                if now < self._next_attempt:
                    raise RedisConnectionError(
                        "it failed less than a second ago"
                    ) from self._last_error
                self._next_attempt = now + BREAKER_COOLDOWN
        return now

    def _record_failure(self, began: float, error: Exception) -> None:
        with self._lock:
            now, self._last_error = time.monotonic(), type(error)(*error.args)
            if self._failed_at is None:
                self._failed_at = now
            elif began >= self._failed_at:
                self._is_open = True
            self._next_attempt = now + BREAKER_COOLDOWN


@contextmanager
def translate_store_errors(redis: Redis | None = None) -> Iterator[None]:
    """Translate redis-py's errors to ours, naming the address of the client, cause and remedy.

    Raises StoreUnavailable if Redis does not answer or refuses everything, StoreError if it refuses
    writes alone. Other errors pass through.
    """
    try:
        yield
    except RedisError as error:
        refusal = explain_error(error, redis)
        if refusal is None:
            raise
        where = f" at {redacted_url(redis)}" if redis else ""
        kind = StoreError if refusal.serves_reads else StoreUnavailable
        raise kind(
            f"the store{where} {refusal.summary}; {refusal.remedy}",
            cause=refusal.cause,
            summary=refusal.summary,
            remedy=refusal.remedy,
        ) from error


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
            return [connection.read_response() for _ in commands]
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


def redacted_url(redis: Redis) -> str:
    """Return the URL a client connects to, without user name and password."""
    options = redis.connection_pool.connection_kwargs
    if "path" in options:
        return f"unix://{options['path']}"
    scheme = (
        "rediss" if "ssl" in redis.connection_pool.connection_class.__name__.lower() else "redis"
    )
    host, port = options.get("host", "localhost"), options.get("port", 6379)
    return f"{scheme}://{host}:{port}/{options.get('db', 0) or 0}"
