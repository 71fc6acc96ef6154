"""The examples of CONTRIBUTING.md, which tests run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

_PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"


def example(subject: str) -> str:
    """Return the code of the section `Example: SUBJECT`, such as `a source`."""
    _, _, section = _PAGE.read_text("utf-8").partition(f"\n## Example: {subject}\n")
    code: str = re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]
    return code
