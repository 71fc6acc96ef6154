"""Build id: a digest of the code that renders, so that another build renders everything anew."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

RENDERING_PACKAGES: Final = ("papers", "service")
_SUFFIXES: Final = (".py", ".html", ".css", ".js", ".svg")


def compute_build_id(packages: tuple[str, ...] = RENDERING_PACKAGES) -> str:
    """Return a digest of the code, the templates and the static files of packages.

    Raises RuntimeError if a package has none: with a constant id, a new build would serve the
    bytes that the last one cached.
    """
    digest = hashlib.blake2b(digest_size=8)
    for package in packages:
        contents = [file.read_bytes() for file in _files_below(files(package))]
        if not contents:
            raise RuntimeError(f"{package}: no file to compute the build id from")
        for content in contents:
            digest.update(content)
    return digest.hexdigest()


def _files_below(folder: Traversable) -> Iterator[Traversable]:
    """Yield the files that have a part in rendering, in the order of their paths."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            yield from _files_below(entry)
        elif entry.name.endswith(_SUFFIXES):
            yield entry
