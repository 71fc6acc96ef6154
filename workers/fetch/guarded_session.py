"""The only HTTP session in use: it connects to checked addresses only, under a deadline.

The address that was checked is the address that is connected to, so that a name which resolves
differently a moment later (DNS rebinding) gains nothing. Host header, SNI and certificate remain
the name's.
"""

from __future__ import annotations

import functools
import socket
from collections.abc import Sequence
from typing import Any

from requests import Response, Session
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

from papers.errors import SourceUnreachable
from workers.fetch.address_guard import IPNetwork, resolve_allowed
from workers.fetch.deadline import Deadline


class ConnectionGate:
    """Opens connections to allowed addresses, under a deadline."""

    def __init__(self, allowed: Sequence[IPNetwork], deadline: Deadline, timeout: float) -> None:
        self._allowed, self._deadline, self._timeout = allowed, deadline, timeout

    def connect(self, host: str, port: int) -> socket.socket:
        """Connect to the first address of the host that accepts.

        Raises AddressForbidden and SourceUnreachable.
        """
        last_error: OSError | None = None
        for address in resolve_allowed(host, port, self._allowed):
            if self._deadline.is_expired:
                break
            seconds = min(self._timeout, self._deadline.seconds_left)
            try:
                connection = socket.create_connection((address, port), seconds)
            except OSError as error:
                last_error = error
                continue
            connection.settimeout(self._timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._deadline.watch(connection)
            return connection
        raise SourceUnreachable(
            f"{host}:{port}: no connection ({last_error or 'out of time'})"
        ) from last_error


class GuardedSession(Session):
    """requests' session without its ways around the checks.

    Ignores proxies and .netrc of the environment. The caller follows redirects: requests would read
    their bodies, of any length, before it reports them.
    """

    def __init__(self, gate: ConnectionGate) -> None:
        super().__init__()
        self.trust_env = False
        self.mount("http://", _GuardedAdapter(gate))
        self.mount("https://", _GuardedAdapter(gate))

    def get_redirect_target(self, resp: Response) -> None:
        """No redirect, as far as requests is concerned."""


class _GuardedAdapter(HTTPAdapter):
    """requests' adapter with every connection opened by the gate."""

    def __init__(self, gate: ConnectionGate) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self._gate = gate

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return a host's pool as requests makes it, but connecting through the gate."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        connection_class = _GuardedHTTPS if pool.scheme == "https" else _GuardedHTTP
        pool.ConnectionCls = functools.partial(connection_class, gate=self._gate)
        return pool


class _GuardedHTTP(HTTPConnection):
    def __init__(self, *args: Any, gate: ConnectionGate, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gate = gate

    def _new_conn(self) -> socket.socket:
        return self._gate.connect(self.host, self.port)


class _GuardedHTTPS(HTTPSConnection):
    def __init__(self, *args: Any, gate: ConnectionGate, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gate = gate

    def _new_conn(self) -> socket.socket:
        return self._gate.connect(self.host, self.port)
