"""`farwatch incidents`: list and show them, declare one, and everything that people do with one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.deliveries import COLUMNS as DELIVERIES
from control_plane.cli.output import show, with_output
from control_plane.cli.reads import Read, command_of
from control_plane.cli.talk import say
from control_plane.domain.judging.incident_rules import PHASES, SEVERITIES

PAGE = 200
F = TypeVar("F", bound=Callable[..., Any])

COLUMNS = {
    "NUMBER": lambda i: str(i["number"]),
    "STATE": lambda i: i["state"],
    "SEVERITY": lambda i: i["severity"],
    "TITLE": lambda i: i["title"],
    "STARTED": lambda i: i["started_at"],
    "CAUSE": lambda i: i["cause"],
    "ID": lambda i: i["id"],
}
LINES = {
    "AT": lambda line: line["at"],
    "WHAT": lambda line: line["kind"].replace("_", " "),
    "WHO": lambda line: line["actor"] or "",
    "TEXT": lambda line: line["text"] or "",
}
UPDATES = {
    "AT": lambda update: update["at"],
    "PHASE": lambda update: update["phase"],
    "TEXT": lambda update: update["text"],
}
STATS = {
    "TOTAL": lambda s: str(s["total"]),
    "OPEN": lambda s: str(s["open"]),
    "CRITICAL": lambda s: str(s["by_severity"]["critical"]),
    "MTTA": lambda s: _seconds(s["mtta_seconds"]),
    "MTTR": lambda s: _seconds(s["mttr_seconds"]),
    "NOISIEST": lambda s: ", ".join(f"{m['name']} ({m['incidents']})" for m in s["noisiest"][:3]),
}


@click.group()
def incidents() -> None:
    """List, show and declare incidents; acknowledge, explain, resolve and reopen them."""


def _named(function: F) -> F:
    return click.argument("incident")(function)


@incidents.command("list")
@click.option("--state", type=click.Choice(("open", "triggered", "acknowledged", "resolved")), default=None)
@click.option("--severity", type=click.Choice(SEVERITIES), default=None)
@click.option("--q", default=None, help="Part of the title, the cause or a monitor's name.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@with_output
@with_client
def list_incidents(
    client: ApiClient, *, state: str | None, severity: str | None, q: str | None, limit: int, output: str
) -> None:
    """List incidents: open ones first, then the newest."""
    page = client.get("/incidents", state=state, severity=severity, q=q, limit=limit)
    if not page["items"] and output == "table":
        say("No incidents.")
        return
    show(page["items"], output, columns=COLUMNS)


@incidents.command("show")
@_named
@with_output
@with_client
def show_incident(client: ApiClient, incident: str, output: str) -> None:
    """Show an incident with its timeline, by id or number. Ends with 1 while it is open."""
    found = client.get(f"/incidents/{_resolved(client, incident)}")
    show(found, output, columns=COLUMNS)
    if output == "table":
        show(found["timeline"], output, columns=LINES)
    if found["state"] != "resolved":
        sys.exit(exit_codes.FAILED)


@incidents.command()
@click.argument("title")
@click.option("--severity", type=click.Choice(SEVERITIES), default="major", show_default=True)
@click.option("--monitor", "monitors", multiple=True, help="Id of a monitor that it is about; repeat for more.")
@click.option("--public", "public_text", default=None, help="The first public update.")
@click.option("--message", default=None, help="A note for yourselves.")
@click.option("--quiet", is_flag=True, help="Tell no channel.")
@with_output
@with_client
def declare(
    client: ApiClient,
    title: str,
    *,
    severity: str,
    monitors: tuple[str, ...],
    public_text: str | None,
    message: str | None,
    quiet: bool,
    output: str,
) -> None:
    """Declare an incident, and tell the channels of the monitors that it is about."""
    body: dict[str, Any] = {"title": title, "severity": severity, "notify": not quiet}
    body |= {"monitor_ids": list(monitors)} if monitors else {}
    body |= {"public_text": public_text} if public_text is not None else {}
    body |= {"message": message} if message is not None else {}
    show(client.send("POST", "/incidents", body=body), output, columns=COLUMNS)


@incidents.command()
@_named
@click.option("--note", default=None, help="A note that goes with it.")
@with_output
@with_client
def ack(client: ApiClient, incident: str, *, note: str | None, output: str) -> None:
    """Acknowledge an incident: somebody is on it."""
    _do(client, incident, "acknowledge", {"note": note}, output)


@incidents.command()
@_named
@click.option("--note", default=None, help="A note that goes with it.")
@click.option("--public", "public_text", default=None, help="What the public is told.")
@with_output
@with_client
def resolve(client: ApiClient, incident: str, *, note: str | None, public_text: str | None, output: str) -> None:
    """Resolve an incident. While its monitor is down, none opens until up was proven."""
    _do(client, incident, "resolve", {"note": note, "public_text": public_text}, output)


@incidents.command()
@_named
@click.option("--note", default=None, help="Why it is not over.")
@with_output
@with_client
def reopen(client: ApiClient, incident: str, *, note: str | None, output: str) -> None:
    """Reopen a resolved incident."""
    _do(client, incident, "reopen", {"note": note}, output)


@incidents.command()
@_named
@click.argument("text")
@with_output
@with_client
def note(client: ApiClient, incident: str, text: str, *, output: str) -> None:
    """Leave a note in the timeline. The public never sees it."""
    made = client.send("POST", f"/incidents/{_resolved(client, incident)}/notes", body={"text": text})
    show(made, output, columns=LINES)


@incidents.command()
@_named
@click.argument("text")
@click.option("--phase", type=click.Choice(PHASES), default=None, help="Default: the phase that it has.")
@with_output
@with_client
def update(client: ApiClient, incident: str, text: str, *, phase: str | None, output: str) -> None:
    """Tell the public how it goes."""
    body = {"text": text} | ({"phase": phase} if phase else {})
    made = client.send("POST", f"/incidents/{_resolved(client, incident)}/updates", body=body)
    show(made, output, columns=UPDATES)


@incidents.command()
@_named
@click.option("--severity", type=click.Choice(SEVERITIES), default=None)
@click.option("--title", default=None, help="Of a declared incident.")
@click.option("--public-title", "public_title", default=None, help="What status pages call it.")
@click.option("--public-description", "public_description", default=None)
@with_output
@with_client
def edit(client: ApiClient, incident: str, output: str, **given: str | None) -> None:
    """Change how an incident is told. What is not given stays."""
    body = {name: value for name, value in given.items() if value is not None}
    if not body:
        raise click.UsageError("Say what to change, such as --severity or --public-title.")
    changed = client.send("PATCH", f"/incidents/{_resolved(client, incident)}", body=body)
    show(changed, output, columns=COLUMNS)


@incidents.command()
@click.option("--from", "start", default=None, help="RFC 3339; default: 30 days ago.")
@click.option("--to", "end", default=None, help="RFC 3339; default: now.")
@click.option("--monitor", default=None, help="Id of one monitor.")
@with_output
@with_client
def stats(client: ApiClient, *, start: str | None, end: str | None, monitor: str | None, output: str) -> None:
    """Count incidents: mean times to acknowledge and to resolve, and the noisiest monitors."""
    counted = client.get("/incidents/stats", **{"from": start, "to": end, "monitor_id": monitor})
    if output == "name":
        raise click.UsageError("counts have no ids: use -o table, json or yaml")
    show(counted, output, columns=STATS)


def _do(client: ApiClient, incident: str, verb: str, body: dict[str, str | None], output: str) -> None:
    said = {name: text for name, text in body.items() if text is not None}
    done = client.send("POST", f"/incidents/{_resolved(client, incident)}/{verb}", body=said)
    show(done, output, columns=COLUMNS)


def _resolved(client: ApiClient, given: str) -> str:
    """The id of an incident given by id or number; ends the program when there is none."""
    if not given.isdigit():
        return given
    seen = 0
    while True:
        page = client.get("/incidents", limit=PAGE, offset=seen)
        for item in page["items"]:
            if item["number"] == int(given):
                return str(item["id"])
        seen += len(page["items"])
        if not page["items"] or seen >= page["total"]:
            break
    say(f"There is no incident {given}. List them with: farwatch incidents list", style="red")
    sys.exit(exit_codes.NOT_FOUND)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"


_LISTS = (
    Read(name="notes", path="/incidents/{id}/notes", help="List its notes.", columns=LINES, rows="items"),
    Read(
        name="updates", path="/incidents/{id}/updates", help="List its public updates.", columns=UPDATES, rows="items"
    ),
    Read(
        name="deliveries",
        path="/incidents/{id}/deliveries",
        help="List what channels were told of it.",
        columns=DELIVERIES,
        rows="items",
    ),
)
for _list in _LISTS:
    incidents.add_command(command_of(_list, argument="INCIDENT", find=_resolved))
