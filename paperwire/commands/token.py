"""`paperwire token`: make a token for the settings, or named ones that may do only one thing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from papers.state.access.token_scopes import TOKEN_SCOPES
from paperwire.commands.options import json_option, print_result

if TYPE_CHECKING:
    from papers.state.access.api_tokens import ApiToken


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def token(ctx: click.Context, as_json: bool) -> None:
    """Make a token for the settings: it gives all write access over HTTP.

    It is shown once and stored nowhere. The commands manage named tokens, which may do less.
    """
    if ctx.invoked_subcommand:
        return
    from papers.state.access.token_texts import new_token, token_digest

    new = new_token()
    if as_json:
        click.echo(json.dumps({"token": new, "digest": token_digest(new)}))
        return
    click.echo(f"the token, shown only once:\n  {new}\n")
    click.echo(
        "for the settings (or a file that PAPERWIRE_TOKEN_FILE names):\n"
        f'  token = "{token_digest(new)}"'
    )


@token.command("add")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    required=True,
    multiple=True,
    type=click.Choice(TOKEN_SCOPES),
    help="What it is for; may be given again.",
)
@json_option
def token_add(name: str, scopes: tuple[str, ...], as_json: bool) -> None:
    """Make a token with a name, which is valid at once.

    It is shown once; only its digest is stored.
    """
    from papers.config.settings import discover_settings
    from papers.state.access.api_tokens import ApiTokens
    from papers.state.access.token_texts import new_token, token_digest
    from paperwire.operations.session import open_session

    new = new_token()
    with open_session(discover_settings(os.environ)) as session:
        added = ApiTokens(session.redis).add(name, scopes, token_digest(new), now=session.now)
    text = f"the token {added.name}, shown only once:\n  {new}"
    print_result({**_token_json(added), "token": new}, text, as_json)


@token.command("show")
@json_option
def token_show(as_json: bool) -> None:
    """Show the address that lets a browser on this machine save.

    Its key is the token that `up` made at its first start, in the data folder.
    """
    from papers.config.settings import discover_settings
    from papers.errors import NotFound
    from papers.state.access.local_token import address_with_key, read_local_token
    from paperwire.run.instance_lock import running_address

    settings = discover_settings(os.environ)
    folder = Path(settings.data_dir)
    key = "" if settings.token else read_local_token(folder)
    if not key:
        reason = "one is configured" if settings.token else "`up` makes it at its first start"
        raise NotFound(f"{folder} has no token of this machine: {reason}")
    address = address_with_key(running_address(folder) or settings.base_url, key)
    print_result({"address": address, "token": key}, address, as_json)


@token.command("list")
@json_option
def token_list(as_json: bool) -> None:
    """List the named tokens, with what each is for and when it was last used."""
    from papers.config.settings import discover_settings
    from papers.state.access.api_tokens import ApiTokens
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        tokens = ApiTokens(session.redis).all()
    text = "\n".join(map(_token_line, tokens)) or "there are no named tokens"
    print_result([_token_json(each) for each in tokens], text, as_json)


@token.command("revoke")
@click.argument("name")
@json_option
def token_revoke(name: str, as_json: bool) -> None:
    """Revoke a named token: it is refused at once."""
    from papers.config.settings import discover_settings
    from papers.state.access.api_tokens import ApiTokens
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        revoked = ApiTokens(session.redis).revoke(name)
    print_result(_token_json(revoked), f"revoked {_token_line(revoked)}", as_json)


def _token_json(each: ApiToken) -> dict[str, Any]:
    return {
        "name": each.name,
        "scopes": list(each.scopes),
        "created": each.created_at.isoformat(),
        "used": each.used_at.isoformat() if each.used_at else None,
    }


def _token_line(each: ApiToken) -> str:
    used = f"last used {each.used_at:%Y-%m-%d %H:%M}" if each.used_at else "never used"
    return f"{each.name}  {', '.join(each.scopes)}  made {each.created_at:%Y-%m-%d}  {used}"
