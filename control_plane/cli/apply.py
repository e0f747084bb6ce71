"""`farwatch apply`: make the configuration equal to files, after showing what that changes."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.config_files import files_argument, read_files, with_references
from control_plane.cli.output import printable, show, with_output
from control_plane.cli.plan import TIMEOUT_S, ask, show_plan, summary_of
from control_plane.cli.talk import say

_DONE = {"create": "created", "update": "updated", "delete": "deleted"}


@click.command()
@files_argument
@click.option("--prune", is_flag=True, help="Delete what the files' sections do not have.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Only show the plan.")
@with_output
@with_client
def apply(client: ApiClient, files: tuple[str, ...], *, prune: bool, yes: bool, dry_run: bool, output: str) -> None:
    """Make the configuration equal to FILES: all of it, or nothing. Asks first when at a terminal."""
    merged = with_references(read_files(files))
    planned = ask(client, merged, prune=prune)
    if output == "table":
        show_plan(planned, merged)
    if dry_run or not planned["drift"]:
        _tell(planned, output)
        return
    if not yes and sys.stdin.isatty() and not click.confirm("Apply this?", err=True):
        say("Nothing was changed.")
        sys.exit(exit_codes.FAILED)
    query = {"plan_digest": planned["digest"], **({"prune": "true"} if prune else {})}
    with _progress() as progress:
        progress.add_task("Applying", total=None)
        applied = client.send("POST", "/apply", body=merged.document, query=query, timeout_s=TIMEOUT_S)
    for channel, secrets in applied["made"].items():
        for name, secret in secrets.items():
            say(printable(f"Made for channel {channel}, shown this once: {name} {secret}"), style="yellow")
    _tell(applied, output, done=True)


def _tell(planned: dict[str, Any], output: str, *, done: bool = False) -> None:
    if output != "table":
        show(planned if output != "name" else planned["changes"], output, columns={})
    elif done:
        counted = planned["summary"]
        words = ", ".join(f"{counted[action]} {word}" for action, word in _DONE.items())
        say(f"Done: {words}, {counted['unchanged']} unchanged.", style="green")
    elif not planned["drift"]:
        say(f"Nothing to do: {summary_of(planned)}.")


def _progress() -> Progress:
    """On standard error, and only at a terminal."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
