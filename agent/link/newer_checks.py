"""Reads the control plane's answers also where they hold what only a newer agent knows.

A check that this version cannot read is held like any other, so that its monitor is in the digest and its slots are
told of as `error`, `incapable`; it does not keep the agent from the rest of the page.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import structlog

from shared.checks import CHECKS, Check
from shared.protocol import Assignments, Dispatch, Dispatches

log = structlog.get_logger()

STAND_IN = {"type": "http", "url": "http://unknown.invalid/"}
"""In the place of a check that cannot be read; it is never run."""

_KIND_LIMIT = 50

T = TypeVar("T", Assignments, Dispatches)


def read(data: bytes, kind: type[T]) -> T:
    """The answer. Work outside the schedule that this version has no name for is left out. Raises MsgspecError."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError:
        answer = msgspec.json.decode(data)
    if isinstance(answer, dict):
        answer |= {name: _readable(name, answer[name]) for name in ("upserts", "items") if name in answer}
    return msgspec.convert(answer, type=kind)


def _readable(name: str, items: Any) -> Any:
    if not isinstance(items, list):
        return items
    held = [_held(item) for item in items]
    return [item for item in held if _is_dispatch(item)] if name == "items" else held


def _held(item: Any) -> Any:
    """An assignment or a dispatch with a stand-in where its check cannot be read, and why."""
    check = item.get("check") if isinstance(item, dict) else None
    if check is None or _fault(check, Check) is None:
        return item
    kind = str(check.get("type") if isinstance(check, dict) else None)[:_KIND_LIMIT]
    why = "cannot read this check" if kind in CHECKS else "does not know checks"
    log.warning("a check is held that this agent cannot run; update it", kind=kind, monitor_id=item.get("monitor_id"))
    said = f"This agent {why} of kind {kind}; update it"
    return {**item, "check": STAND_IN, "unavailable": said, "unavailable_as": "incapable"}


def _is_dispatch(item: Any) -> bool:
    fault = _fault(item, Dispatch)
    if fault is not None:
        log.warning("work is left undone that this agent does not know; update it", fault=fault)
    return fault is None


def _fault(value: Any, kind: Any) -> str | None:
    try:
        msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        return str(error)
    return None
