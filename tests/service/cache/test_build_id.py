from __future__ import annotations

from pathlib import Path

import pytest

from service.cache.build_id import RENDERING_PACKAGES, compute_build_id


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an importable package `rendering_code`, without files."""
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "rendering_code"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("path", ["a.py", "b/c/page.html", "static/a.css", "static/a.js"])
def test_build_id_changes_with_any_file_that_renders(package: Path, path: str) -> None:
    (package / "first.py").write_text("1")
    before = compute_build_id(("rendering_code",))
    (package / path).parent.mkdir(parents=True, exist_ok=True)
    (package / path).write_text("2")
    assert compute_build_id(("rendering_code",)) != before


def test_build_id_ignores_files_that_do_not_render(package: Path) -> None:
    (package / "first.py").write_text("1")
    before = compute_build_id(("rendering_code",))
    (package / "first.pyc").write_text("2")
    assert compute_build_id(("rendering_code",)) == before


@pytest.mark.usefixtures("package")
def test_package_without_files_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="rendering_code"):
        compute_build_id(("rendering_code",))


def test_build_id_covers_both_packages() -> None:
    whole = compute_build_id()
    assert all(whole != compute_build_id((name,)) for name in RENDERING_PACKAGES)
