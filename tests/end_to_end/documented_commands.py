"""The commands in fenced blocks of the documents, and those of them that cannot run in a test."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = tuple(
    str(path.relative_to(ROOT))
    for path in (
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    )
)
PROGRAM: Final = r"(\./run|paperwire)"


class Block(NamedTuple):
    """A fenced block: the language after its fence, and its lines."""

    language: str
    lines: list[str]


class NotRun(NamedTuple):
    """Commands that are parsed and not run: a pattern of the whole command, and the reason."""

    pattern: str
    reason: str


NOT_RUN: Final = (
    NotRun(rf"{PROGRAM}( demo)?|paperwire-env/bin/paperwire demo", "the demo of the test is this"),
    NotRun(r"paperwire web|python -m workers (worker|scheduler)", "it runs until it is stopped"),
    NotRun(r"(\./run (test|check)|\.ci/run).*", "it would run this test"),
    NotRun(r".*/python -m (pytest|tests\.[\w.]+) .*", "it takes minutes"),
    NotRun(r".*-m tests\.workers\.fuzz_coverage .*", "needs a package that is no dependency"),
    NotRun(r"requests-made-up/bin/schemathesis .*", "needs a package that is no dependency"),
    NotRun(r"python3 -m venv .*|\.venv/bin/python -m venv .*", "for a command that is not run"),
    NotRun(r"\S+/(pip|python -m pip) install .*", "needs a package index"),
    NotRun(r"make_lock.*|echo \"setuptools>=80\" .*", "needs uv, and a package index"),
    NotRun(r"docker .*", "needs a container engine; tests/paperwire/test_deployment.py"),
    NotRun(r"kubectl .*", "needs a cluster; tests/paperwire/test_deployment.py"),
    NotRun(
        r"(install|cp|echo|env) .*/etc/.*|"
        r"systemctl (daemon-reload|.* paperwire\.target|start paperwire-worker@2)",
        "needs root",
    ),
    NotRun(r"git (commit|push).*", "needs a repository of the reader's"),
    NotRun(r"REDIS_URL=redis://10\..*", "other machines; tests/paperwire/test_scale_document.py"),
    NotRun(r"valkey-cli --cluster .*", "needs six servers; tests/faults/test_cluster_system.py"),
)
"""Each must be needed by a document: a test says which is not."""


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a document."""
    text = (ROOT / page).read_text("utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [Block(language, body.splitlines()) for language, body in found]


def without_commands(page: str) -> str:
    """Return the text of a document without the blocks of commands."""
    text = (ROOT / page).read_text("utf-8")
    return re.sub(r"^```(sh|console)\n.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def commands(page: str) -> Iterator[str]:
    """Yield the commands of a document, in order: one of each line, and one of each `&&`."""
    for block in blocks(page):
        if block.language == "sh":
            lines = re.sub(r"\\\n\s*", "", "\n".join(block.lines)).splitlines()
        elif block.language == "console":
            lines = [line[2:] for line in block.lines if line.startswith("$ ")]
        else:
            continue
        for line in lines:
            code = re.sub(r"(^|\s+)#(\s.*|$)", "", line).strip()
            yield from filter(None, (part.strip() for part in code.split("&&")))


def looks_like_command(line: str) -> bool:
    """True of a line that a reader would paste into a shell."""
    return bool(re.match(rf"\s*(\$ |{PROGRAM}( [a-z]|$)|curl |python )", line))


def reason_not_to_run(command: str) -> str:
    """Return why a command is not run; the empty string if it is."""
    found = (row.reason for row in NOT_RUN if re.fullmatch(row.pattern, command))
    return next(found, "")


def named_files(command: str) -> list[str]:
    """Return the files and folders of the repository that a command names."""
    words = shlex.split(command, comments=True)
    modules = [words[at + 1] for at, word in enumerate(words[:-1]) if word == "-m"]
    ours = [name for name in modules if name.split(".")[0] in ("tests", "workers", "benchmarks")]
    paths = [w for w in words if re.match(r"(deploy|tests|docs|benchmarks|\.ci)(/|$)", w)]
    return [*(f"{name.replace('.', '/')}*" for name in ours), *paths]
