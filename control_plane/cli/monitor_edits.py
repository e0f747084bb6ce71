"""What `farwatch monitors` does with one monitor: edit, pause, clone, check, and set regions and dependencies."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.escalations import escalations_of, with_escalations
from control_plane.cli.finding import monitor_of, segment
from control_plane.cli.monitor_columns import COLUMNS, check_of
from control_plane.cli.monitor_reads import RELATED, RESULTS
from control_plane.cli.output import show, with_output
from control_plane.cli.reads import text
from control_plane.cli.talk import say

ON_DEMAND_S = 60.0


@click.command()
@click.argument("monitor")
@click.option("--name", default=None)
@click.option("--check", default=None, help="Another URL, or JSON that is merged into the check.")
@click.option("--interval", type=int, default=None, help="Seconds between checks.")
@click.option("--region", "regions", multiple=True, help="All of its regions; repeat for more.")
@click.option("--tag", "tags", multiple=True, help="All of its tags; repeat for more.")
@click.option("--group", default=None, help="An empty one takes it out of its group.")
@with_escalations
@click.option("--no-escalation", is_flag=True, help="Nobody else is told, however long it lasts.")
@click.option("--patch", default=None, metavar="JSON", help="A JSON merge patch, or - to read one from stdin.")
@with_output
@with_client
def edit(
    client: ApiClient,
    monitor: str,
    *,
    patch: str | None,
    escalate: tuple[str, ...],
    no_escalation: bool,
    output: str,
    **given: Any,
) -> None:
    """Change a monitor. What is not given stays; null in a patch clears."""
    body = merge_patch_of(patch) | {name: list(v) if isinstance(v, tuple) else v for name, v in given.items() if v}
    if given["check"] is not None:
        body["check"] = check_of(given["check"])
    if escalate and no_escalation:
        raise click.UsageError("--escalate or --no-escalation, not both")
    if escalate or no_escalation:
        body["escalations"] = escalations_of(client, escalate)
    if given["group"] == "":
        body["group"] = None
    if not body:
        raise click.UsageError('Say what to change, such as --interval 30 or --patch \'{"owner": "web"}\'.')
    show(client.send("PATCH", f"/monitors/{monitor_of(client, monitor)}", body=body), output, columns=COLUMNS)


def merge_patch_of(patch: str | None) -> dict[str, Any]:
    """What --patch says: JSON, or - for stdin. Nothing when it is not given."""
    if patch is None:
        return {}
    try:
        found = json.loads(sys.stdin.read() if patch == "-" else patch)
    except ValueError as error:
        raise click.UsageError(f"--patch is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise click.UsageError('--patch is a JSON object, such as {"interval": 30}')
    return found


@click.command()
@click.argument("monitor")
@with_output
@with_client
def pause(client: ApiClient, monitor: str, output: str) -> None:
    """Stop checking a monitor until it is resumed."""
    show(client.send("POST", f"/monitors/{monitor_of(client, monitor)}/pause"), output, columns=COLUMNS)


@click.command()
@click.argument("monitor")
@with_output
@with_client
def resume(client: ApiClient, monitor: str, output: str) -> None:
    """Check a paused monitor again."""
    show(client.send("POST", f"/monitors/{monitor_of(client, monitor)}/resume"), output, columns=COLUMNS)


@click.command()
@click.argument("monitor")
@click.option("--name", default=None, help="Default: its name and (copy).")
@with_output
@with_client
def clone(client: ApiClient, monitor: str, name: str | None, output: str) -> None:
    """Make another monitor like it."""
    body = {"name": name} if name else {}
    show(client.send("POST", f"/monitors/{monitor_of(client, monitor)}/clone", body=body), output, columns=COLUMNS)


@click.command("check-now")
@click.argument("monitor")
@click.option("--region", default=None, help="From one region; default: all of them.")
@with_output
@with_client
def check_now(client: ApiClient, monitor: str, region: str | None, output: str) -> None:
    """Check a monitor now. Ends with 1 unless every region saw it up."""
    query = {"region": region} if region else {}
    path = f"/monitors/{monitor_of(client, monitor)}/check-now"
    _end_with(client.send("POST", path, query=query, timeout_s=ON_DEMAND_S), output)


@click.command("test")
@click.argument("check")
@click.option("--region", "regions", multiple=True, help="From this region; repeat for more.")
@with_output
@with_client
def test_check(client: ApiClient, check: str, regions: tuple[str, ...], output: str) -> None:
    """Try CHECK once without keeping anything. Ends with 1 unless every region saw it up."""
    body = {"check": check_of(check)} | ({"regions": list(regions)} if regions else {})
    _end_with(client.send("POST", "/monitors/test", body=body, timeout_s=ON_DEMAND_S), output)


def _end_with(answer: dict[str, Any], output: str) -> None:
    for warning in answer["warnings"]:
        say(f"Note: {warning['message']}", style="yellow")
    show(answer["results"], output, columns=RESULTS)
    if any(result["outcome"] != "up" for result in answer["results"]):
        sys.exit(exit_codes.FAILED)


@click.command()
@click.argument("monitor")
@click.option("--set", "chosen", multiple=True, metavar="REGION", help="All of its regions; repeat for more.")
@click.option("--drop", default=None, metavar="REGION", help="Take one out.")
@with_output
@with_client
def regions(client: ApiClient, monitor: str, *, chosen: tuple[str, ...], drop: str | None, output: str) -> None:
    """Show or choose the regions that a monitor is checked from."""
    path = f"/monitors/{monitor_of(client, monitor)}/regions"
    if drop:
        client.send("DELETE", f"{path}/{segment(drop)}")
    answer = client.send("PUT", path, body={"regions": list(chosen)}) if chosen else client.get(path)
    columns = {"REGION": text("id"), "NAME": text("name"), "CHOSEN": lambda r: "yes" if r["selected"] else "no"}
    show(answer["available"] if output in ("table", "name") else answer, output, columns=columns)


@click.command()
@click.argument("monitor")
@click.option("--set", "upstreams", multiple=True, metavar="MONITOR", help="All that it depends on; repeat for more.")
@click.option("--none", is_flag=True, help="It depends on nothing.")
@with_output
@with_client
def dependencies(client: ApiClient, monitor: str, *, upstreams: tuple[str, ...], none: bool, output: str) -> None:
    """Show or set what a monitor depends on."""
    path = f"/monitors/{monitor_of(client, monitor)}/dependencies"
    if upstreams or none:
        answer = client.send("PUT", path, body={"depends_on": [monitor_of(client, each) for each in upstreams]})
    else:
        answer = client.get(path)
    show(answer["items"] if output in ("table", "name") else answer, output, columns=RELATED)


@click.command("export")
@click.argument("monitor")
@click.option("--format", "form", type=click.Choice(("yaml", "json")), default="yaml", show_default=True)
@with_client
def export(client: ApiClient, monitor: str, form: str) -> None:
    """Print one monitor as a configuration file has it."""
    sys.stdout.buffer.write(client.download(f"/monitors/{monitor_of(client, monitor)}/export", format=form))


COMMANDS = (edit, pause, resume, clone, check_now, test_check, regions, dependencies, export)
"""What `farwatch monitors` has of these."""
