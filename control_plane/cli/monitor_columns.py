"""How monitors look in a table, and how checks are typed."""

from __future__ import annotations

import json
from typing import Any

import click
import msgspec

from control_plane.domain.checks.target_text import target_text
from shared.checks import Check

COLUMNS = {
    "STATE": lambda m: m["state"]["shown"],
    "NAME": lambda m: m["name"],
    "CHECK": lambda m: target_of(m["check"]),
    "EVERY": lambda m: "–" if m["interval"] is None else f"{m['interval']} s",
    "WHY": lambda m: m["state"]["reason"],
    "ID": lambda m: m["id"],
}


def target_of(check: dict[str, Any]) -> str:
    """What is checked, in words; its kind alone, where the server is newer and has kinds unknown here."""
    try:
        return target_text(msgspec.convert(check, type=Check))
    except msgspec.ValidationError:
        return str(check.get("type", ""))


def check_of(text: str) -> object:
    """A check as a body has it: the text that stands for one, or its JSON."""
    if not text.lstrip().startswith("{"):
        return text
    try:
        return json.loads(text)
    except ValueError as error:
        raise click.UsageError(f"CHECK looks like JSON and is not: {error}") from None
