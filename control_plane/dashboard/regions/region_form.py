"""What a person types about a private region, read field by field. Pure."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from msgspec import Struct, field

SLUG_HELP = "Lower-case letters, digits and hyphens, at most 40; it is never changed later"
_LONGEST = 100
_MOST_CIDRS = 50
_ALPHABET = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


class Entered(Struct, frozen=True):
    """The fields as typed, and what is wrong with which. `problem` is of the whole form."""

    values: dict[str, str] = field(default_factory=dict)
    enabled: bool = True
    problems: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def read_region(text: Callable[[str], str]) -> tuple[dict[str, Any], Entered]:
    """The columns to write, and the form as it was typed with its problems. `text` gives a field, stripped."""
    values = {name: text(name) for name in ("name", "city", "country", "latitude", "longitude", "allow_cidrs")}
    problems: dict[str, str] = {}
    fields: dict[str, Any] = {"enabled": text("enabled") == "yes"}
    fields["name"] = values["name"]
    if not 1 <= len(values["name"]) <= _LONGEST:
        problems["name"] = f"A name has 1 to {_LONGEST} characters."
    for name in ("city", "country"):
        fields[name] = values[name] or None
        if len(values[name]) > _LONGEST:
            problems[name] = f"At most {_LONGEST} characters."
    for name, most in (("latitude", 90.0), ("longitude", 180.0)):
        fields[name] = _degrees(values[name], most, name, problems)
    fields["allow_cidrs"] = _networks(values["allow_cidrs"], problems)
    return fields, Entered(values, fields["enabled"], problems)


def read_slug(slug: str) -> str:
    """What is wrong with a new region's id; empty if nothing is."""
    fits = 1 <= len(slug) <= 40 and set(slug) <= _ALPHABET and slug[0] != "-" and slug[-1] != "-"
    return "" if fits else f"{SLUG_HELP}, such as office-leeds."


def _degrees(text: str, most: float, name: str, problems: dict[str, str]) -> float | None:
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = most + 1
    if not -most <= value <= most:  # NaN is not between, either
        problems[name] = f"Degrees between -{most:.0f} and {most:.0f}, such as 53.8."
        return None
    return value


def _networks(text: str, problems: dict[str, str]) -> list[str]:
    found = text.replace(",", " ").split()
    if len(found) > _MOST_CIDRS:
        problems["allow_cidrs"] = f"At most {_MOST_CIDRS} networks."
        return []
    for each in found:
        try:
            ip_network(each)
        except ValueError as error:
            problems["allow_cidrs"] = f"{error}: write a network such as 10.0.0.0/8."[:200]
            return []
    return found
