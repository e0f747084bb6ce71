"""`farwatch operator tenants` and `plans`."""

from __future__ import annotations

import json
from typing import Any, TextIO

import click

from control_plane.cli.finding import segment
from control_plane.cli.operator_client import OperatorClient, with_operator
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.talk import say

TENANTS = {
    "NAME": lambda t: t["name"],
    "PLAN": lambda t: t["plan"],
    "SUSPENDED": lambda t: t["suspended_at"] or "",
    "CREATED": lambda t: t["created_at"],
    "ID": lambda t: t["id"],
}
USAGE = {
    "QUOTA": lambda row: row["name"],
    "USED": lambda row: "" if row["used"] is None else str(row["used"]),
    "LIMIT": lambda row: "none" if row["limit"] is None else str(row["limit"]),
}
PLANS = {"NAME": lambda p: p["name"], "TITLE": lambda p: p["title"]}


@click.group()
def tenants() -> None:
    """List, create, suspend and re-plan tenants."""


@tenants.command("ls")
@click.option("--q", default=None, help="Part of the name, or an id.")
@click.option("--plan", default=None)
@click.option("--suspended", is_flag=True, help="Only those that are suspended.")
@with_output
@with_operator
def list_tenants(client: OperatorClient, *, q: str | None, plan: str | None, suspended: bool, output: str) -> None:
    """List tenants, oldest first."""
    wanted = "true" if suspended else None
    show(every_item(client, "/tenants", q=q, plan=plan, suspended=wanted), output, columns=TENANTS)


@tenants.command("add")
@click.argument("name")
@click.option("--plan", default="free", show_default=True)
@with_output
@with_operator
def add_tenant(client: OperatorClient, name: str, plan: str, output: str) -> None:
    """Create the tenant NAME."""
    show(client.send("POST", "/tenants", body={"name": name, "plan": plan}), output, columns=TENANTS)


@tenants.command("show")
@click.argument("tenant")
@with_output
@with_operator
def show_tenant(client: OperatorClient, tenant: str, output: str) -> None:
    """Show TENANT, by id."""
    show(client.get(f"/tenants/{segment(tenant)}"), output, columns=TENANTS)


@tenants.command("set")
@click.argument("tenant")
@click.option("--name", default=None)
@click.option("--plan", default=None)
@click.option("--overrides", type=click.File("r"), default=None, help="JSON: {quotas, features, rates}; - is stdin.")
@with_output
@with_operator
def set_tenant(
    client: OperatorClient, tenant: str, *, name: str | None, plan: str | None, overrides: TextIO | None, output: str
) -> None:
    """Rename or re-plan TENANT, or override its plan."""
    given = {"name": name, "plan": plan, "overrides": _read(overrides)}
    body = {key: value for key, value in given.items() if value is not None}
    show(client.send("PATCH", f"/tenants/{segment(tenant)}", body=body), output, columns=TENANTS)


@tenants.command("suspend")
@click.argument("tenant")
@with_operator
def suspend(client: OperatorClient, tenant: str) -> None:
    """Suspend TENANT: nothing of it is checked, and its callers may only ask who they are."""
    client.send("POST", f"/tenants/{segment(tenant)}/suspend")
    say("Suspended.")


@tenants.command("release")
@click.argument("tenant")
@with_operator
def release(client: OperatorClient, tenant: str) -> None:
    """Release TENANT from suspension."""
    client.send("POST", f"/tenants/{segment(tenant)}/unsuspend")
    say("Released.")


@tenants.command("usage")
@click.argument("tenant")
@with_output
@with_operator
def usage(client: OperatorClient, tenant: str, output: str) -> None:
    """Show what TENANT has of what its plan allows."""
    found = client.get(f"/tenants/{segment(tenant)}/usage")
    rows = [{"name": name, **use} for name, use in found["usage"].items()]
    show(rows if output in ("table", "name") else found, output, columns=USAGE)


@tenants.command("add-key")
@click.argument("tenant")
@click.argument("label")
@click.option("--scope", "scopes", multiple=True, help="Repeatable; without any, all of them.")
@with_output
@with_operator
def add_key(client: OperatorClient, tenant: str, label: str, scopes: tuple[str, ...], output: str) -> None:
    """Make a key for TENANT. It is shown this once."""
    body = {"label": label} | ({"scopes": list(scopes)} if scopes else {})
    made = client.send("POST", f"/tenants/{segment(tenant)}/keys", body=body)
    show(made, output, columns={"LABEL": lambda k: k["label"], "KEY": lambda k: k["key"], "ID": lambda k: k["id"]})


@click.group()
def plans() -> None:
    """List, make, change and delete plans."""


@plans.command("ls")
@with_output
@with_operator
def list_plans(client: OperatorClient, output: str) -> None:
    """List plans."""
    show(every_item(client, "/plans"), output, columns=PLANS)


@plans.command("show")
@click.argument("plan")
@with_output
@with_operator
def show_plan(client: OperatorClient, plan: str, output: str) -> None:
    """Show PLAN; -o json has its quotas, features and rates."""
    show(client.get(f"/plans/{segment(plan)}"), output, columns=PLANS)


@plans.command("add")
@click.argument("name")
@click.argument("title")
@click.option("--file", "terms", type=click.File("r"), default=None, help="JSON: {quotas, features, rates}.")
@with_output
@with_operator
def add_plan(client: OperatorClient, name: str, title: str, terms: TextIO | None, output: str) -> None:
    """Make the plan NAME. What its file does not name has no limit."""
    body = {"name": name, "title": title, **(_read(terms) or {})}
    show(client.send("POST", "/plans", body=body), output, columns=PLANS)


@plans.command("set")
@click.argument("plan")
@click.argument("terms", type=click.File("r"))
@with_output
@with_operator
def set_plan(client: OperatorClient, plan: str, terms: TextIO, output: str) -> None:
    """Change PLAN as the JSON file TERMS says: {title, quotas, features, rates}. What it does not name stays."""
    show(client.send("PATCH", f"/plans/{segment(plan)}", body=_read(terms)), output, columns=PLANS)


@plans.command("rm")
@click.argument("plan")
@with_operator
def remove_plan(client: OperatorClient, plan: str) -> None:
    """Delete PLAN, which no tenant has."""
    client.send("DELETE", f"/plans/{segment(plan)}")
    say(f"Deleted plan {plan}.")


def _read(file: TextIO | None) -> Any:
    if file is None:
        return None
    try:
        return json.load(file)
    except ValueError as error:
        raise click.BadParameter(f"{file.name} is not JSON: {error}") from None
