"""The instances of this user on this machine: where a command finds the store that is meant."""

from __future__ import annotations

import glob
import os
import re
import shlex
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from papers.command_name import command_line, program_name
from paperwire.run.embedded_store import send_command, socket_folder_name
from paperwire.run.instance_lock import running_address, running_config

_BESIDE: Final = ("data", "demo-data")
"""The folders of `up` and `demo`, where they are started."""

_FOLDER_REPLY: Final = re.compile(rb"\ndir\r\n\$\d+\r\n([^\r\n]+)\r\n")


@dataclass(frozen=True, slots=True)
class Instance:
    """A running `paperwire up` or `demo`: its data folder, address, and TOML file, if any."""

    data_dir: Path
    address: str
    config: Path | None

    def command(self, words: str) -> str:
        """Return a command as it is called for this instance."""
        if self.config:
            return f"{program_name()} --config {shlex.quote(_shown(self.config))} {words}"
        return f"PAPERWIRE_DATA_DIR={shlex.quote(_shown(self.data_dir))} {command_line(words)}"

    @property
    def shown_folder(self) -> str:
        """The data folder, seen from the working folder."""
        return _shown(self.data_dir)


def instances_beside(data_dir: Path) -> list[Instance]:
    """Return the instances in the working folder that run on other data folders."""
    return _running({Path(name).resolve() for name in _BESIDE} - {data_dir.resolve()})


def other_instances(data_dir: Path) -> list[Instance]:
    """Return the instances that run on other data folders anywhere, those beside it first."""
    beside = instances_beside(data_dir)
    known = {data_dir.resolve(), *(instance.data_dir for instance in beside)}
    return [*beside, *_running(set(_folders_of_stores()) - known)]


def _running(folders: Iterable[Path]) -> list[Instance]:
    return [
        Instance(folder, address, running_config(folder))
        for folder in sorted(folders)
        if (address := running_address(folder))
    ]


def _folders_of_stores() -> Iterator[Path]:
    """Yield the data folders of this user's embedded stores that answer."""
    parents = {os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"}
    for parent in sorted(filter(None, parents)):
        for path in glob.glob(f"{glob.escape(parent)}/{socket_folder_name('*')}/s"):
            if os.stat(os.path.dirname(path)).st_uid != os.getuid():
                continue  # anyone may make a folder of that name
            if reply := _FOLDER_REPLY.search(send_command(path, b"CONFIG GET dir")):
                yield Path(os.fsdecode(reply[1])).parent


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
