"""`paperwire doctor`: report what is wrong with an installation, why, and the remedy."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from paperwire.commands.options import json_option, print_result

if TYPE_CHECKING:
    from paperwire.doctor.finding import Finding


@click.command()
@click.option("--offline", is_flag=True, help="Skip the checks of the upstreams.")
@json_option
def doctor(offline: bool, as_json: bool) -> None:
    """Check this installation and suggest fixes.

    The exit code is 1 if there is a fault; warnings do not count.
    """
    from dataclasses import asdict
    from datetime import UTC, datetime

    from paperwire.doctor.examination import run_checks

    findings = run_checks(os.environ, datetime.now(UTC), ask_upstreams=not offline)
    is_ok = all(finding.level != "fault" for finding in findings)
    document = {"good": is_ok, "findings": [asdict(finding) for finding in findings]}
    print_result(document, _text(findings), as_json)
    if not is_ok:
        sys.exit(1)


def _text(findings: Sequence[Finding]) -> str:
    lines = [
        f"{finding.level:<9}{finding.check}: {finding.cause}\n{'':<9}fix: {finding.mend}"
        for finding in findings
    ]
    return "\n".join(lines) or "no problems found"
