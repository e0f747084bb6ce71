"""farwatch invitations: invite people by a link, send it again, take it back."""

from __future__ import annotations

import sys
from typing import Any

import click

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.members import ROLES
from control_plane.cli.output import show, with_output
from control_plane.cli.talk import say

PAGE = 200

COLUMNS = {
    "STATE": lambda i: i["state"],
    "EMAIL": lambda i: i["email"],
    "ROLE": lambda i: i["role"],
    "INVITED BY": lambda i: i["invited_by"],
    "EXPIRES": lambda i: i["expires_at"],
    "ID": lambda i: i["id"],
}
STATES = click.Choice(["pending", "expired", "accepted", "revoked"])


@click.group()
def invitations() -> None:
    """Invite people, send links again, take them back."""


@invitations.command("list")
@click.option("--state", type=STATES, default=None, help="Only those that are so now.")
@with_output
@with_client
def list_invitations(client: ApiClient, state: str | None, output: str) -> None:
    """List invitations, newest first."""
    items = _all(client, state)
    if not items and output == "table":
        say("No invitations. Make one with: farwatch invitations create ana@example.com")
        return
    show(items, output, columns=COLUMNS)


@invitations.command("show")
@click.argument("invitation")
@with_output
@with_client
def show_invitation(client: ApiClient, invitation: str, output: str) -> None:
    """Show one invitation, by id or address."""
    show(client.get(f"/invitations/{_resolve(client, invitation)}"), output, columns=COLUMNS)


@invitations.command()
@click.argument("email")
@click.option("--role", type=ROLES, default="member", show_default=True)
@with_output
@with_client
def create(client: ApiClient, email: str, role: str, output: str) -> None:
    """Invite EMAIL. The link is printed this once; pass it on."""
    _tell(client.send("POST", "/invitations", body={"email": email, "role": role}), output)


@invitations.command()
@click.argument("invitation")
@with_output
@with_client
def resend(client: ApiClient, invitation: str, output: str) -> None:
    """Make a new link, by id or address. The one before counts no more."""
    _tell(client.send("POST", f"/invitations/{_resolve(client, invitation)}/resend"), output)


@invitations.command()
@click.argument("invitation")
@with_client
def revoke(client: ApiClient, invitation: str) -> None:
    """Take an invitation back, by id or address."""
    client.send("DELETE", f"/invitations/{_resolve(client, invitation)}")
    say(f"Revoked {invitation}.")


def _tell(made: dict[str, Any], output: str) -> None:
    """The link is data: alone on stdout where a table would be."""
    if output != "table":
        show(made, output, columns=COLUMNS)
        return
    click.echo(made["link"])
    say(f"{made['email']} may join as {made['role']} until {made['expires_at']}. The link is shown this once.")


def _all(client: ApiClient, state: str | None) -> list[Any]:
    items: list[Any] = []
    while True:
        page = client.get("/invitations", state=state, limit=PAGE, offset=len(items))
        items += page["items"]
        if not page["items"] or len(items) >= page["total"]:
            return items


def _resolve(client: ApiClient, given: str) -> str:
    """The id of an open invitation given by id or address; ends the program when there is none."""
    if "@" not in given:
        return given
    address = given.strip().lower()
    found = [each for state in ("pending", "expired") for each in _all(client, state) if each["email"] == address]
    if found:
        return str(found[0]["id"])
    say(f"No invitation to {given!r} is open. List them with: farwatch invitations list", style="red")
    sys.exit(exit_codes.NOT_FOUND)
