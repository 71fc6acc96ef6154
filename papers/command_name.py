"""How commands are called here: `./run` in a clone of the repository, `paperwire` if installed.

Messages and pages that name a command say what can be typed where Paperwire runs.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[1]


def command_name() -> str:
    """Return `./run` if this is a clone, which has that script; else what runs the package."""
    if (_ROOT / "run").is_file():
        return "./run"
    return "paperwire" if shutil.which("paperwire") else "python -m paperwire"
