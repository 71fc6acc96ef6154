"""Forgiving URLs: forms that mail, chat and readers make of an address, and what was meant.

?q=x&amp;n=5        copied from HTML source           ?q=x&n=5
?utm_source=…       tags of trackers                  left out
/feeds/x.ATOM/      capitals, a slash at the end      /feeds/x.atom
/feeds/x.atom).     the end of a sentence             /feeds/x.atom
"""

from __future__ import annotations

import re
from typing import Final

from werkzeug.datastructures import MultiDict

_TRACKING: Final = re.compile(
    r"(?:utm|mtm|pk)_.*|[a-z]{1,6}clid|msclkid|[wg]braid|mc_[ce]id|igshid|igsh|srsltid|mkt_tok"
    r"|_|_ga|_gl|_hsenc|_hsmi|ref|ref_src|ref_url",
    re.IGNORECASE,
)
_ESCAPED_AMPERSAND: Final = "amp;"
_ENDS: Final = "/ \t\r\n.,;:!?)]>'\"”’»"
"""Characters that end a sentence or a quotation, and no path."""


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
    """Return a path without slashes and punctuation at its end, its suffix in small letters."""
    folder, slash, name = path.rstrip(_ENDS).rpartition("/")
    stem, dot, suffix = name.partition(".")
    return f"{folder}{slash}{stem}{dot}{suffix.lower()}" or "/"
