"""`paperwire demo`: everything that `up` runs, on simulated upstreams, in its own data folder.

Its settings are written to DEMO/paperwire.toml, so that other commands can use the same store:
`./run --config demo-data/paperwire.toml status`.
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

from papers.command_name import set_config_option
from papers.config.settings import Seconds, discover_settings
from papers.errors import StoreError
from paperwire.run import up
from paperwire.run.console import Console
from paperwire.run.embedded_store import StorePaths
from paperwire.run.instance_lock import LOCK_FILE, hold_instance_lock
from paperwire.run.ports import find_free_port
from paperwire.run.supervisor import ProgramSpec, Supervisor

DEMO_FOLDER: Final = Path("demo-data")
START_TIMEOUT: Final[Seconds] = 60.0
"""How long the simulated upstreams may take to generate their history."""

_INHERITED_SETTINGS: Final = (
    "HOST",
    "PORT",
    "PUBLIC_URL",
    "LOG_LEVEL",
    "WEB_PROCESSES",
    "WORKER_PROCESSES",
)
"""Settings the demo takes from the environment; any other could point to a real store."""


def run_demo(console: Console, *, keep: bool, day: Seconds, folder: Path = DEMO_FOLDER) -> None:
    """Run the demo until it is interrupted. Raises StoreError, BadSettings."""
    folder = folder.resolve()
    with hold_instance_lock(folder):
        if not keep:
            clear_demo_folder(folder)
    supervisor = Supervisor(console.print_line)
    console.print_line("demo", "generating three weeks of papers ...")
    with supervisor:
        fields = _start_upstreams(supervisor, folder, day)
        config = folder / "paperwire.toml"
        config.write_text(to_toml({"data_dir": ".", **fields}), "utf-8")
        isolate_environment(os.environ, config)
        set_config_option(config)
        up.run_everything(discover_settings(os.environ), supervisor, console)


def clear_demo_folder(folder: Path) -> None:
    """Empty the demo's folder, except for its lock file."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != LOCK_FILE:
            entry.unlink()


def isolate_environment(environ: MutableMapping[str, str], config: Path) -> None:
    """Remove from the environment whatever points to real upstreams or to a real store."""
    for name in [*environ]:
        setting = name.removeprefix("PAPERWIRE_")
        if name == "REDIS_URL" or (setting != name and setting not in _INHERITED_SETTINGS):
            del environ[name]
    environ["PAPERWIRE_CONFIG"] = str(config)


def to_toml(fields: Mapping[str, Any]) -> str:
    """Render settings as TOML; JSON values are valid TOML, except for tables."""
    return "".join(f"{name} = {_toml_value(value)}\n" for name, value in fields.items())


def _toml_value(value: Any) -> str:
    if not isinstance(value, dict):
        return json.dumps(value)
    return "{" + ", ".join(f"{json.dumps(k)} = {json.dumps(v)}" for k, v in value.items()) + "}"


def _start_upstreams(supervisor: Supervisor, folder: Path, day: Seconds) -> dict[str, Any]:
    """Start the simulated upstreams; return the settings that point to them."""
    port_file = folder / "sources"
    port_file.unlink(missing_ok=True)
    options = {
        "port": str(find_free_port("127.0.0.1", 18_000)),
        "port-file": str(port_file),
        "day": str(day),
        "store": StorePaths.in_data_dir(str(folder)).socket_url(),
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
    program = (sys.executable, "-m", "paperwire.simulator")
    supervisor.start(ProgramSpec("demo", (*program, *arguments)))
    deadline = time.monotonic() + START_TIMEOUT
    while not port_file.exists():
        if supervisor.check_programs(time.monotonic()) or time.monotonic() > deadline:
            raise StoreError("the simulated upstreams do not start; see their output above")
        time.sleep(0.05)
    fields: dict[str, Any] = json.loads(port_file.read_text("utf-8").split("\n")[1])
    return fields
