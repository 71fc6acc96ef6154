"""Delivery of a message to the operator's own mail server.

Traffic over the network is encrypted, or stays on this machine: `smtps://` is TLS from the first
byte, `smtp://` requires STARTTLS, except at a loopback address.
https://www.rfc-editor.org/rfc/rfc8314
"""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from papers.config.settings import Settings
from papers.errors import SourceOutcomeUnknown, SourceRefused, SourceUnreachable

_DEFAULT_PORTS: Final = {"smtp": 587, "smtps": 465}


def send_mail(message: EmailMessage, settings: Settings) -> None:
    """Deliver a message.

    Raises SourceUnreachable, SourceRefused if it was not accepted, SourceOutcomeUnknown if it may
    have been.
    """
    address = urlsplit(settings.smtp_url)
    name = f"the mail server {address.hostname}"
    try:
        with _connect(address, settings) as client:
            _transmit(client, message, name)
    except smtplib.SMTPException as error:
        raise SourceRefused(f"{name}: {_error_message(error)}") from error
    except OSError as error:
        raise SourceUnreachable(f"{name}: {error}") from error


def _connect(address: SplitResult, settings: Settings) -> smtplib.SMTP:
    """Return a secure connection, logged in if settings name a user."""
    host, port = address.hostname or "", address.port or _DEFAULT_PORTS[address.scheme]
    tls_context, timeout = ssl.create_default_context(), settings.fetch_timeout
    if address.scheme == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=timeout, context=tls_context)
    else:
        client = smtplib.SMTP(host, port, timeout=timeout)
    try:
        client.ehlo_or_helo_if_needed()
        if address.scheme == "smtp" and (client.has_extn("starttls") or not _is_loopback(host)):
            client.starttls(context=tls_context)
        if address.username:
            client.login(unquote(address.username), settings.smtp_password)
    except BaseException:
        client.close()
        raise
    return client


def _transmit(client: smtplib.SMTP, message: EmailMessage, name: str) -> None:
    try:
        client.send_message(message)
    except (smtplib.SMTPServerDisconnected, OSError) as error:
        if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
            raise  # a definite reply
        raise SourceOutcomeUnknown(f"{name}: the connection broke on the way ({error})") from error


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _error_message(error: smtplib.SMTPException) -> str:
    """Return the server's reply in one line; never what was sent to it."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(_format_reply(code, text) for code, text in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return _format_reply(error.smtp_code, error.smtp_error)
    return str(error) or type(error).__name__


def _format_reply(code: int, text: bytes | str) -> str:
    message = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(message.split())}"[:300]
