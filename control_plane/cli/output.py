"""Data on stdout: a table for people, json, yaml or names for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

FORMATS = ("table", "json", "yaml", "name")
F = TypeVar("F", bound=Callable[..., Any])

PIPED_WIDTH = 250
"""Columns when nobody looks: nothing is folded for a program that reads lines."""

STATE_STYLES = {
    "up": "green",
    "degraded": "yellow",
    "down": "bold red",
    "unknown": "dim",
    "paused": "dim",
    "maintenance": "dim",
}


def with_output(function: F) -> F:
    """Give the command `-o`."""
    option = click.option(
        "-o", "--output", type=click.Choice(FORMATS), default="table", show_default=True, help="How to print."
    )
    return option(function)


def show(value: Any, output: str, *, columns: Mapping[str, Callable[[dict[str, Any]], str]]) -> None:
    """Print one object or a list of them. `columns`: heading to text, for the table."""
    items: Sequence[dict[str, Any]] = value if isinstance(value, list) else [value]
    match output:
        case "json":
            click.echo(json.dumps(value, indent=2, ensure_ascii=False))
        case "yaml":
            click.echo("\n".join(_yaml(value, 0)))
        case "name":
            for item in items:
                click.echo(item["id"])
        case _:
            _show_table(items, columns)


def _show_table(items: Sequence[dict[str, Any]], columns: Mapping[str, Callable[[dict[str, Any]], str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in columns:
        table.add_column(heading, overflow="fold", no_wrap=heading in ("STATE", "EVERY", "ID"))
    for item in items:
        cells = [column(item) for column in columns.values()]
        table.add_row(*(f"[{STATE_STYLES[c]}]{c}[/]" if c in STATE_STYLES else _plain(c) for c in cells))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)


def printable(text: str) -> str:
    """Names come from people: no control character of theirs reaches the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def _plain(text: str) -> str:
    """No markup in it means anything."""
    return printable(text).replace("[", "\\[")


def _yaml(value: Any, depth: int) -> list[str]:
    """JSON values as block YAML; scalars are written as JSON, which YAML 1.2 includes."""
    pad = "  " * depth
    match value:
        case dict() if value:
            lines = []
            for key, inner in value.items():
                head = f"{pad}{json.dumps(key) if not key.isidentifier() else key}:"
                nested = isinstance(inner, dict | list) and inner
                lines += [head, *_yaml(inner, depth + 1)] if nested else [f"{head} {json.dumps(inner)}"]
            return lines
        case list() if value:
            lines = []
            for inner in value:
                first, *rest = _yaml(inner, depth + 1)
                lines += [f"{pad}- {first.lstrip()}", *rest]
            return lines
        case _:
            return [f"{pad}{json.dumps(value, ensure_ascii=False)}"]
