"""Many monitors at once: `farwatch import FILE`, `farwatch monitors bulk|enable|disable|delete|tag`."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import click

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.jobs import end_with, follow, say_failures
from control_plane.cli.output import show, with_output
from control_plane.cli.talk import say

KINDS = {".json": "application/json", ".yaml": "application/yaml", ".yml": "application/yaml", ".csv": "text/csv"}
COLUMNS = {
    "NAME": lambda item: item["name"] or "",
    "RESULT": lambda item: item["error"]["code"] if item["error"] else ("done" if item["changed"] else "unchanged"),
    "ID": lambda item: item["id"] or "",
}
_FILTERS = ("q", "tag", "enabled", "kind", "verdict", "group", "state", "region", "key", "owner", "incident")


@click.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--atomic", is_flag=True, help="All of them or none.")
@with_output
@with_client
def import_file(client: ApiClient, file: Path, atomic: bool, output: str) -> None:
    """Create the monitors of FILE (.json, .yaml or .csv), as a job that is followed.

    Interrupted and called again within a day, it follows the same job: nothing is created twice.
    """
    kind = KINDS.get(file.suffix.lower())
    if kind is None:
        raise click.UsageError(f"{file.name}: the name must end with one of {', '.join(KINDS)}")
    content = file.read_bytes()
    digest = hashlib.sha256(kind.encode() + str(atomic).encode() + content).hexdigest()
    job = client.upload(
        "/import",
        content,
        kind=kind,
        query={"atomic": "true"} if atomic else {},
        headers={"Prefer": "respond-async", "Idempotency-Key": f"import-{digest}"},
    )
    end_with(follow(client, job["id"]), output)


bulk = click.Command(
    "bulk", callback=import_file.callback, params=import_file.params, help="The same as `farwatch import FILE`."
)


def _chosen(words: tuple[str, ...]) -> dict[str, Any]:
    """The filter in words such as tag=prod."""
    chosen: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or name not in _FILTERS:
            raise click.UsageError(f"--filter {word}: NAME=VALUE with a name of {', '.join(_FILTERS)}")
        match name:
            case "tag":
                chosen.setdefault("tag", []).append(value)
            case "enabled":
                chosen[name] = value == "true"
            case _:
                chosen[name] = value
    return chosen


def _act(client: ApiClient, action: dict[str, Any], *, filters: tuple[str, ...], dry_run: bool, output: str) -> None:
    if not filters:
        raise click.UsageError("Say which: --filter tag=prod. Repeat it, and all that are given must hold.")
    body = {"action": action, "filter": _chosen(filters), "dry_run": dry_run}
    if not dry_run:
        job = client.send("POST", "/monitors/bulk-action", body=body, headers={"Prefer": "respond-async"})
        end_with(follow(client, job["id"]), output)
        return
    told = client.send("POST", "/monitors/bulk-action", body=body)
    show(told["items"], output, columns=COLUMNS)
    say_failures(told["items"])
    say(f"It would succeed for {told['succeeded']} and fail for {told['failed']}; nothing was done.")
    if told["failed"]:
        sys.exit(exit_codes.FAILED)


def _with_filter(function: Any) -> Any:
    dry_run = click.option("--dry-run", is_flag=True, help="Only say what would happen.")
    chosen = click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="Which; repeat for more.")
    return chosen(dry_run(with_output(with_client(function))))


@click.command()
@_with_filter
def enable(client: ApiClient, filters: tuple[str, ...], dry_run: bool, output: str) -> None:
    """Resume the monitors that match."""
    _act(client, {"type": "enable"}, filters=filters, dry_run=dry_run, output=output)


@click.command()
@_with_filter
def disable(client: ApiClient, filters: tuple[str, ...], dry_run: bool, output: str) -> None:
    """Pause the monitors that match."""
    _act(client, {"type": "disable"}, filters=filters, dry_run=dry_run, output=output)


@click.command()
@_with_filter
def delete(client: ApiClient, filters: tuple[str, ...], dry_run: bool, output: str) -> None:
    """Remove the monitors that match, with their history."""
    _act(client, {"type": "delete"}, filters=filters, dry_run=dry_run, output=output)


@click.command()
@click.argument("tags", nargs=-1, required=True)
@click.option("--remove", is_flag=True, help="Take them off instead.")
@_with_filter
def tag(
    client: ApiClient, tags: tuple[str, ...], *, remove: bool, filters: tuple[str, ...], dry_run: bool, output: str
) -> None:
    """Add TAGS to the monitors that match."""
    action = {"type": "tag_remove" if remove else "tag_add", "tags": list(tags)}
    _act(client, action, filters=filters, dry_run=dry_run, output=output)


COMMANDS = (bulk, enable, disable, delete, tag)
"""What `farwatch monitors` has of these."""
