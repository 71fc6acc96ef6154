"""The token that `paperwire up` makes for this machine: in a file that only its owner can read.

    data folder/token     mode 0600, made at the first start without a configured token
      ─▶ printed once the web server listens, as the fragment of its address: #key=…
      ─▶ the web server gets its digest, as of any token

It is made only while nobody on another machine is served: elsewhere whoever runs the server
chooses a token. A browser never sends the fragment of an address.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from papers.config.checks import weak_token_reason
from papers.config.networks import serves_only_this_machine
from papers.config.settings import Settings
from papers.errors import BadSettings
from papers.state.access.token_texts import new_token, token_digest

LOCAL_TOKEN_FILE: Final = "token"
"""The file's name in the data folder."""

_OWNER_ONLY: Final = stat.S_IRUSR | stat.S_IWUSR


def needs_local_token(settings: Settings) -> bool:
    """Return whether these settings have no token, and serve nobody elsewhere."""
    return not settings.token and serves_only_this_machine(settings)


def read_local_token(data_dir: Path) -> str:
    """Return the token of a data folder; "" if it has none. Raises BadSettings."""
    path = data_dir / LOCAL_TOKEN_FILE
    try:
        token = path.read_text("ascii").strip()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: cannot be read: {error}") from error
    if token and (reason := weak_token_reason(token)):
        raise BadSettings(f"{path}: the token {reason}; remove the file, and a new one is made")
    return token


def ensure_local_token(data_dir: Path) -> str:
    """Return the token of a data folder, made now if it has none. Raises BadSettings.

    A file that others could read is made private again.
    """
    path = data_dir / LOCAL_TOKEN_FILE
    token = read_local_token(data_dir)
    try:
        if token:
            path.chmod(_OWNER_ONLY)
            return token
        return _write_new_token(path)
    except OSError as error:
        raise BadSettings(f"{path}: cannot be written: {error.strerror}") from error


def is_local_token(settings: Settings) -> bool:
    """Return whether the token of these settings is that of the data folder."""
    try:
        token = read_local_token(Path(settings.data_dir))
    except BadSettings:
        return False
    return bool(token) and token_digest(token) == settings.token


def address_with_key(address: str, token: str) -> str:
    """Return an address whose page keeps the token in the browser that opens it."""
    return f"{address}/#key={token}"


def _write_new_token(path: Path) -> str:
    """Write a new token under a name of its own first: the file is never seen half written."""
    token, draft = new_token(), path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "w") as file:
        file.write(f"{token}\n")
    draft.replace(path)
    return token
