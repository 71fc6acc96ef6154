"""The fonts of other machines: a browser that finds those of one folder and no others."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from playwright.sync_api import Browser, Playwright

FONT_FOLDERS: Final = {
    name: [Path("/usr/share/fonts") / kind / name for kind in ("truetype", "opentype")]
    for name in ("dejavu", "liberation", "noto")
}
INSTALLED: Final = {
    name: folder
    for name, folders in FONT_FOLDERS.items()
    for folder in folders
    if any(folder.glob("*.[ot]tf"))
}
"""The folders of this machine that have the fonts of one package, by its name."""

CONFIGURATION: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
  <include ignore_missing="yes">/etc/fonts/conf.d</include>
</fontconfig>
"""


@contextmanager
def browser_with_fonts(
    playwright: Playwright, executable: str, fonts: Path, folder: Path
) -> Iterator[Browser]:
    """Launch a browser that finds the fonts of a folder only; `folder` gets its configuration."""
    configuration, cache = folder / "fonts.conf", folder / "cache"
    text = CONFIGURATION.format(fonts=escape(str(fonts)), cache=escape(str(cache)))
    configuration.write_text(text, "utf-8")
    environment: dict[str, str | float | bool] = {
        **os.environ,
        "FONTCONFIG_FILE": str(configuration),
    }
    browser = playwright.chromium.launch(executable_path=executable, env=environment)
    yield browser
    browser.close()
