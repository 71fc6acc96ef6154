"""`paperwire token`: a new token, shown this once, and what the settings keep of it."""

from __future__ import annotations

import json

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def token(as_json: bool) -> None:
    """Make a token for writing over HTTP; it is shown once and kept nowhere."""
    from service.http.auth import new_token, token_digest

    new = new_token()
    if as_json:
        click.echo(json.dumps({"token": new, "digest": token_digest(new)}))
        return
    click.echo(f"the token, which is shown only now:\n  {new}\n")
    click.echo(
        f'what the settings keep of it (or PAPERWIRE_TOKEN_FILE):\n  token = "{token_digest(new)}"'
    )
