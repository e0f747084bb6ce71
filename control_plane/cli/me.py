"""`farwatch me`: who the key is, and where one is signed in. `farwatch meta`: what the server is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output
from control_plane.cli.reads import text
from control_plane.cli.talk import say

COLUMNS = {
    "KEY": lambda me: me["key"]["label"] if me["key"] else "",
    "MEMBER": lambda me: me["member"]["name"] if me["member"] else "",
    "TENANT": lambda me: me["tenant"]["name"],
    "PLAN": lambda me: me["plan"]["name"],
    "SCOPES": lambda me: str(len(me["scopes"])),
}
SESSIONS = {
    "SINCE": text("created_at"),
    "SEEN": text("last_seen_at"),
    "FROM": text("address"),
    "BROWSER": text("user_agent"),
    "ID": text("id"),
}


@click.group(invoke_without_command=True)
@with_output
@with_client
@click.pass_context
def me(context: click.Context, client: ApiClient, output: str) -> None:
    """Show who your key is, and what it may do."""
    if context.invoked_subcommand is None:
        found: Mapping[str, Any] = client.get("/me")
        show({**found, "id": found["tenant"]["id"]} if output == "name" else found, output, columns=COLUMNS)


@me.command()
@with_output
@with_client
def sessions(client: ApiClient, output: str) -> None:
    """List the browsers that are signed in with this key."""
    items = client.get("/me/sessions")["items"]
    if not items and output == "table":
        say("No browser is signed in.")
        return
    show(items, output, columns=SESSIONS)


@me.command("end-session")
@click.argument("session", required=False)
@click.option("--all", "everything", is_flag=True, help="All of them.")
@with_client
def end_session(client: ApiClient, session: str | None, everything: bool) -> None:
    """Sign a browser out, by the id of its session, or with --all every one."""
    if (session is None) is not everything:
        raise click.UsageError("Give the id of a session (farwatch me sessions), or --all.")
    client.send("DELETE", "/me/sessions" if session is None else f"/me/sessions/{session}")
    say("Signed out.")


@click.command()
@with_output
@with_client
def meta(client: ApiClient, output: str) -> None:
    """Show the server's version, features and limits."""
    show(client.get("/meta"), output, columns={"NAME": text("name"), "VERSION": text("version")})
