"""`farwatch operator deny-lists`, `opt-outs` and `settings`."""

from __future__ import annotations

import json

import click

from control_plane.cli.finding import segment
from control_plane.cli.operator_client import OperatorClient, with_operator
from control_plane.cli.output import show, with_output
from control_plane.cli.pages import every_item
from control_plane.cli.talk import say

RULES = {
    "KIND": lambda r: r["kind"],
    "VALUE": lambda r: r["value"],
    "REASON": lambda r: r["reason"],
    "ID": lambda r: r["id"],
}
OPT_OUTS = {"DOMAIN": lambda o: o["domain"], "NOTE": lambda o: o["note"] or "", "ID": lambda o: o["id"]}
SETTINGS = {"NAME": lambda s: s["name"], "VALUE": lambda s: json.dumps(s["value"])}


@click.group("deny-lists")
def deny_lists() -> None:
    """List, add and remove rules of what nobody may watch."""


@deny_lists.command("ls")
@click.option("--kind", default=None)
@click.option("--q", default=None, help="Part of the value.")
@with_output
@with_operator
def list_rules(client: OperatorClient, kind: str | None, q: str | None, output: str) -> None:
    """List rules."""
    show(every_item(client, "/deny-lists", kind=kind, q=q), output, columns=RULES)


@deny_lists.command("add")
@click.argument("kind", type=click.Choice(("domain", "url_glob", "url_regex", "cidr")))
@click.argument("value")
@click.option("--reason", required=True, help="Whoever is refused reads it.")
@with_output
@with_operator
def add_rule(client: OperatorClient, kind: str, value: str, reason: str, output: str) -> None:
    """Deny VALUE. What is watched already leaves its agents within seconds."""
    body = {"kind": kind, "value": value, "reason": reason}
    show(client.send("POST", "/deny-lists", body=body), output, columns=RULES)


@deny_lists.command("rm")
@click.argument("rule")
@with_operator
def remove_rule(client: OperatorClient, rule: str) -> None:
    """Remove RULE, by id."""
    client.send("DELETE", f"/deny-lists/{segment(rule)}")
    say("Removed.")


@click.group("opt-outs")
def opt_outs() -> None:
    """List, add and remove domains whose owners asked not to be watched."""


@opt_outs.command("ls")
@click.option("--q", default=None, help="Part of the domain.")
@with_output
@with_operator
def list_opt_outs(client: OperatorClient, q: str | None, output: str) -> None:
    """List domains that opted out."""
    show(every_item(client, "/opt-outs", q=q), output, columns=OPT_OUTS)


@opt_outs.command("add")
@click.argument("domain")
@click.option("--note", default=None, help="Who asked, and when.")
@with_output
@with_operator
def add_opt_out(client: OperatorClient, domain: str, note: str | None, output: str) -> None:
    """Watch DOMAIN and what is below it no more."""
    show(client.send("POST", "/opt-outs", body={"domain": domain, "note": note}), output, columns=OPT_OUTS)


@opt_outs.command("rm")
@click.argument("opt_out")
@with_operator
def remove_opt_out(client: OperatorClient, opt_out: str) -> None:
    """Remove OPT_OUT, by id."""
    client.send("DELETE", f"/opt-outs/{segment(opt_out)}")
    say("Removed.")


@click.group()
def settings() -> None:
    """Show and change settings."""


@settings.command("show")
@with_output
@with_operator
def show_settings(client: OperatorClient, output: str) -> None:
    """Show all settings."""
    _show(client.get("/settings"), output)


@settings.command("set")
@click.argument("name")
@click.argument("value")
@with_output
@with_operator
def set_setting(client: OperatorClient, name: str, value: str, output: str) -> None:
    """Set NAME to VALUE, such as true or 40; null is the default."""
    try:
        read = json.loads(value)
    except ValueError:
        read = value
    _show(client.send("PATCH", "/settings", body={name: read}), output)


def _show(found: dict[str, object], output: str) -> None:
    rows = [{"name": name, "value": value} for name, value in found.items()]
    show(rows if output in ("table", "name") else found, output, columns=SETTINGS)


NEWS = {
    "TITLE": lambda a: a["title"],
    "FROM": lambda a: a["starts_at"],
    "TO": lambda a: a["ends_at"] or "",
    "ID": lambda a: a["id"],
}


@click.group()
def announcements() -> None:
    """List, make and withdraw announcements to everybody."""


@announcements.command("ls")
@with_output
@with_operator
def list_announcements(client: OperatorClient, output: str) -> None:
    """List announcements, newest first."""
    show(every_item(client, "/announcements"), output, columns=NEWS)


@announcements.command("add")
@click.argument("title")
@click.option("--text", default="", help="What to tell, in full.")
@click.option("--from", "starts_at", default=None, help="RFC 3339; default: now.")
@click.option("--to", "ends_at", default=None, help="RFC 3339; default: until it is withdrawn.")
@with_output
@with_operator
def add_announcement(
    client: OperatorClient, title: str, *, text: str, starts_at: str | None, ends_at: str | None, output: str
) -> None:
    """Tell everybody TITLE, above every page of the dashboard and in /feed.xml."""
    body = {"title": title, "text": text, "starts_at": starts_at, "ends_at": ends_at}
    show(client.send("POST", "/announcements", body=body), output, columns=NEWS)


@announcements.command("rm")
@click.argument("announcement")
@with_operator
def remove_announcement(client: OperatorClient, announcement: str) -> None:
    """Withdraw ANNOUNCEMENT, by id."""
    client.send("DELETE", f"/announcements/{segment(announcement)}")
    say("Withdrawn.")
