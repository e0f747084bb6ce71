"""`farwatch channels whatsapp-link`: connect a WhatsApp by sending a code."""

from __future__ import annotations

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output
from control_plane.cli.reads import text
from control_plane.cli.talk import say

COLUMNS = {
    "STATE": text("state"),
    "NAME": text("name"),
    "CHANNEL": text("channel_id"),
    "EXPIRES": text("expires_at"),
    "ID": text("id"),
}


@click.command("whatsapp-link")
@click.argument("link", required=False)
@click.option("--name", default=None, help="What the channel shall be called.")
@with_output
@with_client
def whatsapp_link(client: ApiClient, link: str | None, *, name: str | None, output: str) -> None:
    """Make a code that connects a WhatsApp; with LINK, its id, see whether somebody has sent it."""
    if link is not None:
        show(client.get(f"/channels/whatsapp-link/{link}"), output, columns=COLUMNS)
        return
    made = client.send("POST", "/channels/whatsapp-link", body={} if name is None else {"name": name})
    show(made, output, columns={"LINK": text("deep_link"), **COLUMNS})
    say("Open the link on the phone within 15 minutes and send what it proposes.")
    say(f"Look with: farwatch channels whatsapp-link {made['id']}")
