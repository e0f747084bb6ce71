"""The lines of a plan at the terminal."""

from __future__ import annotations

from typing import Any

from control_plane.cli.plan import lines_of_all


def _change(action: str, number: int) -> dict[str, Any]:
    key = f"k{number}"
    return {"action": action, "kind": "monitor", "key": key, "name": key, "fields": [], "write_source": "api"}


def _lines(changes: list[dict[str, Any]]) -> list[str]:
    return [line.plain for line in lines_of_all(changes)]


def test_thousands_that_no_file_has_do_not_hide_what_changes() -> None:
    lines = _lines([*(_change("unmanaged", number) for number in range(1000)), _change("delete", 1000)])
    assert len(lines) == 22
    assert lines[20:] == ["- monitor k1000", "? 980 more that are not in the file; -o json lists them"]


def test_every_change_is_told_and_a_few_that_no_file_has() -> None:
    lines = _lines([_change("create", number) for number in range(50)] + [_change("unmanaged", 50)])
    assert len(lines) == 51
    assert lines[-1] == "? monitor k50  (not in the file; last written by api)"
