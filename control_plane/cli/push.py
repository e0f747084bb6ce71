"""`farwatch push`: the browsers that this key has subscribed."""

from __future__ import annotations

import json
from typing import Any, TextIO

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.channels import TESTED
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.reads import text
from control_plane.cli.talk import say

COLUMNS = {
    "NAME": text("name"),
    "SERVICE": text("service"),
    "STATE": lambda s: s["disabled_reason"] or s["state"],
    "LAST DELIVERED": text("last_delivered_at"),
    "ID": text("id"),
}


@click.group()
def push() -> None:
    """List, add, test and remove browsers that are told by web push."""


@push.command("ls")
@with_output
@with_client
def list_subscriptions(client: ApiClient, output: str) -> None:
    """List subscriptions of this key. Those of people are theirs."""
    items = every_item(client, "/push-subscriptions")
    if not items and output == "table":
        say("No browser is subscribed by this key. People subscribe theirs in the dashboard.")
        return
    show(items, output, columns=COLUMNS)


@push.command("show")
@click.argument("subscription")
@with_output
@with_client
def show_subscription(client: ApiClient, subscription: str, output: str) -> None:
    """Show one subscription, by id."""
    show(client.get(f"/push-subscriptions/{subscription}"), output, columns=COLUMNS)


@push.command("key")
@with_output
@with_client
def key(client: ApiClient, output: str) -> None:
    """Show the public key that browsers subscribe with."""
    found = client.get("/push-subscriptions/key")
    show(found | {"id": found["public_key"]}, output, columns={"PUBLIC KEY": text("public_key")})


@push.command("add")
@click.argument("subscription", type=click.File())
@click.option("--name", default=None, help="What to call it.")
@click.option("--everything/--bound-only", default=True, help="Whether it is told of every incident.")
@with_output
@with_client
def add(client: ApiClient, subscription: TextIO, *, name: str | None, everything: bool, output: str) -> None:
    """Subscribe a browser: SUBSCRIPTION is a file with its PushSubscription as JSON; - reads stdin."""
    try:
        given = json.load(subscription)
        body: dict[str, Any] = {"endpoint": given["endpoint"], "keys": given["keys"], "everything": everything}
    except (ValueError, KeyError, TypeError):
        raise click.UsageError("SUBSCRIPTION is JSON with endpoint and keys, as PushManager.subscribe gives") from None
    show(
        client.send("POST", "/push-subscriptions", body=body | ({"name": name} if name else {})),
        output,
        columns=COLUMNS,
    )


@push.command("test")
@click.argument("subscription")
@with_output
@with_client
def test(client: ApiClient, subscription: str, output: str) -> None:
    """Send a test to a browser. Ends with 1 when the push service does not take it."""
    told = client.send("POST", f"/push-subscriptions/{subscription}/test")
    show(told | {"id": told["delivery_id"]} if output == "name" else told, output, columns=TESTED)


@push.command("rm")
@click.argument("subscription")
@with_client
def rm(client: ApiClient, subscription: str) -> None:
    """End a subscription."""
    client.send("DELETE", f"/push-subscriptions/{subscription}")
    say(f"Removed {subscription}.")
