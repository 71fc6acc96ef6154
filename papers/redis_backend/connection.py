"""The way to Redis: one for those who can wait, one for those who cannot.

Left alone, redis-py waits seconds where the server is down and a minute where it hangs. A worker
would rather wait than fail; a web request would rather fail at once and serve its last good copy.
"""

from __future__ import annotations

import os
import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Self, TypeVar

import hiredis
from redis import Redis
from redis.backoff import EqualJitterBackoff, NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from papers.errors import BadSettings, StoreError, StoreUnavailable

T = TypeVar("T")
RedisCommand = tuple[bytes | str, ...]
"""Its name, of one word, and its arguments."""

WEB_TIMEOUT: Final = 0.5
"""Seconds a web request may wait for Redis, to connect and for each answer."""

BREAKER_COOLDOWN: Final = 1.0
"""Seconds that a store which did not answer is left alone by whoever cannot wait."""

WORKER_TIMEOUT: Final = 30.0
"""Seconds a worker waits for an answer."""

_MAX_RETRIES: Final = 7
_BACKOFF: Final = EqualJitterBackoff(cap=5.0, base=0.1)
"""0.1 to 5 seconds between tries: about a quarter of a minute over all of them."""


def connect(url: str, *, retry: bool) -> Redis:
    """A client with replies as bytes; it connects when first used.

    Patient: each command is tried again for about a quarter of a minute. Impatient: one try, half
    a second for an answer, and after a failure none at all for a second. Raises BadSettings for a
    URL of another kind.
    """
    timeout = WORKER_TIMEOUT if retry else WEB_TIMEOUT
    try:
        return Redis.from_url(
            url,
            retry=Retry(_BACKOFF, _MAX_RETRIES) if retry else CircuitBreakerRetry(),
            socket_timeout=timeout,
            socket_connect_timeout=min(timeout, 5.0),
            command_packer=_HiredisPacker(),
        )
    except ValueError:
        # what the parser says of a URL may be a piece of the password in it
        raise BadSettings(
            "redis_url: cannot be read; give a redis://, rediss:// or unix:// URL, "
            "with / @ : # in the password as %2F %40 %3A %23"
        ) from None


class _HiredisPacker:
    """Writes commands as hiredis does; redis-py looks at every argument before, at more cost."""

    def pack(self, name: bytes | str, *args: Any) -> list[bytes]:
        """A command; its name may be of several words."""
        return [hiredis.pack_command((*name.split(), *args))]


def disable_retries(redis: Redis) -> None:
    """Have a patient client try each command once from now on: nobody is left to wait for it."""
    redis.set_retry(Retry(NoBackoff(), 0))


class CircuitBreakerRetry(Retry):
    """No second try; after a failure nobody tries for a second, and then one does for all.

    Where the store hangs, every request would otherwise wait half a second of a thread's time, and
    a hundred readers would wait for each other. Shared by all connections of a client.
    """

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 0)
        self._lock = threading.Lock()
        self._nested = threading.local()
        self._has_failed, self._next_attempt = False, 0.0

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def call_with_retry(self, do: Callable[[], T], *args: Any, **kwargs: Any) -> T:
        """Do it, unless it failed just now."""
        if getattr(self._nested, "trying", False):  # connecting, on the way to a command
            return super().call_with_retry(do, *args, **kwargs)
        self._check_open()
        self._nested.trying = True
        try:
            done = super().call_with_retry(do, *args, **kwargs)
        except (RedisConnectionError, RedisTimeoutError):
            self._has_failed, self._next_attempt = True, time.monotonic() + BREAKER_COOLDOWN
            raise
        finally:
            self._nested.trying = False
        self._has_failed = False
        return done

    def _check_open(self) -> None:
        with self._lock:
            now = time.monotonic()
            if self._has_failed and now < self._next_attempt:
                raise RedisConnectionError("it did not a moment ago, and is left alone for another")
            self._next_attempt = now + BREAKER_COOLDOWN


_DISK_FULL: Final = re.compile(r"(?:^|caused error: )MISCONF ")
"""What a store says that cannot write to its disk; a pipeline puts the command before it."""


