"""What an error of redis-py says of the store: a cause by name, a sentence, and the remedy.

A store can refuse in many ways that are nobody's bug: too many clients, a wrong password, a full
disk, a replica. Each is a row here; errors without a row are ours, and stay what they are.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from redis import Redis, exceptions
from redis.exceptions import RedisError

from papers.errors import TIMEOUT, UNREACHABLE
from papers.redis_backend.sentinel import sentinel_address


class StoreRefusal(NamedTuple):
    """Why the store refuses, to be read after "the store": `summary`, and `remedy`, what to do.

    `cause` is the name for programs. With `serves_reads` it refuses writes alone.
    """

    cause: str
    summary: str
    remedy: str
    serves_reads: bool = False


class _Row(NamedTuple):
    """A refusal, with the classes and the beginnings of replies that mean it.

    `{reply}` in the summary stands for the server's own words.
    """

    refusal: StoreRefusal
    classes: tuple[type[RedisError], ...] = ()
    reply: str = r"(?!)"


_DEFAULT_REMEDY: Final = "start it, or correct redis_url (host, port); empty: an embedded store"
CLUSTER_REMEDY: Final = "see `CLUSTER NODES` on any node: a primary is being elected, or missing"
_PLAIN_SERVER: Final = "set redis_url to a server that is no part of a cluster: RQ needs one"
_PRIMARY: Final = "set redis_url to the primary, which takes writes"

_CLOSED: Final = re.compile(r"Broken pipe|reset by peer|closed by server", re.IGNORECASE)
_GREETING_TIMEOUT: Final = 0.1
"""Seconds; a server greets at once or not at all."""

_ROWS: Final = (
    _Row(
        StoreRefusal(
            "no-password",
            "requires a password, and redis_url has none",
            "add it: redis://:PASSWORD@HOST:PORT/0, or a file that PAPERWIRE_REDIS_URL_FILE names",
        ),
        reply=r"(NOAUTH )?(Authentication required|HELLO must be called with the client already)",
    ),
    _Row(
        StoreRefusal(
            "needless-password",
            "has no password, and redis_url has one",
            "remove the password from redis_url, or set requirepass in the store's configuration",
        ),
        reply=r"AUTH <password> called without|Client sent AUTH, but no password",
    ),
    _Row(
        StoreRefusal(
            "password",
            "refuses the user or the password: {reply}",
            "correct the user and password in redis_url (or in its file)",
        ),
        (exceptions.AuthenticationError,),
        r"(WRONGPASS )?invalid username-password|wrong number of arguments for 'auth'",
    ),
    _Row(
        StoreRefusal(
            "clients",
            "has no connection to spare: its limit of clients is reached",
            "raise its maxclients, and its limit of open files, or run fewer programs on it",
        ),
        reply=r"max number of clients",
    ),
    _Row(
        StoreRefusal(
            "loading",
            "is still loading its data",
            "wait: it answers once that is done; its log shows the progress",
        ),
        (exceptions.BusyLoadingError,),
    ),
    _Row(
        StoreRefusal(
            "read-only", "takes no writes: it is a read-only replica", _PRIMARY, serves_reads=True
        ),
        (exceptions.ReadOnlyError,),
    ),
    _Row(
        StoreRefusal("primary-lost", "is a replica that has lost its primary: {reply}", _PRIMARY),
        (exceptions.MasterDownError,),
    ),
    _Row(
        StoreRefusal(
            "replicas",
            "takes no writes: too few replicas are connected to it",
            "start its replicas, or lower min-replicas-to-write",
            serves_reads=True,
        ),
        reply=r"NOREPLICAS ",
    ),
    _Row(
        StoreRefusal(
            "disk",
            "takes no writes: it cannot write its append-only file to disk",
            "free some space on its disk; its log has the reason",
            serves_reads=True,
        ),
        reply=r"MISCONF ",
    ),
    _Row(
        StoreRefusal(
            "memory",
            "takes no writes: its memory is full",
            "raise its maxmemory, or keep fewer months (keep_months)",
            serves_reads=True,
        ),
        (exceptions.OutOfMemoryError,),
    ),
    _Row(
        StoreRefusal(
            "database",
            "has no database of that number",
            "correct the number at the end of redis_url: redis://HOST:PORT/0",
        ),
        reply=r"(DB index is out of range|invalid DB index|Invalid Database)",
    ),
    _Row(
        StoreRefusal("cluster", "is a node of a cluster: {reply}", _PLAIN_SERVER),
        (
            exceptions.ClusterError,
            exceptions.AskError,
            exceptions.TryAgainError,
            exceptions.ClusterCrossSlotError,
        ),
        r"SELECT is not allowed in cluster mode",
    ),
    _Row(
        StoreRefusal(
            "permission",
            "does not permit that to its user: {reply}",
            "grant its user the permissions in deploy/store.acl",
            serves_reads=True,
        ),
        (exceptions.NoPermissionError,),
        r"ACL failure in script",
    ),
    _Row(
        StoreRefusal(
            "script",
            "is busy with a script",
            "wait for it, or end it with SCRIPT KILL",
        ),
        reply=r"BUSY ",
    ),
    _Row(
        StoreRefusal(
            "protected-mode",
            "refuses other hosts: it runs in protected mode",
            "set a password in its configuration, and the same in redis_url",
        ),
        reply=r"(-?DENIED|.*is running in protected mode)",
    ),
    _Row(
        StoreRefusal(
            "version", "lacks a command: {reply}", "update it to Valkey or Redis 7.2 or later"
        ),
        reply=r"unknown (command|subcommand)",
    ),
    _Row(
        StoreRefusal(
            "protocol",
            "is no Redis server: {reply}",
            "correct host and port in redis_url; rediss:// is for a server with TLS only",
        ),
        (exceptions.InvalidResponse,),
        r"Protocol error|.*(wrong version number|SSL: |record layer failure)",
    ),
    _Row(
        StoreRefusal(
            TIMEOUT,
            "does not answer: {reply}",
            "see its log and SLOWLOG: it hangs or is overloaded, or a firewall drops packets",
        ),
        (exceptions.TimeoutError,),
    ),
    _Row(
        StoreRefusal(UNREACHABLE, "does not answer: {reply}", _DEFAULT_REMEDY),
        (exceptions.ConnectionError,),
    ),
)
"""The first row that fits an error explains it."""


def explain_error(error: RedisError, redis: Redis | None = None) -> StoreRefusal | None:
    """Return why the store refused; None if the error is not the store's doing.

    A store that closes a new connection at once has said why, but redis-py does not read that: then
    a connection of our own does, if `redis` says where.
    """
    if isinstance(error.__cause__, exceptions.ConnectionError | exceptions.TimeoutError):
        error = error.__cause__  # of an open circuit breaker, which raises for an earlier error
    refusal = _explain(error)
    if redis and sentinel_address(redis):
        return refusal
    if redis and refusal and refusal.cause == UNREACHABLE and _CLOSED.search(str(error)):
        greeting = _read_greeting(redis.connection_pool.connection_kwargs)
        return (greeting and _explain(exceptions.ResponseError(greeting))) or refusal
    return refusal


def explain_node_error(error: RedisError) -> StoreRefusal | None:
    """Return why a node of the cluster refused; None if the error is not the store's doing."""
    refusal = explain_error(error)
    if refusal is None:
        return None
    if refusal.cause == "cluster":
        return StoreRefusal(UNREACHABLE, f"does not answer: {error}", CLUSTER_REMEDY)
    remedy = CLUSTER_REMEDY if refusal.cause == UNREACHABLE else refusal.remedy
    return refusal._replace(
        summary=refusal.summary.replace("redis_url", "store_url"),
        remedy=remedy.replace("redis_url", "store_url").replace("REDIS_URL", "STORE_URL"),
    )


def _read_greeting(options: Mapping[str, Any]) -> str:
    """Return the error that the server at this address greets new connections with, if any."""
    try:
        with _connect_plainly(options) as connection:
            reply = connection.recv(500)
    except OSError:
        return ""
    text = reply.decode("utf-8", "replace").partition("\r\n")[0]
    return text[1:].removeprefix("ERR ") if text.startswith("-") else ""


def _connect_plainly(options: Mapping[str, Any]) -> socket.socket:
    if "path" not in options:
        address = (options.get("host", "localhost"), options.get("port", 6379))
        return socket.create_connection(address, _GREETING_TIMEOUT)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_GREETING_TIMEOUT)
    try:
        connection.connect(options["path"])
    except OSError:
        connection.close()
        raise
    return connection


def _explain(error: RedisError) -> StoreRefusal | None:
    reply = str(error).rpartition("of pipeline caused error: ")[2]
    for row in _ROWS:
        if isinstance(error, row.classes) or re.match(row.reply, reply, re.IGNORECASE):
            summary = row.refusal.summary.format(reply=reply[:300].rstrip(". ") or "no reason")
            return row.refusal._replace(summary=summary)
    return None
