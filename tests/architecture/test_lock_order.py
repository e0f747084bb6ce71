"""Services take locks in the order of docs/adr/0024, and states that will be judged in one way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVICES = Path(__file__).parents[2] / "control_plane" / "services"

RANKS = {
    "hold_graph": 0,
    "hold_named": 0,
    "hold_all_named": 0,
    "hold_page": 1,
    "held_page": 1,
    "hold_about": 1,
    "claim_window": 1,
    "lock_window": 1,
    "hold_cursor": 1,
    "enter_lane": 2,
    "lock_to_judge": 3,
    "lock_states": 3,
    "lock_monitor": 3,
    "lock_monitors": 3,
    "lock": 3,
    "lock_incident": 3,
    "hold_due": 3,
    "hold_monitors": 4,
    "lock_open": 4,
    "take_number": 5,
    "take_numbers": 5,
    "hold_counters": 5,
    "hold_all_counters": 5,
}
"""Calls that lock, by when they may come: the graph; pages, windows, the operator's incidents; lanes; states; counters.

`lock` is the one of change_monitor, called by its bare name; rows that others call `lock` on are nobody's second lock.
"""


def locks(function: ast.AST) -> list[str]:
    """The locking calls of a function, in the order of its text."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    named = [(call.lineno, call.col_offset, _name(call.func)) for call in calls]
    return [name for _, _, name in sorted(named) if name in RANKS]


def _name(called: ast.expr) -> str:
    match called:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name) if name != "lock":
            return name
        case _:
            return ""


def functions() -> Iterator[tuple[str, list[str]]]:
    for path in sorted(SERVICES.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef):
                yield f"{path.stem}.{node.name}", locks(node)


LOCKING = {name: taken for name, taken in functions() if len(taken) > 1}


@pytest.mark.parametrize("name", LOCKING)
def test_locks_are_taken_in_one_order(name: str) -> None:
    ranks = [RANKS[lock] for lock in LOCKING[name]]
    assert ranks == sorted(ranks), LOCKING[name]


def test_every_kind_of_lock_is_known_by_its_name() -> None:
    taken = {lock for _, locks_ in functions() for lock in locks_}
    assert taken == set(RANKS), "a name that nobody calls any more orders nothing"


def test_states_that_will_be_judged_are_locked_with_what_is_upstream() -> None:
    callers = [path.name for path in SERVICES.rglob("*.py") if "cases.lock_states(" in path.read_text()]
    assert callers == ["lock_to_judge.py"]
