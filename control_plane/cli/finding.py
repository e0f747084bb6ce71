"""From what people type (an id, a number, a name) to the id that a path needs."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import quote
from uuid import UUID

from control_plane.cli import exit_codes
from control_plane.cli.api_client import ApiClient
from control_plane.cli.pages import every_item
from control_plane.cli.talk import say


def monitor_of(client: ApiClient, given: str) -> str:
    """The id of the one monitor of that id, number or exact name; ends the program where there is not exactly one."""
    if is_id(given):
        return given
    if given.isdecimal() and (items := client.get("/monitors", number=given)["items"]):
        return str(items[0]["id"])
    named = [each for each in every_item(client, "/monitors", q=given) if each["name"] == given]
    return _only(named, given, word="monitor", remedy="farwatch monitors ls")


def one_of(client: ApiClient, path: str, given: str, *, word: str, remedy: str, by: str = "name") -> str:
    """The id of the one item of the list at `path` of that id, number or exact name, or what stands for a name."""
    if is_id(given):
        return given
    found = [each for each in every_item(client, path) if given in (str(each.get("number", "")), each.get(by))]
    return _only(found, given, word=word, remedy=remedy)


def is_id(given: str) -> bool:
    """Whether this is a UUID."""
    try:
        return str(UUID(given)) == given.lower()
    except ValueError:
        return False


def segment(text: str) -> str:
    """A name of people as one segment of a path."""
    return quote(text, safe="")


def _only(found: list[dict[str, Any]], given: str, *, word: str, remedy: str) -> str:
    if len(found) == 1:
        return str(found[0]["id"])
    what = f"{len(found)} {word}s are named {given!r}: give an id" if found else f"There is no {word} {given!r}"
    say(f"{what}. List them with: {remedy}", style="red")
    sys.exit(exit_codes.USAGE if found else exit_codes.NOT_FOUND)
