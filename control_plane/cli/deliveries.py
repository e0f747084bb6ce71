"""`farwatch deliveries`: what is owed to channels, each attempt, and sending again what was given up."""

from __future__ import annotations

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import monitor_of, one_of
from control_plane.cli.output import show, with_output
from control_plane.cli.reads import text
from control_plane.cli.talk import say

COLUMNS = {
    "NUMBER": text("number"),
    "STATE": text("state"),
    "NOTICE": text("notice"),
    "CHANNEL": text("channel_name"),
    "ATTEMPTS": text("attempts"),
    "AT": text("created_at"),
    "WHY": text("reason"),
    "ID": text("id"),
}


@click.group()
def deliveries() -> None:
    """List and show deliveries; replay those that were given up."""


@deliveries.command("ls")
@click.option("--state", default=None, help="Such as pending, delivered, cancelled or dead.")
@click.option("--channel", default=None, help="Of one channel, by id, number or name.")
@click.option("--monitor", default=None, help="Of one monitor, by id, number or name.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@with_output
@with_client
def list_deliveries(
    client: ApiClient, *, state: str | None, channel: str | None, monitor: str | None, limit: int, output: str
) -> None:
    """List deliveries, newest first."""
    channel_id = channel and one_of(client, "/channels", channel, word="channel", remedy="farwatch channels ls")
    monitor_id = monitor and monitor_of(client, monitor)
    page = client.get("/deliveries", state=state, channel_id=channel_id, monitor_id=monitor_id, limit=limit)
    if not page["items"] and output == "table":
        say("No deliveries.")
        return
    show(page["items"], output, columns=COLUMNS)


@deliveries.command("show")
@click.argument("delivery")
@with_output
@with_client
def show_delivery(client: ApiClient, delivery: str, output: str) -> None:
    """Show one delivery with its attempts, by id or number."""
    found = client.get(f"/deliveries/{_found(client, delivery)}")
    show(found, output, columns=COLUMNS)
    if output == "table":
        for attempt in found["log"]:
            say(", ".join(f"{name} {value}" for name, value in attempt.items() if value is not None))


@deliveries.command("replay")
@click.argument("delivery")
@with_output
@with_client
def replay(client: ApiClient, delivery: str, output: str) -> None:
    """Send again what was given up, by id or number."""
    show(client.send("POST", f"/deliveries/{_found(client, delivery)}/replay"), output, columns=COLUMNS)


def _found(client: ApiClient, given: str) -> str:
    return one_of(client, "/deliveries", given, word="delivery", remedy="farwatch deliveries ls")
