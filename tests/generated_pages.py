"""The parts of reference pages that are made from the code: commands, keys in Redis, caches.

python -m tests.generated_pages         writes them; a test fails while they are not current
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click

from papers.config.process_caches import PROCESS_CACHES
from papers.redis_backend import keys
from paperwire.cli import main

REFERENCE: Final = Path(__file__).parents[1] / "docs" / "reference"
MARK: Final = "<!-- Below: made by `python -m tests.generated_pages`. -->\n"
"""What stands above it on a page is written by hand."""


def commands_part() -> str:
    """Return a section for each command, in alphabetical order: usage, help, options."""
    return "\n".join(_command_section(command, path) for path, command in _commands(main, ""))


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in sorted(group.commands.items()):
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield f"{path}{name}", command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path}{name} ")


def _command_section(command: click.Command, path: str) -> str:
    context = click.Context(command, info_name=path, max_content_width=1000)
    arguments = [each for each in command.params if isinstance(each, click.Argument)]
    usage = " ".join([path, *(each.make_metavar(context) for each in arguments)])
    text = "\n\n".join(" ".join(part.split()) for part in (command.help or "").split("\n\n"))
    records = [each.get_help_record(context) for each in command.params]
    rows = [
        f"| `{_escape(name)}` | {_escape(about)} |"
        for name, about in filter(None, records)
        if name.startswith("-")
    ]
    table = ["| option | |", "| --- | --- |", *rows] if rows else []
    return "\n".join([f"### {path}", "", f"`paperwire {usage}`", "", text, "", *table, ""])


def _escape(text: str) -> str:
    return text.replace("|", "\\|")


def keys_part() -> str:
    """Return the table of keys, as it stands in the docstring of `papers.redis_backend.keys`."""
    table = re.findall(r"^\|.*\|$", keys.__doc__ or "", re.MULTILINE)
    return "\n".join(re.sub(r"\| ([\w]+(?:\.[\w]+)+) \|", r"| `\1` |", row) for row in table)


def caches_part() -> str:
    """Return a table of the caches in the memory of a process."""
    rows = [f"| `{c.where}` | {c.holds} | {c.budget} | {c.emptied_by} |" for c in PROCESS_CACHES]
    return "\n".join(
        ["| where | holds | at most | emptied by |", "| --- | --- | --- | --- |", *rows]
    )


GENERATED: Final[dict[str, Callable[[], str]]] = {
    "commands.md": commands_part,
    "redis-keys.md": keys_part,
    "caches.md": caches_part,
}
"""Page of `docs/reference` → what makes its part below the mark."""


def current_page(name: str) -> str:
    """Return a page as it should be: the part above its mark as it is, the other one made anew."""
    written, mark, _ = (REFERENCE / name).read_text("utf-8").partition(MARK)
    assert mark, f"docs/reference/{name} has lost its mark"
    return f"{written}{MARK}\n{GENERATED[name]().rstrip()}\n"


if __name__ == "__main__":
    for page in GENERATED:
        (REFERENCE / page).write_text(current_page(page), "utf-8")
