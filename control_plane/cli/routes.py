"""`farwatch routes`: which notices go to which channels, whatever monitors are bound to."""

from __future__ import annotations

from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import one_of
from control_plane.cli.monitor_edits import merge_patch_of
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.reads import text
from control_plane.cli.talk import say


def about(rule: dict[str, Any]) -> str:
    """The match of a route or a silence, on one line."""
    match = rule["match"]
    said = [
        *match["severities"],
        *(f"tag {one}" for one in match["tags"]),
        *(f"group {one}" for one in match["groups"]),
        *match["kinds"],
        *([f"{len(match['monitor_ids'])} monitors"] if match["monitor_ids"] else []),
    ]
    return ", ".join(said) or "everything"


COLUMNS = {
    "NAME": text("name"),
    "ABOUT": about,
    "CHANNELS": lambda r: str(len(r["channel_ids"])),
    "ENABLED": lambda r: "yes" if r["enabled"] else "no",
    "ID": text("id"),
}
HEARING = {
    "CHANNEL": text("name"),
    "KIND": text("kind"),
    "BY": lambda h: ", ".join(one["name"] or "binding" for one in h["by"]),
    "WITHHELD": lambda h: "" if h["withheld"] is None else f"{h['withheld']['type']} until {h['withheld']['until']}",
}


def with_match(function: Any) -> Any:
    """Options that say what a rule is about."""
    severity = click.option(
        "--severity",
        "severities",
        multiple=True,
        type=click.Choice(["minor", "major", "critical"]),
        help="Any of these.",
    )
    tag = click.option("--tag", "tags", multiple=True, help="Monitors with any of these tags.")
    group = click.option("--group", "groups", multiple=True, help="Monitors of any of these groups.")
    kind = click.option("--kind", "kinds", multiple=True, help="Monitors of any of these kinds.")
    monitor = click.option("--monitor", "monitor_ids", multiple=True, help="Id of a monitor; repeat for more.")
    return severity(tag(group(kind(monitor(function)))))


def match_of(given: dict[str, Any]) -> dict[str, Any]:
    """What of the match was given; a list that was not stays as it is."""
    names = ("severities", "tags", "groups", "kinds", "monitor_ids")
    return {name: list(given[name]) for name in names if given.get(name)}


@click.group()
def routes() -> None:
    """List, make, change, remove and try the routes that bring incidents to channels."""


@routes.command("ls")
@with_output
@with_client
def list_routes(client: ApiClient, output: str) -> None:
    """List routes, oldest first."""
    items = every_item(client, "/routes")
    if not items and output == "table":
        say("No routes. Make one with: farwatch routes add NAME --channel CHANNEL --severity critical")
        return
    show(items, output, columns=COLUMNS)


@routes.command("show")
@click.argument("route")
@with_output
@with_client
def show_route(client: ApiClient, route: str, output: str) -> None:
    """Show one route, by id or name."""
    show(client.get(f"/routes/{_found(client, route)}"), output, columns=COLUMNS)


@routes.command("add")
@click.argument("name")
@click.option("--channel", "channels", multiple=True, required=True, help="Id, number or name; repeat for more.")
@with_match
@with_output
@with_client
def add(client: ApiClient, name: str, *, channels: tuple[str, ...], output: str, **given: Any) -> None:
    """Make a route called NAME to one or more channels; without a match it is about every incident."""
    body = {"name": name, "match": match_of(given), "channel_ids": _channels(client, channels)}
    show(client.send("POST", "/routes", body=body), output, columns=COLUMNS)


@routes.command("edit")
@click.argument("route")
@click.option("--name", default=None)
@click.option("--enable/--disable", "enabled", default=None)
@click.option("--channel", "channels", multiple=True, help="In the place of its channels; repeat for more.")
@with_match
@click.option("--patch", default=None, metavar="JSON", help="A JSON merge patch for everything else.")
@with_output
@with_client
def edit(
    client: ApiClient,
    route: str,
    *,
    name: str | None,
    enabled: bool | None,
    channels: tuple[str, ...],
    patch: str | None,
    output: str,
    **given: Any,
) -> None:
    """Change a route. What is not given stays; a list that is given takes the place of the one there was."""
    body = merge_patch_of(patch) | ({} if name is None else {"name": name})
    body |= {} if enabled is None else {"enabled": enabled}
    body |= {"channel_ids": _channels(client, channels)} if channels else {}
    body |= {"match": match} if (match := match_of(given)) else {}
    if not body:
        raise click.UsageError("Say what to change, such as --disable, --channel or --severity critical")
    show(client.send("PATCH", f"/routes/{_found(client, route)}", body=body), output, columns=COLUMNS)


@routes.command("rm")
@click.argument("route")
@with_client
def rm(client: ApiClient, route: str) -> None:
    """Remove a route. Its channels stay."""
    client.send("DELETE", f"/routes/{_found(client, route)}")
    say(f"Removed {route}.")


@routes.command("preview")
@click.option("--severity", type=click.Choice(["minor", "major", "critical"]), default="major", show_default=True)
@click.option("--tag", "tags", multiple=True)
@click.option("--group", default=None)
@click.option("--kind", default=None, help="Such as http.")
@click.option("--monitor", "monitor_id", default=None, help="Id of a monitor, in the place of tags, group and kind.")
@click.option("--at", default=None, help="RFC 3339; default: now.")
@with_output
@with_client
def preview(client: ApiClient, *, tags: tuple[str, ...], output: str, **given: str | None) -> None:
    """Say who would hear of an incident, by what, and what would withhold it."""
    body: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    found = client.send("POST", "/routes/preview", body=body | ({"tags": list(tags)} if tags else {}))
    if output == "table" and found["silent"]:
        say("Nobody would hear of it: no binding and no route leads to a channel that is enabled.")
        return
    show(found["channels"] if output == "table" else found, output, columns=HEARING)


def _channels(client: ApiClient, given: tuple[str, ...]) -> list[str]:
    return [one_of(client, "/channels", one, word="channel", remedy="farwatch channels ls") for one in given]


def _found(client: ApiClient, given: str) -> str:
    return one_of(client, "/routes", given, word="route", remedy="farwatch routes ls")
