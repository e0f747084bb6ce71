"""`farwatch regions`: where checks run from, one's own regions, and the agents of these."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.talk import say

COLUMNS = {
    "ID": lambda r: r["id"],
    "NAME": lambda r: r["name"],
    "PLACE": lambda r: ", ".join(part for part in (r["city"], r["country"]) if part),
    "WHOSE": lambda r: "private" if r["private"] else "shared",
    "HEALTH": lambda r: r["health"]["status"],
    "AGENTS": lambda r: f"{r['health']['live']} of {r['health']['agents']} live",
}
AGENTS = {
    "NAME": lambda a: a["name"],
    "ENABLED": lambda a: "yes" if a["enabled"] else "no",
    "LIVE": lambda a: "yes" if a["live"] else "no",
    "VERSION": lambda a: a["version"] or "",
    "SEEN": lambda a: a["last_seen_at"] or "never",
    "ID": lambda a: a["id"],
}


@click.group()
def regions() -> None:
    """List regions; make and keep private ones, and register their agents."""


@regions.command("ls")
@click.option("--q", default=None, help="Part of the id, name, city or country.")
@click.option("--private/--shared", "private", default=None, help="Only your own, or only those that all share.")
@with_output
@with_client
def list_regions(client: ApiClient, q: str | None, private: bool | None, output: str) -> None:
    """List the regions to choose from, with their health."""
    show(every_item(client, "/regions", q=q, private=_flag(private)), output, columns=COLUMNS)


@regions.command("add")
@click.argument("region")
@click.option("--name", default=None, help="How people call it; the id if not given.")
@click.option("--city", default=None)
@click.option("--country", default=None)
@click.option("--allow-cidr", "cidrs", multiple=True, help="A private range that its agents may reach; repeatable.")
@with_output
@with_client
def add(
    client: ApiClient,
    region: str,
    *,
    name: str | None,
    city: str | None,
    country: str | None,
    cidrs: tuple[str, ...],
    output: str,
) -> None:
    """Make the private region REGION, an id such as office."""
    given = {"name": name, "city": city, "country": country, "allow_cidrs": list(cidrs) or None}
    body = {"id": region} | {key: value for key, value in given.items() if value is not None}
    show(client.send("POST", "/regions", body=body), output, columns=COLUMNS)
    say(f"Nothing runs there yet. Register an agent with: farwatch regions add-agent {region} NAME")


@regions.command("show")
@click.argument("region")
@with_output
@with_client
def show_region(client: ApiClient, region: str, output: str) -> None:
    """Show one region, with its health."""
    show(client.get(f"/regions/{quote(region, safe='')}"), output, columns=COLUMNS)


@regions.command("edit")
@click.argument("region")
@click.option("--name", default=None)
@click.option("--city", default=None)
@click.option("--country", default=None)
@click.option("--allow-cidr", "allow_cidrs", multiple=True, help="All private ranges that it may reach; repeatable.")
@with_output
@with_client
def edit(client: ApiClient, region: str, output: str, **given: Any) -> None:
    """Change a private region. What is not given stays."""
    body = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items() if value}
    if not body:
        raise click.UsageError("Say what to change, such as --name Office.")
    show(client.send("PATCH", f"/regions/{quote(region, safe='')}", body=body), output, columns=COLUMNS)


@regions.command("rm")
@click.argument("region")
@with_client
def rm(client: ApiClient, region: str) -> None:
    """Remove a private region with its agents, and take it out of every monitor."""
    client.send("DELETE", f"/regions/{quote(region, safe='')}")
    say(f"Removed region {region}.")


@regions.command("agents")
@click.argument("region")
@with_output
@with_client
def list_agents(client: ApiClient, region: str, output: str) -> None:
    """List the agents of a private region."""
    show(every_item(client, _agents(region)), output, columns=AGENTS)


@regions.command("add-agent")
@click.argument("region")
@click.argument("name")
@with_output
@with_client
def add_agent(client: ApiClient, region: str, name: str, output: str) -> None:
    """Register an agent of REGION. Its key is shown this once."""
    made = client.send("POST", _agents(region), body={"name": name})
    _told(client, made, output)


@regions.command("show-agent")
@click.argument("region")
@click.argument("agent")
@with_output
@with_client
def show_agent(client: ApiClient, region: str, agent: str, output: str) -> None:
    """Show AGENT, by id."""
    show(client.get(f"{_agents(region)}/{quote(agent, safe='')}"), output, columns=AGENTS)


@regions.command("edit-agent")
@click.argument("region")
@click.argument("agent")
@click.option("--name", default=None)
@click.option("--enable/--disable", "enabled", default=None)
@with_output
@with_client
def edit_agent(client: ApiClient, region: str, agent: str, output: str, **given: Any) -> None:
    """Rename AGENT, by id, or let it work or not."""
    body = {name: value for name, value in given.items() if value is not None}
    if not body:
        raise click.UsageError("Say what to change: --name, --enable or --disable.")
    path = f"{_agents(region)}/{quote(agent, safe='')}"
    show(client.send("PATCH", path, body=body), output, columns=AGENTS)


@regions.command("rotate-agent")
@click.argument("region")
@click.argument("agent")
@with_output
@with_client
def rotate_agent(client: ApiClient, region: str, agent: str, output: str) -> None:
    """Give AGENT, by id, another key. The one before counts for five more minutes."""
    _told(client, client.send("POST", f"{_agents(region)}/{quote(agent, safe='')}/rotate"), output)


@regions.command("rm-agent")
@click.argument("region")
@click.argument("agent")
@with_client
def rm_agent(client: ApiClient, region: str, agent: str) -> None:
    """Remove AGENT, by id, and its keys."""
    client.send("DELETE", f"{_agents(region)}/{quote(agent, safe='')}")
    say("Removed the agent.")


def _told(client: ApiClient, issued: dict[str, Any], output: str) -> None:
    show(issued, output, columns={**AGENTS, "KEY": lambda a: a["key"]} if output == "table" else AGENTS)
    say(f"Run it with: farwatch-agent join {client.url} --key …  (the key is not shown again)")


def _agents(region: str) -> str:
    return f"/regions/{quote(region, safe='')}/agents"


def _flag(value: bool | None) -> str | None:
    return None if value is None else str(value).lower()
