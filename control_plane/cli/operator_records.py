"""`farwatch operator audit`, `jobs`, `background-jobs` and `deliveries`."""

from __future__ import annotations

import sys
from typing import Any

import click

from control_plane.cli import exit_codes
from control_plane.cli.audit import COLUMNS as ENTRIES
from control_plane.cli.finding import segment
from control_plane.cli.operator_client import OperatorClient, with_operator
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.talk import say

JOBS = {
    "TENANT": lambda j: j["tenant"],
    "KIND": lambda j: j["kind"].replace("_", " "),
    "STATE": lambda j: j["state"],
    "DONE": lambda j: f"{j['done']} of {j['total']}",
    "FAILED": lambda j: str(j["failed"]),
    "ORDERED": lambda j: j["created_at"],
    "ID": lambda j: j["id"],
}
BACKGROUND = {
    "NAME": lambda j: j["name"],
    "RUNNING": lambda j: "yes" if j["is_running"] else "no",
    "LAST RUN": lambda j: j["last_run_at"] or "never",
    "LAST SUCCESS": lambda j: j["last_success_at"] or "never",
    "FAILURES": lambda j: f"{j['failures']} of {j['runs']}",
    "LAST ERROR": lambda j: j["last_error"] or "",
    "NEXT": lambda j: j["next_run_at"] or "",
}
LETTERS = {
    "TENANT": lambda d: d["tenant"],
    "CHANNEL": lambda d: f"{d['channel_kind']} {d['channel_name']}",
    "NOTICE": lambda d: d["notice"],
    "REASON": lambda d: d["reason"] or "",
    "GIVEN UP": lambda d: d["finished_at"] or "",
    "ID": lambda d: d["id"],
}


@click.command()
@click.option("--tenant", "tenant_id", default=None, help="Id of a tenant.")
@click.option("--object", "object_id", default=None, help="Id of what was changed.")
@click.option("--kind", "object_kind", default=None, help="Kind of what was changed, such as region or setting.")
@click.option("--from", "from_", default=None, help="Not before this instant (RFC 3339).")
@click.option("--to", default=None, help="Before this instant (RFC 3339).")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@with_output
@with_operator
def audit(client: OperatorClient, *, limit: int, output: str, **filters: str | None) -> None:
    """Show who changed what, of all tenants, newest first."""
    wanted: dict[str, Any] = {name.rstrip("_"): value for name, value in filters.items()}
    show(client.get("/audit", limit=limit, **wanted)["items"], output, columns=ENTRIES)


@click.group()
def jobs() -> None:
    """List, show and cancel what tenants ordered."""


@jobs.command("ls")
@click.option("--tenant", "tenant_id", default=None, help="Id of a tenant.")
@click.option("--kind", default=None)
@click.option("--state", type=click.Choice(("queued", "running", "succeeded", "failed", "cancelled")), default=None)
@with_output
@with_operator
def list_jobs(client: OperatorClient, output: str, **filters: str | None) -> None:
    """List jobs of all tenants, newest first."""
    show(every_item(client, "/jobs", **filters), output, columns=JOBS)


@jobs.command("show")
@click.argument("job")
@with_output
@with_operator
def show_job(client: OperatorClient, job: str, output: str) -> None:
    """Show JOB, by id."""
    show(client.get(f"/jobs/{segment(job)}"), output, columns=JOBS)


@jobs.command("cancel")
@click.argument("job")
@with_operator
def cancel_job(client: OperatorClient, job: str) -> None:
    """Cancel JOB: what is done stays, the rest is not done."""
    client.send("POST", f"/jobs/{segment(job)}/cancel")
    say("Cancelled.")


@click.command("background-jobs")
@with_output
@with_operator
def background(client: OperatorClient, output: str) -> None:
    """Show how the work goes that every process does by itself."""
    found = client.get("/background-jobs")
    show(found["jobs"] if output in ("table", "name") else found, output, columns=BACKGROUND)


@click.group()
def deliveries() -> None:
    """List dead letters of all tenants, and send them again."""


@deliveries.command("ls")
@click.option("--tenant", "tenant_id", default=None, help="Id of a tenant.")
@click.option("--kind", "channel_kind", default=None, help="Kind of the channel, such as webhook.")
@with_output
@with_operator
def list_letters(client: OperatorClient, output: str, **filters: str | None) -> None:
    """List dead letters, newest first."""
    show(every_item(client, "/deliveries", **filters), output, columns=LETTERS)


@deliveries.command("replay")
@click.argument("ids", nargs=-1)
@click.option("--all", "every", is_flag=True, help="All that the filters find, up to --limit.")
@click.option("--tenant", "tenant_id", default=None, help="Id of a tenant.")
@click.option("--kind", "channel_kind", default=None, help="Kind of the channel.")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True)
@with_operator
def replay(client: OperatorClient, ids: tuple[str, ...], *, every: bool, limit: int, **filters: str | None) -> None:
    """Send the dead letters IDS again, or --all that filters find."""
    if every == bool(ids):
        say("Give either ids or --all.", style="red")
        sys.exit(exit_codes.USAGE)
    for delivery_id in ids:
        client.send("POST", f"/deliveries/{segment(delivery_id)}/replay")
    if ids:
        say(f"Sent again: {len(ids)}.")
        return
    given = {name: value for name, value in filters.items() if value is not None}
    done = client.send("POST", "/deliveries/replay", body={"limit": limit, **given})
    say(f"Sent again: {done['replayed']}; left: {done['left']}.")
