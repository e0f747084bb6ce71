"""farwatch maintenance: plan, list, show, end and delete windows."""

from __future__ import annotations

import sys
from typing import Any

import click

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.monitor_edits import merge_patch_of
from control_plane.cli.output import show, with_output
from control_plane.cli.talk import say

PAGE = 200


def _when(window: dict[str, Any]) -> str:
    if window["cron"] or window["rrule"]:
        return f"{window['cron'] or window['rrule']} for {window['duration']} s, {window['timezone']}"
    return f"{window['starts_at']} to {window['ends_at']}"


def _covers(window: dict[str, Any]) -> str:
    if window["all"]:
        return "all"
    counted = [f"{len(window['monitors'])} monitors"] if window["monitors"] else []
    return ", ".join([*counted, *(f"tag {tag}" for tag in window["tags"])])


COLUMNS = {
    "STATE": lambda w: w["state"],
    "TITLE": lambda w: w["title"],
    "WHEN": _when,
    "COVERS": _covers,
    "SOURCE": lambda w: w["write_source"],
    "ID": lambda w: w["id"],
}

UPCOMING = {"FROM": lambda o: o["starts_at"], "TO": lambda o: o["ends_at"], "TITLE": lambda o: o["title"]}


@click.group()
def maintenance() -> None:
    """Plan, list, show, end and delete maintenance windows."""


@maintenance.command("list")
@click.option("--state", type=click.Choice(["planned", "active", "ended"]), default=None)
@with_output
@with_client
def list_windows(client: ApiClient, state: str | None, output: str) -> None:
    """List maintenance windows, newest first."""
    items: list[Any] = []
    while True:
        page = client.get("/maintenance", state=state, limit=PAGE, offset=len(items))
        items += page["items"]
        if not page["items"] or len(items) >= page["total"]:
            break
    if not items and output == "table":
        say("No maintenance windows. Plan one with: farwatch maintenance create")
        return
    show(items, output, columns=COLUMNS)


@maintenance.command("show")
@click.argument("window")
@with_output
@with_client
def show_window(client: ApiClient, window: str, output: str) -> None:
    """Show one window, by id or title."""
    found = client.get(f"/maintenance/{_resolve(client, window)}")
    show(found, output, columns=COLUMNS)
    if output == "table":
        for one in found["next"]:
            say(f"Next: {one['starts_at']} to {one['ends_at']}")


@maintenance.command()
@click.argument("title")
@click.option("--starts-at", default=None, help="RFC 3339 with a zone, such as 2026-05-12T00:00:00Z.")
@click.option("--ends-at", default=None, help="Of a window that is once.")
@click.option("--cron", default=None, help="Five fields, such as '0 2 * * SUN'.")
@click.option("--rrule", default=None, help="RFC 5545, such as 'FREQ=MONTHLY;BYDAY=1SU'; needs --starts-at.")
@click.option("--duration", type=int, default=None, help="Seconds, of a recurring window.")
@click.option("--timezone", default=None, help="IANA name, such as Europe/Berlin. Default: UTC.")
@click.option("--until", default=None, help="When a recurring window ends for good.")
@click.option("--monitor", "monitors", multiple=True, help="Id of a monitor; repeat for more.")
@click.option("--tag", "tags", multiple=True, help="Covers what has this tag; repeat for more.")
@click.option("--all", "everything", is_flag=True, help="Covers every monitor.")
@click.option("--description", default=None)
@click.option("--public", is_flag=True, help="Shown on status pages.")
@with_output
@with_client
def create(client: ApiClient, title: str, *, everything: bool, public: bool, output: str, **given: Any) -> None:
    """Plan a window named TITLE: once, from --starts-at to --ends-at, or by --cron or --rrule with --duration."""
    body: dict[str, Any] = {"title": title, "all": everything, "public": public}
    body |= {name: list(value) if isinstance(value, tuple) else value for name, value in given.items() if value}
    show(client.send("POST", "/maintenance", body=body), output, columns=COLUMNS)


@maintenance.command("edit")
@click.argument("window")
@click.option("--title", default=None)
@click.option("--starts-at", "starts_at", default=None, help="RFC 3339.")
@click.option("--ends-at", "ends_at", default=None, help="RFC 3339.")
@click.option("--description", default=None)
@click.option("--patch", default=None, metavar="JSON", help="A JSON merge patch for everything else.")
@with_output
@with_client
def edit(client: ApiClient, window: str, *, patch: str | None, output: str, **given: str | None) -> None:
    """Change a window, by id or title. What is not given stays."""
    body = merge_patch_of(patch) | {name: value for name, value in given.items() if value is not None}
    if not body:
        raise click.UsageError("Say what to change, such as --title or --ends-at.")
    show(client.send("PATCH", f"/maintenance/{_resolve(client, window)}", body=body), output, columns=COLUMNS)


@maintenance.command("upcoming")
@click.option("--from", "start", default=None, help="RFC 3339; default: now.")
@click.option("--to", "end", default=None, help="RFC 3339.")
@with_output
@with_client
def upcoming(client: ApiClient, start: str | None, end: str | None, output: str) -> None:
    """List when windows will hold, recurring ones each time."""
    items = client.get("/maintenance/upcoming", **{"from": start, "to": end})["items"]
    if not items and output == "table":
        say("Nothing is planned.")
        return
    show(items, output, columns=UPCOMING)


@maintenance.command()
@click.argument("window")
@with_output
@with_client
def end(client: ApiClient, window: str, output: str) -> None:
    """End now what a window holds, by id or title. A recurring one holds again at its next time."""
    show(client.send("POST", f"/maintenance/{_resolve(client, window)}/end"), output, columns=COLUMNS)


@maintenance.command()
@click.argument("window")
@with_client
def delete(client: ApiClient, window: str) -> None:
    """Delete a window, by id or title. One that holds ends now."""
    client.send("DELETE", f"/maintenance/{_resolve(client, window)}")
    say(f"Deleted {window}.")


def _resolve(client: ApiClient, given: str) -> str:
    """The id of a window given by id or exact title; ends the program when there is not exactly one."""
    if len(given) == 36 and given.count("-") == 4:
        return given
    items = client.get("/maintenance", limit=PAGE)["items"]
    found = [window for window in items if window["title"] == given]
    if len(found) == 1:
        return str(found[0]["id"])
    problem = f"No window is named {given!r}" if not found else f"{len(found)} windows are named {given!r}: give an id"
    say(f"{problem}. List them with: farwatch maintenance list", style="red")
    sys.exit(exit_codes.NOT_FOUND)
