"""A mail server on loopback that keeps its messages, and refuses or disconnects as set."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "wire", "correct horse"


class MailServer:
    """`refusal` is the reply to a message, "" accepts it; `drops_connection` disconnects."""

    def __init__(self) -> None:
        self.received: list[EmailMessage] = []
        self.refusal = ""
        self.drops_connection = False
        self.port = 0
        self.encrypted: list[bool] = []

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Accept or refuse a message."""
        if self.refusal:
            return self.refusal
        self.encrypted.append(session.ssl is not None)
        content = cast(bytes, envelope.content)
        self.received.append(message_from_bytes(content, policy=policy.default))
        if self.drops_connection:
            cast(asyncio.Transport, server.transport).abort()
            await asyncio.sleep(0)
        return "250 taken"


class _AnyPortController(Controller):
    """A controller that takes any free port."""

    def _trigger_server(self) -> None:
        self.port = cast(asyncio.Server, self.server).sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword
) -> AuthResult:
    right = (login.login, login.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=right)


@contextmanager
def running_mail_server(
    *, wants_login: bool = False, certificate: Path | None = None
) -> Iterator[MailServer]:
    """Run a server; with a certificate (and its key) it offers STARTTLS and requires it."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    server = MailServer()
    controller = _AnyPortController(
        server,
        hostname="127.0.0.1",
        port=0,
        authenticator=_authenticate if wants_login else None,
        auth_require_tls=False,
        tls_context=context,
        require_starttls=context is not None,
    )
    controller.start()
    server.port = controller.port
    yield server
    controller.stop()


def make_certificate(folder: Path) -> Path:
    """Make an unsigned certificate for 127.0.0.1, with its key; skip without openssl."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl, which makes certificates")
    path = folder / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=here", "-addext"),
            *("subjectAltName=IP:127.0.0.1", "-keyout", path, "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    path.write_bytes(path.read_bytes() + (folder / "cert.pem").read_bytes())
    return path
