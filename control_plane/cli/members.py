"""farwatch members: list people, change what they may do, send them away."""

from __future__ import annotations

import sys
from typing import Any

import click

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output
from control_plane.cli.talk import say
from control_plane.domain.tenants.credentials import Role

PAGE = 200
ROLES = click.Choice([role.value for role in Role])

COLUMNS = {
    "NAME": lambda m: m["name"],
    "EMAIL": lambda m: m["email"] + ("" if m["email_proven"] else " (not proven)"),
    "ROLE": lambda m: m["role"],
    "LAST SIGN-IN": lambda m: m["last_sign_in_at"] or "never",
    "ID": lambda m: m["id"],
}


@click.group()
def members() -> None:
    """List people, give them roles, send them away."""


@members.command("list")
@with_output
@with_client
def list_members(client: ApiClient, output: str) -> None:
    """List members, owners first."""
    items = _all(client)
    if not items and output == "table":
        say("No members. Invite one with: farwatch invitations create ana@example.com")
        return
    show(items, output, columns=COLUMNS)


@members.command("show")
@click.argument("member")
@with_output
@with_client
def show_member(client: ApiClient, member: str, output: str) -> None:
    """Show one member, by id or e-mail address."""
    show(client.get(f"/members/{_resolve(client, member)}"), output, columns=COLUMNS)


@members.command()
@click.argument("member")
@click.argument("role", type=ROLES)
@with_output
@with_client
def role(client: ApiClient, member: str, role: str, output: str) -> None:
    """Give a member, by id or e-mail address, another ROLE."""
    changed = client.send("PATCH", f"/members/{_resolve(client, member)}", body={"role": role})
    show(changed, output, columns=COLUMNS)


@members.command()
@click.argument("member")
@with_client
def remove(client: ApiClient, member: str) -> None:
    """Send a member away, by id or e-mail address. Their sessions end at once."""
    client.send("DELETE", f"/members/{_resolve(client, member)}")
    say(f"Removed {member}.")


def _all(client: ApiClient) -> list[Any]:
    items: list[Any] = []
    while True:
        page = client.get("/members", limit=PAGE, offset=len(items))
        items += page["items"]
        if not page["items"] or len(items) >= page["total"]:
            return items


def _resolve(client: ApiClient, given: str) -> str:
    """The id of a member given by id or address; ends the program when there is not exactly one."""
    if "@" not in given:
        return given
    found = [member for member in _all(client) if member["email"] == given.strip().lower()]
    if len(found) == 1:
        return str(found[0]["id"])
    problem = f"Nobody has the address {given!r}" if not found else f"{len(found)} members have {given!r}: give an id"
    say(f"{problem}. List them with: farwatch members list", style="red")
    sys.exit(exit_codes.NOT_FOUND)
