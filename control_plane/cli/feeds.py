"""`farwatch feeds`: incidents and maintenance for feed readers and calendars."""

from __future__ import annotations

from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import one_of
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.reads import text
from control_plane.cli.talk import say

COLUMNS = {"NAME": text("name"), "USED": text("last_used_at"), "BY": text("created_by"), "ID": text("id")}
LINKS = {
    "NAME": text("name"),
    "ATOM": lambda one: one["links"]["atom"],
    "RSS": lambda one: one["links"]["rss"],
    "CALENDAR": lambda one: one["links"]["calendar"],
}


@click.group()
def feeds() -> None:
    """List, make, rotate and remove feeds of incidents and maintenance."""


@feeds.command("ls")
@with_output
@with_client
def list_feeds(client: ApiClient, output: str) -> None:
    """List feeds, newest first."""
    items = every_item(client, "/feeds")
    if not items and output == "table":
        say("No feeds. Make one with: farwatch feeds add NAME")
        return
    show(items, output, columns=COLUMNS)


@feeds.command("show")
@click.argument("feed")
@with_output
@with_client
def show_feed(client: ApiClient, feed: str, output: str) -> None:
    """Show one feed, by id or name."""
    show(client.get(f"/feeds/{_found(client, feed)}"), output, columns=COLUMNS)


@feeds.command("add")
@click.argument("name")
@with_output
@with_client
def add(client: ApiClient, name: str, output: str) -> None:
    """Make a feed called NAME. Its links are printed this once."""
    _told(client.send("POST", "/feeds", body={"name": name}), output)


@feeds.command("rotate")
@click.argument("feed")
@with_output
@with_client
def rotate(client: ApiClient, feed: str, output: str) -> None:
    """Give FEED other links. Those before count for five minutes more."""
    _told(client.send("POST", f"/feeds/{_found(client, feed)}/rotate"), output)


@feeds.command("rm")
@click.argument("feed")
@with_client
def rm(client: ApiClient, feed: str) -> None:
    """Remove FEED. Its links lead nowhere from now on."""
    client.send("DELETE", f"/feeds/{_found(client, feed)}")
    say(f"Removed {feed}.")


def _told(made: Any, output: str) -> None:
    show(made, output, columns=LINKS)
    if output == "table":
        say("The links are shown this once; whoever has one reads the feed.")


def _found(client: ApiClient, given: str) -> str:
    return one_of(client, "/feeds", given, word="feed", remedy="farwatch feeds ls")
