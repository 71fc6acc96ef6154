"""`paperwire export opml`, …: keywords and papers in the forms that other programs take.

Each writes what the web service answers, to a FILE that appears when it is whole.
"""

from __future__ import annotations

import os
from typing import Final

import click

from papers.settings import discover

keywords = click.option(
    "-k", "--keyword", "names", multiple=True, help="Only this saved keyword; may be repeated."
)


@click.command()
@click.argument("file")
@keywords
@click.option("--picked", is_flag=True, help="Feeds of what communities picked, too.")
def opml(file: str, names: tuple[str, ...], picked: bool) -> None:
    """Write the feeds of saved keywords to FILE (- for standard output), for readers to import."""
    from paperwire import forms
    from paperwire.exporting import save
    from paperwire.session import opened

    with opened(discover(os.environ)) as session:
        save(forms.opml(session, names, picked=picked), file)


FORMS: Final = (opml,)
