"""`farwatch plan`: what applying files would change. Ends with 6 where there is drift."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.config_files import Merged, files_argument, read_files, with_references
from control_plane.cli.output import PIPED_WIDTH, printable, show, with_output
from control_plane.cli.talk import say

TIMEOUT_S = 300.0
SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red"), "unmanaged": ("?", "dim")}
_SHOWN = 200
"""Characters of one value."""
_UNMANAGED_SHOWN = 20
"""Objects that no file has, in the table; -o json has them all."""


@click.command()
@files_argument
@click.option("--prune", is_flag=True, help="As apply --prune: what the files' sections do not have would be deleted.")
@with_output
@with_client
def plan(client: ApiClient, files: tuple[str, ...], *, prune: bool, output: str) -> None:
    """Tell what applying FILES would change, field by field. Ends with 0 where nothing would, with 6 where there is
    drift."""
    merged = with_references(read_files(files))
    planned = ask(client, merged, prune=prune)
    if output == "table":
        show_plan(planned, merged)
    else:
        show(planned if output != "name" else planned["changes"], output, columns={})
    sys.exit(exit_codes.DRIFT if planned["drift"] else exit_codes.OK)


def ask(client: ApiClient, merged: Merged, *, prune: bool) -> dict[str, Any]:
    """The server's plan."""
    client.place = merged.place
    query = {"prune": "true"} if prune else {}
    planned: dict[str, Any] = client.send("POST", "/plan", body=merged.document, query=query, timeout_s=TIMEOUT_S)
    return planned


def show_plan(planned: dict[str, Any], merged: Merged) -> None:
    """The changes on standard output, warnings and the summary for people beside it."""
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    for line in lines_of_all(planned["changes"]):
        console.print(line)
    for warning in planned["warnings"]:
        where = f"{merged.place(warning['field'])}: {warning['kind']} {warning['key']}"
        say(printable(f"Note: {where}: {warning['message']} (at {warning['field']})"), style="yellow")
    say(summary_of(planned))


def lines_of_all(changes: list[dict[str, Any]]) -> Iterator[Text]:
    """The lines of every change, and of the first objects that no file has: a team may keep thousands elsewhere."""
    unmanaged = 0
    for change in changes:
        unmanaged += change["action"] == "unmanaged"
        if change["action"] != "unmanaged" or unmanaged <= _UNMANAGED_SHOWN:
            yield from lines_of(change)
    if unmanaged > _UNMANAGED_SHOWN:
        yield Text(f"? {unmanaged - _UNMANAGED_SHOWN} more that are not in the file; -o json lists them", style="dim")


def lines_of(change: dict[str, Any]) -> list[Text]:
    """One object: a line that says what becomes of it, and one for each member that changes."""
    sign, style = SIGNS.get(change["action"], (" ", ""))
    head = f"{sign} {change['kind']} {change['key']}"
    if change["name"] != change["key"]:
        head += f"  {change['name']}"
    if change["action"] == "unmanaged":
        head += f"  (not in the file; last written by {change['write_source']})"
    lines = [Text(printable(head), style=style)]
    for one in change["fields"]:
        before = "" if change["action"] == "create" else f"{_value(one['before'])} → "
        lines.append(Text(printable(f"    {one['field'].lstrip('/')}: {before}{_value(one['after'])}")))
    return lines


def summary_of(planned: dict[str, Any]) -> str:
    """The plan in one line."""
    counted = planned["summary"]
    words = ", ".join(f"{counted[action]} to {action}" for action in ("create", "update", "delete"))
    others = f"; {counted['unmanaged']} not in the file" if counted["unmanaged"] else ""
    return f"{words}, {counted['unchanged']} unchanged{others}"


def _value(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
