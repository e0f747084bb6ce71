"""`farwatch shares`: links that show one monitor to whoever has them."""

from __future__ import annotations

from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import one_of, segment
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.reads import text
from control_plane.cli.silences import end_of
from control_plane.cli.talk import say

COLUMNS = {
    "LABEL": text("label"),
    "UNTIL": text("expires_at"),
    "USED": text("last_used_at"),
    "BY": text("created_by"),
    "ID": text("id"),
}


@click.group()
def shares() -> None:
    """List, make and revoke links that show one monitor without an account."""


@shares.command("ls")
@click.argument("monitor")
@with_output
@with_client
def list_shares(client: ApiClient, monitor: str, output: str) -> None:
    """List the links of MONITOR that count, newest first."""
    items = every_item(client, f"/monitors/{_monitor(client, monitor)}/shares")
    if not items and output == "table":
        say(f"No share links. Make one with: farwatch shares add {monitor} --for 7d")
        return
    show(items, output, columns=COLUMNS)


@shares.command("add")
@click.argument("monitor")
@click.option("--label", default=None, help="Whom it is for.")
@click.option("--for", "lasting", default=None, metavar="7d", help="How long it counts, in m, h or d.")
@click.option("--to", "expires_at", default=None, help="RFC 3339, in the place of --for. Default: until it is revoked.")
@with_output
@with_client
def add(
    client: ApiClient, monitor: str, *, label: str | None, lasting: str | None, expires_at: str | None, output: str
) -> None:
    """Make a link that shows MONITOR. It is printed this once."""
    body: dict[str, Any] = {} if label is None else {"label": label}
    if lasting is not None or expires_at is not None:
        body["expires_at"] = end_of(lasting, expires_at)
    made = client.send("POST", f"/monitors/{_monitor(client, monitor)}/shares", body=body)
    show(made, output, columns={"LINK": lambda one: one["link"] or one["path"], **COLUMNS})
    if output == "table":
        say("The link is shown this once; whoever has it sees the monitor.")


@shares.command("rm")
@click.argument("monitor")
@click.argument("share")
@with_client
def rm(client: ApiClient, monitor: str, share: str) -> None:
    """Revoke SHARE, an id of MONITOR's links."""
    client.send("DELETE", f"/monitors/{_monitor(client, monitor)}/shares/{segment(share)}")
    say("Revoked. The link leads nowhere now.")


def _monitor(client: ApiClient, given: str) -> str:
    return one_of(client, "/monitors", given, word="monitor", remedy="farwatch monitors ls")
