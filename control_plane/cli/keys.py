"""`farwatch keys`: the keys of a tenant's programs."""

from __future__ import annotations

import sys

import click

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.talk import say

COLUMNS = {
    "LABEL": lambda k: k["label"],
    "PREFIX": lambda k: k["prefix"] + "…",
    "SCOPES": lambda k: str(len(k["scopes"])),
    "USED": lambda k: k["last_used_at"] or "never",
    "ENDS": lambda k: k["expires_at"] or "",
    "ID": lambda k: k["id"],
}
_WITH_KEY = {**COLUMNS, "KEY": lambda k: k["key"]}


@click.group()
def keys() -> None:
    """List, make, rotate and delete API keys."""


@keys.command("ls")
@click.option("--q", default=None, help="Part of the label, or the head of the key.")
@with_output
@with_client
def list_keys(client: ApiClient, q: str | None, output: str) -> None:
    """List keys, without their secrets."""
    show(every_item(client, "/keys", q=q), output, columns=COLUMNS)


@keys.command("show")
@click.argument("key_id", metavar="KEY")
@with_output
@with_client
def show_key(client: ApiClient, key_id: str, output: str) -> None:
    """Show KEY, by id, label or number, without its secret."""
    show(client.get(f"/keys/{_resolved(client, key_id)}"), output, columns=COLUMNS)


@keys.command("add")
@click.argument("label")
@click.option("--scope", "scopes", multiple=True, help="Such as monitors:read; repeatable. All of your key's if none.")
@with_output
@with_client
def add(client: ApiClient, label: str, scopes: tuple[str, ...], output: str) -> None:
    """Make a key called LABEL. It is shown this once."""
    made = client.send("POST", "/keys", body={"label": label} | ({"scopes": list(scopes)} if scopes else {}))
    show(made, output, columns=_WITH_KEY)
    say("Keep it now: it is not shown again.")


@keys.command("rotate")
@click.argument("key_id", metavar="KEY")
@with_output
@with_client
def rotate(client: ApiClient, key_id: str, output: str) -> None:
    """Replace KEY, by id, label or number. The one before counts for five more minutes."""
    made = client.send("POST", f"/keys/{_resolved(client, key_id)}/rotate")
    show(made, output, columns=_WITH_KEY)
    say("Keep it now: it is not shown again. The key before it counts for five more minutes.")


@keys.command("rm")
@click.argument("key_id", metavar="KEY")
@with_client
def rm(client: ApiClient, key_id: str) -> None:
    """Delete KEY, by id, label or number. The last that makes keys stays, unless there is an owner."""
    client.send("DELETE", f"/keys/{_resolved(client, key_id)}")
    say("Deleted the key.")


def _resolved(client: ApiClient, given: str) -> str:
    """The id of the one lasting key of that id, label or number; ends the program where there is not exactly one."""
    found = [
        key
        for key in every_item(client, "/keys")
        if given in (key["id"], key["label"], str(key["number"])) and (given == key["id"] or not key["expires_at"])
    ]
    if len(found) == 1:
        return str(found[0]["id"])
    what = "There are several keys" if found else "There is no key"
    say(f"{what} {given}. List them with: farwatch keys ls", style="red")
    sys.exit(exit_codes.NOT_FOUND if not found else exit_codes.USAGE)
