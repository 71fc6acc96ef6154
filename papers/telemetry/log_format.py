"""The format of log lines, in every process: time, level, message, id of the request or task.

Credentials in URLs are hidden, whatever the message.
"""

from __future__ import annotations

import logging

from papers.config.settings import Settings
from papers.config.url_secrets import hide_credentials
from papers.telemetry.log_events import current_event_id


class RedactingFormatter(logging.Formatter):
    """A formatter that hides users, passwords and query values, in tracebacks too."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the id of the event that it belongs to."""
        id = current_event_id()
        if id and f"id={id}" not in record.getMessage():
            record = logging.makeLogRecord(record.__dict__)
            record.msg, record.args = f"{record.getMessage()} id={id}", None
        return hide_credentials(super().format(record))


def log_to_stderr(settings: Settings) -> None:
    """Write the log lines of this process to stderr; libraries log warnings only."""
    handler = logging.StreamHandler()
    handler.setFormatter(
        RedactingFormatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
    )
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler])
    for name in ("rq", "urllib3", "arxiv", "redis"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))
