"""Commands that only ask and print, made from what they ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import click

from control_plane.cli.api_client import ApiClient, with_client
from control_plane.cli.output import show, with_output

Columns = Mapping[str, Callable[[dict[str, Any]], str]]
Find = Callable[[ApiClient, str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """`rows` is where the lines of a table are in the answer; json and yaml show all of it, or a list's items."""

    name: str
    path: str
    """With {id} for what the argument names."""
    help: str
    columns: Columns
    rows: str | None = None
    options: tuple[click.Option, ...] = field(default=())


def time_options() -> tuple[click.Option, ...]:
    """--from and --to."""
    return (
        click.Option(["--from", "from"], help="RFC 3339, such as 2026-05-12T00:00:00Z."),
        click.Option(["--to", "to"], help="RFC 3339; default: now."),
    )


def option(name: str, words: str, **given: Any) -> click.Option:
    """An option that is sent as the query parameter of its name."""
    return click.Option([f"--{name}"], help=words, **given)


def command_of(read: Read, *, argument: str, find: Find) -> click.Command:
    """The command that finds what ARGUMENT names, asks, and prints."""

    def run(client: ApiClient, output: str, subject: str, **query: Any) -> None:
        answer = client.get(read.path.format(id=find(client, subject)), **query)
        value = answer["items"] if read.rows == "items" else answer
        if output in ("table", "name") and read.rows is not None:
            value = answer[read.rows]
        show(value, output, columns=read.columns)

    decorated = with_output(with_client(run))
    made = click.command(read.name, help=read.help)(decorated)
    made.params = [click.Argument(["subject"], metavar=argument), *read.options, *made.params]
    return made


def text(name: str, *, none: str = "") -> Callable[[dict[str, Any]], str]:
    """A column of the field `name`."""
    return lambda item: none if item[name] is None else str(item[name])


def milliseconds(value: float | None) -> str:
    """For a table."""
    return "" if value is None else f"{value:.1f}"


def percent(value: float | None) -> str:
    """For a table."""
    return "" if value is None else f"{value:.3f} %"
