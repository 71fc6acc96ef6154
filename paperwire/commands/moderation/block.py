"""`paperwire block`: take papers, authors, communities and addresses out, and lift that."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import click

from papers.blocks.block_list import BLOCK_KINDS
from paperwire.commands.options import json_option, print_result

if TYPE_CHECKING:
    from papers.blocks.block_list import Block, BlockKind

_kind_argument = click.argument("kind", type=click.Choice(BLOCK_KINDS))


@click.group()
def block() -> None:
    """Manage the block list, for spam and takedowns.

    What is on it is in no feed, page, API response, export, digest or archive.
    """


@block.command("add")
@_kind_argument
@click.argument("subject")
@click.option("--reason", required=True, help="Why; kept with the time.")
@click.option("--public", is_flag=True, help="Show the reason at the URL of a blocked paper.")
@json_option
def block_add(kind: str, subject: str, reason: str, public: bool, as_json: bool) -> None:
    """Block a paper by id, an author by name, a community, or a host or address.

    An entry that exists gets the new reason and time.
    """
    from papers.blocks.saved_blocks import SavedBlocks
    from papers.config.settings import discover_settings
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        added = SavedBlocks(session.redis).add(
            cast("BlockKind", kind), subject, reason, now=session.now, is_public=public
        )
    print_result(_block_json(added), f"blocked {_block_line(added)}", as_json)


@block.command("remove")
@_kind_argument
@click.argument("subject")
@json_option
def block_remove(kind: str, subject: str, as_json: bool) -> None:
    """Lift a block: what it hid is back at once."""
    from papers.blocks.saved_blocks import SavedBlocks
    from papers.config.settings import discover_settings
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        lifted = SavedBlocks(session.redis).remove(
            cast("BlockKind", kind), subject, now=session.now
        )
    print_result(_block_json(lifted), f"lifted {_block_line(lifted)}", as_json)


@block.command("list")
@json_option
def block_list(as_json: bool) -> None:
    """List what is blocked, the newest first, with reason and time."""
    from papers.blocks.saved_blocks import SavedBlocks
    from papers.config.settings import discover_settings
    from paperwire.operations.session import open_session

    with open_session(discover_settings(os.environ)) as session:
        blocks = SavedBlocks(session.redis).all()
    text = "\n".join(map(_block_line, blocks)) or "nothing is blocked"
    print_result([_block_json(each) for each in blocks], text, as_json)


def _block_json(each: Block) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "subject": each.subject,
        "reason": each.reason,
        "at": each.at.isoformat(),
        "public": each.is_public,
    }


def _block_line(each: Block) -> str:
    shown = "  (public)" if each.is_public else ""
    return f"{each.kind}  {each.subject}  {each.at:%Y-%m-%d %H:%M}  {each.reason}{shown}"
