"""The format of log lines: credentials in URLs are hidden, whatever the message."""

from __future__ import annotations

import logging

from papers.config.url_secrets import hide_credentials


class RedactingFormatter(logging.Formatter):
    """A formatter that hides users, passwords and query values, in tracebacks too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return hide_credentials(super().format(record))
