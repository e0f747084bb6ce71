"""farwatch domains: list, add, verify and remove the domains that are proven to be yours."""

from __future__ import annotations

import sys
from typing import Any

import click

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output
from control_plane.cli.talk import say

PAGE = 200
COLUMNS = {
    "STATE": lambda d: d["state"],
    "DOMAIN": lambda d: d["domain"],
    "METHOD": lambda d: d["method"] or "",
    "VERIFIED": lambda d: d["verified_at"] or "",
    "ID": lambda d: d["id"],
}


@click.group()
def domains() -> None:
    """List, add, verify and remove domains. The apex covers its subdomains."""


@domains.command("ls")
@with_output
@with_client
def list_domains(client: ApiClient, output: str) -> None:
    """List your domains, by name."""
    items = _all(client)
    if not items and output == "table":
        say("No domains. Add one with: farwatch domains add example.com")
        return
    show(items, output, columns=COLUMNS)


@domains.command()
@click.argument("domain")
@with_output
@with_client
def add(client: ApiClient, domain: str, output: str) -> None:
    """Say that DOMAIN is yours, and read how to prove it."""
    made = client.send("POST", "/domains", body={"domain": domain})
    show(made, output, columns=COLUMNS)
    if output == "table":
        _how(made)


@domains.command()
@click.argument("domain")
@with_output
@with_client
def verify(client: ApiClient, domain: str, output: str) -> None:
    """Look for the proof of DOMAIN now; ends with 1 when there is none."""
    found = client.send("POST", f"/domains/{_resolve(client, domain)}/verify")
    show(found, output, columns=COLUMNS)
    if found["state"] != "verified":
        say(f"Not found: {found['last_error']}", style="red")
        _how(found)
        sys.exit(exit_codes.FAILED)


@domains.command("show")
@click.argument("domain")
@with_output
@with_client
def show_domain(client: ApiClient, domain: str, output: str) -> None:
    """Show DOMAIN, by name or id, and how to prove it."""
    found = client.get(f"/domains/{_resolve(client, domain)}")
    show(found, output, columns=COLUMNS)
    if output == "table":
        _how(found)


@domains.command("rm")
@click.argument("domain")
@with_client
def remove(client: ApiClient, domain: str) -> None:
    """Remove DOMAIN, by name or id."""
    client.send("DELETE", f"/domains/{_resolve(client, domain)}")
    say(f"Removed {domain}.")


def _how(domain: dict[str, Any]) -> None:
    proof = domain["proof"]
    say(f"Publish {proof['value']}")
    say(f"  as the only line of {proof['url']}")
    say(f"  or as the TXT record {proof['txt_name']}")
    say(f"then: farwatch domains verify {domain['domain']}")


def _all(client: ApiClient) -> list[Any]:
    items: list[Any] = []
    while True:
        page = client.get("/domains", limit=PAGE, offset=len(items))
        items += page["items"]
        if not page["items"] or len(items) >= page["total"]:
            return items


def _resolve(client: ApiClient, given: str) -> str:
    """The id of a domain given by name or id; ends the program when there is none."""
    if len(given) == 36 and given.count("-") == 4:
        return given
    name = given.lower().rstrip(".")
    for domain in _all(client):
        if domain["domain"] == name:
            return str(domain["id"])
    say(f"There is no domain {given!r}. List them with: farwatch domains ls", style="red")
    sys.exit(exit_codes.NOT_FOUND)
