"""`farwatch operator regions`, `agents`, `fleet` and `kill-switch`."""

from __future__ import annotations

from typing import Any

import click

from control_plane.cli.finding import segment
from control_plane.cli.operator_client import OperatorClient, with_operator
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.regions import AGENTS
from control_plane.cli.regions import COLUMNS as REGIONS
from control_plane.cli.talk import say

FLEET = {
    "NAME": lambda a: a["name"],
    "REGION": lambda a: a["region"],
    "STATE": lambda a: a["state"],
    "VERSION": lambda a: a["version"] or "",
    "LAG": lambda a: "" if a["lag_ms"] is None else f"{a['lag_ms']:.0f} ms",
    "SATURATION": lambda a: "" if a["saturation"] is None else f"{a['saturation']:.0%}",
    "SKEW": lambda a: "" if a["clock_offset_ms"] is None else f"{a['clock_offset_ms']} ms",
    "TROUBLE": lambda a: ", ".join(a["alerts"]),
    "ID": lambda a: a["id"],
}
SWITCH = {
    "ON": lambda s: "yes" if s["on"] else "no",
    "SINCE": lambda s: s["since"] or "",
    "REASON": lambda s: s["reason"] or "",
}


@click.group()
def regions() -> None:
    """List, make, enable, disable and remove regions: by id, or <tenant id>:<id> for a private one."""


@regions.command("ls")
@with_output
@with_operator
def list_regions(client: OperatorClient, output: str) -> None:
    """List all regions."""
    show(every_item(client, "/regions"), output, columns=REGIONS)


@regions.command("add")
@click.argument("region")
@click.option("--name", default=None)
@click.option("--city", default=None)
@click.option("--country", default=None)
@click.option("--tenant", default=None, help="Id of the tenant whose private region it is.")
@with_output
@with_operator
def add_region(client: OperatorClient, region: str, output: str, **given: str | None) -> None:
    """Make the region REGION, an id such as eu-west."""
    names = {"tenant": "tenant_id"}
    body = {names.get(key, key): value for key, value in given.items() if value is not None}
    show(client.send("POST", "/regions", body={"id": region, "name": region, **body}), output, columns=REGIONS)


@regions.command("enable")
@click.argument("region")
@with_operator
def enable_region(client: OperatorClient, region: str) -> None:
    """Let a disabled region work again."""
    client.send("PATCH", f"/regions/{segment(region)}", body={"enabled": True})
    say(f"Enabled {region}.")


@regions.command("disable")
@click.argument("region")
@with_operator
def disable_region(client: OperatorClient, region: str) -> None:
    """Make a region silent, without an incident."""
    client.send("PATCH", f"/regions/{segment(region)}", body={"enabled": False})
    say(f"Disabled {region}.")


@regions.command("rm")
@click.argument("region")
@with_operator
def remove_region(client: OperatorClient, region: str) -> None:
    """Remove a region with its agents, and take it out of every monitor."""
    client.send("DELETE", f"/regions/{segment(region)}")
    say(f"Removed {region}.")


@click.group()
def agents() -> None:
    """List, register, rotate, enable, disable and remove agents."""


@agents.command("ls")
@click.option("--region", default=None)
@with_output
@with_operator
def list_agents(client: OperatorClient, region: str | None, output: str) -> None:
    """List agents."""
    show(every_item(client, "/agents", region=region), output, columns=AGENTS)


@agents.command("add")
@click.argument("region")
@click.argument("name")
@with_output
@with_operator
def add_agent(client: OperatorClient, region: str, name: str, output: str) -> None:
    """Register an agent of REGION. Its key is shown this once."""
    _issued(client.send("POST", "/agents", body={"region": region, "name": name}), output)


@agents.command("rotate")
@click.argument("agent")
@with_output
@with_operator
def rotate_agent(client: OperatorClient, agent: str, output: str) -> None:
    """Give AGENT, by id, another key. The one before counts for five more minutes."""
    _issued(client.send("POST", f"/agents/{segment(agent)}/rotate"), output)


@agents.command("enable")
@click.argument("agent")
@with_operator
def enable_agent(client: OperatorClient, agent: str) -> None:
    """Let a disabled agent work again."""
    client.send("POST", f"/agents/{segment(agent)}/enable")
    say("Enabled.")


@agents.command("disable")
@click.argument("agent")
@with_operator
def disable_agent(client: OperatorClient, agent: str) -> None:
    """Stop AGENT from working. It is told so within 3 s."""
    client.send("POST", f"/agents/{segment(agent)}/disable")
    say("Disabled.")


@agents.command("rm")
@click.argument("agent")
@with_operator
def remove_agent(client: OperatorClient, agent: str) -> None:
    """Remove AGENT and its keys."""
    client.send("DELETE", f"/agents/{segment(agent)}")
    say("Removed.")


@click.command()
@click.option("--region", default=None)
@click.option("--troubled", is_flag=True, help="Only agents with an open incident.")
@with_output
@with_operator
def fleet(client: OperatorClient, region: str | None, troubled: bool, output: str) -> None:
    """Show every agent: health, lag, saturation, clock and version."""
    wanted = "true" if troubled else None
    show(every_item(client, "/fleet", region=region, troubled=wanted), output, columns=FLEET)


@click.group("kill-switch")
def kill_switch() -> None:
    """Stop all checks, or let them go on."""


@kill_switch.command("show")
@with_output
@with_operator
def show_switch(client: OperatorClient, output: str) -> None:
    """Show whether checks are dispatched."""
    show(client.get("/kill-switch"), output, columns=SWITCH)


@kill_switch.command("on")
@click.argument("reason")
@with_output
@with_operator
def switch_on(client: OperatorClient, reason: str, output: str) -> None:
    """Stop all checks. Agents, and whoever asks for a check, are told REASON."""
    show(client.send("PUT", "/kill-switch", body={"on": True, "reason": reason}), output, columns=SWITCH)


@kill_switch.command("off")
@with_output
@with_operator
def switch_off(client: OperatorClient, output: str) -> None:
    """Let checks go on."""
    show(client.send("PUT", "/kill-switch", body={"on": False}), output, columns=SWITCH)


def _issued(made: dict[str, Any], output: str) -> None:
    show(made, output, columns={**AGENTS, "KEY": lambda a: a["key"]})
