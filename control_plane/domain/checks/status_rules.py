"""Expected statuses: the tagged forms, and the plain `200` and `"2xx"`, which read back as tagged ones."""

from __future__ import annotations

import re
from typing import Any

from control_plane.domain.field_rules import refusal
from control_plane.errors import BadRequest
from shared.checks.http import ExactStatus, ExpectedStatus, StatusBounds, StatusOneOf, StatusRange

MAX_STATUSES = 50
_CLASS = re.compile(r"([1-5])[xX][xX]")


def expected_status(value: Any, pointer: str) -> ExpectedStatus:
    """Raises BadRequest INVALID_STATUS_RANGE for everything that is not exactly one of the shapes."""
    match value:
        case int():
            return ExactStatus(_status(value, pointer))
        case str():
            return _status_class(value, pointer)
        case {"kind": "exact", "value": status} if len(value) == 2:
            return ExactStatus(_status(status, pointer))
        case {"kind": "range", "value": {"min": low, "max": high} as bounds} if len(value) == 2 and len(bounds) == 2:
            return _range(low, high, pointer)
        case {"kind": "one_of", "value": [*statuses]} if len(value) == 2 and 1 <= len(statuses) <= MAX_STATUSES:
            return StatusOneOf(tuple(dict.fromkeys(_status(status, pointer) for status in statuses)))
        case _:
            raise _refusal(pointer)


def _range(low: object, high: object, pointer: str) -> StatusRange:
    bounds = StatusBounds(_status(low, pointer), _status(high, pointer))
    if bounds.min > bounds.max:
        raise _refusal(pointer)
    return StatusRange(bounds)


def _status_class(value: str, pointer: str) -> StatusRange:
    match = _CLASS.fullmatch(value)
    if match is None:
        raise _refusal(pointer)
    first = int(match[1]) * 100
    return StatusRange(StatusBounds(first, first + 99))


def _status(value: object, pointer: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 100 <= value <= 599:
        raise _refusal(pointer)
    return value


def _refusal(pointer: str) -> BadRequest:
    return refusal(
        "INVALID_STATUS_RANGE",
        'this must be a status from 100 to 599, a class like "2xx", {"kind":"exact","value":200}, '
        '{"kind":"range","value":{"min":200,"max":299}} or {"kind":"one_of","value":[200,204]}',
        pointer,
    )
