"""farwatch tenant: show it, how much of its plan is used, and rename it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output

COLUMNS: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "NAME": lambda tenant: tenant["name"],
    "PLAN": lambda tenant: tenant["plan"]["name"],
    "SINCE": lambda tenant: tenant["created_at"],
    "ID": lambda tenant: tenant["id"],
}
USAGE: Mapping[str, Callable[[dict[str, Any]], str]] = {
    "QUOTA": lambda row: row["id"],
    "USED": lambda row: "" if row["used"] is None else str(row["used"]),
    "LIMIT": lambda row: "none" if row["limit"] is None else str(row["limit"]),
}


@click.group()
def tenant() -> None:
    """Show, measure and rename the tenant that your key belongs to."""


@tenant.command("show")
@with_output
@with_client
def show_tenant(client: ApiClient, output: str) -> None:
    """Show the tenant and its plan."""
    show(client.get("/tenant"), output, columns=COLUMNS)


@tenant.command()
@with_output
@with_client
def usage(client: ApiClient, output: str) -> None:
    """Show how much of each quota of the plan is used."""
    used = client.get("/tenant")["usage"]
    show([{"id": quota, **values} for quota, values in used.items()], output, columns=USAGE)


@tenant.command()
@click.argument("name")
@with_output
@with_client
def rename(client: ApiClient, name: str, output: str) -> None:
    """Call the tenant NAME."""
    show(client.send("PATCH", "/tenant", body={"name": name}), output, columns=COLUMNS)