@contextmanager
def translate_store_errors(redis: Redis | None = None) -> Iterator[None]:
    """Turn redis-py's errors into ours, naming where that client connects to.

    Raises StoreAway where Redis is not there, StoreError where it is and takes no writes.
    """
    try:
        yield
    except (RedisConnectionError, RedisTimeoutError) as error:
        where = f" at {redacted_url(redis)}" if redis else ""
        raise StoreUnavailable(
            f"the store{where} does not answer: {error}; is it running?"
        ) from error
    except (OutOfMemoryError, ReadOnlyError) as error:
        raise StoreError(f"the store takes no writes: {error}") from error
    except ResponseError as error:
        if not _DISK_FULL.search(str(error)):
            raise
        raise StoreError(f"the store takes no writes: {error}") from error


class ThreadLocalClient:
    """Clients of one Redis that hold a connection, each thread its own.

    To take a connection from the pool and give it back costs as much as a short answer. Raises
    redis-py's errors.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._local = threading.local()

    @property
    def client(self) -> Redis:
        """The client of this thread; not for any other, nor for a process that forked off it."""
        here = self._local
        if getattr(here, "process", None) != os.getpid():
            client: Redis = self._redis.client()  # type: ignore[no-untyped-call]
            held: Any = client.connection
            held.register_connect_callback(self._use_kernel_timeouts)
            self._use_kernel_timeouts(held)
            here.client, here.process = client, os.getpid()
        known: Redis = here.client
        return known

    def _use_kernel_timeouts(self, connection: Any) -> None:
        """Have the kernel keep the time of a new connection's answers, and not Python.

        Python polls a socket before it reads each piece of an answer: that takes a fifth of the
        time of a short answer, and as much again for each piece of a long one.
        """
        held = connection._get_socket()
        seconds = held.gettimeout()
        if seconds and not isinstance(held, ssl.SSLSocket):  # which would not see that it is over
            span = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
            held.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, span)
            held.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, span)
            held.settimeout(None)


def read_many(redis: Redis, commands: Sequence[RedisCommand]) -> list[Any]:
    """The replies to many reading commands, sent at once.

    What a pipeline does, at a third of its cost a command: a walk through all months is hundreds.
    Raises redis-py's errors, also where one reply is an error.
    """
    held: Any = redis.connection
    if held:
        if not held.is_connected:  # to connect what is open does nothing, which passes for success
            held.connect()
        if _is_stale(held):
            held.disconnect()
        return _send_and_receive(held, commands)
    connection = redis.connection_pool.get_connection()
    try:
        return _send_and_receive(connection, commands)
    finally:
        redis.connection_pool.release(connection)


def _is_stale(connection: Any) -> bool:
    """Whether there is anything to read where nothing was asked: the server has closed it."""
    try:
        return bool(connection.can_read())
    except RedisConnectionError:
        return True


def _send_and_receive(connection: Any, commands: Sequence[RedisCommand]) -> list[Any]:
    request = b"".join([hiredis.pack_command(command) for command in commands])  # type: ignore[arg-type]

    def ask() -> list[Any]:
        connection.send_packed_command([request])
        try:
            return [connection.read_response() for _ in commands]
        except RedisConnectionError as error:
            if isinstance(error.__context__, BlockingIOError):  # see PerThread
                raise RedisTimeoutError("Timeout reading from socket") from error
            raise

    def drop(error: Exception) -> None:
        connection.disconnect()

    try:
        replies: list[Any] = connection.retry.call_with_retry(ask, drop)
    except BaseException:
        connection.disconnect()  # unread replies would answer the next command
        raise
    return replies


def redacted_url(redis: Redis) -> str:
    """Where a client connects to, without user name and password: fit to print."""
    to = redis.connection_pool.connection_kwargs
    if "path" in to:
        return f"unix://{to['path']}"
    scheme = (
        "rediss" if "ssl" in redis.connection_pool.connection_class.__name__.lower() else "redis"
    )
    return f"{scheme}://{to.get('host', 'localhost')}:{to.get('port', 6379)}/{to.get('db', 0) or 0}"
