"""`farwatch pages subscribers`: who is told of what a status page says."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import one_of, segment
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.reads import text
from control_plane.cli.talk import say

COLUMNS = {
    "KIND": text("kind"),
    "ADDRESS": text("address"),
    "STATE": text("state"),
    "ABOUT": lambda s: "all" if s["component_ids"] is None else f"{len(s['component_ids'])} components",
    "SINCE": text("confirmed_at"),
    "ID": text("id"),
}
COUNTS = {
    "CONFIRMED": text("confirmed"),
    "E-MAIL": text("email"),
    "WEBHOOK": text("webhook"),
    "PUSH": text("web_push"),
    "PENDING": text("pending"),
    "LEFT": text("ended"),
}


@click.group()
def subscribers() -> None:
    """List who is told of what a page says, ask an address, and take somebody off the list."""


@subscribers.command("ls")
@click.argument("page")
@click.option("--kind", type=click.Choice(["email", "webhook", "web_push"]), default=None)
@click.option("--state", type=click.Choice(["pending", "confirmed"]), default=None)
@click.option("--email", default=None, help="The one of this address.")
@with_output
@with_client
def list_subscribers(
    client: ApiClient, page: str, *, kind: str | None, state: str | None, email: str | None, output: str
) -> None:
    """List the subscribers of PAGE, newest first."""
    items = every_item(client, _path(client, page), kind=kind, state=state, email=email)
    if not items and output == "table":
        say("Nobody. People subscribe on the page itself; ask somebody with: farwatch pages subscribers add PAGE EMAIL")
        return
    show(items, output, columns=COLUMNS)


@subscribers.command("add")
@click.argument("page")
@click.argument("email")
@click.option("--note", default="", help="How you came by the address.")
@with_output
@with_client
def add(client: ApiClient, page: str, email: str, *, note: str, output: str) -> None:
    """Ask EMAIL whether it wants to be told. Until it says yes nothing else is sent."""
    show(client.send("POST", _path(client, page), body={"email": email, "note": note}), output, columns=COLUMNS)


@subscribers.command("show")
@click.argument("page")
@click.argument("subscriber")
@with_output
@with_client
def show_subscriber(client: ApiClient, page: str, subscriber: str, *, output: str) -> None:
    """Show SUBSCRIBER, an id of PAGE's list."""
    show(client.get(f"{_path(client, page)}/{segment(subscriber)}"), output, columns=COLUMNS)


@subscribers.command("rm")
@click.argument("page")
@click.argument("subscriber")
@with_client
def rm(client: ApiClient, page: str, subscriber: str) -> None:
    """Take SUBSCRIBER, an id of PAGE's list, off it. Nothing is left of them but a count."""
    client.send("DELETE", f"{_path(client, page)}/{segment(subscriber)}")
    say("Removed. They are told nothing more.")


@subscribers.command("counts")
@click.argument("page")
@with_output
@with_client
def counts(client: ApiClient, page: str, output: str) -> None:
    """How many subscribers PAGE has, and how many have left."""
    show(client.get(f"{_path(client, page)}/counts"), output, columns=COUNTS)


@subscribers.command("export")
@click.argument("page")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="A file, instead of standard output.")
@with_client
def export(client: ApiClient, page: str, out: Path | None) -> None:
    """All subscribers of PAGE as CSV."""
    body = client.download(f"{_path(client, page)}/export")
    if out is None:
        sys.stdout.buffer.write(body)
        return
    out.write_bytes(body)
    say(f"{out}: {len(body)} bytes")


def _path(client: ApiClient, given: str) -> str:
    page = one_of(client, "/status-pages", given, word="status page", remedy="farwatch pages ls", by="slug")
    return f"/status-pages/{page}/subscribers"
