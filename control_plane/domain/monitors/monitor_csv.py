"""Monitors as rows of a table (RFC 4180): a header, and a row for each, whose cells become a monitor's body.

Spreadsheets write a byte order mark, and semicolons where the comma is a decimal sign. An empty cell says nothing: the
field has its default. The apostrophe that keeps a spreadsheet from computing a cell (OWASP, CSV injection) goes.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from control_plane.errors import BadRequest

_NIGHT = re.compile(r"(?P<start>\d\d:\d\d)\s*[-–]\s*(?P<end>\d\d:\d\d)\s+(?P<zone>\S+)")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read_monitor_rows(raw: bytes) -> list[Any]:
    """A body for each row, in their order. A cell that cannot be read is handed on as text, for the rules to refuse.

    Raises BadRequest INVALID_CSV for what is no table, and for a header that is not ours, with the line.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _refusal("it is not UTF-8: save it as “CSV UTF-8”", 1) from None
    if "\0" in text:
        raise _refusal("it holds a NUL", text[: text.index("\0")].count("\n") + 1)
    first = text.split("\n", 1)[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip().lower() for name in next(rows, [])]
        _check_header(header)
        return [_body(header, row, rows.line_num) for row in rows if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise _refusal(str(error), rows.line_num) from None


def _check_header(header: Sequence[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        raise _refusal(f"the column “{unknown[0][:60]}” is not known; known: {', '.join(COLUMNS)}", 1)
    if len(set(header)) != len(header):
        raise _refusal("a column stands in the header twice", 1)
    if not {"name", "check"} <= set(header):
        raise _refusal("the header needs at least the columns name and check", 1)


def _body(header: Sequence[str], row: Sequence[str], line: int) -> dict[str, Any]:
    if len(row) != len(header):
        raise _refusal(f"{len(row)} cells, and the header has {len(header)}", line)
    cells = {name: _plain(cell) for name, cell in zip(header, row, strict=True) if cell.strip()}
    return {name: COLUMNS[name](cell) for name, cell in cells.items()}


def _plain(cell: str) -> str:
    text = cell.strip()
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULA) else text


def _whole(cell: str) -> Any:
    return int(cell) if cell.isascii() and cell.lstrip("-").isdigit() and len(cell) < 16 else cell


def _truth(cell: str) -> Any:
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(cell.lower(), cell)


def _words(cell: str) -> list[str]:
    """Several words in one cell, separated by commas, semicolons or bars."""
    return [word.strip() for word in cell.replace(";", ",").replace("|", ",").split(",") if word.strip()]


def _or_object(cell: str) -> Any:
    """The short form, or an object as JSON."""
    if not cell.startswith("{"):
        return cell
    try:
        return json.loads(cell, object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        return cell


def _quiet_hours(cell: str) -> Any:
    """`22:00-07:00 Europe/Berlin`, or all of it as JSON."""
    if found := _NIGHT.fullmatch(cell):
        return {"start": found["start"], "end": found["end"], "time_zone": found["zone"]}
    return _or_object(cell)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return dict(pairs)


def _refusal(why: str, line: int) -> BadRequest:
    return BadRequest(f"The CSV cannot be read: line {line}: {why}", code="INVALID_CSV", details={"line": line})


COLUMNS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("name", "key", "group", "owner", "notes", "severity", "alert_on", "region_policy"), str),
    **dict.fromkeys(("interval", "confirmations", "renotify_interval_secs", "max_repeats"), _whole),
    **dict.fromkeys(("enabled", "notify_recovery", "backoff_when_down"), _truth),
    **dict.fromkeys(("tags", "regions", "depends_on"), _words),
    "check": _or_object,
    "quiet_hours": _quiet_hours,
}
"""The columns that there may be: fields of a monitor."""
