"""What a community's feed may be called, and where it may be: for settings and forms alike."""

from __future__ import annotations

import re
from typing import Final

RESERVED_SOURCE_NAMES: Final = ("arxiv", "hf")
"""Names that `source:` and the feeds give to arXiv and to Hugging Face."""

SLUG_PATTERN: Final = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
"""How names are spelled in URLs; a saved keyword's, too."""


def check_community(name: str, url: str) -> tuple[str, str]:
    """Which of the two (`name`, `url`) cannot be one, and why; two empty texts where both can."""
    if not SLUG_PATTERN.fullmatch(name) or name in RESERVED_SOURCE_NAMES:
        taken = ", ".join(RESERVED_SOURCE_NAMES)
        return "name", f"{name!r} must be a name of a-z, 0-9 and hyphens, and none of {taken}"
    if not url.startswith(("http://", "https://")):
        return "url", f"{name} = {url!r}: must begin with http:// or https://"
    return "", ""
