"""`farwatch heartbeats`: the monitors that wait to be pinged, their URLs, pings and runs."""

from __future__ import annotations

import sys

import click

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import monitor_of
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.reads import Read, command_of, option, text
from control_plane.cli.talk import say

COLUMNS = {
    "NAME": text("name"),
    "LAST PING": text("last_ping_at", none="never"),
    "DUE": text("due_at"),
    "PINGS": text("pings"),
    "ENABLED": lambda h: "yes" if h["enabled"] else "no",
    "ID": text("monitor_id"),
}
PINGS = {
    "NUMBER": text("number"),
    "AT": text("at"),
    "KIND": text("kind"),
    "CODE": text("exit_code"),
    "FROM": text("source"),
    "BYTES": text("size"),
}
RUNS = {
    "NUMBER": text("number"),
    "STARTED": text("started_at"),
    "OUTCOME": text("outcome"),
    "MS": text("duration_ms"),
    "CODE": text("exit_code"),
}
_LIMIT = option("limit", "At most this many.", type=int)


@click.group()
def heartbeats() -> None:
    """List heartbeat monitors, their ping URLs, pings and runs. Add one with `farwatch monitors add`."""


@heartbeats.command("ls")
@with_output
@with_client
def list_heartbeats(client: ApiClient, output: str) -> None:
    """List heartbeat monitors and when each is due."""
    items = every_item(client, "/heartbeats")
    if not items and output == "table":
        say('No heartbeats. Add one with: farwatch monitors add \'{"type": "heartbeat", "period": 3600}\' --name Job')
        return
    show(items, output, columns=COLUMNS)


@heartbeats.command("ping-url")
@click.argument("heartbeat")
@with_client
def ping_url(client: ApiClient, heartbeat: str) -> None:
    """Print the URL that a job asks for when it is done. Whoever has it can ping."""
    url = client.get(f"/heartbeats/{monitor_of(client, heartbeat)}")["ping_url"]
    if url is None:
        say("Your key may not see ping URLs: use one with the scope heartbeats:write.", style="red")
        sys.exit(exit_codes.AUTH)
    click.echo(url)


@heartbeats.command("rotate")
@click.argument("heartbeat")
@click.option("--overlap", type=int, default=None, help="Seconds for which the URL before it still counts.")
@with_output
@with_client
def rotate(client: ApiClient, heartbeat: str, overlap: int | None, output: str) -> None:
    """Give a heartbeat another ping URL."""
    body = {} if overlap is None else {"overlap": overlap}
    made = client.send("POST", f"/heartbeats/{monitor_of(client, heartbeat)}/rotate", body=body)
    show(made, output, columns={**COLUMNS, "PING URL": text("ping_url")})


@heartbeats.command("ping-body")
@click.argument("heartbeat")
@click.argument("number", type=int)
@with_client
def ping_body(client: ApiClient, heartbeat: str, number: int) -> None:
    """Print what came with the ping of this number."""
    sys.stdout.buffer.write(client.download(f"/heartbeats/{monitor_of(client, heartbeat)}/pings/{number}/body"))


_READS = (
    Read(name="show", path="/heartbeats/{id}", help="Show one heartbeat.", columns=COLUMNS),
    Read(
        name="pings",
        path="/heartbeats/{id}/pings",
        help="List its pings, newest first.",
        columns=PINGS,
        rows="items",
        options=(option("kind", "Such as success, start or fail."), _LIMIT),
    ),
    Read(
        name="runs",
        path="/heartbeats/{id}/runs",
        help="List its runs, newest first.",
        columns=RUNS,
        rows="items",
        options=(_LIMIT,),
    ),
)
for _read in _READS:
    heartbeats.add_command(command_of(_read, argument="HEARTBEAT", find=monitor_of))
