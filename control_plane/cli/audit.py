"""`farwatch audit`: who changed what."""

from __future__ import annotations

from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output
from control_plane.cli.talk import say

COLUMNS = {
    "AT": lambda entry: entry["at"],
    "WHO": lambda entry: f"{entry['actor_kind']} {entry['actor']}",
    "DID": lambda entry: entry["operation"].replace("_", " "),
    "TO": lambda entry: f"{entry['object_kind']} {entry['object_name'] or entry['object_id']}",
    "CHANGED": lambda entry: ", ".join(entry["changes"]),
    "FROM": lambda entry: entry["address"] or "",
}


class _LsByDefault(click.Group):
    """`farwatch audit --kind monitor` is `farwatch audit ls --kind monitor`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks_help = bool(args) and args[0] in ctx.help_option_names
        is_plain = not args or (args[0].startswith("-") and not asks_help)
        return super().parse_args(ctx, ["ls", *args] if is_plain else args)


@click.group(cls=_LsByDefault)
def audit() -> None:
    """Show who changed what."""


@audit.command("ls")
@click.option("--object", "object_id", default=None, help="Id of what was changed.")
@click.option("--kind", "object_kind", default=None, help="Kind of what was changed, such as monitor or key.")
@click.option("--actor", "actor_id", default=None, help="Id of the key or member that did it.")
@click.option("--action", default=None, help="created, updated, deleted …")
@click.option("--from", "from_", default=None, help="Not before this instant (RFC 3339).")
@click.option("--to", default=None, help="Before this instant (RFC 3339).")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@with_output
@with_client
def list_entries(client: ApiClient, *, limit: int, output: str, **filters: str | None) -> None:
    """Show who changed what, newest first."""
    wanted: dict[str, Any] = {name.rstrip("_"): value for name, value in filters.items()}
    page = client.get("/audit", limit=limit, **wanted)
    if not page["items"] and output == "table":
        say("Nothing was changed by anybody.")
        return
    show(page["items"], output, columns=COLUMNS)
