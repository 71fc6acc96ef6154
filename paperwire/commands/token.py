"""`paperwire token`: make an API token, and the digest of it for the settings."""

from __future__ import annotations

import json

import click

from paperwire.commands.options import json_option


@click.command()
@json_option
def token(as_json: bool) -> None:
    """Make a token for write access over HTTP.

    It is shown once and stored nowhere.
    """
    from service.http.auth import new_token, token_digest

    new = new_token()
    if as_json:
        click.echo(json.dumps({"token": new, "digest": token_digest(new)}))
        return
    click.echo(f"the token, shown only once:\n  {new}\n")
    click.echo(
        "for the settings (or a file that PAPERWIRE_TOKEN_FILE names):\n"
        f'  token = "{token_digest(new)}"'
    )
