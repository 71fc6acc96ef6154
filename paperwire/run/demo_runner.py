"""`paperwire demo`: everything that `up` runs, on simulated sources, in a data folder of its own.

The settings that turn it to those sources are kept as DEMO/paperwire.toml, so that other commands
can join in: `./run --config demo-data/paperwire.toml status`.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final

from papers.config.settings import Seconds, discover_settings
from papers.errors import StoreError
from paperwire.run import embedded_store, up
from paperwire.run.console import Console
from paperwire.run.instance_lock import LOCK_FILE, hold_instance_lock
from paperwire.run.supervisor import ProgramSpec, Supervisor

DEMO_FOLDER: Final = Path("demo-data")
START_TIMEOUT: Final[Seconds] = 60.0
"""How long the simulated sources may take to make up their history."""

_KEPT_SETTINGS: Final = (
    "HOST",
    "PORT",
    "PUBLIC_URL",
    "LOG_LEVEL",
    "WEB_PROCESSES",
    "WORKER_PROCESSES",
)
"""Settings that the demo takes from the environment; any other could lead to a real store."""


def run_demo(console: Console, *, keep: bool, day: Seconds, folder: Path = DEMO_FOLDER) -> None:
    """Run the demo until told to stop. Raises StoreError, BadSettings."""
    folder = folder.resolve()
    with hold_instance_lock(folder):
        if not keep:
            clear_demo_folder(folder)
    supervisor = Supervisor(console.print_line)
    console.print_line("demo", "making up three weeks of papers ...")
    with supervisor:
        fields = _start_sources(supervisor, folder, day)
        config = folder / "paperwire.toml"
        config.write_text(to_toml({"data_dir": ".", **fields}), "utf-8")
        isolate_environment(os.environ, config)
        up.run_everything(discover_settings(os.environ), supervisor, console)


def clear_demo_folder(folder: Path) -> None:
    """Empty a demo's folder, but for the claim on it."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != LOCK_FILE:
            entry.unlink()


def isolate_environment(environ: MutableMapping[str, str], config: Path) -> None:
    """Leave nothing in the environment that leads to real sources or to a real store."""
    for name in [*environ]:
        setting = name.removeprefix("PAPERWIRE_")
        if name == "REDIS_URL" or (setting != name and setting not in _KEPT_SETTINGS):
            del environ[name]
    environ["PAPERWIRE_CONFIG"] = str(config)


def to_toml(fields: Mapping[str, Any]) -> str:
    """Settings of simple kinds as TOML: but for tables, that is JSON line by line."""
    return "".join(f"{name} = {_toml_value(value)}\n" for name, value in fields.items())


def _toml_value(value: Any) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{" + ", ".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items()) + "}"


def _start_sources(supervisor: Supervisor, folder: Path, day: Seconds) -> dict[str, Any]:
    """Start the simulated sources; the settings that turn Paperwire to them."""
    told = folder / "sources"
    told.unlink(missing_ok=True)
    options = {
        "port": str(up.find_free_port("127.0.0.1", 18_000)),
        "port-file": str(told),
        "day": str(day),
        "store": embedded_store.socket_url(embedded_store.store_paths(str(folder))),
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    program = (sys.executable, "-m", "paperwire.simulator")
    supervisor.start(ProgramSpec("demo", (*program, *words)))
    deadline = time.monotonic() + START_TIMEOUT
    while not told.exists():
        if supervisor.check_programs(time.monotonic()) or time.monotonic() > deadline:
            raise StoreError("the simulated sources do not start; see what they said above")
        time.sleep(0.05)
    fields: dict[str, Any] = json.loads(told.read_text("utf-8").split("\n")[1])
    return fields
