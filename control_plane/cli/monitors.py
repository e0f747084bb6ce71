"""`farwatch monitors`: add, list, show and remove monitors."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

import click

from control_plane.cli import bulk, exit_codes, monitor_edits, monitor_reads
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.escalations import escalations_of, with_escalations
from control_plane.cli.finding import monitor_of
from control_plane.cli.monitor_columns import COLUMNS, check_of
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.talk import say


@click.group()
def monitors() -> None:
    """Add, list, show, change and remove monitors; read what they saw."""


@monitors.command()
@click.argument("check")
@click.option("--name", default=None, help="Default: the check's host and path.")
@click.option(
    "--interval", type=int, default=None, help="Seconds between checks. Default: 60; a day for tls:// and domain://."
)
@click.option(
    "--region", "regions", multiple=True, help="Region to check from; repeat for more. Default: the installation's."
)
@click.option("--tag", "tags", multiple=True)
@with_escalations
@click.option(
    "--wait", type=click.IntRange(0, 10), default=5, show_default=True, help="Seconds to wait for a first result."
)
@with_output
@with_client
def add(
    client: ApiClient,
    check: str,
    *,
    name: str | None,
    interval: int | None,
    regions: tuple[str, ...],
    tags: tuple[str, ...],
    escalate: tuple[str, ...],
    wait: int,
    output: str,
) -> None:
    """Watch CHECK: https://a.example/health, tcp://db.example:5432, dns://a.example?type=MX, ping://a.example,
    tls://a.example, domain://a.example, or a check as JSON."""
    body: dict[str, Any] = {"name": name or _name_of(check), "check": check_of(check)}
    body |= {"interval": interval} if interval is not None else {}
    body |= {"regions": list(regions)} if regions else {}
    body |= {"tags": list(tags)} if tags else {}
    body |= {"escalations": escalations_of(client, escalate)} if escalate else {}
    made = client.send("POST", "/monitors", body=body, headers={"Prefer": f"wait={wait}"} if wait else None)
    for warning in made.get("warnings") or ():
        say(f"Note: {warning if isinstance(warning, str) else warning.get('message')}", style="yellow")
    show(made, output, columns=COLUMNS)


@monitors.command("ls")
@click.option("--q", default=None, help="Part of the name or of what is checked.")
@click.option("--tag", default=None)
@with_output
@with_client
def list_monitors(client: ApiClient, q: str | None, tag: str | None, output: str) -> None:
    """List monitors with their state."""
    items = every_item(client, "/monitors", q=q, tag=tag)
    if not items and output == "table":
        say("No monitors yet. Add one with: farwatch monitors add https://…")
        return
    show(items, output, columns=COLUMNS)


@monitors.command("show")
@click.argument("monitor")
@with_output
@with_client
def get(client: ApiClient, monitor: str, output: str) -> None:
    """Show one monitor, by id or name. Ends with 1 while it is down."""
    found = client.get(f"/monitors/{monitor_of(client, monitor)}")
    show(found, output, columns=COLUMNS)
    if found["state"]["shown"] == "down":
        sys.exit(exit_codes.FAILED)


@monitors.command()
@click.argument("monitor")
@with_client
def rm(client: ApiClient, monitor: str) -> None:
    """Remove a monitor, by id or name, with its history."""
    monitor_id = monitor_of(client, monitor)
    client.send("DELETE", f"/monitors/{monitor_id}")
    say(f"Removed {monitor}.")


monitors.add_command(get, "get")  # as it was called before

for _command in (*monitor_edits.COMMANDS, *monitor_reads.COMMANDS, *bulk.COMMANDS):
    monitors.add_command(_command)


def _name_of(check: str) -> str:
    parts = urlsplit(check)
    return f"{parts.netloc}{parts.path}".rstrip("/")[:100] or check[:100]
