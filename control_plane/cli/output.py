"""Data on stdout: a table for people, json, yaml or names for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
import yaml
from rich.console import Console
from rich.table import Table

FORMATS = ("table", "json", "yaml", "name")
F = TypeVar("F", bound=Callable[..., Any])

_NAMES = ("id", "monitor_id", "name", "number", "region", "date", "t", "slot", "at", "from", "verdict", "period_days")

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
            click.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=False), nl=False)
        case "name":
            for item in items:
                click.echo(name_of(item))
        case _:
            _show_table(items, columns)


def name_of(item: Mapping[str, Any]) -> str:
    """What another command takes for this item: its id, or what stands for one where there is none."""
    return next(str(item[name]) for name in _NAMES if item.get(name) is not None)


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
