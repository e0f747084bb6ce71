"""`farwatch silences`: mute notices for a while."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import one_of
from control_plane.cli.monitor_edits import merge_patch_of
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.reads import text
from control_plane.cli.routes import about, match_of, with_match
from control_plane.cli.talk import say

_UNITS = {"m": 60, "h": 3600, "d": 86_400}

COLUMNS = {
    "STATE": text("state"),
    "NAME": text("name"),
    "FROM": text("starts_at"),
    "TO": text("ends_at"),
    "ABOUT": about,
    "BY": text("created_by"),
    "ID": text("id"),
}


@click.group()
def silences() -> None:
    """List, make, change and end silences."""


@silences.command("ls")
@click.option("--state", type=click.Choice(["pending", "active", "expired"]), default=None)
@with_output
@with_client
def list_silences(client: ApiClient, state: str | None, output: str) -> None:
    """List silences, newest first."""
    items = every_item(client, "/silences", state=state)
    if not items and output == "table":
        say("No silences. Make one with: farwatch silences add NAME --for 2h --tag database")
        return
    show(items, output, columns=COLUMNS)


@silences.command("show")
@click.argument("silence")
@with_output
@with_client
def show_silence(client: ApiClient, silence: str, output: str) -> None:
    """Show one silence, by id or name."""
    show(client.get(f"/silences/{_found(client, silence)}"), output, columns=COLUMNS)


@silences.command("add")
@click.argument("name")
@click.option("--for", "lasting", default=None, metavar="2h", help="How long from now, in m, h or d.")
@click.option("--from", "starts_at", default=None, help="RFC 3339; default: now.")
@click.option("--to", "ends_at", default=None, help="RFC 3339, in the place of --for.")
@click.option("--reason", default=None)
@click.option("--channel", "channels", multiple=True, help="Mutes these only: id, number or name; repeat for more.")
@with_match
@with_output
@with_client
def add(
    client: ApiClient,
    name: str,
    *,
    lasting: str | None,
    starts_at: str | None,
    ends_at: str | None,
    reason: str | None,
    channels: tuple[str, ...],
    output: str,
    **given: Any,
) -> None:
    """Make a silence called NAME: --for 2h --tag database. Without a match it mutes everything."""
    match = match_of(given)
    if channels:
        named = (one_of(client, "/channels", one, word="channel", remedy="farwatch channels ls") for one in channels)
        match["channel_ids"] = list(named)
    body: dict[str, Any] = {"name": name, "match": match, "ends_at": end_of(lasting, ends_at)}
    body |= {field: value for field, value in (("starts_at", starts_at), ("reason", reason)) if value is not None}
    show(client.send("POST", "/silences", body=body), output, columns=COLUMNS)


@silences.command("edit")
@click.argument("silence")
@click.option("--name", default=None)
@click.option("--reason", default=None)
@click.option("--for", "lasting", default=None, metavar="2h", help="How long from now, in m, h or d.")
@click.option("--to", "ends_at", default=None, help="RFC 3339; a past one ends it now.")
@with_match
@click.option("--patch", default=None, metavar="JSON", help="A JSON merge patch for everything else.")
@with_output
@with_client
def edit(
    client: ApiClient,
    silence: str,
    *,
    name: str | None,
    reason: str | None,
    lasting: str | None,
    ends_at: str | None,
    patch: str | None,
    output: str,
    **given: Any,
) -> None:
    """Change a silence that is not over. What is not given stays."""
    body = merge_patch_of(patch)
    body |= {field: value for field, value in (("name", name), ("reason", reason)) if value is not None}
    body |= {"ends_at": end_of(lasting, ends_at)} if lasting or ends_at else {}
    body |= {"match": match} if (match := match_of(given)) else {}
    if not body:
        raise click.UsageError("Say what to change, such as --for 1h or --reason")
    show(client.send("PATCH", f"/silences/{_found(client, silence)}", body=body), output, columns=COLUMNS)


@silences.command("rm")
@click.argument("silence")
@with_client
def rm(client: ApiClient, silence: str) -> None:
    """Remove a silence. One that is active ends now."""
    client.send("DELETE", f"/silences/{_found(client, silence)}")
    say(f"Removed {silence}.")


def end_of(lasting: str | None, ends_at: str | None) -> str:
    if (lasting is None) == (ends_at is None):
        raise click.UsageError("Say when it ends: --for 2h, or --to with an instant")
    if ends_at is not None:
        return ends_at
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", lasting or "")
    if found is None:
        raise click.UsageError("--for is a number of m, h or d, such as 90m, 2h or 7d")
    end = datetime.now(UTC) + timedelta(seconds=int(found[1]) * _UNITS[found[2]])
    return end.isoformat(timespec="seconds").replace("+00:00", "Z")


def _found(client: ApiClient, given: str) -> str:
    return one_of(client, "/silences", given, word="silence", remedy="farwatch silences ls")
