"""`paperwire doctor`: what is wrong here, why, and how to mend it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from paperwire.doctor.finding import Finding


@click.command()
@click.option("--offline", is_flag=True, help="Do not ask the upstreams.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(offline: bool, as_json: bool) -> None:
    """Say what is wrong with this installation, why, and how to mend it; 1 where a fault is."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from paperwire.doctor.examination import run_checks

    found = run_checks(os.environ, datetime.now(UTC), ask_upstreams=not offline)
    good = all(finding.level != "fault" for finding in found)
    if as_json:
        document = {"good": good, "findings": [asdict(finding) for finding in found]}
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        click.echo(_text(found))
    if not good:
        sys.exit(1)


def _text(found: Sequence[Finding]) -> str:
    lines = [
        f"{finding.level:<9}{finding.check}: {finding.cause}\n{'':<9}mend: {finding.mend}"
        for finding in found
    ]
    return "\n".join(lines) or "nothing is wrong"
