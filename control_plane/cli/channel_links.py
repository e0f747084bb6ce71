"""`farwatch channels link-telegram`, `delegate`, `delegations`, `undelegate`: codes that connect a channel."""

from __future__ import annotations

from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.reads import text
from control_plane.cli.talk import say

LINK_COLUMNS = {
    "STATE": text("state"),
    "NAME": text("name"),
    "KIND": text("kind"),
    "CHANNEL": text("channel_id"),
    "EXPIRES": text("expires_at"),
    "ID": text("id"),
}
TELEGRAM_COLUMNS = {"PRIVATE": text("deep_link"), "GROUP": text("group_deep_link"), "EXPIRES": text("expires_at")}
DELEGATION_COLUMNS = {"URL": text("url"), "KIND": text("kind"), "EXPIRES": text("expires_at")}


@click.command("link-telegram")
@click.option("--name", default=None, help="What the channel shall be called.")
@click.option("--watch", "link", default=None, metavar="ID", help="Tell of a link that was made before.")
@with_output
@with_client
def link_telegram(client: ApiClient, name: str | None, link: str | None, output: str) -> None:
    """Connect a Telegram chat: open the link, or send /link with the code. It counts for 15 minutes."""
    if link is not None:
        show(client.get(f"/channels/telegram-link/{link}"), output, columns=LINK_COLUMNS)
        return
    made = client.send("POST", "/channels/telegram-link", body=_named(name))
    show(made, output, columns=TELEGRAM_COLUMNS)
    say(f"Or send to the bot: /link {made['code']}")


@click.command("delegate")
@click.option("--name", default=None, help="What the channel shall be called.")
@click.option("--kind", default=None, help="The only kind that may be connected.")
@with_output
@with_client
def delegate(client: ApiClient, name: str | None, kind: str | None, output: str) -> None:
    """Make a link by which somebody else connects one channel, and reads nothing. It counts for 7 days."""
    body = _named(name) | ({} if kind is None else {"kind": kind})
    show(client.send("POST", "/channels/delegate", body=body), output, columns=DELEGATION_COLUMNS)


@click.command("delegations")
@with_output
@with_client
def delegations(client: ApiClient, output: str) -> None:
    """List delegation links, newest first."""
    show(every_item(client, "/channels/delegate"), output, columns=LINK_COLUMNS)


@click.command("undelegate")
@click.argument("link")
@with_client
def undelegate(client: ApiClient, link: str) -> None:
    """Revoke a delegation link, by its id, that was not used."""
    client.send("DELETE", f"/channels/delegate/{link}")
    say("Revoked.")


def _named(name: str | None) -> dict[str, Any]:
    return {} if name is None else {"name": name}


COMMANDS: tuple[click.Command, ...] = (link_telegram, delegate, delegations, undelegate)
"""For the group `farwatch channels`."""
