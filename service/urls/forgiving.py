"""Forgiving URLs: forms that mail, chat and readers make of an address, and what was meant.

?q=x&amp;n=5        copied from HTML source           ?q=x&n=5
?utm_source=…       tags of trackers                  left out
/feeds/x.ATOM/      capitals, a slash at the end      /feeds/x.atom
"""

from __future__ import annotations

import re
from typing import Final

from werkzeug.datastructures import MultiDict

_TRACKING: Final = re.compile(
    r"utm_.*|fbclid|gclid|dclid|msclkid|mc_[ce]id|igshid|yclid|_|_ga|_gl", re.IGNORECASE
)
_ESCAPED_AMPERSAND: Final = "amp;"
_SUFFIX: Final = re.compile(r"\.[A-Za-z.]+$")


def is_tracking(name: str) -> bool:
    """Return True for a parameter that trackers and cache busters add to any URL."""
    return bool(_TRACKING.fullmatch(name.removeprefix(_ESCAPED_AMPERSAND)))


def clean_args(args: MultiDict[str, str]) -> MultiDict[str, str]:
    """Return the parameters that a URL was meant to have."""
    return MultiDict(
        (name.removeprefix(_ESCAPED_AMPERSAND), value)
        for name, values in args.lists()
        if not is_tracking(name)
        for value in values
    )


def forgiven_path(path: str) -> str:
    """Return a path without slashes at its end, its suffix in small letters."""
    return _SUFFIX.sub(lambda match: match[0].lower(), path.rstrip("/")) or "/"
