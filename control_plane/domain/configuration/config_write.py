"""Writing a configuration file: YAML that people read and git compares, JSON, and CSV of the monitors."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import yaml

from control_plane.domain.configuration.config_yaml import read_yaml
from control_plane.errors import BadRequest

SCHEMA_LINE = "# yaml-language-server: $schema={url}\n"
"""What editors with YAML support look at."""

CSV_COLUMNS = ("key", "name", "type", "target", "interval", "regions", "tags", "group", "severity", "enabled", "owner")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet take a cell for a formula, as its first character."""


def to_yaml(document: Mapping[str, Any], *, schema_url: str) -> str:
    """The document in block style with a blank line before each object of a section."""
    head = SCHEMA_LINE.format(url=schema_url)
    parts = [_dump({name: value}) for name, value in document.items() if not isinstance(value, list)]
    for name, section in document.items():
        if isinstance(section, list):
            parts.append(f"\n{name}:\n" + "\n".join(_dump([entry]) for entry in section))
    return head + "".join(parts)


def to_json(document: Mapping[str, Any], *, schema_url: str) -> bytes:
    """The document as indented JSON; `$schema` is what editors look at."""
    encoded = msgspec.json.encode({"$schema": schema_url, **document})
    return msgspec.json.format(encoded, indent=2) + b"\n"


def to_csv(monitors: Sequence[Mapping[str, Any]]) -> str:
    """One line for each monitor (RFC 4180), for people with a spreadsheet. It cannot be applied.

    A cell that would be a formula begins with an apostrophe (https://owasp.org/www-community/attacks/CSV_Injection).
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(CSV_COLUMNS)
    for one in monitors:
        writer.writerow([safe_cell(one.get(column)) for column in CSV_COLUMNS])
    return out.getvalue()


def safe_cell(value: object) -> str:
    """The text of a cell that no spreadsheet runs."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            text = ";".join(str(item) for item in value)
        case _:
            text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not isinstance(value, int | float) else text


class _Dumper(yaml.CSafeDumper):
    """Text is quoted wherever this or an older reader of YAML would take it for something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Everything is written out where it is."""
        return True


def _text(dumper: Any, value: str) -> Any:
    style = "|" if "\n" in value else None
    if (style is None and not _reads_back(value)) or (style and not _fits_a_block(value)):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _fits_a_block(value: str) -> bool:
    """Whether the lines can stand as they are, without signs for blanks that nobody sees."""
    return value[0] not in " \t\n" and not value.endswith("\n\n") and all(x == x.rstrip() for x in value.split("\n"))


def _reads_back(value: str) -> bool:
    """Whether a plain scalar of this text is text under YAML 1.2; libyaml itself knows 1.1."""
    if not value or value[0] not in "0123456789+-.~ntfNTF":
        return True
    try:
        return bool(read_yaml(f"[{value}]", with_lines=False).value == [value])
    except BadRequest:
        return False


_Dumper.add_representer(str, _text)


def _dump(value: Any) -> str:
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=4096))
