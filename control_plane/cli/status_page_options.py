"""The options of a status page, as the part of a body that they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

COLOURS = ("accent", "accent_dark", "background", "background_dark")
_OPTIONS = (
    click.option("--publish/--draft", "published", default=None, help="Whether the public may read it."),
    click.option("--listed/--unlisted", default=None, help="Unlisted: only who knows the address finds it."),
    click.option("--description", default=None),
    click.option("--language", type=click.Choice(["en", "de", "ar"]), default=None),
    *(click.option(f"--{name.replace('_', '-')}", default=None, metavar="#RRGGBB") for name in COLOURS),
    click.option("--password", default=None, help="What readers have to know; - asks for it, none takes it away."),
    click.option("--domain", "custom_domain", default=None, help="A host name below a domain that is proven yours."),
    click.option("--header", "header_text", default=None, help="A text above the components."),
    click.option("--footer", "footer_text", default=None, help="A text below everything."),
    click.option("--show-uptime/--hide-uptime", default=None),
    click.option("--show-latency/--hide-latency", default=None),
    click.option("--history-days", type=click.IntRange(1, 90), default=None),
)


def with_page(function: Callable[..., Any]) -> Callable[..., Any]:
    """Everything of a page but its slug and title."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def body_of(given: dict[str, Any]) -> dict[str, Any]:
    """What was said, as the API takes it."""
    body = {name: value for name, value in given.items() if value is not None}
    if "published" in body:
        body["state"] = "published" if body.pop("published") else "draft"
    if body.get("password") == "-":
        body["password"] = click.prompt("Password of the page", hide_input=True, confirmation_prompt=True, err=True)
    if body.get("password") == "none":
        body["password"] = None
    colours = {name: body.pop(name) for name in COLOURS if name in body}
    return body | ({"branding": colours} if colours else {})
