"""`farwatch monitors`: add, list, show and remove monitors."""

from __future__ import annotations

import json
import sys
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from control_plane.cli import bulk, exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output
from control_plane.cli.talk import say
from control_plane.domain.target_text import target_text
from shared.checks import Check

PAGE = 200

COLUMNS = {
    "STATE": lambda m: m["state"]["shown"],
    "NAME": lambda m: m["name"],
    "CHECK": lambda m: _target(m["check"]),
    "EVERY": lambda m: "–" if m["interval"] is None else f"{m['interval']} s",
    "WHY": lambda m: m["state"]["reason"],
    "SOURCE": lambda m: m["write_source"],
    "ID": lambda m: m["id"],
}


@click.group()
def monitors() -> None:
    """Add, list, show and remove monitors."""


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
    wait: int,
    output: str,
) -> None:
    """Watch CHECK: https://a.example/health, tcp://db.example:5432, dns://a.example?type=MX, ping://a.example,
    tls://a.example, domain://a.example, or a check as JSON."""
    body: dict[str, Any] = {"name": name or _name_of(check), "check": _check_of(check)}
    body |= {"interval": interval} if interval is not None else {}
    body |= {"regions": list(regions)} if regions else {}
    body |= {"tags": list(tags)} if tags else {}
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
    items: list[Any] = []
    while True:
        page = client.get("/monitors", q=q, tag=tag, limit=PAGE, offset=len(items))
        items += page["items"]
        if not page["items"] or len(items) >= page["total"]:
            break
    if not items and output == "table":
        say("No monitors yet. Add one with: farwatch monitors add https://…")
        return
    show(items, output, columns=COLUMNS)


@monitors.command()
@click.argument("monitor")
@with_output
@with_client
def get(client: ApiClient, monitor: str, output: str) -> None:
    """Show one monitor, by id or name. Ends with 1 while it is down."""
    found = client.get(f"/monitors/{_resolve(client, monitor)}")
    show(found, output, columns=COLUMNS)
    if found["state"]["shown"] == "down":
        sys.exit(exit_codes.FAILED)


@monitors.command()
@click.argument("monitor")
@with_client
def rm(client: ApiClient, monitor: str) -> None:
    """Remove a monitor, by id or name, with its history."""
    monitor_id = _resolve(client, monitor)
    client.send("DELETE", f"/monitors/{monitor_id}")
    say(f"Removed {monitor}.")


for _command in bulk.COMMANDS:
    monitors.add_command(_command)


def _resolve(client: ApiClient, given: str) -> str:
    """The id of a monitor given by id, number or exact name; ends the program when there is not exactly one."""
    if len(given) == 36 and given.count("-") == 4:
        return given
    found = [m for m in client.get("/monitors", q=given, limit=PAGE)["items"] if m["name"] == given]
    if len(found) == 1:
        return str(found[0]["id"])
    problem = (
        f"No monitor is named {given!r}" if not found else f"{len(found)} monitors are named {given!r}: give an id"
    )
    say(f"{problem}. List them with: farwatch monitors ls", style="red")
    sys.exit(exit_codes.NOT_FOUND)


def _target(check: dict[str, Any]) -> str:
    """What is checked, in words; its kind alone, where the server is newer and has kinds unknown here."""
    try:
        return target_text(msgspec.convert(check, type=Check))
    except msgspec.ValidationError:
        return str(check.get("type", ""))


def _check_of(text: str) -> object:
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"CHECK looks like JSON and is not: {error}") from None


def _name_of(check: str) -> str:
    parts = urlsplit(check)
    return f"{parts.netloc}{parts.path}".rstrip("/")[:100] or check[:100]
