"""`farwatch channels`: where notices go."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from control_plane.cli import channel_links
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.finding import one_of
from control_plane.cli.monitor_edits import merge_patch_of
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.reads import text
from control_plane.cli.talk import say
from control_plane.cli.whatsapp_links import whatsapp_link

_HEALTH = {"ok": "ok", "not_delivering": "not delivering", "unknown": "not used yet"}
COLUMNS = {
    "NUMBER": text("number"),
    "NAME": text("name"),
    "KIND": text("kind"),
    "ENABLED": lambda c: "yes" if c["enabled"] else f"no{': ' + c['disabled_reason'] if c['disabled_reason'] else ''}",
    "HEALTH": lambda c: _HEALTH.get(c["health"]["state"], c["health"]["state"]),
    "ID": text("id"),
}
ROTATED = {"SECRET": text("secret"), "FORMER UNTIL": text("former_until")}
TESTED = {
    "DELIVERED": lambda t: "yes" if t["delivered"] else "no",
    "STATUS": text("http_status"),
    "MS": text("duration_ms"),
    "ANSWER": text("response"),
}


@click.group()
def channels() -> None:
    """List, make, test, change and remove the channels that notices go to."""


@channels.command("ls")
@with_output
@with_client
def list_channels(client: ApiClient, output: str) -> None:
    """List channels. Secrets are never shown."""
    items = every_item(client, "/channels")
    if not items and output == "table":
        say("No channels yet. Add one with: farwatch channels add NAME --type webhook --set url=https://…")
        return
    show(items, output, columns=COLUMNS)


@channels.command("show")
@click.argument("channel")
@with_output
@with_client
def show_channel(client: ApiClient, channel: str, output: str) -> None:
    """Show one channel, by id, number or name."""
    show(client.get(f"/channels/{_found(client, channel)}"), output, columns=COLUMNS)


def _config_of(kind: str | None, pairs: tuple[str, ...], config: str | None) -> dict[str, Any]:
    """--type and --set as one object; --config is that object as JSON."""
    if config is not None:
        try:
            found = json.loads(sys.stdin.read() if config == "-" else config)
        except ValueError as error:
            raise click.UsageError(f"--config is no JSON: {error}") from None
        if not isinstance(found, dict):
            raise click.UsageError("--config is a JSON object that has type")
        return found
    made: dict[str, Any] = {} if kind is None else {"type": kind}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"--set {pair}: FIELD=VALUE, such as url=https://ops.example.com/hook")
        made[name] = value
    return made


def _with_config(function: Any) -> Any:
    kind = click.option("--type", "kind", default=None, help="Such as webhook or ntfy.")
    pairs = click.option("--set", "pairs", multiple=True, metavar="FIELD=VALUE", help="Part of the configuration.")
    config = click.option("--config", default=None, metavar="JSON", help="All of its configuration; - reads stdin.")
    return kind(pairs(config(with_output(with_client(function)))))


@channels.command("add")
@click.argument("name")
@_with_config
def add(
    client: ApiClient, name: str, *, kind: str | None, pairs: tuple[str, ...], config: str | None, output: str
) -> None:
    """Make a channel called NAME: --type webhook --set url=https://ops.example.com/hook."""
    body = {"name": name, "config": _config_of(kind, pairs, config)}
    made = client.send("POST", "/channels", body=body)
    show(made, output, columns=COLUMNS)
    say(f"Try it with: farwatch channels test {made['id']}")


@channels.command("edit")
@click.argument("channel")
@click.option("--name", default=None)
@click.option("--enable/--disable", "enabled", default=None)
@click.option("--patch", default=None, metavar="JSON", help="A JSON merge patch for the rest, such as quiet_hours.")
@_with_config
def edit(
    client: ApiClient,
    channel: str,
    *,
    name: str | None,
    enabled: bool | None,
    patch: str | None,
    kind: str | None,
    pairs: tuple[str, ...],
    config: str | None,
    output: str,
) -> None:
    """Change a channel. What is not given stays; --set and --config merge into its configuration."""
    body: dict[str, Any] = {"name": name, "enabled": enabled, "config": _config_of(kind, pairs, config) or None}
    body = merge_patch_of(patch) | {field: value for field, value in body.items() if value is not None}
    if not body:
        raise click.UsageError("Say what to change, such as --name, --disable or --set url=https://…")
    show(client.send("PATCH", f"/channels/{_found(client, channel)}", body=body), output, columns=COLUMNS)


@channels.command("rm")
@click.argument("channel")
@with_client
def rm(client: ApiClient, channel: str) -> None:
    """Remove a channel. What is still owed to it is not sent."""
    client.send("DELETE", f"/channels/{_found(client, channel)}")
    say(f"Removed {channel}.")


@channels.command("rotate-secret")
@click.argument("channel")
@with_output
@with_client
def rotate_secret(client: ApiClient, channel: str, output: str) -> None:
    """Give a webhook a new signing secret, shown this once. The one before signs for 24 hours more."""
    made = client.send("POST", f"/channels/{_found(client, channel)}/rotate-secret")
    show(made | {"id": made["channel_id"]} if output == "name" else made, output, columns=ROTATED)
    say("Give it to the receiver: the secret before it stops signing then.")


@channels.command("test")
@click.argument("channel", required=False)
@_with_config
def test_channel(
    client: ApiClient,
    channel: str | None,
    *,
    kind: str | None,
    pairs: tuple[str, ...],
    config: str | None,
    output: str,
) -> None:
    """Send a test to a channel, or to a configuration before it is saved. Ends with 1 when it did not arrive."""
    if channel is not None:
        told = client.send("POST", f"/channels/{_found(client, channel)}/test")
    else:
        told = client.send("POST", "/channels/test", body={"config": _config_of(kind, pairs, config)})
    show(told | {"id": told["delivery_id"]} if output == "name" else told, output, columns=TESTED)


@channels.command("resend-verification")
@click.argument("channel")
@with_output
@with_client
def resend_verification(client: ApiClient, channel: str, output: str) -> None:
    """Mail another link to the address of an e-mail channel that is not verified yet."""
    told = client.send("POST", f"/channels/{_found(client, channel)}/resend-verification")
    show(told, output, columns=COLUMNS)
    say(f"A link that counts for 24 hours was mailed to {told['config']['to']}.")


for _command in channel_links.COMMANDS:
    channels.add_command(_command)


def _found(client: ApiClient, given: str) -> str:
    return one_of(client, "/channels", given, word="channel", remedy="farwatch channels ls")


channels.add_command(whatsapp_link)
